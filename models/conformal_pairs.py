"""The same scales from pairs of noisy frames: a user's own camera has no truth.

The second frame of a pair is noisy, but its noise is independent of the first and known, so that it
can be taken off (`squared_error`).
"""

from __future__ import annotations

from math import exp, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from models.conformal import LEAST_FRAMES, PARTS, octave

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

_NORMAL_90 = 1.2816
"""90 % quantile of a normal number."""


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
        if np.count_nonzero(chosen) < LEAST_FRAMES:
            continue
        for part, value in zip(PARTS, scales(chosen), strict=True):
            found[f"{region}.{each}.{part}"] = round(value, 4)
    return found
