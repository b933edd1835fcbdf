"""Who listens to a session: who is there, whether the recorder keeps up, who took everything."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from realtime.stream.desk import Desk
    from realtime.stream.usher import Usher

SILENT_S = 2.0  # a recorder is heard every half second


class Audience:
    """What a hub knows of its listeners.

    Parameters
    ----------
    slots
        Frames that the ring holds.
    """

    def __init__(self, usher: Usher, desk: Desk, slots: int) -> None:
        self._usher, self._desk, self._slots = usher, desk, slots

    def wait_for(
        self, names: set[str], timeout_s: float, keep_waiting: Callable[[], object] = lambda: None
    ) -> bool:
        """Wait until these listeners have taken their seats."""
        changed, seats = self._usher.changed, self._usher.seats
        until = time.perf_counter() + timeout_s
        with changed:
            while not names <= seats.present() | self._desk.present():
                left_s = until - time.perf_counter()
                if left_s <= 0:
                    return False
                changed.wait(min(left_s, 0.1))
                keep_waiting()
        return True

    def present(self) -> set[str]:
        """Return the names of all listeners that sit here now."""
        with self._usher.changed:
            return self._usher.seats.present() | self._desk.present()

    def recorder_trouble(self) -> str:
        """Say why no light should be given now: the record would not keep up; empty if it does."""
        with self._usher.changed:
            unacked = self._usher.seats.unacked()
            heard_ns = self._usher.seats.heard_ns()
        if unacked > self._slots // 2:
            return "unsaved frames fill half the ring"
        silent_ns = time.perf_counter_ns() - heard_ns
        if silent_ns > SILENT_S * 1e9:
            return f"the recorder has been silent for {silent_ns * 1e-9:.1f} s"
        return ""

    def wait_until_taken(self, timeout_s: float) -> bool:
        """Wait until every lossless listener took everything; return whether it did."""
        seats, changed = self._usher.seats, self._usher.changed
        until = time.perf_counter() + timeout_s
        with changed:
            while self._usher.has_more or not seats.has_caught_up():
                left_s = until - time.perf_counter()
                if left_s <= 0:
                    return False
                changed.wait(min(left_s, 0.1))
        return True
