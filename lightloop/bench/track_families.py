"""LNK and CHOTA of the packages of the Cell Tracking Challenge, for links between given detections.

py-ctcmetrics and traccuracy are other programs than our own scores: where both are installed,
one run says what all three come to.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from lightloop.scoring.forests import forest_of_edges
from lightloop.scoring.scores import score
from lightloop.scoring.sides import of_forest
from realtime.tracker.lineage import ROW

if TYPE_CHECKING:
    from lightloop.bench.track_runs import Run
    from lightloop.bench.track_scene import Scene
    from lightloop.bench.track_score import Edges
    from lightloop.scoring.sides import Side

KEYS = ("lnk", "tra", "chota", "bio", "ct", "edge_f1", "division_f1")


def is_installed() -> bool:
    """Whether both packages are there."""
    return all(find_spec(name) for name in ("ctc_metrics", "traccuracy"))


def families(
    scene: Scene, truth: Edges, runs: dict[str, Run]
) -> tuple[dict[str, float], list[str]]:
    """Return our scores by bar, and rows of a table with those of the rivals."""
    if not is_installed():
        return {}, ["", 'LNK and CHOTA were not computed: pip install -e ".[score]"']
    lines = [
        "",
        f"| {scene.name} | LNK | TRA | CHOTA | BIO(0) | CT | Edge F1 | Division F1, to the frame |",
        "|---" * 8 + "|",
    ]
    values: dict[str, float] = {}
    against = _side(scene, truth, "the truth")
    for name, run in runs.items():
        got = score(_side(scene, run.edges, name), against).values
        lines.append(f"| {name} | {' | '.join(f'{got[key]:.4f}' for key in KEYS)} |")
        if name == "ours":
            values = {"track_simplus_chota": got["chota"], "track_simplus_lnk_ctc": got["lnk"]}
    return values, lines


def _side(scene: Scene, edges: Edges, what: str) -> Side:
    """Return links between the detections of a scene as the scores want them."""
    starts = np.cumsum([0, *map(len, scene.places)])
    rows = np.zeros(int(starts[-1]), ROW)
    for t, (places, areas) in enumerate(zip(scene.places, scene.areas, strict=True)):
        here = rows[starts[t] : starts[t + 1]]
        here["t"], here["area_px"] = t, areas
        here["y"], here["x"] = places.T
    pairs = sorted((int(starts[a[0]] + a[1]), int(starts[b[0]] + b[1])) for a, b in edges)
    return of_forest(forest_of_edges(rows, pairs), what)
