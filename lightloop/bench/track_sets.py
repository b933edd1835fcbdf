"""Real recordings for the tracking bench: centroids of labelled cells, and their family trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightloop.bench.track_scene import Scene

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MIGRATION, EPIDERMIS = "migration_epithelium", "epidermis_area1"
SIMULATED, STEM = "ctc_simplus_01", "ctc_gowt1_01"
YEAST = "yeast_toolkit_points"
YEAST_SETS, YEAST_HARD = (1, 3, 4, 5, 6, 7), (3, 4, 7)
"""Those for which a best offline score was published; and those with the most wrong links."""


def labelled(folder: Path, every: int = 1) -> Scene:
    """Return the centroids and areas of a labelled movie, every so many frames.

    `tra.tif` holds labels (T, Y, X); `man_track.txt` the rows "label, first, last, parent" of the
    Cell Tracking Challenge, and `man_track_sparse3.txt` those of every third frame.
    """
    import tifffile

    scene = Scene(folder.name if every == 1 else f"{folder.name}, every {every}")
    table = "man_track.txt" if every == 1 else f"man_track_sparse{every}.txt"
    rows = np.loadtxt(folder / table, dtype=np.int64, ndmin=2)
    with tifffile.TiffFile(folder / "tra.tif") as movie:
        for page in movie.pages[::every]:
            labels, places, areas = _cells(np.asarray(page.asarray()))
            scene.truth.append(labels)
            scene.places.append(places)
            scene.areas.append(areas)
    scene.mothers.update({label: parent for label, _, _, parent in rows.tolist() if parent > 0})
    return scene


def points(folder: Path, number: int) -> Scene:
    """Return one set of the yeast toolkit: points that are followed, none divides."""
    table = np.loadtxt(folder / f"testset{number}.csv", delimiter=",", skiprows=1)
    scene = Scene(f"yeast {number}")
    for frame in range(int(table[:, 0].max()) + 1):
        rows = table[table[:, 0] == frame]
        scene.places.append(rows[:, 1:3].copy())
        scene.areas.append(np.full(len(rows), 0.0))
        scene.truth.append(rows[:, 3].astype(np.int64))
    return scene


def _cells(
    image: NDArray[np.integer],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return label, centroid y, x px and area px of every cell in a label image."""
    y, x = np.nonzero(image)
    labels, index = np.unique(image[y, x], return_inverse=True)
    areas = np.bincount(index).astype(np.float64)
    places = np.column_stack((np.bincount(index, y), np.bincount(index, x))) / areas[:, None]
    return labels.astype(np.int64), places, areas
