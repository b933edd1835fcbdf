"""The cells of one field and their family trees, as every format of tracks is written from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from realtime.export.cells import WITHDRAWN
from realtime.export.ctc import Line
from realtime.export.geff import links
from realtime.planes.heights import above_first
from realtime.tracker.lineage import ROW

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.export.cells import FieldCells


@dataclass(frozen=True, slots=True)
class Forest:
    """Everybody who was followed in one field.

    Attributes
    ----------
    rows
        `realtime.tracker.lineage.ROW`, in order of time, and of names within a time point.
    mothers
        Mother of each daughter, by name.
    n_times
        Time points of the film; cells may be in none of them.
    shape
        (Y, X) of the images, px.
    n_planes
        Planes; more than 1: `z` means something.
    pixel_um, plane_um, interval_s
        Pixel and distance of planes at the sample, time between time points; 0: not known.
    source, folder
        Name of the recording, and where it lies.
    """

    rows: NDArray[np.void]
    mothers: dict[int, int]
    n_times: int
    shape: tuple[int, int]
    n_planes: int = 1
    pixel_um: float = 0.0
    plane_um: float = 0.0
    interval_s: float = 0.0
    source: str = ""
    folder: str = ""

    def edges(self) -> NDArray[np.int64]:
        """Return the links, (n, 2): rows of a cell and of what it becomes."""
        return links(self.rows["cell"].tolist(), self.mothers).astype(np.int64)

    def cells(self) -> NDArray[np.int64]:
        """Return the name of every cell, in order of appearance."""
        names, first = np.unique(self.rows["cell"], return_index=True)
        return names[np.argsort(first, kind="stable")].astype(np.int64)

    def families(self) -> NDArray[np.int64]:
        """Return for each row the name of the first mother of its family."""
        founder: dict[int, int] = {}
        for name in self.cells().tolist():
            mother = self.mothers.get(name, -1)
            founder[name] = founder.get(mother, name)
        return np.array([founder[name] for name in self.rows["cell"].tolist()], np.int64)

    @property
    def n_divisions(self) -> int:
        """Mothers with two daughters or more."""
        _, daughters = np.unique(list(self.mothers.values()), return_counts=True)
        return int((daughters > 1).sum())

    def tracklets(self) -> tuple[list[Line], NDArray[np.int64]]:
        """Return the tracklets as the Cell Tracking Challenge has them, and that of each row.

        Numbered from 1. No tracklet has a hole: after one, a cell goes on as a child of itself.
        """
        lines: list[Line] = []
        now: dict[int, int] = {}  # newest tracklet of each cell
        label_of = np.zeros(len(self.rows), np.int64)
        for n, (t, cell) in enumerate(self.rows[["t", "cell"]].tolist()):
            label = now.get(cell, 0)
            if label and lines[label - 1].last == t - 1:
                lines[label - 1] = lines[label - 1]._replace(last=t)
            else:
                parent = label or now.get(self.mothers.get(cell, -1), 0)
                lines.append(Line(len(lines) + 1, t, t, parent))
                now[cell] = label = len(lines)
            label_of[n] = label
        return lines, label_of


def forest_of(field: FieldCells, pixel_um: float, source: str) -> Forest:
    """Return the cells that a run followed in one field; false births are left out."""
    kept = {number for number, cell in field.cells.items() if cell.verdict != WITHDRAWN}
    is_deep = all(not math.isnan(s.z_px) for shot in field.sightings for s in shot)
    rows = [
        (
            field.times[s.frame], s.cell, s.z_px if is_deep else 0.0, s.y_px, s.x_px, s.area_px,
            s.photons_e, 1.0, s.is_seen,
        )
        for shot in field.sightings
        for s in sorted(shot, key=lambda sighting: sighting.cell)
        if s.cell in kept
    ]  # fmt: skip
    first = field.shots[0][0]
    at_um = {i.index.z: i.position_um[2] for i in field.shots[0] if i.index.c == 0}
    is_deep = is_deep and len(at_um) > 1
    times = {frames[0].index.t: frames[0].t_s for frames in field.shots}
    steps = np.diff(sorted(times.values()))
    return Forest(
        rows=np.array(rows, ROW),
        mothers={n: c.parent for n, c in field.cells.items() if n in kept and c.parent in kept},
        n_times=max(field.times) + 1,
        shape=(first.height, first.width),
        n_planes=max(at_um, default=0) + 1 if is_deep else 1,
        pixel_um=pixel_um,
        plane_um=float(above_first(at_um).max() / max(at_um)) if is_deep else 0.0,
        interval_s=float(np.median(steps)) if len(steps) else 0.0,
        source=source,
    )
