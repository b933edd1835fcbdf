"""By when a keeper will have moved, in memory that its supervisor reads without asking.

A keeper that hangs cannot say so, and a heartbeat from a thread would go on. So before each step
that may hang, the keeper itself writes down by when it will have made it. A promise that is broken
is seen by whoever looks; nobody waits for anybody, and no message can fill a pipe.
"""

from __future__ import annotations

import ctypes
import math
import time
from multiprocessing.sharedctypes import RawValue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Pulse:
    """One number that two processes share; handed to a new process as one of its arguments.

    Parameters
    ----------
    now_ns
        A clock that is one for all processes of a machine.
    """

    def __init__(self, now_ns: Callable[[], int] = time.perf_counter_ns) -> None:
        self._due = RawValue(ctypes.c_int64, 0)
        self._now_ns = now_ns

    @property
    def due_ns(self) -> int:
        """By when the keeper will have moved; 0 while it owes nothing."""
        return int(self._due.value)

    def promise(self, due_ns: int) -> None:
        """Promise to move until then; 0: nothing is owed until something is heard."""
        self._due.value = due_ns

    def promise_in(self, seconds: float) -> None:
        """Promise to move within so many seconds."""
        self.promise(self._now_ns() + round(seconds * 1e9))

    def left_s(self) -> float:
        """Return how long the keeper still has, s: negative if it is late, infinite if it is free.

        One reading of the number: a promise that is kept meanwhile is no broken one.
        """
        due_ns = self.due_ns
        return (due_ns - self._now_ns()) * 1e-9 if due_ns else math.inf
