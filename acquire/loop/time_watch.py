"""A watch over time itself: after a sleep of the computer, or a jump of its clock, ask a person.

Leases and intervals are counted on a clock that may stand still while the computer sleeps, and what
a specimen did meanwhile nobody knows.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_S = 0.25
JUMP_S = 1.0  # the host's clock and the calendar's may drift apart by so much within a tick
STILL_S = 2.0  # a thread that wakes so late was asleep with everybody else; proposed


class TimeWatch:
    """Compares the host's clock with the calendar's, a few times a second, in its own thread.

    Parameters
    ----------
    on_jump
        Called with one sentence that says what happened.
    now_ns, utc_ns
        The host's clock, and the calendar's.
    also
        Called at each look.
    """

    def __init__(
        self,
        on_jump: Callable[[str], object],
        now_ns: Callable[[], int] = time.perf_counter_ns,
        utc_ns: Callable[[], int] = time.time_ns,
        also: Callable[[], object] = lambda: None,
    ) -> None:
        self._on_jump, self._now_ns, self._utc_ns, self._also = on_jump, now_ns, utc_ns, also
        self._seen = now_ns(), utc_ns()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="time", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._seen = self._now_ns(), self._utc_ns()
        self._thread.start()

    def close(self) -> None:
        """End the watch. May be called twice, and before `start`."""
        self._over.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def look(self) -> str:
        """Say what happened to time since the last look; empty if it only passed."""
        now = self._now_ns(), self._utc_ns()
        host_s, utc_s = (
            1e-9 * (after - before) for before, after in zip(self._seen, now, strict=True)
        )
        self._seen = now
        if abs(utc_s - host_s) > JUMP_S:
            how = "slept, or its clock was set" if utc_s > host_s else "had its clock set back"
            return f"the computer {how}: {utc_s - host_s:+.1f} s"
        if host_s > TICK_S + STILL_S:
            return f"the computer stood still for {host_s:.1f} s"
        return ""

    def _watch(self) -> None:
        while not self._over.wait(TICK_S):
            self._also()
            if what := self.look():
                self._on_jump(what)
