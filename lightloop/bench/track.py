"""The tracker against truth and rivals: links, divisions, honesty, time and memory of a frame.

From given detections, and from raw images with the detector before it, also where light is scarce.

Sabotage: the tracker is handed each frame's detections with their columns mixed up in every tenth
frame.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lightloop.bench.report import Measured, Options
from lightloop.bench.track_culture import HARD, Culture
from lightloop.bench.track_families import families
from lightloop.bench.track_honesty import reliability
from lightloop.bench.track_raw import raw_rows
from lightloop.bench.track_rivals import gate_px, rivals, why_absent
from lightloop.bench.track_runs import ours
from lightloop.bench.track_score import MAX_GAP, score, true_edges
from lightloop.bench.track_speed import memory_growth_mb, speed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightloop.bench.track_runs import Run
    from lightloop.bench.track_scene import Scene
    from lightloop.bench.track_score import Score

SEED = 1
"""Of the simulated scenes; the tracker was tuned on others."""
_MIXED_EVERY = 10
_DROPPED, _DROP_SEED = 0.05, 7
_BY_PACKAGES = ("simplus", "gowt1")
"""Scenes that py-ctcmetrics and traccuracy score, too."""


@dataclass(frozen=True)
class _Case:
    """A scene, and its short name in the bars."""

    key: str
    scene: Scene
    is_held_out: bool = False
    """Whether its links say how honest the tracker is: nothing was fitted to them."""
    is_of_links: bool = False
    """Its truth does not say who is whose daughter, so links to daughters are not counted."""

    @property
    def is_held_out_half(self) -> bool:
        """Whether it is a part of a scene that stands in the table whole."""
        return self.key.endswith("_held_out")


def run(options: Options) -> Measured:
    """Follow every scene with our tracker and with the rivals that are installed."""
    values: dict[str, float] = {}
    held_out: list[tuple[Scene, Run]] = []
    names = list(rivals())
    lines = [
        *why_absent(),
        f"Edge F1 / division F1; a division may be told up to {MAX_GAP} frames early or late.",
        "",
        f"| scene | ours | {' | '.join(names)} |".replace("|  |", "|"),
        "|---" * (2 + len(names)) + "|",
    ]
    packages: list[str] = []
    for case in _cases(options):
        scene = _mixed(case.scene) if options.sabotage else case.scene
        mine = ours(scene)
        got = score(case.scene, mine.links if case.is_of_links else mine.edges)
        values |= _values(case.key, got)
        if case.is_held_out:
            held_out.append((case.scene, mine))
        row, runs = [case.scene.name, _cell(got)], {"ours": mine}
        for name, follow in () if case.is_held_out_half else rivals().items():
            runs[name] = follow(scene, gate_px(case.scene))
            row.append(runs[name].failure or _cell(score(case.scene, runs[name].edges)))
        row += [""] * (2 + len(names) - len(row))
        lines.append(f"| {' | '.join(row)} |")
        if case.key in _BY_PACKAGES:
            found, table = families(case.scene, true_edges(case.scene), runs)
            values |= found if case.key == "simplus" else {}
            packages += table
    lines += packages
    if options.data is not None:
        found, table = raw_rows(options, options.data / "tracking")
        values |= found
        lines += table
    values["track_reliability_worst_bin"], values["track_wrong_links_error"], table = reliability(
        held_out
    )
    lines += table
    times, table = speed(options)
    lines += table
    values |= times
    values["track_memory_growth_mb"] = memory_growth_mb(options)
    return Measured(values, table="\n".join(lines))


def _values(key: str, got: Score) -> dict[str, float]:
    return {
        f"track_{key}_edge_f1": got.edge_f1,
        f"track_{key}_division_f1": got.division_f1,
        f"track_{key}_edge_jaccard": got.edge_jaccard,
        f"track_{key}_lnk": got.lnk,
    }


def _cell(got: Score) -> str:
    if not got.n_divisions:
        return f"{got.edge_f1:.4f} (Jaccard {got.edge_jaccard:.4f})"
    return f"{got.edge_f1:.4f} / {got.division_f1:.3f}"


def _cases(options: Options) -> Iterator[_Case]:
    frames = options.times(200, least=40)
    yield _Case("synthetic", Culture().scene("synthetic 200", 200, frames, SEED))
    crowd = HARD.scene("crowd 200", 200, options.times(100, 40), SEED)
    yield _Case("crowd", crowd, is_held_out=True)
    if options.data is None:
        return
    from lightloop.bench import track_sets as sets

    folder = options.data / "tracking"
    for every in (1, 3, 5):
        scene = sets.labelled(folder / sets.MIGRATION, every)
        yield _Case(f"migration_{every}", scene)
        if every == 1:
            yield _Case("migration_dropped", scene.without(_DROPPED, _DROP_SEED))
        else:
            yield _Case(f"migration_{every}_held_out", scene.half("right"), is_held_out=True)
    scene = sets.labelled(folder / sets.EPIDERMIS)
    yield _Case("epidermis", scene)
    yield _Case("epidermis_held_out", scene.half("right"), is_held_out=True)
    scene = sets.labelled(folder / sets.SIMULATED)
    yield _Case("simplus", scene)
    yield _Case("simplus_held_out", scene.half("right"), is_held_out=True)
    yield _Case("simplus_dropped", scene.without(_DROPPED, _DROP_SEED))
    yield _Case("gowt1", sets.labelled(folder / sets.STEM))
    for number in sets.YEAST_SETS:
        scene = sets.points(folder / sets.YEAST, number)
        yield _Case(f"yeast_{number}", scene, number in sets.YEAST_HARD, is_of_links=True)


def _mixed(scene: Scene) -> Scene:
    """Return the scene with its places mixed up in some frames."""
    places = list(scene.places)
    for frame in range(_MIXED_EVERY, len(places), _MIXED_EVERY):
        places[frame] = np.roll(places[frame], 1, axis=0)
    return replace(scene, places=places)
