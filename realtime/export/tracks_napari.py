"""Tracks as napari takes them: `viewer.add_tracks(tracks, graph=graph)`.

The file is NumPy's .npz with two arrays: `tracks`, a row (id, t, (z,) y, x) for each cell at each
time point, px, and `graph`, a row (child, parent) for each daughter. Layout of the layer:
napari.org, "Using the tracks layer".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from realtime.export.tracks_forest import Forest


def napari_tracks(forest: Forest) -> tuple[NDArray[np.float64], dict[int, list[int]]]:
    """Return what napari's `add_tracks` takes: `data` and `graph`.

    Returns
    -------
    (N, 4) float64 (id, t, y, x), or (N, 5) with z before y in a stack, sorted by id, then time;
    and the parents of each daughter.
    """
    rows = forest.rows
    names = ["cell", "t", *(["z"] if forest.n_planes > 1 else []), "y", "x"]
    data = np.column_stack([rows[name].astype(np.float64) for name in names]).reshape(
        -1, len(names)
    )
    data = data[np.lexsort((data[:, 1], data[:, 0]))]
    known = set(rows["cell"].tolist())
    graph = {
        daughter: [mother]
        for daughter, mother in sorted(forest.mothers.items())
        if daughter in known and mother in known
    }
    return data, graph


def write_napari(path: Path, forest: Forest) -> int:
    """Write the cells of one field; return the number of rows."""
    data, graph = napari_tracks(forest)
    pairs = [(child, parent) for child, parents in graph.items() for parent in parents]
    with path.open("wb") as file:  # a name would get .npz behind it
        np.savez_compressed(
            file, tracks=data, graph=np.array(pairs, np.int64).reshape(-1, 2), allow_pickle=False
        )
    return len(data)


def read_napari(path: Path) -> tuple[NDArray[np.float64], dict[int, list[int]]]:
    """Return `data` and `graph` of a file that `write_napari` wrote."""
    graph: dict[int, list[int]] = {}
    with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
        for child, parent in file["graph"].tolist():
            graph.setdefault(child, []).append(parent)
        return file["tracks"], graph
