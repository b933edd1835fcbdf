"""The account of light: what each part of the sample took of each line, and may still take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from acquire.dose.budget import Bound, Budget, Ticket, amount, is_amount
from acquire.dose.fluence import FluenceMap
from acquire.dose.footprint import Footprint
from acquire.errors import LightRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from acquire.dose.tiles import Tiles

# Ten exposures of a tenth of the budget must fit in it, though their floats add up to a bit more.
_ROUNDING = 1e-9

_APART_UM = 1e7  # fields without coordinates lie ten metres from each other: they never overlap
_UNKNOWN_UM = (1000.0, 1000.0)  # a lit area that nobody named; so far apart its size is idle


class Ledger:
    """Dose of each line of light on a map of the sample. Lines are never added up unweighted.

    Dose is *reserved* before it is given and *settled* after; what is reserved counts as spent. A
    dose is the mean over the lit area. Where the stage's place is told, fields that overlap add up;
    else every field lies for itself.

    Parameters
    ----------
    budget_j_cm2
        What each field may take of each line: a `Budget`, or the mean dose alone.
    taken_j_cm2
        Dose that fields have taken before, by field and line.
    footprints
        What an exposure of each line lights.
    before
        Light of earlier runs on the sample, by line (`acquire.sample.record`).
    harm
        Weight of each line in the damage (`acquire.dose.action`), of earlier runs' lines too.
    damage
        Most damage that a field may take of all lines together, J/cm2 of UV-equivalent light.
    note
        Told of every dose that is booked: line, place, and dose, which is below 0 where less was
        given than set aside. It may refuse a reserve by an error.
    config
        Name of the config file that set the budgets; who is refused is told where to look.
    """

    def __init__(
        self,
        budget_j_cm2: Mapping[str, float | Budget],
        taken_j_cm2: Mapping[tuple[int, str], float] | None = None,
        footprints: Mapping[str, Footprint] | None = None,
        before: Mapping[str, Sequence[Tiles]] | None = None,
        harm: Mapping[str, float] | None = None,
        damage: float = math.inf,
        note: Callable[[str, float, float, float], object] = lambda light, x_um, y_um, dose: None,
        config: str = "",
    ) -> None:
        self._budget = {
            light: given if isinstance(given, Budget) else Budget(given)
            for light, given in budget_j_cm2.items()
        }
        for given in self._budget.values():
            amount(given.mean_j_cm2)
        self._harm, self._most_damage = dict(harm or {}), damage
        self._note, self._config = note, config
        self._footprints = dict(footprints or {})
        self._before = dict(before or {})
        self._maps: dict[str, FluenceMap] = {}
        self._fields: dict[int, tuple[float, float]] = {}
        self._totals = dict.fromkeys(self._budget, 0.0)
        self._open: dict[int, Ticket] = {}
        self._numbers = 0
        for light in (*self._budget, *self._before):
            self._map(light)
        for (position, light), dose in (taken_j_cm2 or {}).items():
            self.remember(position, light, dose)

    def reserve(
        self,
        position: int,
        light: str,
        dose_j_cm2: float,
        at_um: tuple[float, float] | None = None,
    ) -> Ticket:
        """Set dose aside for an exposure, before any light.

        Parameters
        ----------
        at_um
            Where the stage stands, x and y, um; None where nobody knows.

        Raises
        ------
        LightOverBudget
            If the field's budget cannot pay for it.
        """
        asked = amount(dose_j_cm2)
        at = self._stand(position, at_um)
        self._check(position, light, asked, at)
        self._note(light, *at, asked)  # first: what cannot be written down is not given
        self._numbers += 1
        ticket = Ticket(self._numbers, position, light, asked, at)
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
        if ticket.number not in self._open:
            raise LightRefused(
                f"ticket {ticket.number} of light {ticket.light!r} is settled already"
            )
        given = given_j_cm2 if is_amount(given_j_cm2) else ticket.dose_j_cm2
        self._add(ticket.light, given, ticket.at_um)
        del self._open[ticket.number]  # last: what an interrupt cuts off counts as reserved
        self._note(ticket.light, *ticket.at_um, given - ticket.dose_j_cm2)
        return max(0.0, given - ticket.dose_j_cm2)

    def book(
        self,
        position: int,
        light: str,
        dose_j_cm2: float,
        at_um: tuple[float, float] | None = None,
    ) -> None:
        """Book dose that nobody reserved."""
        at, dose = self._stand(position, at_um), amount(dose_j_cm2)
        self._add(light, dose, at)
        self._note(light, *at, dose)

    def remember(
        self,
        position: int,
        light: str,
        dose_j_cm2: float,
        at_um: tuple[float, float] | None = None,
    ) -> None:
        """Put light of an earlier run on the map; it is none of this run's totals."""
        self._map(light).add(*self._stand(position, at_um), amount(dose_j_cm2))

    def spent(self, position: int, light: str) -> float:
        """Return the mean dose that a field has taken of a line, ever; reserves included."""
        return self._spent(light, self._where(position))

    def highest(self, position: int, light: str) -> float:
        """Return the dose that the strongest spot of a field has taken of a line, ever."""
        return self._map(light).highest(*self._where(position))

    def damage(self, position: int) -> float:
        """Return the damage that all lines together did to a field, J/cm2 of UV-equivalent."""
        return self._damage(self._where(position))

    def left(self, position: int, light: str) -> float:
        """Return the mean dose that a field may still take of a line; never negative.

        Raises
        ------
        LightRefused
            If nobody gave the line a budget.
        """
        return min(bound.left for bound in self._left(light, self._where(position), math.inf))

    def totals(self) -> dict[str, float]:
        """Return the dose that each line gave in this run, summed over all exposures."""
        return dict(self._totals)

    @property
    def maps(self) -> dict[str, FluenceMap]:
        """The map of each line, earlier runs included."""
        return dict(self._maps)

    def _check(self, position: int, light: str, asked: float, at: tuple[float, float]) -> None:
        for bound in self._left(light, at, asked):
            if asked > bound.left + _ROUNDING * bound.whole:
                raise bound.refusal(position, asked, light, self._config)

    def _left(self, light: str, at: tuple[float, float], asked: float) -> list[Bound]:
        """Return what each bound leaves for one exposure."""
        budget = self._budget.get(light)
        if budget is None:
            raise LightRefused(
                f"light {light!r} has no dose budget; there are {sorted(self._budget)}"
            )
        mean = budget.mean_j_cm2
        found = [Bound(max(0.0, mean - self._spent(light, at)), mean, f"light {light!r}")]
        if (most := budget.highest_j_cm2) < math.inf:
            held = self._held(light, at)
            room = max(0.0, self._map(light).room(*at, most, asked + held) - held)
            what = f"the strongest spot of light {light!r}"
            found.append(Bound(room, most, what, "highest_j_cm2"))
        harm = self._harm.get(light, 0.0)
        if self._most_damage < math.inf and harm > 0:
            left = max(0.0, self._most_damage - self._damage(at)) / harm
            whole = self._most_damage / harm
            what = f"the damage of all lines, as dose of light {light!r}"
            found.append(Bound(left, whole, what, "damage_j_cm2"))
        return found

    def _spent(self, light: str, at: tuple[float, float]) -> float:
        return self._map(light).mean(*at) + self._held(light, at)

    def _held(self, light: str, at: tuple[float, float]) -> float:
        """Return what is reserved for a field and for those that overlap it, in full."""
        if not self._open:
            return 0.0
        reach = self._map(light).footprint
        rows, columns = (side * reach.pitch_um for side in reach.shape)
        return sum(
            ticket.dose_j_cm2
            for ticket in tuple(self._open.values())
            if ticket.light == light
            and abs(ticket.at_um[0] - at[0]) < columns
            and abs(ticket.at_um[1] - at[1]) < rows
        )

    def _damage(self, at: tuple[float, float]) -> float:
        return sum(harm * self._spent(light, at) for light, harm in self._harm.items())

    def _add(self, light: str, dose: float, at: tuple[float, float]) -> None:
        self._map(light).add(*at, dose)
        self._totals[light] = self._totals.get(light, 0.0) + dose

    def _map(self, light: str) -> FluenceMap:
        found = self._maps.get(light)
        if found is None:
            known = next(iter(self._footprints.values()), None)  # for a line of earlier runs
            footprint = self._footprints.get(light) or known or Footprint.of(*_UNKNOWN_UM)
            found = self._maps[light] = FluenceMap(footprint, self._before.get(light, ()))
        return found

    def _stand(self, position: int, at_um: tuple[float, float] | None) -> tuple[float, float]:
        if at_um is not None:
            self._fields[position] = at_um
        return self._where(position)

    def _where(self, position: int) -> tuple[float, float]:
        return self._fields.get(position) or (position * _APART_UM, 0.0)
