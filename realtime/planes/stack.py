"""The planes of the shot that is being seen: their maximum, and how high cells lie in them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from realtime.planes.heights import above_first, heights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from realtime.detections import Detections

    Image = NDArray[np.float32]

MOST_PLANES = 128
"""Planes of a stack in which heights are looked for: all wait in memory until it ends."""


class Stack:
    """Projects the planes of a shot by their maximum as they come.

    Parameters
    ----------
    pixel_um
        Size of a pixel at the sample, in which heights are told; 0: they are not told.

    Attributes
    ----------
    image
        The maximum of all planes so far, photo-electrons, (Y, X) float32; None before the first.
        It is valid until the next shot is seen.
    """

    def __init__(self, pixel_um: float) -> None:
        self._pixel_um = pixel_um
        self.image: Image | None = None
        self._at_um: dict[int, float] = {}
        self._planes: list[Image] = []
        self._buffers: list[Image] = []

    def add(self, info: FrameInfo, photons: Image) -> None:
        """Take in a plane; a second frame of the same plane (an audit, a burst) is left out.

        `photons` (Y, X) float32 is copied, unless it is all that the shot has.
        """
        if info.index.z in self._at_um:
            return
        self._at_um[info.index.z] = info.position_um[2]
        if self.image is None:
            is_alone = info.shot.n_frames == 1
            self.image = photons if is_alone else self._copy(0, photons)
            return
        if self._pixel_um > 0 and len(self._at_um) <= MOST_PLANES:
            if not self._planes:  # the image was all of the first plane until now
                self._planes.append(self._copy(1, self.image))
            self._planes.append(self._copy(len(self._planes) + 1, photons))
        np.maximum(self.image, photons, out=self.image)

    def raised(self, found: Detections) -> Detections:
        """Return what was found in the image, with its heights where there are some to tell."""
        if not self._planes or len(self._planes) < len(self._at_um):
            return found
        plane_px = above_first(self._at_um) / self._pixel_um
        if plane_px.max() <= plane_px.min():  # nobody knows where the planes were
            return found
        order = np.argsort(plane_px)
        planes = [self._planes[n] for n in order.tolist()]
        high = heights(found, planes, plane_px[order])
        return replace(found, z_px=high.at, z_sd_px=high.sd)

    def forget(self) -> None:
        """Make ready for the next shot."""
        self.image = None
        self._planes.clear()
        self._at_um.clear()

    def _copy(self, place: int, photons: Image) -> Image:
        """Copy an image into a buffer that the next shot uses again."""
        if place == len(self._buffers):
            self._buffers.append(photons.copy())
        elif self._buffers[place].shape != photons.shape:
            self._buffers[place] = photons.copy()
        else:
            np.copyto(self._buffers[place], photons)
        return self._buffers[place]
