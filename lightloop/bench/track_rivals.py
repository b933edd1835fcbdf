"""The libraries that our tracker is compared with, each where it is installed.

They are handed the gate that the truth gives (1.2 times the 99th percentile of steps); ours has to
find its own.
"""

from __future__ import annotations

import time
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from lightloop.bench.track_runs import Run, edges_of
from lightloop.bench.track_score import true_edges

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightloop.bench.track_scene import Scene
    from lightloop.bench.track_score import Node

MEMORY = 2
"""Frames that a cell may be missed, for all."""


def rivals() -> dict[str, Callable[[Scene, float], Run]]:
    """Return those that are installed: a function of a scene and a gate in px."""
    known = {"trackpy": _trackpy, "laptrack": _laptrack, "byotrack": _byotrack}
    return {name: run for name, run in known.items() if find_spec(name)}


def why_absent() -> list[str]:
    """Return a sentence for each rival that was not run."""
    said = {
        "trackpy": 'pip install -e ".[bench-track]"',
        "laptrack": 'pip install -e ".[bench-track]"',
        "byotrack": "it needs torch and its own OpenCV: docs/benchmarks.md says how it was run",
        "btrack": "its published wheel does not load on Debian 12 (GLIBCXX_3.4.32), and it divides "
        "only once all is known",
    }
    return [f"{name} was not run: {why}" for name, why in said.items() if name not in rivals()]


def gate_px(scene: Scene) -> float:
    """Return the gate that the truth gives, px."""
    steps = [
        float(np.linalg.norm(scene.places[b[0]][b[1]] - scene.places[a[0]][a[1]]))
        for a, b in true_edges(scene)
    ]
    return 1.2 * float(np.percentile(steps, 99)) if steps else 15.0


def _trackpy(scene: Scene, gate: float) -> Run:
    """Crocker-Grier linking with a memory and adaptive search; it knows no divisions."""
    linking: Any = import_module("trackpy.linking.linking")
    too_many: Any = import_module("trackpy.linking.utils").SubnetOversizeException
    run = Run()
    seen: dict[int, list[Node]] = {}
    linker = linking.Linker(gate, memory=MEMORY, adaptive_stop=gate / 4, adaptive_step=0.8)
    for frame, places in enumerate(scene.places):
        start = time.thread_time_ns()
        try:
            if frame == 0:
                linker.init_level(places, 0)
            else:
                linker.next_level(places, frame)
        except too_many:
            run.failure = f"gave up at frame {frame}: too many cells in one gate"
            break
        run.cpu_ms.append((time.thread_time_ns() - start) * 1e-6)
        for index, name in enumerate(linker.particle_ids):
            seen.setdefault(int(name), []).append((frame, index))
    run.edges = edges_of(seen, {})
    return run


def _laptrack(scene: Scene, gate: float) -> Run:
    """Link, close gaps and find divisions with the whole recording at hand (offline)."""
    tracker: Any = import_module("laptrack").LapTrack(
        cutoff=gate**2,
        gap_closing_cutoff=(1.5 * gate) ** 2,
        gap_closing_max_frame_count=MEMORY,
        splitting_cutoff=gate**2,
        merging_cutoff=False,
    )
    start = time.process_time_ns()
    tree = tracker.predict(scene.places)
    spent = (time.process_time_ns() - start) * 1e-6 / len(scene.places)
    nodes = (sorted(pair) for pair in tree.edges)
    edges = {((int(a[0]), int(a[1])), (int(b[0]), int(b[1]))) for a, b in nodes}
    return Run(edges=edges, cpu_ms=[spent] * len(scene.places))


def _byotrack(scene: Scene, gate: float) -> Run:
    """Kalman filters and a second assignment for divisions, frame by frame; single precision.

    Its tracks are read once the film is over. Divisions want areas: equal ones where none is known.
    """
    torch: Any = import_module("torch")
    torch.set_num_threads(1)
    points: Any = import_module("byotrack").PointDetections
    kalman: Any = import_module("byotrack.implementation.linker.frame_by_frame.kalman_linker")
    wanted = kalman.KalmanLinkerParameters(
        association_threshold=gate,
        detection_std=1.0,
        process_std=2.0,
        kalman_order=1,
        cost="euclidean",
        n_valid=1,
        n_gap=MEMORY + 1,
        split_factor=1.0,
        association_method="SPARSE_OPT_SMOOTH",
        track_building="detection",
    )
    linker, run = kalman.KalmanLinker(wanted), Run()
    linker.reset(2)
    for places, areas in zip(scene.places, scene.areas, strict=True):
        radii = np.sqrt(np.where(areas > 0, areas, 100.0) / np.pi)
        at = torch.tensor(places, dtype=torch.float32)
        wide = torch.tensor(np.column_stack((radii, radii)), dtype=torch.float32)
        start = time.thread_time_ns()
        linker.update(None, points(at, radius=wide))
        run.cpu_ms.append((time.thread_time_ns() - start) * 1e-6)
    seen: dict[int, list[Node]] = {}
    mothers: dict[int, int] = {}
    for told in linker.collect():
        which = told.detection_ids.tolist()
        seen[told.identifier] = [(told.start + n, i) for n, i in enumerate(which) if i >= 0]
        if told.parent_id >= 0:
            mothers[told.identifier] = told.parent_id
    run.edges = edges_of(seen, mothers)
    return run
