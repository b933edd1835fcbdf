"""Small helpers on images: coarser grids, neighbourhoods, zones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def finite(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the image with broken pixels dark."""
    if math.isfinite(cv2.sumElems(image)[0]):
        return image
    return np.nan_to_num(image, nan=0.0, posinf=0.0, neginf=0.0)


def shrunk(photons: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return the mean brightness over blocks of `factor` x `factor` px; broken pixels are dark."""
    image = np.ascontiguousarray(photons, np.float32)
    if factor == 1:
        return finite(image)
    height, width = image.shape
    size = (max(1, width // factor), max(1, height // factor))
    whole = image[: size[1] * factor, : size[0] * factor]
    small = cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
    if not math.isfinite(cv2.sumElems(small)[0]):  # a broken pixel would break its block
        small = finite(cv2.resize(finite(whole), size, interpolation=cv2.INTER_AREA))
    return np.asarray(small)


def grown(image: NDArray[np.int32], factor: int, shape: tuple[int, ...]) -> NDArray[np.int32]:
    """Return an image with each pixel `factor` times as wide and high, cut to a shape."""
    if factor == 1:
        return image
    height, width = image.shape
    size = (width * factor, height * factor)
    # The nearest pixel is copied bit by bit, and OpenCV is faster at it than NumPy.
    bits = cv2.resize(image.view(np.float32), size, interpolation=cv2.INTER_NEAREST)
    return np.asarray(bits.view(np.int32))[: shape[0], : shape[1]]


def resized(image: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return the mean brightness on a coarser grid, at least one pixel wide."""
    height, width = max(1, shape[0]), max(1, shape[1])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))


def square(reach: float) -> NDArray[np.uint8]:
    """Return a square neighbourhood that reaches `reach` px, and at least to the next pixel."""
    side = 2 * max(1, round(reach)) + 1
    return np.ones((side, side), np.uint8)


def zones_of(marks: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return for each pixel the number of its nearest mark, from 1; touching marks are one."""
    away = np.logical_not(marks).view(np.uint8)
    _, zones = cv2.distanceTransformWithLabels(away, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP)
    return np.asarray(zones)


def blurred_wide(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return a Gaussian blur by `sigma` px, made on a coarse grid where nothing is lost by it."""
    step = max(1, int(sigma / 2))
    height, width = image.shape
    coarse = resized(image, (height // step, width // step))
    coarse = cv2.GaussianBlur(coarse, (0, 0), sigma / step)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))
