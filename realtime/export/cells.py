"""The cells of one field as the run followed them: who they are, and where each shot saw them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from acquire.frame import FrameInfo

FINAL, PROVISIONAL, WITHDRAWN = "final", "provisional", "withdrawn"


class Sighting(NamedTuple):
    """A cell in one shot.

    Attributes
    ----------
    frame
        Number of the shot in its field, from 0.
    is_seen
        False: it was missed, and is where it was expected.
    photons_e, area_px
        As the run saw it in the restored image: photo-electrons above background, and area.
    dose, damage
        What the cell has taken in this run: by line, and of all; empty where it is not recorded.
    z_px, z_sd_px
        In a stack: height above the plan's first plane, and its standard deviation; else NaN.
    kinds
        Probability of each kind, in the order of `FieldCells.kinds`; none without a classifier.
    """

    frame: int
    cell: int
    y_px: float
    x_px: float
    is_seen: bool
    photons_e: float
    area_px: float
    dose: dict[str, float]
    damage: float
    z_px: float = math.nan
    z_sd_px: float = math.nan
    kinds: tuple[float, ...] = ()


@dataclass(slots=True)
class Cell:
    """Who a cell is.

    Attributes
    ----------
    parent
        The mother's number; -1 for none.
    beginning
        "birth" or "division"; `verdict` on it: final, provisional (the run ended before), or
        withdrawn.
    ending
        "end" or "division"; empty where the run ended before the cell.
    """

    number: int
    parent: int = -1
    beginning: str = "birth"
    verdict: str = PROVISIONAL
    ending: str = ""


@dataclass(slots=True)
class FieldCells:
    """All cells of one field.

    Attributes
    ----------
    shots
        Frames of each shot with a result, by the number of a `Sighting.frame`.
    times
        Time point of each shot: the t of the plan, or the shot's number where two share a t.
    sightings
        Of each shot.
    left_out
        Shots with a result and without any frame: nobody knows when they were.
    kinds
        Names of the kinds that cells were told apart by.
    """

    position: int
    cells: dict[int, Cell] = field(default_factory=dict)
    shots: list[tuple[FrameInfo, ...]] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    sightings: list[list[Sighting]] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)
    kinds: tuple[str, ...] = ()

    @property
    def is_deep(self) -> bool:
        """Whether heights were measured."""
        return any(not math.isnan(seen.z_px) for shot in self.sightings for seen in shot)

    def tracks(self) -> dict[int, list[Sighting]]:
        """Return the sightings of each cell, in order of time."""
        found: dict[int, list[Sighting]] = {}
        for shot in self.sightings:
            for sighting in shot:
                found.setdefault(sighting.cell, []).append(sighting)
        return found
