"""Hands a scene to our tracker frame by frame, and reads its links off what it says."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lightloop.bench.track_scene import Scene
    from lightloop.bench.track_score import Edges, Node
    from realtime.detections import Detections
    from realtime.tracker.config import TrackerConfig


@dataclass
class Run:
    """What a tracker made of a scene, and the processor time of each frame, ms."""

    edges: Edges = field(default_factory=set)
    links: Edges = field(default_factory=set)
    """The same without those that only say who is whose daughter."""
    cpu_ms: list[float] = field(default_factory=list)
    trust: list[tuple[float, Node, Node]] = field(default_factory=list)
    """Of each link our tracker made: how sure it was, and the detections."""
    failure: str = ""
    """Why it gave up; empty if it did not."""


def detections(scene: Scene, frame: int) -> Detections:
    """Return one frame of a scene as a detector would hand it over."""
    from realtime.detections import Detections

    places, areas = scene.places[frame], scene.areas[frame]
    light = np.ones(len(places))
    return Detections(places[:, 0], places[:, 1], areas, light * areas, light, light)


def ours(scene: Scene, config: TrackerConfig | None = None) -> Run:
    """Follow a scene with our tracker, as it is by default."""
    from realtime.tracker.config import TrackerConfig
    from realtime.tracker.tracker import Tracker

    tracker, run = Tracker(config or TrackerConfig()), Run()
    seen: dict[int, list[Node]] = {}
    mothers: dict[int, int] = {}
    for frame in range(len(scene.places)):
        found = detections(scene, frame)
        start = time.thread_time_ns()
        tracks, events = tracker.update(found)
        run.cpu_ms.append((time.thread_time_ns() - start) * 1e-6)
        sure = dict(zip(tracks.ids, tracks.certainty, strict=True))
        for index, name in enumerate(tracker.labels.tolist()):
            if name >= 0:
                if name in seen:
                    run.trust.append((sure[name], seen[name][-1], (frame, index)))
                seen.setdefault(name, []).append((frame, index))
        for event in events:
            if event.kind == "division" and event.is_final:
                mothers[event.track_id] = event.parent_id
    run.edges = edges_of(seen, mothers)
    within = edges_of(seen, {})
    going_on = {before for before, _ in within}
    run.links = within | {(a, b) for a, b in run.edges - within if a not in going_on}
    return run


def edges_of(seen: dict[int, list[Node]], mothers: dict[int, int]) -> Edges:
    """Return the links of named sightings: within a name, and from a mother's last before.

    While a division is provisional one daughter goes by the mother's name; so the mother's last
    sighting before a daughter's first is the one that divided.
    """
    edges = {pair for nodes in seen.values() for pair in pairwise(nodes)}
    for daughter, mother in mothers.items():
        nodes = seen.get(daughter, [])
        earlier = [node for node in seen.get(mother, []) if nodes and node[0] < nodes[0][0]]
        if earlier:
            edges.add((earlier[-1], nodes[0]))
    return edges
