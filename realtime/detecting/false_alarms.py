"""From "so many false alarms a frame" to a threshold, whatever the exposure.

The image is blurred by a Gaussian as wide as what is sought (a matched filter) and its maxima are
tested. Without a cell it is a smooth random field, and how many of its maxima pass a threshold is
known in closed form. Photons are counted, so their noise is lopsided in dim light: the threshold is
lifted by just that much.

References
----------
Worsley et al., Human Brain Mapping 4 (1996) 58, table 2: maxima of a Gaussian field above a level.
Cornish and Fisher, Rev. Inst. Int. Stat. 5 (1938) 307: quantiles of a lopsided distribution.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOWEST, _HIGHEST = 1.0, 40.0
"""Bounds of a threshold, sigma; below the first, a field has no separate maxima to be counted."""
_STEPS = 60
"""Halvings: the answer is exact to the last bit of a float."""


def expected_false_alarms(threshold: float, shape: tuple[int, int], blur_px: float) -> float:
    """Return how many maxima of pure noise pass a threshold in one frame.

    The Euler characteristic of what is above it: its area, its rim, and one.

    Parameters
    ----------
    threshold
        In standard deviations of the blurred image.
    shape, blur_px
        Height and width of the frame, and the sigma of the blur of its white noise, px.
    """
    height, width = shape
    roughness = 1.0 / (math.sqrt(2.0) * blur_px)  # sd of the field's slope, in its own sd a px
    bell = math.exp(-0.5 * threshold**2)
    area = height * width * roughness**2 * threshold * bell / math.pow(2 * math.pi, 1.5)
    rim = (height + width) * roughness * bell / (2 * math.pi)
    return area + rim + 0.5 * math.erfc(threshold / math.sqrt(2.0))


def threshold_sigma(false_alarms: float, shape: tuple[int, int], blur_px: float) -> float:
    """Return the threshold, in sigma, that so many false alarms a frame pass on average."""
    low, high = _LOWEST, _HIGHEST
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if expected_false_alarms(middle, shape, blur_px) > false_alarms:
            low = middle
        else:
            high = middle
    return high


def noise_of(
    background_e: NDArray[np.float32], read_noise_e: float, blur_px: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the noise of a blurred image without a cell, photo-electrons, and how lopsided it is.

    Both are of the shape of `background_e`. A Gaussian blur leaves the variance
    ``v / (4 pi s^2)`` and the third cumulant ``mean / (12 pi^2 s^4)`` of independent pixels.
    """
    mean = np.maximum(background_e, np.float32(0.0))
    variance = mean + np.float32(read_noise_e**2 + 1e-6)
    mean /= variance
    variance /= np.float32(4 * math.pi * blur_px**2)
    return np.sqrt(variance, out=variance), mean


def lifted(
    sigmas: float, sd: NDArray[np.float32], lean: NDArray[np.float32], blur_px: float
) -> NDArray[np.float32]:
    """Return the brightness, photo-electrons a pixel, that is `sigmas` above the background.

    The noise, `sd` and `lean`, is that of `noise_of`.
    """
    level = np.float32(sigmas) * sd
    level += lean * np.float32((sigmas**2 - 1) / (18 * math.pi * blur_px**2))
    return np.asarray(level)


def rim_unrest(length: int, blur_px: float) -> NDArray[np.float32]:
    """Return how much larger the noise is near the ends of a mirrored row, (length,), 1 inside.

    A blur sees the mirror image of a pixel near the rim as well, and so counts its noise twice.
    """
    reach = min(math.ceil(4 * blur_px), length - 1)
    if reach < 1:
        return np.ones(length, np.float32)
    steps = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (steps / blur_px) ** 2)
    kernel /= kernel.sum()
    near = min(reach + 1, length)
    weights = np.zeros((near, length))
    for row in range(near):
        seen = np.abs(row + steps)
        seen = np.where(seen >= length, 2 * (length - 1) - seen, seen)
        np.add.at(weights[row], seen, kernel)
    inside = float(np.sqrt((kernel**2).sum()))
    unrest = np.ones(length)
    unrest[:near] = np.sqrt((weights**2).sum(axis=1)) / inside
    unrest[-near:] = np.maximum(unrest[-near:], unrest[:near][::-1])
    return unrest.astype(np.float32)
