"""Disk, processor, memory and clock."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import psutil

from lightloop.doctor.finding import Finding, judged

WRITE_BYTES = 64 << 20
SLOW_MB_S = 60.0  # 512 x 512 at 100 frames a second
LITTLE_DISK_GB = 5.0
LITTLE_MEMORY_GB = 2.0  # a run takes up to 1.5 GB with its window
COARSE_NS = 10_000


def disk() -> Finding:
    """Write to the disk of this folder, down to the plate."""
    folder = Path.cwd()
    block = os.urandom(1 << 20)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            start = time.perf_counter()
            for _ in range(WRITE_BYTES >> 20):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            speed = WRITE_BYTES / 1e6 / (time.perf_counter() - start)
    except OSError as error:
        return Finding("warn", "disk", f"{folder}: {error.strerror}", "run in a folder of yours")
    free = shutil.disk_usage(folder).free / 1e9
    return judged(
        "disk",
        f"{speed:.0f} MB/s, {free:.1f} GB free at {folder}",
        is_bad=speed < SLOW_MB_S or free < LITTLE_DISK_GB,
        fix="record to a faster or emptier disk",
    )


def processor() -> Finding:
    """Count the cores that we may use."""
    cores = len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else 0
    cores = cores or os.cpu_count() or 1
    return judged(
        "processor",
        f"{cores} core{'s' if cores > 1 else ''}, {psutil.cpu_percent(0.2):.0f} % busy",
        is_bad=cores < 2,
        fix="two cores are the least for camera, network and window together",
    )


def memory() -> Finding:
    """Look at the memory that is left."""
    free = psutil.virtual_memory().available / 1e9
    return judged(
        "memory",
        f"{free:.1f} GB free",
        is_bad=free < LITTLE_MEMORY_GB,
        fix="close other programs",
    )


def clock() -> Finding:
    """Look at the smallest step of the clock that leases and latencies are measured by."""
    steps = []
    for _ in range(200):
        start = time.perf_counter_ns()
        while (now := time.perf_counter_ns()) == start:
            pass
        steps.append(now - start)
    return judged(
        "clock",
        f"steps of {min(steps)} ns",
        is_bad=min(steps) > COARSE_NS,
        fix="a coarse clock makes deadlines coarse: look at the machine's clock source",
    )
