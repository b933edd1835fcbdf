"""The focus lock: a device that holds the focus by itself, as long as it can."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from acquire.errors import ScopeError, StageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.core import Core

LOOK_S = 0.02  # how often a lock that is catching on is asked; proposed


class FocusLock:
    """Switches the continuous focus of Micro-Manager's autofocus device on and off, and asks it.

    Parameters
    ----------
    wait_s
        Time that it may take to catch the focus, s.
    """

    def __init__(
        self,
        core: Core,
        wait_s: float,
        nap: Callable[[float], object] = time.sleep,
        now_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._core, self._wait_s, self._nap, self._now_s = core, wait_s, nap, now_s
        self.is_held = False

    def hold(self) -> bool:
        """Let it hold the focus, and return whether it has caught it in time."""
        if not self.is_held:
            self._call("locking the focus", lambda: self._core.enableContinuousFocus(True))
            self.is_held = True
        until = self._now_s() + self._wait_s
        while not self.is_locked():
            if self._now_s() > until:
                return False
            self._nap(LOOK_S)
        return True

    def let_go(self) -> None:
        """Let the drive move freely."""
        if self.is_held:
            self._call("letting the focus go", lambda: self._core.enableContinuousFocus(False))
            self.is_held = False

    def is_locked(self) -> bool:
        """Ask whether it holds the focus now."""
        return bool(self._call("asking the focus lock", self._core.isContinuousFocusLocked))

    @staticmethod
    def _call(what: str, call: Callable[[], object]) -> object:
        try:
            return call()
        except ScopeError:
            raise
        except Exception as error:  # drivers raise anything
            raise StageError(f"{what} failed: {error}") from error
