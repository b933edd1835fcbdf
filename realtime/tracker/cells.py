"""What a tracker remembers of each cell: one row of fixed size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

CELL = np.dtype(
    [
        ("id", "i8"),
        ("parent", "i8"),  # the mother's id; -1: none
        ("detection", "i8"),  # its detection in the last shot, -1: missed
        ("place", "f8", 2),  # where it was last seen: y, x px
        ("step", "f8", 2),  # its last move, y, x px for each shot
        ("velocity", "f8", 2),  # the same, smoothed
        ("along", "f8"),  # running <step, velocity> and <velocity, velocity>: their ratio says
        ("squared", "f8"),  # how far this cell keeps its velocity
        ("missed", "i8"),  # shots in a row without a detection
        ("age", "i8"),  # shots since birth
        ("sightings", "i8"),  # detections since birth or since the last division
        ("area", "f8"),  # running mean, px
        ("area_now", "f8"),  # of the last detection, px
        ("photons", "f8"),  # of the last detection, e
        ("is_sure", "?"),  # its birth is final
    ]
)
"""One row. A structured array keeps the columns together: dropping cells is one index."""

Cells: TypeAlias = NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Found:
    """What the detector found in one shot.

    Attributes
    ----------
    places
        y, x in px, (M, 2).
    areas, photons
        px and photo-electrons, (M,).
    """

    places: NDArray[np.float64]
    areas: NDArray[np.float64]
    photons: NDArray[np.float64]


def no_cells() -> Cells:
    """Return an empty table."""
    return np.zeros(0, CELL)


def new_cells(ids: NDArray[np.int64], which: NDArray[np.intp], found: Found) -> Cells:
    """Return rows for the detections `which`, (N,), as cells that are seen for the first time."""
    rows = np.zeros(len(ids), CELL)
    rows["id"], rows["parent"], rows["detection"] = ids, -1, which
    rows["place"] = found.places[which]
    rows["area"] = rows["area_now"] = found.areas[which]
    rows["photons"] = found.photons[which]
    rows["sightings"] = 1
    return rows
