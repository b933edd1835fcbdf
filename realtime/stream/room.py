"""Room in the ring: what happens when a lossless listener falls a whole ring behind.

"stall" waits for it, for a bounded time, and declares a frame lost only then; "gap" declares it
lost at once, for cameras that do not wait. Both are said to everybody when they begin, and when
they are over; a wait that is shorter than a wink is how a fast run keeps pace with its disk, and is
counted, not told.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Literal, TypeAlias

from realtime.wire import Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from realtime.stream.usher import Usher

logger = logging.getLogger(__name__)

WhenFull: TypeAlias = Literal["stall", "gap"]
STALL_S = 10.0  # longer than a recorder takes to start again
WINK_S = 0.25  # proposed: nobody at the window would have seen the run stand still


class Room:
    """Says whether a frame may be written.

    Parameters
    ----------
    slots
        Frames that the ring holds.
    stall_s
        How long "stall" waits.
    tell
        Takes a notice for everybody.

    Attributes
    ----------
    stalls, stalled_s
        How often a frame had to wait, and for how long in all, s.
    """

    def __init__(
        self,
        usher: Usher,
        slots: int,
        when_full: WhenFull,
        stall_s: float,
        tell: Callable[[Notice], object],
    ) -> None:
        self.stalls, self.stalled_s = 0, 0.0
        self._usher, self._slots, self._tell = usher, slots, tell
        self._stall_s = stall_s if when_full == "stall" else 0.0
        self._lost = 0
        self._behind_since_s = 0.0  # 0: nobody is behind

    def has(self, next_seq: int, n_frames: int) -> bool:
        """Whether so many frames, from `next_seq` on, fit now."""
        with self._usher.changed:
            pinned = min(self._usher.pinned_from(), next_seq)
            return next_seq + n_frames - pinned <= self._slots

    def wait(self, seq: int) -> bool:
        """Wait for a frame's slot as long as the rule allows; return False if it is lost."""
        if self.has(seq, 1):
            if self._behind_since_s:
                self._say_over()
            return True
        if not self._behind_since_s:
            self.stalls += self._stall_s > 0
            if self._stall(seq, min(self._stall_s, WINK_S)):
                return True
            self._say_behind()
            self._stall(seq, self._stall_s - WINK_S)
        if self.has(seq, 1):
            self._say_over()
            return True
        self._lost += 1  # nobody waits twice: the next frames are lost at once, until there is room
        return False

    def _stall(self, seq: int, most_s: float) -> bool:
        """Wait so long at most; return whether there is room now."""
        began_s = time.perf_counter()
        changed = self._usher.changed
        self._usher.wake()
        with changed:
            while seq - self._usher.pinned_from() >= self._slots:
                left_s = began_s + most_s - time.perf_counter()
                if left_s <= 0:
                    break
                changed.wait(min(left_s, 0.1))
            is_free = seq - self._usher.pinned_from() < self._slots
        self.stalled_s += time.perf_counter() - began_s
        return is_free

    def _say_behind(self) -> None:
        self._behind_since_s = time.perf_counter()
        what = f"the run waits for it, up to {self._stall_s:g} s" if self._stall_s else "frames are"
        what += "" if self._stall_s else " lost until it has caught up"
        text = f"the recorder is a whole ring behind: {what}"
        logger.warning(text)
        self._tell(_warning(text))

    def _say_over(self) -> None:
        took_s = time.perf_counter() - self._behind_since_s
        lost = f"; {self._lost} frames were lost" if self._lost else "; nothing was lost"
        self._behind_since_s, self._lost = 0.0, 0
        text = f"the recorder has caught up after {took_s:.2f} s{lost}"
        logger.warning(text)
        self._tell(_warning(text))


def _warning(text: str) -> Notice:
    return Notice("warn", text, time.perf_counter_ns())
