"""Reads the layout of the Cell Tracking Challenge: labels in images, tracklets in a text.

The images are one TIFF for each time point (man_track000.tif, mask000.tif) or one stack (tra.tif).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from lightloop.scoring.sides import Side
from realtime.errors import RunFileError
from realtime.export.ctc import Line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

TABLES = ("res_track.txt", "man_track.txt")
STACKS = ("tra.tif", "mask.tif", "man_track.tif")


def track_file(folder: Path, field: int) -> Path | None:
    """Return the text with the tracklets in a folder, or where the challenge puts it."""
    name = f"{field + 1:02d}"
    for inner in (".", "TRA", f"{name}_RES", f"{name}_GT/TRA"):
        for table in TABLES:
            if (found := folder / inner / table).is_file():
                return found
    return None


def read_ctc(table: Path) -> Side:
    """Read tracklets and labels.

    Raises
    ------
    RunFileError
        If they cannot be read, or do not belong together.
    """
    lines = _lines(table)
    times, read = _images(table)
    t, labels, places, areas = [], [], [], []
    for time in times:
        found, at, area = _cells(read(time))
        t.append(np.full(len(found), time))
        labels.append(found)
        places.append(at)
        areas.append(area)
    side = Side(
        f"{table.parent.name}/{table.name}",
        np.concatenate(t).astype(np.int64),
        np.concatenate(places),
        np.concatenate(areas),
        np.concatenate(labels),
        lines,
        read,
    )
    strange = np.setdiff1d(side.labels, [line.label for line in lines])
    if len(strange):
        raise RunFileError(
            f"{table.name} does not name label {strange[0]}, which is in the images "
            f"({len(strange)} such labels)"
        )
    return side


def _lines(table: Path) -> list[Line]:
    try:
        rows = np.loadtxt(table, dtype=np.int64, ndmin=2)
    except ValueError as error:
        raise RunFileError(f"{table}: {error}") from error
    if rows.size and rows.shape[1] != 4:
        raise RunFileError(f"{table}: four numbers a line are wanted, got {rows.shape[1]}")
    return [Line(*row) for row in rows.tolist()]


def _images(table: Path) -> tuple[list[int], Callable[[int], NDArray[Any]]]:
    """Return the time points, and how to read the labels of one."""
    pattern = re.compile(r"(?:mask|man_track)_?(\d+)\.tiff?", re.IGNORECASE)
    numbered = {
        int(match[1]): path
        for path in table.parent.iterdir()
        if (match := pattern.fullmatch(path.name))
    }
    if numbered:
        return sorted(numbered), lambda t: _read(numbered, t)
    for name in STACKS:
        if (path := table.parent / name).is_file():
            with tifffile.TiffFile(path) as file:
                count = len(file.pages)
            return list(range(count)), lambda t: np.asarray(tifffile.imread(path, key=t))
    raise RunFileError(f"there are no images of labels beside {table}")


def _read(images: dict[int, Path], t: int) -> NDArray[Any]:
    if t not in images:
        return np.zeros_like(tifffile.imread(next(iter(images.values()))))
    try:
        return np.asarray(tifffile.imread(images[t]))
    except (OSError, ValueError, tifffile.TiffFileError) as error:
        raise RunFileError(f"{images[t]} cannot be read: {error}") from error


def _cells(
    image: NDArray[Any],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return label, centroid (z, y, x) and area (or volume) of each cell in an image of labels."""
    where = np.nonzero(image)
    labels, index = np.unique(image[where], return_inverse=True)
    areas = np.bincount(index, minlength=len(labels)).astype(np.float64)
    axes = [np.bincount(index, axis, len(labels)) / np.maximum(areas, 1) for axis in where]
    if len(axes) == 2:
        axes.insert(0, np.zeros(len(labels)))
    return labels.astype(np.int64), np.column_stack(axes), areas
