"""The cells as one table: a row for each, the columns that biology and light change."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLATNESS = 0.6  # semi-axis along the light over the mean one across it, adherent cell; proposed
CYTO_RATIO = 2.0  # radius of a lonely cell over that of its nucleus; proposed


class Phase(IntEnum):
    """Where a cell stands in its cycle, or on its way out of it."""

    INTERPHASE = 0
    PROPHASE = 1
    METAPHASE = 2
    ANAPHASE = 3  # of a daughter: its chromosomes are still a bar that leaves its sister
    DYING = 4  # shrinks, rounds up, its chromatin condenses
    DEAD = 5  # falls into fragments, fades, and is gone


def cell_dtype(n_lines: int = 1, n_spots: int = 0) -> np.dtype[np.void]:
    """Return the columns of the table of cells.

    Parameters
    ----------
    n_lines
        Lines of light; each excites a dye of its own.
    n_spots
        Sub-resolution spots in each cell.
    """
    return np.dtype(
        [
            ("key", np.uint64),  # of its random numbers; follows from seed and lineage
            ("id", np.int64),
            ("parent", np.int64),  # -1: a founder
            ("founder", np.int64),  # from which it descends
            ("xyz0_um", float, (3,)),  # at the last grid time ...
            ("xyz_um", float, (3,)),  # ... and at the next one
            ("v_um_s", float, (3,)),
            ("angle", float),  # of the long axis of its shape, radians
            ("stretch", float),  # long over short axis in interphase
            ("apart", float),  # direction in which it leaves its sister, radians
            ("gap0_um", float),  # distance to the next cell at the last grid time ...
            ("gap_um", float),  # ... and at the next one
            ("born_s", float),
            ("phase", np.int8),
            ("phase_s", float),  # age of the phase
            ("progress", float),  # through interphase, 0 to 1
            ("cycle_s", float),  # interphase it needs without damage
            ("patience", float),  # its time in mitosis over the mean one
            ("expression", float),  # dye relative to the average cell
            ("arrested", bool),  # its mitosis failed; it will not divide again
            ("bright", float, (n_lines, 2)),  # unbleached share of the slow and the fast dye
            ("damage", float),  # J/cm2 of the UV line
            ("hazard", float),  # risk of death taken so far
            ("fate", float),  # risk at which it dies
            ("path_um", float),  # way that it walked in interphase, without pushes ...
            ("walked_s", float),  # ... and for how long
            ("pressed", bool),  # its neighbours leave it no room to grow
            ("spots0", float, (n_spots, 3)),  # in semi-axes of the nucleus, at the last ...
            ("spots", float, (n_spots, 3)),  # ... and at the next grid time
        ]
    )


Cells: TypeAlias = "NDArray[np.void]"
Column: TypeAlias = "NDArray[np.float64]"


def _unset() -> Column:
    return np.empty(0)


@dataclass(frozen=True, slots=True)
class Nuclei:
    """All nuclei at one instant, as columns of equal length; the truth that a tracker is judged by.

    Columns that are not given describe flat, whole, silent cells in the plane of focus.

    Attributes
    ----------
    ids, parents
        Identity, and the mother's (-1: a founder).
    keys
        Of the random numbers: the same lineage has the same key in every run with this seed.
    x_um, y_um
        Centre in stage coordinates, um.
    long_um, short_um
        Semi-axes, um.
    angle
        Of the long axis against x, radians.
    dye
        Unbleached dye of the first line, relative to a young average nucleus; what calcium does to
        it is in it.
    condensed
        Share of the chromatin that is condensed, 0 to 1.
    z_um
        Height of the centre, um; 0 is in focus when the stage stands at 0.
    depth_um
        Semi-axis along the light, um.
    cyto_um
        Radius of the cell body, um. Bodies of neighbours touch and do not overlap.
    activity
        Factor that calcium has on the dye's brightness, 1 at rest.
    fragmented
        How far a dead nucleus has fallen into fragments, 0 to 1.
    """

    ids: NDArray[np.int64]
    parents: NDArray[np.int64]
    keys: NDArray[np.uint64]
    x_um: Column
    y_um: Column
    long_um: Column
    short_um: Column
    angle: Column
    dye: Column
    condensed: Column
    phase: NDArray[np.int8]
    born_s: Column
    damage: Column
    z_um: Column = field(default_factory=_unset)
    depth_um: Column = field(default_factory=_unset)
    cyto_um: Column = field(default_factory=_unset)
    activity: Column = field(default_factory=_unset)
    fragmented: Column = field(default_factory=_unset)

    def __post_init__(self) -> None:
        radius_um = np.sqrt(self.long_um * self.short_um)
        for name, usual in (
            ("z_um", np.zeros(len(self))),
            ("depth_um", FLATNESS * radius_um),
            ("cyto_um", CYTO_RATIO * radius_um),
            ("activity", np.ones(len(self))),
            ("fragmented", np.zeros(len(self))),
        ):
            if len(getattr(self, name)) != len(self):
                object.__setattr__(self, name, usual)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Whether each cell is neither dying nor dead, (n,)."""
        return self.phase < Phase.DYING


@dataclass(frozen=True, slots=True)
class Spots:
    """All sub-resolution spots at one instant, as columns of equal length.

    Attributes
    ----------
    cells
        Identity of the cell that each spot is in; spots stand cell after cell, as in `truth()`.
    x_um, y_um, z_um
        Where it is, in stage coordinates, um.
    dye
        Dye of the cell, relative to a young average nucleus, in equal parts over its spots.
    """

    cells: NDArray[np.int64]
    x_um: Column
    y_um: Column
    z_um: Column
    dye: Column

    def __len__(self) -> int:
        return len(self.cells)
