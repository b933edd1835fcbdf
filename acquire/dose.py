"""The account of light: what each field has taken of each line, and what it may still take."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from acquire.errors import LightOverBudget, LightRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

# Ten exposures of a tenth of the budget must fit in it, though their floats add up to a bit more.
_ROUNDING = 1e-9


class Ticket(msgspec.Struct, frozen=True):
    """Dose that is set aside for one exposure; `number` tells it from every other."""

    number: int
    position: int
    light: str
    dose_j_cm2: float


class Ledger:
    """Dose for each field and line of light. Lines are never added up: their harm differs.

    Dose is *reserved* before it is given and *settled* after; what is reserved counts as spent. The
    account is one number a field so far: overlapping fields are not added up.

    Parameters
    ----------
    budget_j_cm2
        Dose that each field may take of each line, J/cm2 (relative where not calibrated).
    taken_j_cm2
        Dose that fields have taken before, by field and line: earlier runs on the same sample.
    """

    def __init__(
        self,
        budget_j_cm2: Mapping[str, float],
        taken_j_cm2: Mapping[tuple[int, str], float] | None = None,
    ) -> None:
        self._budget = {light: _amount(dose) for light, dose in budget_j_cm2.items()}
        self._settled: defaultdict[tuple[int, str], float] = defaultdict(float)
        for (position, light), dose in (taken_j_cm2 or {}).items():
            self.book(position, light, dose)
        self._open: dict[int, Ticket] = {}
        self._numbers = 0

    def reserve(self, position: int, light: str, dose_j_cm2: float) -> Ticket:
        """Set dose aside for an exposure, before any light.

        Raises
        ------
        LightOverBudget
            If the field's budget cannot pay for it.
        """
        asked = _amount(dose_j_cm2)
        left = self.left(position, light)
        if asked > left + _ROUNDING * self._budget[light]:
            raise LightOverBudget(
                f"field {position} has {left:.4g} left of its {self._budget[light]:.4g} for light "
                f"{light!r}, the exposure would take {asked:.4g}; raise the budget or end the run"
            )
        self._numbers += 1
        ticket = Ticket(self._numbers, position, light, asked)
        self._open[ticket.number] = ticket
        return ticket

    def settle(self, ticket: Ticket, given_j_cm2: float) -> float:
        """Book what was really given, all of it, and return by how much it passed the reserve.

        A dose that is no number is booked as the reserve.

        Raises
        ------
        LightRefused
            If the ticket is settled already.
        """
        if self._open.pop(ticket.number, None) is None:
            raise LightRefused(
                f"ticket {ticket.number} of light {ticket.light!r} is settled already"
            )
        given = given_j_cm2 if _is_amount(given_j_cm2) else ticket.dose_j_cm2
        self._settled[ticket.position, ticket.light] += given
        return max(0.0, given - ticket.dose_j_cm2)

    def book(self, position: int, light: str, dose_j_cm2: float) -> None:
        """Book dose that nobody reserved."""
        self._settled[position, light] += _amount(dose_j_cm2)

    def spent(self, position: int, light: str) -> float:
        """Return the dose that a field has taken of a line, reserves included."""
        reserved = sum(
            ticket.dose_j_cm2
            for ticket in tuple(self._open.values())
            if (ticket.position, ticket.light) == (position, light)
        )
        return self._settled.get((position, light), 0.0) + reserved

    def left(self, position: int, light: str) -> float:
        """Return the dose that a field may still take of a line; never negative.

        Raises
        ------
        LightRefused
            If nobody gave the line a budget.
        """
        if light not in self._budget:
            raise LightRefused(
                f"light {light!r} has no dose budget; there are {sorted(self._budget)}"
            )
        return max(0.0, self._budget[light] - self.spent(position, light))

    def totals(self) -> dict[str, float]:
        """Return the dose given by each line so far, summed over all fields."""
        sums = dict.fromkeys(self._budget, 0.0)
        for (_, light), dose in tuple(self._settled.items()):
            sums[light] = sums.get(light, 0.0) + dose
        return sums


def _is_amount(dose_j_cm2: float) -> bool:
    return math.isfinite(dose_j_cm2) and dose_j_cm2 >= 0.0


def _amount(dose_j_cm2: float) -> float:
    if not _is_amount(dose_j_cm2):
        raise LightRefused(f"a dose is a number from 0 up, got {dose_j_cm2}")
    return dose_j_cm2
