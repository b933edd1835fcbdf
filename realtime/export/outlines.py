"""Real outlines of cells: kept on disk while a film is followed, painted once names are known.

Who a cell is may change for some shots after it was seen. So its outline waits under its number in
the image, and the name is found by its place.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from realtime.export.discs import labels_of

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from numpy.typing import ArrayLike, NDArray

LEVEL = 1
"""Of zlib: labels are packed a hundredfold by the fastest one."""


class Outlines(NamedTuple):
    """What a detector outlined in one image.

    Attributes
    ----------
    labels
        1 + number of the cell that a pixel belongs to, 0 for none, (Y, X) uint16.
    places
        y, x of the cells, px, (N, 2) float64.
    """

    labels: NDArray[np.uint16]
    places: NDArray[np.float64]


class OutlineLog:
    """A file of outlines, one for each time point; it is gone when it is closed.

    Parameters
    ----------
    path
        Where; whatever an earlier one left there is written over.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w+b")
        self._where: dict[int, tuple[int, int, tuple[int, int], NDArray[np.float64]]] = {}

    def add(self, t: int, outlines: Outlines) -> None:
        """Keep the outlines of a time point."""
        packed = zlib.compress(np.ascontiguousarray(outlines.labels, "<u2").tobytes(), LEVEL)
        height, width = outlines.labels.shape
        start = self._file.seek(0, 2)
        self._file.write(packed)
        self._where[t] = (start, len(packed), (height, width), outlines.places)

    def at(self, t: int) -> Outlines | None:
        """Return the outlines of a time point; None if it has none."""
        if t not in self._where:
            return None
        start, size, shape, places = self._where[t]
        self._file.seek(start)
        labels = np.frombuffer(zlib.decompress(self._file.read(size)), "<u2").reshape(shape)
        return Outlines(labels.astype(np.uint16), places)

    def empty(self) -> None:
        """Begin anew, for the next field."""
        self._file.seek(0)
        self._file.truncate()
        self._where.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


def painted(
    outlines: Outlines,
    y_px: ArrayLike,
    x_px: ArrayLike,
    radius_px: ArrayLike,
    is_seen: ArrayLike,
    labels: ArrayLike,
) -> NDArray[np.uint16]:
    """Return an image of labels, 0 for nobody: each cell has its own outline.

    A cell that was missed in this image, or whose outline is another's, is a disc where nobody
    else is, and one pixel at the least.

    Parameters
    ----------
    y_px, x_px, radius_px, is_seen, labels
        Of the cells that are to be painted, (N,).
    """
    at = np.column_stack((np.asarray(y_px, np.float64), np.asarray(x_px, np.float64)))
    radii, seen = np.asarray(radius_px, np.float64), np.asarray(is_seen, bool)
    names = np.asarray(labels, np.uint16)
    whose = _whose(outlines.places, at, radii, seen)
    table = np.zeros(len(outlines.places) + 1, np.uint16)
    own = whose >= 0
    table[whose[own] + 1] = names[own]
    image: NDArray[np.uint16] = table[outlines.labels]
    left = np.setdiff1d(names, image)
    rest = np.isin(names, left)
    if rest.any():
        shape = (image.shape[0], image.shape[1])
        discs = labels_of(shape, at[rest, 0], at[rest, 1], radii[rest], names[rest])
        free = image == 0
        image[free] = discs[free]
        _keep_a_pixel(image, at[rest], names[rest])
    return image


def _whose(
    places: NDArray[np.float64],
    at: NDArray[np.float64],
    radii: NDArray[np.float64],
    seen: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Return for each cell the number of its outline, -1 for none; the nearest cell has it."""
    whose = np.full(len(at), -1, np.int64)
    if not len(places) or not len(at):
        return whose
    away, nearest = cKDTree(places).query(at)
    taken: set[int] = set()
    for cell in np.argsort(away, kind="stable").tolist():
        outline = int(nearest[cell])
        if seen[cell] and away[cell] <= max(radii[cell], 1.0) and outline not in taken:
            whose[cell] = outline
            taken.add(outline)
    return whose


def _keep_a_pixel(
    image: NDArray[np.uint16], at: NDArray[np.float64], names: NDArray[np.uint16]
) -> None:
    """Give whoever is wholly hidden the free pixel that is nearest to it, else the nearest of all.

    A tracklet without a pixel is none in the layout of the challenge.
    """
    for name in np.setdiff1d(names, image).tolist():
        place = at[names == name][0]
        free = np.argwhere(image == 0)
        if len(free):
            y, x = free[np.argmin(((free - place) ** 2).sum(axis=1))].tolist()
        else:
            y, x = (int(np.clip(np.rint(v), 0, n - 1))
                    for v, n in zip(place, image.shape, strict=True))  # fmt: skip
        image[y, x] = name
