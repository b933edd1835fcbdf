"""STOP LIGHT: dark at once, from any thread, whatever the exposure, the camera or a driver does."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Literal

from acquire import alarm
from acquire.say import say

if TYPE_CHECKING:
    from acquire.darkness import Darkness
    from acquire.lighting import Lighting
    from acquire.ports import Keeper

logger = logging.getLogger(__name__)

_DOOR_S = 0.1  # a command that hangs in a driver may not keep `go_dark` waiting longer; proposed


class StopLight:
    """Switches off what every other thread may have switched on; only `LightGuard` holds one."""

    def __init__(self, lighting: Lighting, darkness: Darkness, keeper: Keeper) -> None:
        self._stopped, self._door = lighting.stopped, lighting.door
        self._darkness, self._keeper = darkness, keeper

    def go_dark(self) -> bool:
        """Stop all light until the guard is rearmed; return whether it is read back dark."""
        self._stopped.set()
        if not self._door.acquire(timeout=_DOOR_S):
            return self._unconfirmed()
        try:
            lit = self._darkness.all()
        finally:
            self._door.release()
        if lit:
            alarm.call(self._keeper, lit)
        return not lit

    def _unconfirmed(self) -> Literal[False]:
        """Close what can be closed; the driver that hangs may let nobody else in, either."""
        thread = threading.Thread(target=self._darkness.all, name="go dark", daemon=True)
        thread.start()
        thread.join(_DOOR_S)
        say(logger, logging.CRITICAL, "a command hangs in a driver: dark is not confirmed")
        return False
