"""Whether a keeper hangs: it broke its promise, and goes on breaking it while others do work."""

from __future__ import annotations

import math
import time
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from acquire.keeper.pulse import Pulse

LOOK_S = 0.025
LOOKS = 10
"""So many looks, so far apart, at one and the same broken promise: 0.25 s of working time.

Looks and not seconds: a computer that stood still as a whole (asleep, short of memory, stopped by a
signal to all) finds every promise broken when it goes on, and the keeper is about to keep it.
"""


class KeeperWatch:
    """Looks at what one keeper promises.

    Parameters
    ----------
    pulse
        The keeper's promises.
    now_s
        The watcher's clock.
    """

    def __init__(self, pulse: Pulse, now_s: Callable[[], float] = time.monotonic) -> None:
        self._pulse, self._now_s = pulse, now_s
        self._broken_ns = self._looks = 0
        self._last_s, self._expected_s = -math.inf, math.inf

    @property
    def hangs(self) -> bool:
        """Whether the same broken promise was seen again and again."""
        return self._looks >= LOOKS

    def expect_in(self, seconds: float) -> None:
        """Expect it to promise something, or to end, within so many seconds."""
        self._expected_s = self._now_s() + seconds

    def look(self) -> float:
        """Look once; return when the next look is due, s."""
        due_ns, left_s, now_s = self._pulse.due_ns, self._pulse.left_s(), self._now_s()
        if not due_ns:
            left_s = self._expected_s - now_s
        if left_s > 0:
            self._looks = 0
            return left_s
        if due_ns != self._broken_ns:
            self._broken_ns, self._looks = due_ns, 0
        if now_s >= self._last_s + LOOK_S:
            self._last_s = now_s
            self._looks += 1
        return LOOK_S

    def wait(self, handles: Iterable[Any], timeout_s: float) -> bool:
        """Wait until one of these is ready; return False if it hangs, or that takes too long.

        It hears of it, or ends: that is what is waited for (`multiprocessing.connection.wait`).
        """
        handles, until_s = list(handles), self._now_s() + timeout_s
        while True:
            look_s = self.look()
            left_s = until_s - self._now_s()
            if wait(handles, max(0.0, min(left_s, look_s))):
                return True
            if self.hangs or left_s <= 0:
                return False
