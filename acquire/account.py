"""The account of the guard: every exposure is reserved before and settled after; lamps shine on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from acquire.say import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from acquire.bounds import GuardRules
    from acquire.dose import Ledger, Ticket
    from acquire.lease import Lease
    from acquire.source import LightSource

logger = logging.getLogger(__name__)

NOTABLE = 1e-3  # of the dose reserved; less than that is the rounding of a power's text, proposed


class Account:
    """Books all light in a ledger: of exposures, and of lamps that are always on, all of the time.

    A lamp shines on the field where the stage stands: until the next exposure is asked for, that is
    the field of the last one.

    Parameters
    ----------
    where
        Where the stage stands, x and y, um; None where nobody knows.
    """

    def __init__(
        self,
        ledger: Ledger,
        sources: Iterable[LightSource],
        rules: GuardRules,
        now_ns: Callable[[], int],
        where: Callable[[], tuple[float, float] | None] = lambda: None,
    ) -> None:
        self._ledger, self._rules, self._now_ns, self._where = ledger, rules, now_ns, where
        self._lamps = tuple(source for source in sources if not source.is_switchable)
        self._booked_until_ns = now_ns()
        self._position: int | None = None
        self._at_um: tuple[float, float] | None = None

    def reserve(self, lease: Lease) -> Ticket:
        """Set the dose of an exposure aside.

        Raises
        ------
        LightOverBudget
            If the field's budget cannot pay for it.
        """
        at_um = self._where()
        if self._position is None:
            self._position, self._at_um = lease.position, at_um
        self.book_lamps()
        self._position, self._at_um = lease.position, at_um
        source = lease.source
        power = lease.allowed.power_fraction if source.is_switchable else 1.0
        on_ms = lease.reserve_ms(self._rules.switch_allowance_ms)
        dose_j_cm2 = source.irradiance_w_cm2(power) * on_ms * 1e-3
        return self._ledger.reserve(lease.position, source.name, dose_j_cm2, at_um)

    def settle(self, lease: Lease, ticket: Ticket) -> float:
        """Book what an exposure really gave, and return it, J/cm2 or relative."""
        source = lease.source
        given_j_cm2 = lease.given_j_cm2() if source.is_switchable else self._shone_j_cm2(source)
        beyond_j_cm2 = self._ledger.settle(ticket, given_j_cm2)
        self.book_lamps(but=source)
        if beyond_j_cm2 > NOTABLE * ticket.dose_j_cm2:
            say(
                logger, logging.WARNING,
                "light %r gave %.3g %s more than the %.3g reserved; all of it is booked",
                source.name, beyond_j_cm2, source.dose_unit, ticket.dose_j_cm2,
            )  # fmt: skip
        return given_j_cm2

    def book_lamps(self, but: LightSource | None = None) -> None:
        """Book what the lamps gave since they were booked last; one may be booked already."""
        position, at_um = self._position, self._at_um
        if position is None:  # nothing was exposed yet, but a lamp shines on the stage as it stands
            position, at_um = 0, self._where()
        for lamp in self._lamps:
            if lamp is not but:
                self._ledger.book(position, lamp.name, self._shone_j_cm2(lamp), at_um)
        self._booked_until_ns = self._now_ns()

    def _shone_j_cm2(self, lamp: LightSource) -> float:
        return lamp.irradiance_w_cm2(1.0) * (self._now_ns() - self._booked_until_ns) * 1e-9
