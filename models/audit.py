"""How wrong is a restored image really? Two noisy frames of a scene say it, without a noise model.

Two exposures y1, y2 follow each other at equal light, and the network restores both from the same
earlier history, so that f1 = f(y1) knows nothing of the noise n2, nor f2 = f(y2) of n1. With
``y_i = x + n_i`` and independent n_i of mean 0,

    E[(y2 - f1)^2] = E[(x - f1)^2] + E[n2^2] + 2 E[n2 (x - f1)] = MSE + var(n2),

for n2 is independent of f1; likewise with 1 and 2 exchanged; and ``E[(y1 - y2)^2] = var(n1) +
var(n2)``. So the noise falls out of

    M = 1/2 mean[(y2 - f1)^2 + (y1 - f2)^2 - (y1 - y2)^2],   E[M] = MSE,

whatever the noise is like and however wrong f is, its bias included. What both frames share counts
as image, though: a fixed pattern of the camera must be taken off pixel by pixel beforehand.

References
----------
Uncertainty from noisy copies: Marcos Morales et al., ICLR 2023 (uMSE), which takes three; the form
with two and a common history is our own.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from models.audit_motion import TILES
from models.conformal import LEVEL
from models.regions import SHRINK, shrunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

BLOCK_PX = 16
_DRAWS = 400
MEMORY = 16
"""Audits after which a pool forgets: as many count as much as all that were before (proposed)."""
_SEED = 20_260_101


class AuditError(NamedTuple):
    """Root-mean-square error that audits found, photo-electrons, and its 80 % interval.

    `audits` were pooled for it; 0 if there was none, or no such region.
    """

    rmse_e: float
    low_e: float
    high_e: float
    audits: int


class AuditSample(NamedTuple):
    """One audit: sums of M over blocks of 16 x 16 px, and the pixels of each, (2, rows, columns).

    Index 0 is the background, 1 are the cells.
    """

    sums_e2: NDArray[np.float64]
    pixels: NDArray[np.float64]


def compare(
    first_e: Image,
    second_e: Image,
    of_first: Image,
    of_second: Image,
    is_cell: NDArray[np.uint8],
    moved: NDArray[np.bool_] | None = None,
) -> AuditSample:
    """Return the squared error of two estimates that share their history.

    Parameters
    ----------
    first_e, second_e
        The noisy frames, (Y, X) photo-electrons, each pixel's own offset taken off, not clipped.
    of_first, of_second
        What the network made of them.
    is_cell
        1 in cells, of the picture shrunk four times (`models.regions`). It must be of an earlier
        frame: a mask from these frames picks pixels by their noise, and cells came out 13 % too
        good.
    moved
        Tiles that say nothing, (4, 4): what is in them moved between the two frames.
    """
    m = (second_e - of_first) ** 2
    m += (first_e - of_second) ** 2
    m -= (first_e - second_e) ** 2
    small = 0.5 * shrunk(m).astype(np.float64) * SHRINK**2
    cells = is_cell.astype(np.float64)
    masks = np.stack([1.0 - cells, cells])
    if moved is not None and moved.any():
        height, width = cells.shape
        size = (width, height)
        still = cv2.resize((~moved).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        masks *= still
    return AuditSample(_blocks(masks * small), _blocks(masks) * SHRINK**2)


def _blocks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sums over blocks of 16 px of images shrunk four times, (2, rows, columns)."""
    side = BLOCK_PX // SHRINK
    rows, columns = (n // side for n in values.shape[-2:])
    whole = values[:, : rows * side, : columns * side]
    sums: NDArray[np.float64] = whole.reshape(2, rows, side, columns, side).sum(axis=(2, 4))
    return sums


class AuditPool:
    """Adds audits of one field up, block by block; its memory does not grow.

    Light changes from audit to audit, and the error with it, so what is added up is its square over
    that of the error that was expected then, and the answer is how many times the expected error
    was found. Old audits are forgotten slowly: what was mended may be believed again.
    """

    def __init__(self) -> None:
        self._sums: NDArray[np.float64] | None = None
        self._pixels: NDArray[np.float64] | None = None
        self.audits = 0

    def add(self, sample: AuditSample, unit_e: tuple[float, float] = (1.0, 1.0)) -> None:
        """Take one more audit.

        Parameters
        ----------
        unit_e
            Errors of background and cells that were expected, photo-electrons; all errors that are
            returned are in these units.
        """
        squares = np.square(np.asarray(unit_e, np.float64))[:, None, None]
        sums = sample.sums_e2 / squares
        if self._sums is None or self._pixels is None:
            self._sums, self._pixels = sums, sample.pixels.copy()
        else:
            keep = 1.0 - 1.0 / MEMORY if self.audits >= MEMORY else 1.0
            self._sums = keep * self._sums + sums
            self._pixels = keep * self._pixels + sample.pixels
        self.audits += 1

    def error(self, *, cells: bool) -> AuditError:
        """Return the error over the whole field."""
        return self._error(cells, slice(None), slice(None))

    def tile(self, row: int, column: int, *, cells: bool) -> AuditError:
        """Return the error in one of 4 x 4 tiles."""
        if self._sums is None:
            return AuditError(0.0, 0.0, 0.0, 0)
        rows, columns = self._sums.shape[1:]
        down = slice(row * rows // TILES, (row + 1) * rows // TILES)
        return self._error(
            cells, down, slice(column * columns // TILES, (column + 1) * columns // TILES)
        )

    def _error(self, cells: bool, rows: slice, columns: slice) -> AuditError:
        """Bootstrap over blocks (Efron, Ann. Stat. 7 (1979) 1): they share no noise."""
        if self._sums is None or self._pixels is None:
            return AuditError(0.0, 0.0, 0.0, 0)
        sums = self._sums[int(cells), rows, columns].ravel()
        pixels = self._pixels[int(cells), rows, columns].ravel()
        seen = pixels > 0
        if not seen.any():
            return AuditError(0.0, 0.0, 0.0, 0)
        sums, pixels = sums[seen], pixels[seen]
        count = len(sums)
        often = np.random.default_rng(_SEED).multinomial(count, np.full(count, 1 / count), _DRAWS)
        drawn = (often @ sums) / np.maximum(often @ pixels, 1.0)
        low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        middle = float(sums.sum() / pixels.sum())
        rmse, least, most = (sqrt(max(float(value), 0.0)) for value in (middle, low, high))
        return AuditError(rmse, least, most, self.audits)
