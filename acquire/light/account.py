"""The account of the guard: every exposure is reserved before and settled after; lamps shine on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from acquire.asleep import slept_ns
from acquire.errors import LightOverBudget
from acquire.say import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from acquire.dose import Ledger
    from acquire.dose.budget import Ticket
    from acquire.light.bounds import GuardRules
    from acquire.light.frame_bounds import Allowed
    from acquire.light.lease import Lease
    from acquire.light.source import LightSource

logger = logging.getLogger(__name__)

SHORTEST_SLEEP_NS = 50_000_000  # no computer sleeps and wakes within it; proposed
NOTABLE = 1e-3  # of the dose reserved; less than that is the rounding of a power's text, proposed


class Account:
    """Books all light in a ledger: of exposures, and of lamps that are always on, all of the time.

    A lamp shines on the field where the stage stands: until the next exposure is asked for, that is
    the field of the last one. A light that does not go dark is a lamp from then on, until it does.

    Parameters
    ----------
    where
        Where the stage stands, x and y, um; None where nobody knows.
    slept_ns
        For how long the computer has slept; what is on goes on shining meanwhile.

    Attributes
    ----------
    lit
        Lights that would not go dark when the last lease ended.
    strays
        Lights that were on when it ended though nobody had asked for them.
    closed_ns
        When the command that closed the light was carried out, host clock; 0 where the first one
        did not do it.
    """

    def __init__(
        self,
        ledger: Ledger,
        sources: Iterable[LightSource],
        rules: GuardRules,
        now_ns: Callable[[], int],
        where: Callable[[], tuple[float, float] | None] = lambda: None,
        slept_ns: Callable[[], int] = slept_ns,
    ) -> None:
        self._ledger, self._rules, self._now_ns, self._where = ledger, rules, now_ns, where
        self._slept_ns = slept_ns
        self._lamps = tuple(source for source in sources if not source.is_switchable)
        self.lit: tuple[LightSource, ...] = ()
        self.closed_ns = 0
        self._n_exposed = 0
        self._stuck: dict[str, tuple[LightSource, float]] = {}
        self.strays: tuple[LightSource, ...] = ()
        self._booked_until_ns = self._seen_dark_ns = now_ns()
        self._booked_slept_ns = self._reserved_slept_ns = slept_ns()
        self._position: int | None = None
        self._at_um: tuple[float, float] | None = None

    def reserve(self, lease: Lease) -> Ticket:
        """Set the dose of an exposure aside.

        Raises
        ------
        LightOverBudget
            If the field's budget cannot pay for it.
        """
        self.closed_ns, self.lit, self.strays = 0, (), ()
        self._reserved_slept_ns = self._slept_ns()
        at_um = self._where()
        if self._position is None:
            self._position, self._at_um = lease.position, at_um
        self.book_lamps()
        self._position, self._at_um = lease.position, at_um
        source = lease.source
        power = lease.light_of(0).power_fraction if source.is_switchable else 1.0
        while True:
            on_ms = lease.reserve_ms(self._rules.switch_allowance_ms)
            dose_j_cm2 = source.irradiance_w_cm2(power) * on_ms * 1e-3
            try:
                return self._ledger.reserve(lease.position, source.name, dose_j_cm2, at_um)
            except LightOverBudget:
                if not lease.shorten():
                    raise

    def roll(self, lease: Lease, allowed: Allowed | None = None) -> None:
        """Book what a lease gave until now, and set aside what it will give next.

        Parameters
        ----------
        allowed
            Its light from now on; None leaves it as it is.

        Raises
        ------
        LightOverBudget
            If the field's budget cannot pay for it. What it still gives until it is dark is booked.
        """
        self.settle(lease)
        lease.allowed = allowed or lease.allowed
        lease.ticket = self.reserve(lease)

    def note_closed(self) -> None:
        """Note that the light was just told to close, and that the command was carried out."""
        self.closed_ns = self._now_ns()

    def note_exposed(self, lease: Lease) -> None:
        """Ask the camera, before it is stopped, whether it took all frames though some never came.

        A camera that does not answer took them all, for all that we know.
        """
        self._n_exposed = lease.n_frames
        try:
            if lease.camera.is_running():
                self._n_exposed = lease.n_popped
        except Exception as error:  # the account goes on, whatever the driver says
            say(logger, logging.WARNING, "the camera does not say what it took: %s", error)

    def settle(self, lease: Lease) -> float:
        """Book what an exposure really gave, and return it, J/cm2 or relative."""
        source = lease.source
        if source.is_switchable:
            given_j_cm2 = lease.given_j_cm2(self.closed_ns, self._n_exposed)
            given_j_cm2 += self._given_asleep_j_cm2(lease)
        else:
            given_j_cm2 = self._shone_j_cm2(source)
        try:
            self._book(lease, given_j_cm2)
            self.book_lamps(but=source)
        finally:  # also where it cannot be written down: what goes on shining is booked later
            self._note_strays(lease)
            self._note_stuck(lease)
        return given_j_cm2

    def _book(self, lease: Lease, given_j_cm2: float) -> None:
        """Book what a lease gave, on its ticket; where it has none any more, all the same."""
        source, ticket = lease.source, lease.ticket
        if ticket is None:
            self._ledger.book(lease.position, source.name, given_j_cm2, self._at_um)
            return
        lease.ticket = None
        beyond_j_cm2 = self._ledger.settle(ticket, given_j_cm2)
        if beyond_j_cm2 > NOTABLE * ticket.dose_j_cm2:
            say(
                logger, logging.WARNING,
                "light %r gave %.3g %s more than the %.3g reserved; all of it is booked",
                source.name, beyond_j_cm2, source.dose_unit, ticket.dose_j_cm2,
            )  # fmt: skip

    def _given_asleep_j_cm2(self, lease: Lease) -> float:
        """Return what a lease gave while the computer slept in it, as if nobody had blanked it."""
        slept_s = _nap(self._slept_ns() - self._reserved_slept_ns) * 1e-9
        return lease.irradiance_given_w_cm2() * slept_s if lease.lit_ns else 0.0

    def _note_strays(self, lease: Lease) -> None:
        """Book lights that nobody had asked for, as full since all were last seen dark."""
        if not lease.is_over:
            return
        since_ns, self._seen_dark_ns = self._seen_dark_ns, lease.dark_ns
        for light in self.strays:
            shone_s = (lease.dark_ns - since_ns) * 1e-9
            dose_j_cm2 = light.irradiance_w_cm2(1.0) * shone_s
            self._ledger.book(lease.position, light.name, dose_j_cm2, self._at_um)

    def _note_stuck(self, lease: Lease) -> None:
        """Book a light that does not go dark from when the lease gave it up, as a lamp is booked.

        How strong another one than the lease's own is, nobody knows: it counts as full.
        """
        for light in self.lit:
            irradiance_w_cm2 = light.irradiance_w_cm2(1.0)
            if light is lease.source:
                irradiance_w_cm2 = lease.irradiance_given_w_cm2()
            self._stuck[light.name] = light, irradiance_w_cm2
            shone_s = max(0, self._booked_until_ns - lease.dark_ns) * 1e-9
            self._ledger.book(lease.position, light.name, irradiance_w_cm2 * shone_s, self._at_um)

    def book_lamps(self, but: LightSource | None = None, *, is_dark: bool = False) -> None:
        """Book what lamps gave since they were booked last; one may be booked already.

        `is_dark` says that every light that has a switch was just read back as off.
        """
        position, at_um = self._position, self._at_um
        if position is None:  # nothing was exposed yet, but a lamp shines on the stage as it stands
            position, at_um = 0, self._where()
        for lamp in self._lamps:
            if lamp is not but:
                self._ledger.book(position, lamp.name, self._shone_j_cm2(lamp), at_um)
        for light, irradiance_w_cm2 in self._stuck.values():
            shone_j_cm2 = irradiance_w_cm2 * self._passed_s()
            self._ledger.book(position, light.name, shone_j_cm2, at_um)
        if is_dark:
            self._stuck.clear()
        self._booked_until_ns, self._booked_slept_ns = self._now_ns(), self._slept_ns()

    def _shone_j_cm2(self, lamp: LightSource) -> float:
        return lamp.irradiance_w_cm2(1.0) * self._passed_s()

    def _passed_s(self) -> float:
        slept_ns = _nap(self._slept_ns() - self._booked_slept_ns)
        return (self._now_ns() - self._booked_until_ns + slept_ns) * 1e-9


def _nap(slept_ns: int) -> int:
    """Return how long a sleep was; none where the two clocks were only read apart."""
    return slept_ns if slept_ns > SHORTEST_SLEEP_NS else 0
