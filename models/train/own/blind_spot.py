"""Blind spots: hide single pixels from the network, and ask for them.

With noise that is independent from pixel to pixel, what can be said about a hidden pixel from its
neighbours is its light. Krull, Buchholz & Jug, CVPR 2019 (Noise2Void); Hoeck et al., ECCV
workshops 2022 (N2V2): the value that is put in must not be the pixel's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

SHARE = 0.02
"""Of all pixels that are hidden at once."""
REACH_PX = 2


def hide(
    rng: np.random.Generator, image: Image, share: float = SHARE
) -> tuple[Image, NDArray[np.bool_]]:
    """Put a random neighbour into some pixels; return the image, and which pixels were hidden.

    The neighbour lies within 2 px along each axis and is never the pixel itself. One pixel is
    hidden in each cell of a jittered grid, so that hidden pixels seldom see each other.
    """
    height, width = image.shape
    step = max(round(share**-0.5), 2)
    rows, columns = np.meshgrid(
        np.arange(0, height, step), np.arange(0, width, step), indexing="ij"
    )
    y = (rows + rng.integers(0, step, rows.shape)).ravel()
    x = (columns + rng.integers(0, step, columns.shape)).ravel()
    inside = (y < height) & (x < width)
    y, x = y[inside], x[inside]
    side = 2 * REACH_PX + 1
    which = rng.integers(0, side**2 - 1, y.size)
    which += which >= side**2 // 2  # leaves out the middle: the pixel itself
    dy, dx = which // side - REACH_PX, which % side - REACH_PX
    hidden = np.zeros(image.shape, bool)
    hidden[y, x] = True
    out = image.copy()
    out[y, x] = image[_mirrored(y, dy, height), _mirrored(x, dx, width)]
    return out, hidden


def _mirrored(place: NDArray[np.int64], shift: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Step into the image where the step would leave it."""
    moved = place + shift
    return np.where((moved < 0) | (moved >= size), place - shift, moved)
