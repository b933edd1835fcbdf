"""How wrong is a restored image? Its own variance, scaled so that it was right on known frames.

A network says how sure it is; whether that is so is measured. On held-out frames the true error of
each frame is divided by the one that the network states. The 10 % and 90 % quantiles of that ratio
make an interval that holds the true error of 80 % of all frames like them: split-conformal
prediction. It is kept per octave of light, cells and background apart, and for scenes of faint,
usual and clear contrast: a policy shows a network clear scenes where chance shows it faint ones,
and intervals that did not ask were too wide for the one and too narrow for the other
(docs/decisions/038).

References
----------
Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World (2005); for images: Angelopoulos et
al., ICML 162 (2022) 717. From pairs of noisy frames, without the truth: `models.conformal_pairs`.
"""

from __future__ import annotations

from math import isfinite, log, log2
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Values = NDArray[np.float64]

LEVEL = 0.8
"""Share of frames whose true error lies in the interval."""
LOWEST, HIGHEST = -5, 9
"""Octaves of light: 1/32 to 1024 mean photo-electrons a pixel."""
_REACH = 0.5
"""Standard deviation, octaves, of the weights by which an octave learns from its neighbours, for
the ratio changes slowly with light (proposed)."""
LEAST_FRAMES = 30
"""Frames from which an octave has a scale of its own (proposed)."""
PARTS = ("low", "middle", "high")
_NODES = {"": 0.0, "_faint": -1.3, "_clear": 1.3}
"""Contrasts that have scales of their own, in standard deviations from the mean of an octave, and
what their keys end with: a tenth of all scenes lies beyond either (proposed)."""
_ALIKE = 0.6
"""Standard deviation, in the same, of the weights by which they learn from scenes around them
(measured: 0.4 follows chance)."""
_LEAST_E = 0.03
"""Light below which a region is dark, e- a pixel: of noise no logarithm is taken (proposed)."""
_CONTRAST_MAX = 3.0


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


def contrast_of(cells_e: float, background_e: float) -> float:
    """Return the logarithm of cells over background, photo-electrons; 0 where one is not there."""
    if not (isfinite(cells_e) and isfinite(background_e)):
        return 0.0
    ratio = log(max(cells_e, _LEAST_E) / max(background_e, _LEAST_E))
    return min(max(ratio, -_CONTRAST_MAX), _CONTRAST_MAX)


class Conformal:
    """Turns the error that a network states into the one that is to be expected.

    Parameters
    ----------
    scales
        Of a package's manifest: ``"cells.3.low"`` is the 10 % quantile of true over stated error of
        cells with 8 to 16 e- a pixel; so are ``middle``, ``high`` and ``background``. Where
        ``low_faint`` and ``low_clear`` are, they are those of scenes whose contrast is 1.3
        ``contrast_sd`` below and above the mean ``contrast`` of that octave.
    """

    def __init__(self, scales: Mapping[str, float]) -> None:
        self._curves = {region: _Curve(scales, region) for region in ("cells", "background")}

    @property
    def is_known(self) -> bool:
        """Whether there is a scale for both regions."""
        return all(len(curve.where) for curve in self._curves.values())

    def __call__(
        self, stated_e: float, mean_e: float, *, cells: bool, contrast: float | None = None
    ) -> Expected:
        """Return the error to be expected.

        Parameters
        ----------
        stated_e
            Root of the mean variance that the network states over the region, photo-electrons.
        mean_e
            Mean photo-electrons a pixel of the region.
        contrast
            Of the image (`contrast_of`); None for what is usual in such light.
        """
        curve = self._curves["cells" if cells else "background"]
        if not len(curve.where) or not (isfinite(stated_e) and isfinite(mean_e)):
            return UNKNOWN
        low, middle, high = (
            stated_e * each for each in curve(log2(max(mean_e, 2.0**LOWEST)), contrast)
        )
        return Expected(middle, low, high)


class _Curve:
    """The scales of one region, in any light and at any contrast.

    Attributes
    ----------
    where
        Middles of the octaves that have scales.
    """

    def __init__(self, scales: Mapping[str, float], region: str) -> None:
        known = {int(key.split(".")[1]) for key in scales if key.startswith(f"{region}.")}
        stems = [f"{region}.{octave}." for octave in sorted(known)]
        self.where = np.array(sorted(known), float) + 0.5
        self._usual = np.array([scales.get(f"{stem}contrast", 0.0) for stem in stems])
        self._spread = np.array([scales.get(f"{stem}contrast_sd", 1.0) for stem in stems])
        self._ends = sorted(_NODES, key=_NODES.__getitem__)
        self._parts = [
            [
                np.array(
                    [scales.get(f"{stem}{part}{end}", scales[f"{stem}{part}"]) for stem in stems]
                )
                for end in self._ends
            ]
            for part in PARTS
        ]  # (3 parts, 3 contrasts, octaves)

    def __call__(self, where: float, contrast: float | None) -> tuple[float, float, float]:
        """Return 10 %, 50 % and 90 % of true over stated error; `where` is log2 of the light."""
        beyond = 0.0
        if contrast is not None:
            usual, spread = (
                float(np.interp(where, self.where, each)) for each in (self._usual, self._spread)
            )
            beyond = (contrast - usual) / spread
        nodes = [_NODES[end] for end in self._ends]
        low, middle, high = (
            float(np.interp(beyond, nodes, [np.interp(where, self.where, each) for each in part]))
            for part in self._parts
        )
        return low, middle, high


def _values(scales: Mapping[str, float], stems: Sequence[str], part: str, end: str) -> Values:
    """Return a scale of each octave; of the usual contrast where there is none for that."""
    return np.array([scales.get(f"{stem}{part}{end}", scales[f"{stem}{part}"]) for stem in stems])


def fit(
    region: str,
    stated_e: Values,
    true_e: Values,
    mean_e: Values,
    contrast: Values | None = None,
    weight: Values | None = None,
) -> dict[str, float]:
    """Return the scales of a region, from frames whose true error is known.

    Parameters
    ----------
    stated_e, true_e, mean_e
        Stated and true error and mean light of the region in each frame, (N,) photo-electrons.
    contrast
        Of each frame (`contrast_of`), (N,); None where nobody will ask.
    weight
        How much each frame counts, (N,); 1 if None.

    References
    ----------
    The quantiles are those of Vovk et al., rank ``ceil((n + 1) q)`` of n ratios; with weights,
    those of Tibshirani, Foygel Barber, Candes & Ramdas, NeurIPS 2019; weights that fall off with
    what a case is like: Guan, Biometrika 110 (2023) 33.
    """
    ratio, where = true_e / stated_e, np.log2(np.maximum(mean_e, 2.0**LOWEST))
    found: dict[str, float] = {}
    for each in np.unique(np.floor(where)).astype(int):
        if each > HIGHEST or np.count_nonzero(np.floor(where) == each) < LEAST_FRAMES:
            continue
        near = np.exp(-0.5 * ((where - each - 0.5) / _REACH) ** 2)
        near = near if weight is None else near * weight
        stem = f"{region}.{each}."
        if contrast is None:
            found |= _scales(stem, "", ratio, near)
            continue
        usual = float(np.average(contrast, weights=near))
        spread = max(float(np.sqrt(np.average((contrast - usual) ** 2, weights=near))), 1e-3)
        found |= {f"{stem}contrast": round(usual, 4), f"{stem}contrast_sd": round(spread, 4)}
        beyond = np.clip((contrast - usual) / spread, min(_NODES.values()), max(_NODES.values()))
        for end, node in _NODES.items():
            alike = near * np.exp(-0.5 * ((beyond - node) / _ALIKE) ** 2)
            found |= _scales(stem, end, ratio, alike)
    return found


def _scales(stem: str, end: str, ratio: Values, weights: Values) -> dict[str, float]:
    values = _quantiles(ratio, weights)
    return {
        f"{stem}{part}{end}": round(value, 4) for part, value in zip(PARTS, values, strict=True)
    }


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
