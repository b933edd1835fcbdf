"""Noise that pixels share: with their neighbours, their row, or themselves a frame later.

Noise of light and of a plain readout is each pixel's own. What filters, sharpens or averages images
inside the camera leaves its mark here, whatever the scene: in the difference of two frames of a
still scene nothing but noise is left.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Image = NDArray[np.float32]

BLOCK = 32  # pixels a side; what changes smoothly between two frames is no noise; proposed


class Correlation(msgspec.Struct, frozen=True):
    """What the noise of one pixel has in common with others: 0 to 1, and below 0 if sharpened.

    Attributes
    ----------
    along_x, along_y, diagonal
        With the next pixel in that direction.
    rows, columns
        With the pixels of the same row, or column, far away.
    in_time
        With the same pixel one frame later.
    """

    along_x: float
    along_y: float
    diagonal: float
    rows: float
    columns: float
    in_time: float = 0.0


def blockwise(difference: Image) -> Image:
    """Return a difference of two frames without the mean of each block of `BLOCK` pixels a side.

    A lamp that warms up, or dye that bleaches, changes whole blocks; noise does not. Rows and
    columns that fill no block are joined to the last one.
    """
    height, width = difference.shape
    ys, xs = _edges(height), _edges(width)
    sums = np.add.reduceat(np.add.reduceat(difference, ys, axis=0, dtype=np.float64), xs, axis=1)
    tall, wide = np.diff([*ys, height]), np.diff([*xs, width])
    means = (sums / np.outer(tall, wide)).astype(np.float32)
    left: Image = difference - np.repeat(np.repeat(means, tall, axis=0), wide, axis=1)
    return left


def correlation_of(noise: NDArray[np.floating[Any]]) -> Correlation:
    """Return what neighbours in a difference of two frames have in common; 0 where masked."""
    power = float(np.mean(noise * noise)) or 1.0

    def lag(dy: int, dx: int) -> float:
        height, width = noise.shape
        return float(np.mean(noise[dy:, dx:] * noise[: height - dy, : width - dx])) / power

    return Correlation(lag(0, 1), lag(1, 0), lag(1, 1), _far(noise, 1), _far(noise, 0))


def mean_correlation(pairs: Iterable[Correlation]) -> Correlation:
    """Return the mean of several."""
    rows = np.array([msgspec.structs.astuple(pair) for pair in pairs])
    return Correlation(*(float(value) for value in rows.mean(axis=0)))


def _far(noise: NDArray[np.floating[Any]], axis: int) -> float:
    """Return the correlation of pixels half a block apart along a row (1) or a column (0)."""
    shift = min(BLOCK // 2, noise.shape[axis] // 2)
    whole = float(np.mean(noise * noise)) or 1.0
    here = np.take(noise, range(noise.shape[axis] - shift), axis=axis)
    there = np.take(noise, range(shift, noise.shape[axis]), axis=axis)
    return float(np.mean(here * there)) / whole


def in_time(even: NDArray[np.float32], good: NDArray[np.bool_]) -> float:
    """Return the correlation of a pixel with itself a frame later, from successive differences.

    Of white noise, neighbouring differences have -1/2 in common; a frame that leaks into the next
    one (correlation c, and c2 over two frames) makes it -(1 - 2 c + c2) / (2 (1 - c)), and with
    c2 = c^2, as of a recursive filter, it is -(1 - c) / 2.
    """
    if len(even) < 3:
        return 0.0
    steps = [blockwise(b - a)[good] for a, b in pairwise(even)]
    power = float(np.mean([np.mean(step * step) for step in steps])) or 1.0
    both = float(np.mean([np.mean(a * b) for a, b in pairwise(steps)]))
    return 1.0 + 2.0 * both / power


def _edges(length: int) -> NDArray[np.intp]:
    return np.arange(max(1, length // BLOCK)) * BLOCK


def block_gain(shape: tuple[int, ...]) -> float:
    """Return what makes up for the variance that the means of the blocks take away."""
    blocks = len(_edges(shape[0])) * len(_edges(shape[1]))
    return 1.0 / (1.0 - blocks / (shape[0] * shape[1]))
