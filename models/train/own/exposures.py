"""Two exposures of one thing: by how much is one brighter, and what moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

_BLOCK_PX = 8
_CONTRAST = 4.0
"""Blocks must differ by this much more than their noise before a line is put through them."""
_MOTION_SIGMA_PX = 2.0
_MOTION_ALARM = 4.5
"""Blurred differences beyond this many sigma are motion: seldom enough by chance (7e-6) not to
shape the noise of what is left."""


@dataclass(frozen=True, slots=True)
class Relation:
    """How counts of one exposure follow from those of another: ``second = gain * first + shift_e``.

    Attributes
    ----------
    is_fitted
        False if the images hold too little contrast; the gain is then the one that was expected.
    """

    gain: float
    shift_e: float
    is_fitted: bool


def relate(first: Image, second: Image, read_noise_e: float, expected_gain: float) -> Relation:
    """Fit gain and offset between two exposures of the same place, photo-electrons (Y, X).

    Both are noisy, so an ordinary fit would find too small a gain: this is Deming's (1943), with
    the noise that the camera is known to have. Blocks that moved are left out.
    """
    x, y = _blocks(first), _blocks(second)
    noise_x, noise_y = (
        np.maximum((image.mean() + read_noise_e**2) / _BLOCK_PX**2, 1e-9) for image in (x, y)
    )
    keep = np.ones(x.shape, bool)
    relation = Relation(expected_gain, 0.0, is_fitted=False)
    for _ in range(3):
        fitted = _deming(x[keep], y[keep], float(noise_x), float(noise_y))
        if fitted is None:
            break
        relation = fitted
        local = (np.maximum(y, 0) + relation.gain**2 * np.maximum(x, 0)) / _BLOCK_PX**2
        floor = (1 + relation.gain**2) * (read_noise_e / _BLOCK_PX) ** 2
        off = np.abs(y - relation.gain * x - relation.shift_e)
        keep = off < np.maximum(3.0 * np.sqrt(local + floor), 1.5 * np.median(off))
        if np.count_nonzero(keep) < 16:
            break
    is_sane = 0.5 < relation.gain / expected_gain < 2.0
    return relation if is_sane else Relation(expected_gain, 0.0, is_fitted=False)


def _deming(
    x: NDArray[np.float64], y: NDArray[np.float64], noise_x: float, noise_y: float
) -> Relation | None:
    ratio = noise_y / noise_x
    xx, yy = float(x.var()), float(y.var())
    xy = float(np.mean((x - x.mean()) * (y - y.mean())))
    if xx < _CONTRAST * noise_x or xy <= 0.0:
        return None
    difference = yy - ratio * xx
    gain = (difference + np.sqrt(difference**2 + 4.0 * ratio * xy**2)) / (2.0 * xy)
    return Relation(float(gain), float(y.mean() - gain * x.mean()), is_fitted=True)


def _blocks(image: Image) -> NDArray[np.float64]:
    rows, columns = (n // _BLOCK_PX for n in image.shape)
    whole = image[: rows * _BLOCK_PX, : columns * _BLOCK_PX]
    small = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float64)


def at_rest(first: Image, second: Image, read_noise_e: float, relation: Relation) -> Image:
    """Return 1 where nothing moved between two exposures and 0 elsewhere, (Y, X) float32.

    Blurred differences are compared with the noise that they would have without motion.
    """
    gain = np.float32(relation.gain)
    difference = second - gain * first - np.float32(relation.shift_e)
    light = cv2.GaussianBlur(first, (0, 0), _MOTION_SIGMA_PX)
    np.maximum(light, 0.0, out=light)
    variance = (gain + gain**2) * light + np.float32((1.0 + relation.gain**2) * read_noise_e**2)
    soft = cv2.GaussianBlur(difference, (0, 0), _MOTION_SIGMA_PX)
    # A Gaussian blur of sigma s leaves 1 / (4 pi s^2) of the variance of white noise.
    sd = np.sqrt(np.maximum(variance, 0.05) / (4.0 * np.pi * _MOTION_SIGMA_PX**2))
    moved = (np.abs(soft) > _MOTION_ALARM * sd).astype(np.uint8)
    reach = 2 * round(2 * _MOTION_SIGMA_PX) + 1
    spread = cv2.dilate(moved, np.ones((reach, reach), np.uint8))
    return np.asarray(1 - spread, np.float32)
