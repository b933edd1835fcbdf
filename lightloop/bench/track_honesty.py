"""Are links as often right as the tracker says? A reliability table over the hard sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightloop.bench.track_score import true_edges

if TYPE_CHECKING:
    from lightloop.bench.track_runs import Run
    from lightloop.bench.track_scene import Scene

EDGES = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
LEAST = 500
"""A bin with fewer links is joined with the next one."""


def reliability(runs: list[tuple[Scene, Run]]) -> tuple[float, float, list[str]]:
    """Return the largest difference of a bin, that of wrong links in all, and a table.

    The second is the expected number of wrong links over the real one, less 1.
    """
    said, right = [], []
    for scene, run in runs:
        true = true_edges(scene)
        said += [sure for sure, _, _ in run.trust]
        right += [(a, b) in true for _, a, b in run.trust]
    sure, was = np.array(said), np.array(right, np.float64)
    lines = ["", "| said | links | mean said | right |", "|---|---|---|---|"]
    worst, low = 0.0, EDGES[0]
    for high in EDGES[1:]:
        inside = (sure >= low) & ((sure < high) | (high == EDGES[-1]))
        n = int(inside.sum())
        if n < LEAST and high != EDGES[-1]:
            continue
        if n:
            mean, share = float(sure[inside].mean()), float(was[inside].mean())
            lines.append(f"| {low:g} to {high:g} | {n} | {mean:.4f} | {share:.4f} |")
            worst = max(worst, abs(mean - share))
        low = high
    wrong = float((1.0 - sure).sum()) / max(float((1.0 - was).sum()), 1.0) - 1.0
    return worst, wrong, lines
