"""The transport alone: a fast camera, three readers that check every byte, and a slow viewer.

The camera does not wait (`when_full = "gap"`): a reader that falls a whole ring behind costs
frames, and a bar. The viewer needs four times as long for a frame as the camera does.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from lightloop.bench import transport_roles
from lightloop.bench.cast import hear, start_role
from lightloop.bench.report import Measured, Options
from lightloop.bench.transport_roles import FPS, Carried, Job

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

SECONDS, THIN_SECONDS = 60, 10
READERS = ("recorder", "second", "third")
READER_MS = 0.2  # what each local reader may cost the hub


def run(options: Options) -> Measured:
    """Carry a minute of frames, then measure the ring beside a plain copy."""
    frames = options.times((THIN_SECONDS if options.thin else SECONDS) * FPS, least=64)
    with tempfile.TemporaryDirectory(prefix="ll") as folder:
        job = Job(folder, frames, READERS, drop=frames // 2 if options.sabotage else -1)
        roles = dict.fromkeys(READERS, transport_roles.reader)
        heard = _perform(job, {**roles, "viewer": transport_roles.viewer})
    with tempfile.TemporaryDirectory(prefix="ll") as folder:
        job = Job(folder, options.times(400, least=64), READERS[:1], is_race=True)
        raced = _perform(job, {READERS[0]: transport_roles.idler})
    return _measured(frames, heard, raced["camera"])


def _measured(frames: int, heard: dict[str, Carried], race: Carried) -> Measured:
    camera, viewer = heard["camera"], heard["viewer"]
    readers = [heard[name] for name in READERS]
    readers_ms = [(r.cpu_s - r.sum_cpu_s) / frames * 1e3 for r in readers]
    hub_ms = camera.cpu_s / frames * 1e3
    age_ms = float(np.percentile(viewer.samples_ms, 99))
    return Measured(
        {
            "transport_frames_lost": float(sum(frames - r.n_good for r in readers)),
            "transport_rate_hz": frames / camera.wall_s,
            "transport_hub_cpu_ms": hub_ms - READER_MS * len(READERS),
            "transport_reader_cpu_ms": max(readers_ms),
            "transport_ring_over_memcpy": race.ratio,
            "transport_growth_mb": sum(role.growth_mb for role in heard.values()),
            "transport_viewer_age_periods": age_ms * FPS * 1e-3,
        },
        {
            "transport_viewer_age_ms": viewer.samples_ms,
            "transport_hub_whole_cpu_ms": [hub_ms],
            "transport_readers_cpu_ms": readers_ms,
            "transport_checksum_cpu_ms": [r.sum_cpu_s / frames * 1e3 for r in readers],
            "transport_growth_of_each_mb": [role.growth_mb for role in heard.values()],
            "transport_ring_gb_per_s": race.samples_ms[:1],
            "transport_memcpy_gb_per_s": race.samples_ms[1:],
        },
    )


def _perform(
    job: Job, listeners: dict[str, Callable[[Connection, Job], None]]
) -> dict[str, Carried]:
    with ExitStack() as stack:
        hub = start_role(stack, transport_roles.camera, job)
        address = hear(hub, "camera")
        pipes = {name: start_role(stack, role, job) for name, role in listeners.items()}
        for name, pipe in pipes.items():
            pipe.send_bytes(name.encode())
            pipe.send_bytes(address)
        heard = {"camera": msgspec.json.decode(hear(hub, "camera"), type=Carried)}
        for name, pipe in pipes.items():
            heard[name] = msgspec.json.decode(hear(pipe, name), type=Carried)
        hub.send_bytes(b"thanks")
    return heard
