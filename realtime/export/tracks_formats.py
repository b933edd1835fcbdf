"""A forest in a file: one writer for each format, all from the same rows."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, assert_never

import numpy as np

from realtime.errors import RunFileError
from realtime.export import geff
from realtime.export.ctc import USUAL_AREA_PX, write_tracks
from realtime.export.discs import labels_of
from realtime.export.frames import write_csv
from realtime.export.outlines import painted
from realtime.export.tracks_napari import write_napari
from realtime.export.tracks_trackmate import write_trackmate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from realtime.export.frames import Row
    from realtime.export.outlines import Outlines
    from realtime.export.tracks_forest import Forest


class Format(StrEnum):
    """Formats of tracks."""

    GEFF = "geff"
    CTC = "ctc"
    CSV = "csv"
    TRACKMATE = "trackmate"
    NAPARI = "napari"


ENDINGS = {
    ".geff": Format.GEFF,
    ".zarr": Format.GEFF,
    ".csv": Format.CSV,
    ".xml": Format.TRACKMATE,
    ".npz": Format.NAPARI,
    ".ctc": Format.CTC,
    "": Format.CTC,
}
"""What the end of a name asks for; a name without one is a folder."""


def format_of(path: Path) -> Format:
    """Return the format that a name asks for.

    Raises
    ------
    RunFileError
        If it asks for none.
    """
    found = ENDINGS.get(path.suffix.lower())
    if found is None:
        raise RunFileError(
            f"{path.name}: no format of tracks ends with {path.suffix!r}; use .geff, .csv, .xml "
            "(TrackMate), .npz (napari), or a folder's name (Cell Tracking Challenge)"
        )
    return found


def check_format(kind: Format) -> None:
    """Say what is missing for a format before any work is done.

    Raises
    ------
    RunFileError
        If a package is missing.
    """
    if kind is Format.GEFF:
        geff.check_installed()


def write_forest(
    draft: Path,
    kind: Format,
    forest: Forest,
    position: int = 0,
    on_time: Callable[[], object] = lambda: None,
    outlines: Callable[[int], Outlines | None] = lambda t: None,
) -> None:
    """Write the cells of one field to a file or folder that does not exist.

    Parameters
    ----------
    position
        Which field; the layout of the challenge numbers them, from 01.
    on_time
        Called for each time point where that takes long.
    outlines
        What was outlined at a time point; None: masks are discs of each cell's area there.

    Raises
    ------
    RunFileError
        If a package is missing, or there are more cells than the format has room for.
    """
    match kind:
        case Format.CSV:
            write_csv(draft, lambda: table_rows(forest))
        case Format.GEFF:
            _write_geff(draft, forest)
        case Format.CTC:
            draft.mkdir(exist_ok=True)
            _write_ctc(draft / f"{position + 1:02d}_RES", forest, on_time, outlines)
        case Format.TRACKMATE:
            write_trackmate(draft, forest)
        case Format.NAPARI:
            write_napari(draft, forest)
        case _:
            assert_never(kind)


def table_rows(forest: Forest) -> Iterator[Row]:
    """Yield a row for each cell at each time point, in order of time."""
    for row in forest.rows:
        values: Row = {
            "cell": int(row["cell"]),
            "parent": forest.mothers.get(int(row["cell"]), -1),
            "t": int(row["t"]),
        }
        if forest.interval_s > 0:
            values["t_s"] = int(row["t"]) * forest.interval_s
        if forest.n_planes > 1:
            values["z_px"] = float(row["z"])
        values |= {"y_px": float(row["y"]), "x_px": float(row["x"])}
        if forest.pixel_um > 0:
            values["y_um"] = float(row["y"]) * forest.pixel_um
            values["x_um"] = float(row["x"]) * forest.pixel_um
        yield values | {
            "area_px": float(row["area_px"]),
            "photo_electrons": float(row["photons"]),
            "certainty": float(row["certainty"]),
            "is_seen": int(row["is_seen"]),
        }


def _write_geff(folder: Path, forest: Forest) -> None:
    rows, is_deep = forest.rows, forest.n_planes > 1
    _, tracklet = forest.tracklets()
    columns: dict[str, NDArray[Any]] = {"t": rows["t"].astype(np.int64)}
    for name in ("z", "y", "x") if is_deep else ("y", "x"):
        columns[name] = rows[name].astype(np.float64)
    parents = [forest.mothers.get(cell, -1) for cell in rows["cell"].tolist()]
    columns |= {
        "cell": rows["cell"].astype(np.int64),
        "tracklet": tracklet,
        "parent": np.array(parents, np.int64),
        "area_px": rows["area_px"].astype(np.float64),
        "photo_electrons": rows["photons"].astype(np.float64),
        "certainty": rows["certainty"].astype(np.float64),
        "is_seen": rows["is_seen"].astype(np.int64),
    }
    about = {
        "origin": "lightloop track",
        "recording": forest.source,
        "interval_s": forest.interval_s or None,
        "shape": list(forest.shape),
        "n_times": forest.n_times,
    }
    edges = forest.edges().astype(np.uint64)
    pixel_um = forest.pixel_um or None
    geff.write_graph(folder, columns, edges, pixel_um, pixel_um if is_deep else None, about)


def _write_ctc(
    folder: Path,
    forest: Forest,
    on_time: Callable[[], object],
    outlines: Callable[[int], Outlines | None],
) -> None:
    lines, label_of = forest.tracklets()
    starts = np.searchsorted(forest.rows["t"], np.arange(forest.n_times + 1))

    def labels(t: int) -> NDArray[np.uint16]:
        on_time()
        mine = slice(starts[t], starts[t + 1])
        rows = forest.rows[mine]
        area = np.where(rows["area_px"] > 0, rows["area_px"], USUAL_AREA_PX)
        who = (rows["y"], rows["x"], np.sqrt(area / np.pi))
        known = outlines(t)
        if known is None:
            return labels_of(forest.shape, *who, label_of[mine])
        return painted(known, *who, rows["is_seen"], label_of[mine])

    write_tracks(folder, ("mask", "res_track"), forest.n_times, labels, lines)
