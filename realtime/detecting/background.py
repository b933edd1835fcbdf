"""The light between the cells: a smooth background under an image."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from realtime.detecting.grids import resized, square

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DIAMETERS = 4.0
"""Reach of the local background, in nuclei (proposed)."""
_CLIPS = 6
"""Rounds of "what is far above the background is no background"; it then stands still."""
_FAR = 2.5
"""That far, in spreads of what lies below the background (proposed)."""


def background_of(small: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    """Return the smooth background: a wide mean over the pixels that hold no cell, (Y, X)."""
    height, width = small.shape
    step = max(1, int(radius))
    coarse = resized(small, (height // step, width // step))
    # Twice a box: its spectrum is never negative, so that no round makes the noise larger.
    reach = 2 * round(_DIAMETERS * radius / step / 2**0.5) + 1
    level = cv2.morphologyEx(coarse, cv2.MORPH_OPEN, square(_DIAMETERS * radius / step))
    tilt = _plane(level)  # a mirror at the rim would bend a slope
    coarse, level = coarse - tilt, _mean(level - tilt, reach)
    for _ in range(_CLIPS):
        rest = coarse - level
        flat = rest.reshape(-1)
        below = flat[(flat <= 0).nonzero()[0]]
        spread = math.sqrt(float(below @ below) / below.size) if below.size else 0.0
        empty = (np.abs(rest) <= np.float32(_FAR * spread)).astype(np.float32)
        rest *= empty
        known = _mean(empty, reach)
        known += np.float32(1e-3)
        level += _mean(rest, reach) / known
    level += tilt
    return np.asarray(cv2.resize(level, (width, height), interpolation=cv2.INTER_LINEAR))


def _plane(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the plane that fits an image best, without its mean: least squares."""
    (y, yy), (x, xx) = _steps(image.shape[0]), _steps(image.shape[1])
    down = float(y @ image.mean(axis=1)) / yy
    right = float(x @ image.mean(axis=0)) / xx
    return np.asarray(np.float32(down) * y[:, None] + np.float32(right) * x[None, :])


@lru_cache(maxsize=16)
def _steps(length: int) -> tuple[NDArray[np.float32], float]:
    """Return how far each pixel of a row is from its middle, and the sum of squares, 1 at least."""
    steps = np.arange(length, dtype=np.float32) - np.float32((length - 1) / 2)
    return steps, max(float(steps @ steps), 1.0)


def _mean(image: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    return np.asarray(cv2.blur(cv2.blur(image, (reach, reach)), (reach, reach)))
