"""STOP LIGHT: dark at once, from any thread, whatever the exposure, the camera or a driver does."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from acquire.errors import LightNotDark, LightRefused
from acquire.light import alarm
from acquire.light.darkness import names
from acquire.say import say

if TYPE_CHECKING:
    from acquire.light.account import Account
    from acquire.light.darkness import Darkness
    from acquire.light.lease import Lease
    from acquire.light.lighting import Lighting
    from acquire.light.ports import Keeper

logger = logging.getLogger(__name__)

_DOOR_S = 0.1  # a command that hangs in a driver may not keep `go_dark` waiting longer; proposed


class StopLight:
    """The half of `LightGuard` that makes dark, and says whether it is."""

    _lighting: Lighting
    _darkness: Darkness
    _account: Account
    _keeper: Keeper
    _stopped: threading.Event
    _lease: Lease | None

    @property
    def is_stopped(self) -> bool:
        """Whether the light was stopped, and no exposure is given until `rearm`."""
        return self._stopped.is_set()

    @property
    def lease(self) -> Lease | None:
        """The exposure that has not ended; None where there is none."""
        return self._lease

    def go_dark(self) -> bool:
        """Stop all light, from any thread, and give none until `rearm`; return whether it is dark.

        This is STOP LIGHT. It waits for nobody: not for the exposure, nor for the camera. While a
        command to light up hangs in a driver the answer is False, "not confirmed": it may still be
        carried out. Whoever gave it makes it dark again as soon as the driver returns, and the
        keeper does so if it does not. Lamps without a switch are not asked (see `dark_text`).
        """
        self._stopped.set()
        door = self._lighting.door
        if not door.acquire(timeout=_DOOR_S):
            return self._unconfirmed()
        try:
            lit = self._darkness.all()
        finally:
            door.release()
        if lit:
            alarm.call(self._keeper, lit)
        return not lit

    def all_dark(self) -> bool:
        """Switch every light off, shutter and power, at the end of a run; return whether it is.

        Lamps without a switch are not asked (see `dark_text`); they are booked until now.
        """
        lit = self._darkness.all()
        self._account.book_lamps(is_dark=not lit)
        return not lit

    def dark_text(self) -> str:
        """Say in words what dark means here, for a reply to a person, once it is dark."""
        return self._darkness.text()

    def rearm(self) -> None:
        """Allow exposures again after a stop.

        Raises
        ------
        LightRefused
            If the exposure that was stopped has not ended yet.
        LightNotDark
            If a light is not dark.
        """
        if self._lease is not None:
            raise LightRefused("the stopped exposure has not ended yet: try again in a moment")
        lit = self._darkness.all()
        if lit:
            raise LightNotDark(f"{names(lit)} will not go dark; check the device before going on")
        self._account.book_lamps(is_dark=True)
        self._stopped.clear()

    def _unconfirmed(self) -> Literal[False]:
        """Close what can be closed; the driver that hangs may let nobody else in, either."""
        thread = threading.Thread(target=self._darkness.all, name="go dark", daemon=True)
        with suppress(RuntimeError):  # no thread to be had: the answer is the same
            thread.start()
            thread.join(_DOOR_S)
        say(logger, logging.CRITICAL, "a command hangs in a driver: dark is not confirmed")
        return False
