"""What a field may take of a line of light, and what was set aside of it."""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec

from acquire.errors import LightOverBudget, LightRefused
from acquire.light.where import limits_of, table


class Budget(msgspec.Struct, frozen=True):
    """What a field may take of one line, earlier runs on the same sample included.

    Attributes
    ----------
    mean_j_cm2, highest_j_cm2
        Mean over the lit area, and its strongest spot; J/cm2, or relative if not calibrated.
    """

    mean_j_cm2: float
    highest_j_cm2: float = math.inf


class Bound(NamedTuple):
    """What one bound leaves for an exposure of a line: its whole, its name, and its config key."""

    left: float
    whole: float
    what: str
    key: str = "budget_j_cm2"

    def refusal(self, position: int, asked: float, light: str, config: str) -> LightOverBudget:
        """Return the error of who asks for more than is left."""
        is_sample = self.key == "damage_j_cm2"
        where = table("[sample]", config) if is_sample else limits_of(light, config)
        return LightOverBudget(
            f"field {position} has {self.left:.4g} left of its {self.whole:.4g} for {self.what}, "
            f"the exposure would take {asked:.4g}; raise the budget ({self.key}, {where}) or end "
            "the run"
        )


class Ticket(msgspec.Struct, frozen=True):
    """Dose that is set aside for one exposure; `number` tells it from every other."""

    number: int
    position: int
    light: str
    dose_j_cm2: float
    at_um: tuple[float, float] = (0.0, 0.0)


def is_amount(dose_j_cm2: float) -> bool:
    """Whether a dose is a number from 0 up."""
    return math.isfinite(dose_j_cm2) and dose_j_cm2 >= 0.0


def amount(dose_j_cm2: float) -> float:
    """Return a dose.

    Raises
    ------
    LightRefused
        If it is none.
    """
    if not is_amount(dose_j_cm2):
        raise LightRefused(f"a dose is a number from 0 up, got {dose_j_cm2}")
    return dose_j_cm2
