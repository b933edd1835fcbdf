"""`kill -9` of the recorder, again and again, and of the scope: what was safe is there, once.

Sabotage: a recorder that starts again says that it has one frame more than it has.
"""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from lightloop.bench.disk import scratch
from lightloop.bench.kill_roles import SIDE, Recorder, Scope, image
from lightloop.bench.report import Measured, Options
from realtime.errors import RunFileError
from realtime.run_file import RunReader, examine
from realtime.wire import FrameMessage

if TYPE_CHECKING:
    from pathlib import Path

FRAMES, KILLS = 2000, 20
SCOPE_KILLS = 5
RATE_HZ = 45.0
LIFE_S = 0.8  # of a recorder at most, once it has said that something is safe
EARLY = 0.2  # share of the recorders that die before they have said anything


def run(options: Options) -> Measured:
    """Kill, start again, and count what is in the file at the end."""
    frames, kills = options.times(FRAMES, least=100), options.times(KILLS, least=2)
    rng = random.Random(1)
    with scratch(frames * 2 * SIDE * SIDE) as folder:
        path = folder / "run.h5"
        _kill_recorders(path, folder, frames, kills, rng, skips=options.sabotage)
        found = _count(path, frames)
        lost = sum(
            _kill_scope(folder / f"{n}", rng) for n in range(options.times(SCOPE_KILLS, least=1))
        )
    return Measured(
        {
            "kill_frames_missing": float(found["missing"]),
            "kill_frames_twice": float(found["twice"]),
            "kill_frames_corrupt": float(found["corrupt"]),
            "kill_acked_lost": float(lost),
        },
        table=f"{frames} frames, {kills} recorders killed, {found['parts']} parts",
    )


def _kill_recorders(
    path: Path, folder: Path, frames: int, kills: int, rng: random.Random, *, skips: bool
) -> None:
    """Publish frames while recorders are killed, each at some instant of its life."""
    with ExitStack() as stack:
        scope = stack.enter_context(Scope(folder / "scope", frames, RATE_HZ))
        recorder = stack.enter_context(Recorder(path, scope.address))
        scope.go()
        for _ in range(kills):
            if rng.random() >= EARLY:
                recorder.wait_for_ack()
            time.sleep(rng.uniform(0.0, LIFE_S))
            recorder.kill()
            recorder = stack.enter_context(Recorder(path, scope.address, skips=skips))
        scope.wait()
        recorder.wait()


def _count(path: Path, frames: int) -> dict[str, int]:
    """Compare what is in the file with what was published."""
    seen: list[int] = []
    corrupt = 0
    with RunReader(path) as reader:
        seen = [d.info.seq for d in reader.documents() if isinstance(d, FrameMessage)]
        for seq in set(seen):
            try:
                corrupt += not np.array_equal(reader.pixels(seq), image(seq))
            except RunFileError:
                corrupt += 1
        n_parts = len(reader.parts)
    corrupt += sum("frame" in fault.what for fault in examine(path).faults)
    return {
        "missing": len(set(range(frames)) - set(seen)),
        "twice": len(seen) - len(set(seen)),
        "corrupt": corrupt,
        "parts": n_parts,
    }


def _kill_scope(folder: Path, rng: random.Random) -> int:
    """Kill the scope and, a moment later, the recorder; count acknowledged frames that are gone."""
    path = folder / "run.h5"
    with ExitStack() as stack:
        scope = stack.enter_context(Scope(folder, 100_000, 4 * RATE_HZ))
        recorder = stack.enter_context(Recorder(path, scope.address))
        scope.go()
        recorder.wait_for_ack()
        time.sleep(rng.uniform(0.0, 1.0))
        scope.kill()
        recorder.kill()
        acked = recorder.acked()
    with RunReader(path) as reader:
        lost = 0
        for seq in range(acked + 1):
            try:
                lost += not np.array_equal(reader.pixels(seq), image(seq))
            except RunFileError:
                lost += 1
    return lost
