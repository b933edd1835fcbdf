"""Cells as discs: where only a place and an area are known, every pixel belongs to one cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Discs(NamedTuple):
    """Which disc each pixel is nearest to.

    Attributes
    ----------
    owner
        Number of the disc, -1 where all are farther than `reach_px`, (Y, X) int32.
    beyond_px
        Distance from the disc's rim, below 0 inside, (Y, X) float32.
    """

    owner: NDArray[np.int32]
    beyond_px: NDArray[np.float32]


def draw(
    shape: tuple[int, int], y_px: ArrayLike, x_px: ArrayLike, radius_px: ArrayLike, reach_px: float
) -> Discs:
    """Share the pixels of an image among discs: each goes to the disc whose rim is nearest.

    Parameters
    ----------
    y_px, x_px, radius_px
        Middles and radii, (N,); a disc may lie partly or wholly outside.
    reach_px
        How far beyond their rims pixels are shared.
    """
    owner = np.full(shape, -1, np.int32)
    beyond = np.full(shape, np.inf, np.float32)
    ys, xs, radii = (np.asarray(values, np.float64) for values in (y_px, x_px, radius_px))
    for n, (y, x, radius) in enumerate(zip(ys, xs, radii, strict=True)):
        reach = radius + reach_px
        rows = slice(max(0, int(np.ceil(y - reach))), max(0, int(np.floor(y + reach)) + 1))
        columns = slice(max(0, int(np.ceil(x - reach))), max(0, int(np.floor(x + reach)) + 1))
        there = beyond[rows, columns]
        if not there.size:
            continue
        dy = np.arange(rows.start, rows.start + there.shape[0]) - y
        dx = np.arange(columns.start, columns.start + there.shape[1]) - x
        away = (np.hypot(dy[:, None], dx[None, :]) - radius).astype(np.float32)
        nearer = (away < there) & (away <= reach_px)
        there[nearer] = away[nearer]
        owner[rows, columns][nearer] = n
    return Discs(owner, beyond)


def labels_of(
    shape: tuple[int, int],
    y_px: ArrayLike,
    x_px: ArrayLike,
    radius_px: ArrayLike,
    labels: ArrayLike,
) -> NDArray[np.uint16]:
    """Return an image of labels, 0 for nobody; who is hidden or outside keeps the nearest pixel."""
    discs = draw(shape, y_px, x_px, radius_px, 0.0)
    names = np.concatenate((np.asarray(labels, np.uint16), np.zeros(1, np.uint16)))
    image: NDArray[np.uint16] = names[discs.owner]
    hidden = np.setdiff1d(names[:-1], image)
    if hidden.size:
        for y, x, label in zip(np.asarray(y_px), np.asarray(x_px), names[:-1], strict=True):
            if label in hidden:
                row = int(np.clip(np.rint(y), 0, shape[0] - 1))
                image[row, int(np.clip(np.rint(x), 0, shape[1] - 1))] = label
    return image
