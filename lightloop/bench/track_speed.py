"""How long a frame takes to link, and whether memory stays flat."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import numpy as np
import psutil

from lightloop.bench.track_culture import Culture
from lightloop.bench.track_rivals import rivals
from lightloop.bench.track_runs import detections, ours

if TYPE_CHECKING:
    from lightloop.bench.report import Options

COUNTS = (100, 1000, 5000)
GATE_PX = 15.0
_FRAMES, _RIVAL_FRAMES = 40, 8
_WARM = 3
_SEED = 5
_MEMORY_FRAMES, _MEMORY_WARM = 10_000, 500


def speed(options: Options) -> tuple[dict[str, float], list[str]]:
    """Return processor time of a frame by number of objects, and rows of a table.

    One thread. `first` is the very first frame with a new tracker; the median and the 99th
    percentile leave out the first three.
    """
    values: dict[str, float] = {}
    lines = [
        "",
        "| objects | ours: median, p99, first | rivals: median ms a frame |",
        "|---|---|---|",
    ]
    for n in COUNTS:
        scene = Culture().scene(str(n), n, options.times(_FRAMES, least=8), _SEED)
        cpu = ours(scene).cpu_ms
        middle, p99 = (float(np.percentile(cpu[_WARM:], q)) for q in (50, 99))
        values |= {f"track_cpu_ms_{n}": middle, f"track_p99_over_median_{n}": p99 / middle}
        values["track_first_frame_ms"] = max(values.get("track_first_frame_ms", 0.0), cpu[0])
        short = Culture().scene(str(n), n, _RIVAL_FRAMES, _SEED)
        told, least = [], float("inf")
        for name, run in rivals().items():
            times = run(short, GATE_PX).cpu_ms
            spent = float(np.median(times[_WARM:])) if len(times) > _WARM else float("nan")
            least = min(least, spent)
            told.append(f"{name} {spent:.3g}")
        if told and n > COUNTS[0]:
            ratio = middle / least
            values["track_over_best_rival"] = max(values.get("track_over_best_rival", 0.0), ratio)
        lines.append(f"| {n} | {middle:.2f}, {p99:.2f}, {cpu[0]:.2f} | {', '.join(told) or '-'} |")
    return values, lines


def memory_growth_mb(options: Options, n_cells: int = 1000) -> float:
    """Return how much the process grew from frame 500 to frame 10,000.

    A short culture is played forth and back, so the cells never end and identities go on.
    """
    from realtime.tracker.config import TrackerConfig
    from realtime.tracker.tracker import Tracker

    scene = Culture(division=0.0).scene("long", n_cells, 40, _SEED)
    frames = [detections(scene, frame) for frame in range(40)]
    frames += frames[-2:0:-1]
    tracker, process = Tracker(TrackerConfig()), psutil.Process()
    total = options.times(_MEMORY_FRAMES, least=60)
    warm, before = min(_MEMORY_WARM, total // 2), 0
    for number in range(total):
        tracker.update(frames[number % len(frames)])
        if number == warm:
            gc.collect()
            before = process.memory_info().rss
    gc.collect()
    return float(process.memory_info().rss - before) / 2**20
