"""For how long this computer has slept: the clock that times light stands still meanwhile."""

from __future__ import annotations

import sys
import time

_TRIES = 5
_CLOSE_NS = 100_000  # two clocks read within so much of each other; usual: 300 ns


def slept_ns() -> int:
    """Return for how long the computer has slept since it was started, ns; true to a moment.

    `perf_counter` stands still in a sleep on Linux (CLOCK_MONOTONIC; CLOCK_BOOTTIME goes on) and
    macOS (CLOCK_UPTIME_RAW; CLOCK_MONOTONIC goes on). On Windows it goes on itself (Microsoft,
    "Acquiring high-resolution time stamps").
    """
    if sys.platform == "linux":
        return _ahead_ns(time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC)
    if sys.platform == "darwin":
        return _ahead_ns(time.CLOCK_MONOTONIC, time.CLOCK_UPTIME_RAW)
    return 0


def _ahead_ns(goes_on: int, stands_still: int) -> int:
    """Return by how much one clock is ahead of another, from readings that lie close together."""
    if sys.platform == "win32":
        return 0  # nobody asks: it has no such clocks
    read = time.clock_gettime_ns
    found: list[tuple[int, int]] = []
    for _ in range(_TRIES):
        before_ns, other_ns, after_ns = read(stands_still), read(goes_on), read(stands_still)
        found.append((after_ns - before_ns, other_ns - before_ns))
        if after_ns - before_ns < _CLOSE_NS:
            break
    return max(0, min(found)[1])
