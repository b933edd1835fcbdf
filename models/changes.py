"""What has changed since a past frame: there the past is not shown, so that nothing lags behind.

A network that has seen five frames leans on the past a little even where the light of a cell has
just fallen: a decay of four frames came out 6 % too slow. Here the mean light around each pixel is
compared with that of the past frame, in units of its noise; where it differs by more than noise
does, the blurred present stands in for the past, as it does for frames that are missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.strips import aligned, strip_rows, strips

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

CELL_PX = 4
"""Light is compared in cells of so many pixels: fast, and most noise is gone."""
AROUND_CELLS = 1.0
"""Sigma of the blur of these cells: 4 px, about a nucleus; 2 to 8 px do alike (docs/decisions)."""
FROM, RAMP = 2.0, 2.0
"""Differences from which the past begins to be hidden, and over which it goes entirely, in standard
deviations of what noise alone does; 1.5, 2 and 3 were tried: see docs/decisions/025."""


class Changes:
    """Hides parts of past planes, in place and in its own memory.

    Parameters
    ----------
    shape
        Of the network's planes, multiples of 4 px.
    sd
        Of the package's normalisation: noise is ``1 / sd`` in its planes.
    """

    def __init__(self, shape: tuple[int, int], sd: float) -> None:
        coarse = (shape[0] // CELL_PX, shape[1] // CELL_PX)
        self._now, self._then = (np.empty(coarse, np.float32) for _ in range(2))
        self._share = aligned(shape)
        self._gap = aligned((min(strip_rows(shape[1]), shape[0]), shape[1]))
        kernel = cv2.getGaussianKernel(2 * int(4 * AROUND_CELLS) + 1, AROUND_CELLS)
        self._noise = float((kernel**2).sum()) / CELL_PX / sd
        """Rms noise of one blurred cell, in units of the planes."""

    def look(self, present: Image) -> None:
        """Take the present frame's plane, which the past will be compared with."""
        self._blur(present, self._now)

    def hide(self, past: Image, ratio: float, base: Image) -> None:
        """Show the blurred present where the past differs.

        Parameters
        ----------
        past
            A plane of the past, already brought to the present light; changed in place.
        ratio
            Present over past light; the noise of a frame that is made brighter grows with it.
        base
            The present frame, blurred, in the same units.
        """
        self._blur(past, self._then)
        np.subtract(self._then, self._now, out=self._then)
        np.abs(self._then, out=self._then)
        noise = self._noise * np.sqrt(1.0 + ratio)
        np.multiply(self._then, np.float32(1.0 / (noise * RAMP)), out=self._then)
        np.subtract(self._then, np.float32(FROM / RAMP), out=self._then)
        np.clip(self._then, 0.0, 1.0, out=self._then)
        if not self._then.any():
            return
        size = (past.shape[1], past.shape[0])
        cv2.resize(self._then, size, dst=self._share, interpolation=cv2.INTER_LINEAR)
        for rows in strips(*past.shape):
            if self._share[rows].max() == 0.0:  # most of the field has not changed
                continue
            gap = np.subtract(base[rows], past[rows], out=self._gap[: rows.stop - rows.start])
            np.multiply(gap, self._share[rows], out=gap)
            np.add(past[rows], gap, out=past[rows])

    def _blur(self, plane: Image, out: Image) -> None:
        cv2.resize(plane, out.shape[::-1], dst=out, interpolation=cv2.INTER_AREA)
        cv2.GaussianBlur(out, (0, 0), AROUND_CELLS, dst=out, borderType=cv2.BORDER_REFLECT_101)
