"""The account of the guard: every exposure is reserved before and settled after; lamps shine on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from acquire.say import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from acquire.bounds import GuardRules
    from acquire.budget import Ticket
    from acquire.dose import Ledger
    from acquire.lease import Lease
    from acquire.source import LightSource

logger = logging.getLogger(__name__)

NOTABLE = 1e-3  # of the dose reserved; less than that is the rounding of a power's text, proposed


class Account:
    """Books all light in a ledger: of exposures, and of lamps that are always on, all of the time.

    A lamp shines on the field where the stage stands: until the next exposure is asked for, that is
    the field of the last one. A light that does not go dark is a lamp from then on, until it does.

    Parameters
    ----------
    where
        Where the stage stands, x and y, um; None where nobody knows.

    Attributes
    ----------
    lit
        Lights that would not go dark when the last lease ended.
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
    ) -> None:
        self._ledger, self._rules, self._now_ns, self._where = ledger, rules, now_ns, where
        self._lamps = tuple(source for source in sources if not source.is_switchable)
        self.lit: tuple[LightSource, ...] = ()
        self.closed_ns = 0
        self._n_exposed = 0
        self._stuck: dict[str, tuple[LightSource, float]] = {}
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
        self.closed_ns, self.lit = 0, ()
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

    def settle(self, lease: Lease, ticket: Ticket) -> float:
        """Book what an exposure really gave, and return it, J/cm2 or relative."""
        source = lease.source
        if source.is_switchable:
            given_j_cm2 = self._given_j_cm2(lease)
        else:
            given_j_cm2 = self._shone_j_cm2(source)
        beyond_j_cm2 = self._ledger.settle(ticket, given_j_cm2)
        self.book_lamps(but=source)
        for light in self.lit:  # how strong another one is, nobody knows
            full = light.irradiance_w_cm2(1.0)
            self._stuck[light.name] = (
                light, lease.irradiance_given_w_cm2() if light is source else full
            )  # fmt: skip
        if beyond_j_cm2 > NOTABLE * ticket.dose_j_cm2:
            say(
                logger, logging.WARNING,
                "light %r gave %.3g %s more than the %.3g reserved; all of it is booked",
                source.name, beyond_j_cm2, source.dose_unit, ticket.dose_j_cm2,
            )  # fmt: skip
        return given_j_cm2

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
        self._booked_until_ns = self._now_ns()

    def _shone_j_cm2(self, lamp: LightSource) -> float:
        return lamp.irradiance_w_cm2(1.0) * self._passed_s()

    def _passed_s(self) -> float:
        return (self._now_ns() - self._booked_until_ns) * 1e-9

    def _given_j_cm2(self, lease: Lease) -> float:
        """Return the dose that a lease gave, J/cm2 or relative; at the worst where it is in doubt.

        Light that the camera blanks is on for the exposures as read back; where it broke off, for
        all that the camera took, and no less than from its start until dark. Light that we blank is
        on from the command that opened it until it closed, each with the declared delay; where it
        broke off, no delay is taken away.
        """
        if not lease.lit_ns:
            return 0.0
        source = lease.source
        frame_ms = source.on_ms(lease.exposure_read_ms)
        off_ns = (self.closed_ns or lease.dark_ns) + int(source.close_delay_ms * 1e6)
        on_ms = lease.n_frames * frame_ms if lease.is_started else 0.0
        if lease.is_clean and not lease.is_blanked:
            on_ms = max(on_ms, (off_ns - lease.lit_ns) * 1e-6 - source.open_delay_ms)
        elif lease.is_started and lease.is_blanked and not lease.is_clean:
            on_ms = max(self._n_exposed * frame_ms, (off_ns - lease.started_ns) * 1e-6)
        elif not lease.is_clean:
            on_ms = max(on_ms, (off_ns - lease.lit_ns) * 1e-6)
        return lease.irradiance_given_w_cm2() * on_ms * 1e-3
