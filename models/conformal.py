"""How wrong is a restored image? Its own variance, scaled so that it was right on known frames.

A network says how sure it is; whether that is so is measured. On held-out frames the true error of
each frame is divided by the one that the network states. The 10 % and 90 % quantiles of that ratio
make an interval that holds the true error of 80 % of all frames like them: split-conformal
prediction. It is kept per octave of light, cells and background apart.

References
----------
Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World (2005); for images: Angelopoulos et
al., ICML 162 (2022) 717. Against a second noisy frame: `squared_error`.
"""

from __future__ import annotations

from math import exp, isfinite, log2, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Values = NDArray[np.float64]

LEVEL = 0.8
"""Share of frames whose true error lies in the interval."""
LOWEST, HIGHEST = -5, 9
"""Octaves of light: 1/32 to 1024 mean photo-electrons a pixel."""
_REACH = 0.5
"""Standard deviation, octaves, of the weights by which an octave learns from its neighbours, for
the ratio changes slowly with light (proposed)."""
_LEAST_FRAMES = 30
"""Frames from which an octave has a scale of its own (proposed)."""
_NORMAL_90 = 1.2816
"""90 % quantile of a normal number."""
_PARTS = ("low", "middle", "high")


class Expected(NamedTuple):
    """Root-mean-square error of a region, photo-electrons: as expected, and its 80 % interval."""

    rmse_e: float
    low_e: float
    high_e: float


UNKNOWN = Expected(0.0, 0.0, 0.0)
"""Of a region that is not there, or a network without scales."""


def octave(mean_e: float) -> int:
    """Return the octave of light of a region's mean photo-electrons a pixel."""
    return int(min(max(np.floor(log2(max(mean_e, 2.0**LOWEST))), LOWEST), HIGHEST))


class Conformal:
    """Turns the error that a network states into the one that is to be expected.

    Parameters
    ----------
    scales
        Of a package's manifest: ``"cells.3.low"`` is the 10 % quantile of true over stated error of
        cells with 8 to 16 e- a pixel; so are ``middle``, ``high`` and ``background``.
    """

    def __init__(self, scales: Mapping[str, float]) -> None:
        self._curves = {region: _curve(scales, region) for region in ("cells", "background")}

    @property
    def is_known(self) -> bool:
        """Whether there is a scale for both regions."""
        return all(len(octaves) for octaves, _ in self._curves.values())

    def __call__(self, stated_e: float, mean_e: float, *, cells: bool) -> Expected:
        """Return the error to be expected.

        Parameters
        ----------
        stated_e
            Root of the mean variance that the network states over the region, photo-electrons.
        mean_e
            Mean photo-electrons a pixel of the region.
        """
        octaves, scales = self._curves["cells" if cells else "background"]
        if not len(octaves) or not (isfinite(stated_e) and isfinite(mean_e)):
            return UNKNOWN
        where = log2(max(mean_e, 2.0**LOWEST))
        low, middle, high = (
            stated_e * float(np.interp(where, octaves + 0.5, part)) for part in scales
        )
        return Expected(middle, low, high)


def _curve(scales: Mapping[str, float], region: str) -> tuple[Values, Values]:
    known = sorted(int(key.split(".")[1]) for key in scales if key.startswith(f"{region}."))
    octaves = np.array(sorted(set(known)), float)
    parts = [[scales[f"{region}.{int(o)}.{part}"] for o in octaves] for part in _PARTS]
    return octaves, np.array(parts, float)


def fit(region: str, stated_e: Values, true_e: Values, mean_e: Values) -> dict[str, float]:
    """Return the scales of a region, from frames whose true error is known.

    Parameters
    ----------
    stated_e, true_e, mean_e
        Stated and true error and mean light of the region in each frame, (N,) photo-electrons.

    References
    ----------
    The quantiles are those of Vovk et al., rank ``ceil((n + 1) q)`` of n ratios; with weights,
    those of Tibshirani, Foygel Barber, Candes & Ramdas, NeurIPS 2019.
    """
    ratio, where = true_e / stated_e, np.log2(np.maximum(mean_e, 2.0**LOWEST))
    found: dict[str, float] = {}
    for each in np.unique(np.floor(where)).astype(int):
        if each > HIGHEST or np.count_nonzero(np.floor(where) == each) < _LEAST_FRAMES:
            continue
        weights = np.exp(-0.5 * ((where - each - 0.5) / _REACH) ** 2)
        for part, value in zip(_PARTS, _quantiles(ratio, weights), strict=True):
            found[f"{region}.{each}.{part}"] = round(value, 4)
    return found


def _quantiles(ratio: Values, weights: Values) -> tuple[float, float, float]:
    """Return the quantiles of weighted ratios; a new one weighs as much as the heaviest."""
    order = np.argsort(ratio)
    ranked, share = ratio[order], np.cumsum(weights[order]) / (weights.sum() + weights.max())
    tail = (1.0 - LEVEL) / 2.0
    last = len(ranked) - 1
    low, middle, high = (
        min(int(np.searchsorted(share, each)), last) for each in (tail, 0.5, 1.0 - tail)
    )
    return float(ranked[max(low - 1, 0)]), float(ranked[middle]), float(ranked[high])


def squared_error(
    photons: NDArray[Any], again_e: NDArray[Any], read_noise_e: float
) -> NDArray[np.float64]:
    """Return a noisy but unbiased squared error of each pixel, from a second frame of the scene.

    ``E[(y2 - f(y1))^2] = (x - f)^2 + x + r^2`` for a second frame y2 of independent noise, and y2
    is an unbiased estimate of x, so that ``(y2 - f)^2 - y2 - r^2`` has the squared error as its
    mean: no clean truth is needed, only the calibration.

    Parameters
    ----------
    photons
        The estimate from the first frame, photo-electrons.
    again_e
        The second frame, photo-electrons, neither clipped nor smoothed.
    """
    second = np.asarray(again_e, np.float64)
    squared: NDArray[np.float64] = (second - photons) ** 2 - second - read_noise_e**2
    return squared


def fit_from_pairs(
    region: str, stated_e: Values, squared_e2: Values, chance_e2: Values, mean_e: Values
) -> dict[str, float]:
    """Return the scales of a region, from pairs of noisy frames.

    The spread of the noisy ratios is that of the true ones and that of chance, which is known and
    taken off; the true ratios are taken to be log-normal.

    Parameters
    ----------
    squared_e2
        Mean of `squared_error` over the region in each frame, (N,).
    chance_e2
        Its standard error, (N,): the standard deviation over the pixels over the root of their
        number.
    """
    ratio, chance = squared_e2 / stated_e**2, chance_e2 / stated_e**2

    def scales(chosen: NDArray[np.bool_]) -> tuple[float, float, float]:
        weight = 1.0 / (chance[chosen] ** 2 + 0.1)  # the true ones' own spread is about 0.3 (ours)
        weight /= weight.sum()
        mean = float(np.dot(weight, ratio[chosen]))
        spread = float(np.dot(weight, (ratio[chosen] - mean) ** 2 - chance[chosen] ** 2))
        # Of a log-normal square: half its logarithm's deviation is that of the root.
        width = 0.5 * sqrt(np.log1p(max(spread, 0.0) / max(mean, 1e-9) ** 2))
        middle = sqrt(max(mean, 1e-9)) * exp(-(width**2))
        return middle * exp(-_NORMAL_90 * width), middle, middle * exp(_NORMAL_90 * width)

    return _by_octave(region, mean_e, scales)


def _by_octave(region: str, mean_e: Values, scales: Any) -> dict[str, float]:
    octaves = np.array([octave(float(value)) for value in mean_e])
    found: dict[str, float] = {}
    for each in np.unique(octaves):
        chosen = octaves == each
        if np.count_nonzero(chosen) < _LEAST_FRAMES:
            continue
        for part, value in zip(_PARTS, scales(chosen), strict=True):
            found[f"{region}.{each}.{part}"] = round(value, 4)
    return found
