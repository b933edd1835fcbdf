"""A provisional division, until its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class Pending:
    """A division that was seen, and not yet judged.

    Attributes
    ----------
    sightings, since_division
        The mother's, to give back if it was none.
    apart_px, areas
        What it looked like: distance of the daughters; areas of mother and daughters, px.
    """

    mother_id: int
    daughter_id: int
    sightings: int
    since_division: int
    apart_px: float
    areas: tuple[float, float, float]
    shots: int = 0
    hits_mother: int = 0
    hits_daughter: int = 0

    @property
    def is_believed(self) -> bool:
        """Whether both daughters were seen again, missed once between them at most."""
        hits = self.hits_mother + self.hits_daughter
        return min(self.hits_mother, self.hits_daughter) > 0 and hits >= 2 * self.shots - 1


def pending_of(areas: Sequence[float], **rest: Any) -> Pending:
    """Return a provisional division from its plain numbers."""
    mother, one, other = areas
    return Pending(areas=(mother, one, other), **rest)
