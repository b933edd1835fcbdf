"""Did the scene keep still between the two frames of an audit? If not, they say nothing.

A leap of the whole image is found by phase correlation, a small step by gradients; what the noise
adds to their power is known from the difference of the two images and is taken off.

References
----------
Kuglin & Hines, IEEE Conf. Cybern. Soc. (1975) 163; Lucas & Kanade, IJCAI 1981, 674.
"""

from __future__ import annotations

from math import hypot, sqrt
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

MOST_SHIFT_PX = 0.5
MOST_CHANGE = 0.02
"""Beyond these the two frames show two scenes, and say nothing."""
_SURE = 3.0
"""Standard errors by which a change of brightness must be more than chance (proposed)."""
_SEEN = 0.35
"""Peak of a phase correlation below which the frames hold nothing that could be seen to move
(measured: 0.3 for a place found by chance, in 3 e- a pixel)."""
_LEAP_PX, _SOFT_PX = 2.0, 2.0
_TOLD = 1.0
"""Power of the image's slopes over that of the noise's from which a small step is told (proposed).
"""
_EXPLAINED = 0.5
"""Share of what differs in a tile that one step must explain; of noise in 32 x 32 px a step that is
fitted to it explains a tenth (two free numbers of some twenty). Proposed."""
_AXES = ((0, 1), (1, 0))
TILES = 4
"""Along each side of an image."""


def void(first_e: Image, second_e: Image, of_first: Image, of_second: Image) -> str:
    """Return why two frames cannot be compared: the scene moved, or its light changed; else ""."""
    shift_px = _shift_px(of_first, of_second)
    if shift_px > MOST_SHIFT_PX:
        return f"the image moved by {shift_px:.1f} px between the two frames"
    pixels = first_e.size
    one, two = (float(cv2.mean(image)[0]) for image in (first_e, second_e))
    total = max(0.5 * (one + two), 1e-9)
    spread = float(cv2.meanStdDev(first_e - second_e)[1][0, 0])
    change, chance = (two - one) / total, spread / sqrt(pixels) / total
    if abs(change) > MOST_CHANGE and abs(change) > _SURE * chance:
        return f"the light changed by {change:+.1%} between the two frames"
    return ""


def moved_tiles(of_first: Image, of_second: Image) -> NDArray[np.bool_]:
    """Return in which of 4 x 4 tiles something moved by more than half a pixel, (4, 4).

    A cell that walks while the rest keeps still moves no whole image. Steps are told as in `void`,
    by Lucas and Kanade's gradients, and believed where they explain most of what differs.
    """
    one, two = (cv2.GaussianBlur(image, (0, 0), _SOFT_PX) for image in (of_first, of_second))
    change = two - one
    y, x = _slopes(0.5 * (one + two))
    noise_y, noise_x = _slopes(change)
    parts = (y * y, x * x, x * y, y * change, x * change, change * change)
    yy, xx, xy, yc, xc, cc = (_tile_means(part) for part in parts)
    noise = 0.25 * _tile_means(noise_y**2 + noise_x**2)
    least = 0.5 * (yy + xx) - np.hypot(0.5 * (yy - xx), xy)  # the smaller eigenvalue
    is_told = least > _TOLD * noise
    determinant = np.where(is_told, yy * xx - xy * xy, 1.0)
    step_y, step_x = (xx * yc - xy * xc) / determinant, (yy * xc - xy * yc) / determinant
    explained = step_y * yc + step_x * xc > _EXPLAINED * cc
    moved: NDArray[np.bool_] = is_told & explained & (np.hypot(step_y, step_x) > MOST_SHIFT_PX)
    return moved


def _slopes(image: Image) -> tuple[Image, Image]:
    """Return the slopes down and across, (Y, X) each."""
    down, across = (cv2.Sobel(image, cv2.CV_32F, *axis, ksize=1, scale=0.5) for axis in _AXES)
    return np.asarray(down, np.float32), np.asarray(across, np.float32)


def _tile_means(image: Image) -> NDArray[np.float64]:
    """Return the means over 4 x 4 tiles."""
    return np.asarray(cv2.resize(image, (TILES, TILES), interpolation=cv2.INTER_AREA), np.float64)


def _shift_px(first: Image, second: Image) -> float:
    """Return how far two images are apart; 0 if they hold nothing that could be seen to move.

    References
    ----------
    A leap: phase correlation, Kuglin & Hines, IEEE Conf. Cybern. Soc. (1975) 163. A small step:
    gradients, Lucas & Kanade, IJCAI 1981, 674; what the noise adds to their power is known from the
    difference of the two images and is taken off.
    """
    window = cv2.createHanningWindow((first.shape[1], first.shape[0]), cv2.CV_32F)
    # OpenCV 5 multiplies its inputs by the window where they lie.
    (x, y), peak = cv2.phaseCorrelate(first.copy(), second.copy(), window)
    if peak > _SEEN and hypot(x, y) > _LEAP_PX:
        return hypot(x, y)
    one, two = (cv2.GaussianBlur(image, (0, 0), _SOFT_PX) for image in (first, second))
    change = two - one
    slope, noise = _gradients(0.5 * (one + two)), _gradients(change)
    power = slope @ slope.T - 0.25 * noise @ noise.T
    if not np.linalg.eigvalsh(power)[0] > _TOLD * np.trace(noise @ noise.T):
        return 0.0
    return float(np.hypot(*np.linalg.solve(power, slope @ change.ravel())))


def _gradients(image: Image) -> NDArray[np.float64]:
    """Return the slopes across and down, (2, pixels)."""
    slopes = (cv2.Sobel(image, cv2.CV_64F, *axis, ksize=1, scale=0.5) for axis in ((1, 0), (0, 1)))
    return np.stack([np.asarray(slope, np.float64).ravel() for slope in slopes])
