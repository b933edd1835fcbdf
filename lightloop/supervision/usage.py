"""What the processes of a run cost: processor time and memory, sampled from outside."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import msgspec
import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping

SAMPLE_S = 1.0


class Sample(msgspec.Struct, frozen=True):
    """One look at all processes of a run.

    Attributes
    ----------
    t_s
        Seconds since the first look.
    memory_mb
        Memory of each process, MB; on Linux shared pages are divided among who shares them
        (PSS), elsewhere the resident set.
    cpu_s
        Processor time of each process so far, user and system, s.
    """

    t_s: float
    memory_mb: dict[str, float]
    cpu_s: dict[str, float]


class UsageMeter:
    """Looks at processes about once a second.

    Attributes
    ----------
    samples
        What was seen so far.
    """

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._start_s = time.monotonic()
        self._due_s = 0.0

    def look(self, pids: Mapping[str, int]) -> None:
        """Take a sample if it is time for one."""
        now_s = time.monotonic() - self._start_s
        if now_s < self._due_s:
            return
        self._due_s = now_s + SAMPLE_S
        memory, cpu = {}, {}
        for name, pid in pids.items():
            try:
                process = psutil.Process(pid)
                memory[name] = _memory_mb(process)
                times = process.cpu_times()
                cpu[name] = times.user + times.system
            except psutil.NoSuchProcess:
                continue  # it has just ended
        self.samples.append(Sample(now_s, memory, cpu))


def _memory_mb(process: psutil.Process) -> float:
    if sys.platform != "linux":  # elsewhere only the administrator may ask for more
        return float(process.memory_info().rss) / 1e6
    return float(process.memory_full_info().pss) / 1e6
