"""Two clocks, both handed in: the host's, for latency and leases; the experiment's, for biology."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Experiment time. The host's time is always `time.perf_counter_ns`."""

    def now_s(self) -> float:
        """Return the experiment time, s."""
        ...

    def advance_to(self, t_s: float) -> None:
        """Let the experiment reach a time, by waiting or by jumping there."""
        ...


class HostClock:
    """Experiment time passes as the host's does; waiting is in short naps that can be cut short."""

    def __init__(self, interrupted: Interrupt) -> None:
        self._start_ns = time.perf_counter_ns()
        self._interrupted = interrupted

    def now_s(self) -> float:
        """Return seconds since the clock was made."""
        return (time.perf_counter_ns() - self._start_ns) * 1e-9

    def advance_to(self, t_s: float) -> None:
        """Wait until the time has come, or until the run is interrupted."""
        wait_s = t_s - self.now_s()
        if wait_s > 0:
            self._interrupted.wait(wait_s)


class SimulatedClock:
    """Experiment time jumps to where it is sent; a 5-minute interval costs no 5 minutes.

    Parameters
    ----------
    pace_s
        Host time that each jump takes at least, s: 0 runs as fast as the machine can, 0.1 lets a
        person watch.
    """

    def __init__(self, interrupted: Interrupt, pace_s: float = 0.0) -> None:
        self._t_s = 0.0
        self._pace_s = pace_s
        self._interrupted = interrupted
        self._due_ns = time.perf_counter_ns()

    def now_s(self) -> float:
        """Return the experiment time, s."""
        return self._t_s

    def advance_to(self, t_s: float) -> None:
        """Jump forward (never back), after the pace has passed on the host's clock."""
        if self._pace_s:
            now_ns = time.perf_counter_ns()
            self._due_ns = max(self._due_ns + int(self._pace_s * 1e9), now_ns)
            self._interrupted.wait((self._due_ns - now_ns) * 1e-9)
        self._t_s = max(self._t_s, t_s)


class Interrupt(Protocol):
    """What a wait listens to, such as `threading.Event`."""

    def wait(self, timeout: float) -> bool:
        """Wait, and return True if the run is to stop."""
        ...
