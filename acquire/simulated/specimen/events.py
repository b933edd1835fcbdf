"""What happened to cells: the divisions, failed mitoses and deaths of a specimen, in order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from acquire.simulated.specimen.cells import Cells, Column

MAX_EVENTS = 65_536  # kept; older ones are forgotten, so that memory is bounded


class Fate(StrEnum):
    """What can happen to a cell."""

    DIVISION = "division"
    FAILED_MITOSIS = "failed mitosis"
    DEATH = "death"


@dataclass(frozen=True, slots=True)
class Event:
    """One division, failed mitosis or death.

    Attributes
    ----------
    key
        Of the cell's random numbers: the same lineage has the same key in every run.
    born_s
        When the cell was born; a founder's is before 0, and a guess from its age.
    path_um, walked_s
        Way in interphase since birth or the start, um, and the time of it, s.
    """

    fate: Fate
    t_s: float
    key: int
    id: int
    parent: int
    founder: int
    born_s: float
    x_um: float
    y_um: float
    path_um: float
    walked_s: float


@dataclass(frozen=True, slots=True)
class Census:
    """All cells now, as columns of equal length.

    Attributes
    ----------
    founders
        Identity of the founder from which each descends.
    path_um, walked_s
        As in `Event`.
    """

    founders: NDArray[np.int64]
    alive: NDArray[np.bool_]
    path_um: Column
    walked_s: Column


def events_of(fate: Fate, cells: Cells, who: NDArray[np.bool_], t_s: float) -> Iterator[Event]:
    """Yield what happens to some cells now."""
    for cell in cells[who]:
        yield Event(
            fate=fate,
            t_s=t_s,
            key=int(cell["key"]),
            id=int(cell["id"]),
            parent=int(cell["parent"]),
            founder=int(cell["founder"]),
            born_s=float(cell["born_s"]),
            x_um=float(cell["xyz_um"][0]),
            y_um=float(cell["xyz_um"][1]),
            path_um=float(cell["path_um"]),
            walked_s=float(cell["walked_s"]),
        )
