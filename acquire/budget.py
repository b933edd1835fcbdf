"""What a field may take of a line of light, and what was set aside of it."""

from __future__ import annotations

import math

import msgspec

from acquire.errors import LightRefused


class Budget(msgspec.Struct, frozen=True):
    """What a field may take of one line, earlier runs on the same sample included.

    Attributes
    ----------
    mean_j_cm2, highest_j_cm2
        Mean over the lit area, and its strongest spot; J/cm2, or relative if not calibrated.
    """

    mean_j_cm2: float
    highest_j_cm2: float = math.inf


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
