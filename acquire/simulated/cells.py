"""The cells as one table: a row for each, the columns that biology and light change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Phase(IntEnum):
    """Where a cell stands in its cycle."""

    INTERPHASE = 0
    PROPHASE = 1
    METAPHASE = 2


CELL = np.dtype(
    [
        ("key", np.uint64),  # of its random numbers; follows from seed and lineage
        ("id", np.int64),
        ("parent", np.int64),  # -1: a founder
        ("x0_um", float),  # at the last grid time ...
        ("y0_um", float),
        ("x_um", float),  # ... and at the next one
        ("y_um", float),
        ("vx_um_s", float),
        ("vy_um_s", float),
        ("angle", float),  # of the long axis of its shape, radians
        ("stretch", float),  # long over short axis in interphase
        ("apart", float),  # direction in which it leaves its sister, radians
        ("born_s", float),
        ("phase", np.int8),
        ("phase_s", float),  # age of the phase
        ("progress", float),  # through interphase, 0 to 1
        ("cycle_s", float),  # interphase it needs without damage
        ("expression", float),  # dye relative to the average cell
        ("arrested", bool),  # its mitosis failed; it will not divide again
        ("bright", float, (2,)),  # unbleached share of the slow and the fast dye
        ("damage", float),  # J/cm2 of the UV line
    ]
)

Cells: TypeAlias = "NDArray[np.void]"
Column: TypeAlias = "NDArray[np.float64]"


@dataclass(frozen=True, slots=True)
class Nuclei:
    """All nuclei at one instant, as columns of equal length; the truth that a tracker is judged by.

    Attributes
    ----------
    ids, parents
        Identity, and the mother's (-1: a founder).
    x_um, y_um
        Centre in stage coordinates, um.
    long_um, short_um
        Semi-axes, um.
    angle
        Of the long axis against x, radians.
    dye
        Unbleached dye, relative to a young average nucleus.
    condensed
        Share of the chromatin that is condensed, 0 to 1.
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

    def __len__(self) -> int:
        return len(self.ids)
