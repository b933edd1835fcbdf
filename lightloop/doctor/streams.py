"""What frames and messages travel through: sockets of this machine, and shared memory."""

from __future__ import annotations

import secrets
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import zmq

from lightloop.doctor.finding import Finding, judged

ROUNDS = 300
SLOW_MS = 1.0
RING_BYTES = 64 << 20  # 64 frames of 512 x 512, and some more for the restored images


def messages() -> Finding:
    """Send small messages there and back through the kind of socket that a run uses."""
    with tempfile.TemporaryDirectory(prefix="lightloop-") as folder:
        endpoint = "tcp://127.0.0.1:*" if sys.platform == "win32" else f"ipc://{folder}/echo"
        p50, p99 = _round_trips_ms(endpoint)
    return judged(
        "messages",
        f"there and back in {p50:.2f} ms, 1 in 100 takes {p99:.2f} ms",
        is_bad=p50 > SLOW_MS,
        fix="close other programs; a virus scanner may look into local sockets",
    )


def _round_trips_ms(endpoint: str) -> tuple[float, float]:
    """Return p50 and p99 of a message there and back, both ends in this thread, ms."""
    context = zmq.Context()
    here, there = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    try:
        here.bind(endpoint)
        there.connect(here.getsockopt_string(zmq.LAST_ENDPOINT))
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter_ns()
            here.send(b"x" * 300)
            there.send(there.recv())
            here.recv()
            times.append((time.perf_counter_ns() - start) * 1e-6)
    finally:
        context.destroy(linger=0)
    cuts = statistics.quantiles(times, n=100)
    return cuts[49], cuts[98]


def shared_memory() -> Finding:
    """Make a ring as a run does, write to it, and find the same bytes by its name."""
    from realtime.ring import Ring

    free = _room()
    if free is not None and free < RING_BYTES:
        return Finding(
            "fail",
            "shared memory",
            f"{free >> 20} MB free in /dev/shm",
            "give it more: docker run --shm-size=1g, or mount -o remount,size=1G /dev/shm",
        )
    image = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    with Ring.create(f"ll_{secrets.token_hex(4)}", 4, image.nbytes) as ring:
        slot, generation = ring.write(1, image)
        with Ring.attach(ring.info, shares_tracker=True) as other:
            is_same = np.array_equal(other.view(slot, (64, 64), np.uint16), image)
            other.check(slot, generation)
    room = f", {free / 1e9:.1f} GB free" if free is not None else ""
    return judged(
        "shared memory",
        f"{'written and found again' if is_same else 'other bytes come back'}{room}",
        is_bad=not is_same,
        fix="restart the machine",
        verdict="fail",
    )


def _room() -> int | None:
    """Return the free bytes of shared memory, where the system says so."""
    folder = Path("/dev/shm")
    return shutil.disk_usage(folder).free if folder.is_dir() else None
