"""Tracks from any file as one thing that can be scored: nodes, tracklets, and masks if there are.

A side is read from whatever `lightloop track` writes (a folder of the Cell Tracking Challenge, a
GEFF graph, a table, TrackMate's XML, napari's .npz), a run file (its own tracks, or the truth
beside it), or a truth file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightloop.scoring.forests import forest_of_geff, forest_of_table
from lightloop.scoring.programs import forest_of_napari, forest_of_trackmate
from realtime.errors import RunFileError
from realtime.export.cell_reading import field_cells
from realtime.export.ctc import Line
from realtime.export.tracks_forest import forest_of
from realtime.run_file import RunReader
from realtime.truth import TruthReader, truth_path
from realtime.truth.tracks import FieldTruth

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from realtime.export.tracks_forest import Forest

_READERS = {".csv": forest_of_table, ".xml": forest_of_trackmate, ".npz": forest_of_napari}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared.

    Attributes
    ----------
    what
        What it is, for a person.
    t, places, areas_px
        Of each node: time point, (N,); place (z, y, x) px, (N, 3); area, 0 where not known.
    labels
        Tracklet of each node, (N,).
    lines
        The tracklets.
    mask
        Labels of a time point, (Y, X) or (Z, Y, X); None: only places are known.
    """

    what: str
    t: NDArray[np.int64]
    places: NDArray[np.float64]
    areas_px: NDArray[np.float64]
    labels: NDArray[np.int64]
    lines: list[Line]
    mask: Callable[[int], NDArray[np.integer]] | None = None

    @property
    def n_times(self) -> int:
        """Time points up to the last node."""
        return int(self.t.max()) + 1 if len(self.t) else 0

    @property
    def n_divisions(self) -> int:
        """Tracklets with two children or more."""
        parents = np.array([line.parent for line in self.lines if line.parent > 0])
        return int((np.unique(parents, return_counts=True)[1] > 1).sum())

    def edges(self) -> NDArray[np.int64]:
        """Return the links, (n, 2): nodes of a cell and of what it becomes."""
        from realtime.export.geff import links

        order = np.argsort(self.t, kind="stable")
        parents = {line.label: line.parent for line in self.lines if line.parent > 0}
        found = links(self.labels[order].tolist(), parents).astype(np.int64)
        return order[found].reshape(-1, 2)


def side_of(path: Path, *, is_truth: bool, field: int = 0) -> Side:
    """Read one side.

    Parameters
    ----------
    is_truth
        Of a run file, take the truth that lies beside it; else what the run itself followed, and
        the truth only where it followed nothing.
    field
        Which field of view, from 0.

    Raises
    ------
    RunFileError
        If it cannot be read, or is nothing of the kind.
    """
    if path.is_dir():
        from lightloop.scoring.ctc import read_ctc, track_file

        if (table := track_file(path, field)) is not None:
            return read_ctc(table)
        return of_forest(forest_of_geff(path), path.name)
    if not path.is_file():
        raise RunFileError(f"there is no file or folder {path}")
    if (read := _READERS.get(path.suffix.lower())) is not None:
        return of_forest(read(path), path.name)
    if path.suffix.lower() in (".h5", ".hdf5"):
        return _of_run(path, field, is_truth=is_truth)
    raise RunFileError(
        f"{path.name} cannot be scored: give what lightloop track writes (a folder of the Cell "
        "Tracking Challenge, .geff, .csv, .xml of TrackMate, .npz of napari), or a run file"
    )


def of_forest(forest: Forest, what: str) -> Side:
    """Return a forest as a side."""
    rows = forest.rows
    lines, labels = forest.tracklets()
    places = np.column_stack([rows[axis].astype(np.float64) for axis in "zyx"])
    areas = np.nan_to_num(rows["area_px"].astype(np.float64))
    return Side(what, rows["t"].astype(np.int64), places, areas, labels, lines)


def _of_run(path: Path, field: int, *, is_truth: bool) -> Side:
    beside = truth_path(path)
    if path.stem.endswith(".truth"):
        return _of_truth(path, field)
    if is_truth:
        if not beside.is_file():
            raise RunFileError(
                f"there is no {beside.name} beside {path.name}: only simulated microscopes know "
                "the truth (lightloop simulate; lightloop run --truth)"
            )
        return _of_truth(beside, field)
    with RunReader(path) as reader:
        known = {one.position: one for one in field_cells(reader) if one.shots and one.cells}
        if field in known:
            camera = reader.start.cameras[0]
            forest = forest_of(known[field], camera.pixel_um, reader.name)
            return of_forest(forest, f"{reader.name}, as it was followed in the run")
    if beside.is_file():
        return _of_truth(beside, field)
    raise RunFileError(
        f"{path.name} followed no cells in field {field}: follow them with lightloop track, and "
        "score what that writes"
    )


def _of_truth(path: Path, field: int) -> Side:
    with TruthReader(path) as truth:
        known = FieldTruth(truth, field)
        cells = [known.cells(k) for k in range(len(known.frames))]
        masks = {
            frame.t: _named(known.mask(k), known.labels(k)) for k, frame in enumerate(known.frames)
        }
        labels = [known.labels(k)[int(i)] for k, of in enumerate(cells) for i in of["id"]]
        lines = [Line(one.label, one.first, one.last, one.parent) for one in known.tracklets]
        times = np.repeat([frame.t for frame in known.frames], [len(of) for of in cells])
    rows = np.concatenate(cells)
    places = np.column_stack((np.zeros(len(rows)), rows["y_px"], rows["x_px"])).astype(np.float64)
    empty = np.zeros_like(next(iter(masks.values())))
    return Side(
        f"{path.name}, the truth",
        times.astype(np.int64),
        places,
        rows["area_px"].astype(np.float64),
        np.array(labels, np.int64),
        lines,
        lambda t: masks.get(t, empty),
    )


def _named(mask: NDArray[np.uint32], labels: dict[int, int]) -> NDArray[np.uint16]:
    """Return a mask with the labels of tracklets in place of cells."""
    names = np.zeros(int(mask.max(initial=0)) + 1, np.uint16)
    for cell, label in labels.items():
        if cell + 1 < len(names):
            names[cell + 1] = label
    named: NDArray[np.uint16] = names[mask]
    return named
