"""Whether a frame shows another scene than the window it would join, though it may blink.

What blinks makes every frame differ from the last, so a difference says nothing. In another scene,
though, two frames in a row are like each other and unlike the window. So a cut is seen at the
second frame after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.strips import aligned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

BLOCK_PX = 8
"""Frames are compared in blocks of so many pixels, where noise is small."""
LEAST_BLOCKS = 64
"""Smaller frames are not compared: few blocks are alike by chance."""
ALIKE, UNLIKE = 0.5, 0.2
"""Correlation from which two frames in a row show one scene; and the share of it below which the
window shows another (proposed)."""


class Scene:
    """Remembers what the frames of a window looked like from afar.

    Parameters
    ----------
    shape
        Height and width of the frames, px.
    window
        Frames that are remembered.
    """

    def __init__(self, shape: tuple[int, int], window: int) -> None:
        self._shape = max(shape[0] // BLOCK_PX, 2), max(shape[1] // BLOCK_PX, 2)
        self._kept = np.zeros((window, *self._shape), np.float32)
        self._now, self._older = aligned(self._shape), aligned(self._shape)
        self._count = 0

    def is_new(self, photons: Image) -> bool:
        """Whether the frame and the last one agree that the window shows something else."""
        if self._count < 2 or self._now.size < LEAST_BLOCKS:
            return False
        self._look(photons)
        window = len(self._kept)
        last = self._kept[(self._count - 1) % window]
        held = self._kept[: min(self._count, window)]
        np.sum(held, axis=0, out=self._older)
        np.subtract(self._older, last, out=self._older)
        like_last = _correlation(self._now, last)
        return like_last > ALIKE and _correlation(self._now, self._older) < UNLIKE * like_last

    def take(self, photons: Image) -> None:
        """Remember a frame."""
        self._look(photons)
        np.copyto(self._kept[self._count % len(self._kept)], self._now)
        self._count += 1

    def forget(self) -> None:
        """Remember nothing; the memory stays."""
        self._count = 0

    def _look(self, photons: Image) -> None:
        cv2.resize(photons, self._shape[::-1], dst=self._now, interpolation=cv2.INTER_AREA)


def _correlation(one: Image, other: Image) -> float:
    """Return Pearson's correlation of two images; 0 where one is even."""
    first, second = (each - each.mean() for each in (one, other))
    scale = float(np.sqrt(np.vdot(first, first) * np.vdot(second, second)))
    return float(np.vdot(first, second)) / scale if scale > 0 else 0.0
