"""Draw how links and divisions change with the two defaults of the tracker that matter most.

From the repository: `python -m docs.figures.tracker_sensitivity DIR`, where DIR holds the recorded
images, writes docs/images/tracker_sensitivity.png. These two are the ones that moved the scores
most when each of 36 was halved and doubled over all sets (docs/benchmarks.md).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docs.figures.chart import Axis, Chart
from docs.figures.sheet import BLUE, MUTED, ORANGE, PURPLE, RED, TEAL, YELLOW, Sheet
from lightloop.bench import track_sets as sets
from lightloop.bench.track_culture import HARD, Culture
from lightloop.bench.track_runs import ours
from lightloop.bench.track_score import score
from realtime.tracker import gate
from realtime.tracker.config import TrackerConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightloop.bench.track_scene import Scene
    from lightloop.bench.track_score import Score

OUT = Path(__file__).parents[1] / "images" / "tracker_sensitivity.png"
FACTORS = (0.5, 0.6, 0.71, 0.84, 1.0, 1.19, 1.41, 1.68, 2.0)
MARGIN = "_GATE_MARGIN"  # of `realtime.tracker.gate`: no setting, so that nobody has to know it
SHOTS = (1, 2, 3, 4)
COLOURS = (MUTED, ORANGE, TEAL, BLUE, PURPLE, YELLOW, RED)
LEAST = 2e-4  # share of wrong links at the floor of the chart


def scenes(folder: Path) -> dict[str, Scene]:
    """Return the scenes by the names that they have in the chart."""
    return {
        "synthetic": Culture().scene("synthetic", 200, 200, 1),
        "crowd": HARD.scene("crowd", 200, 100, 1),
        "migration": sets.labelled(folder / sets.MIGRATION, 1),
        "every 3rd": sets.labelled(folder / sets.MIGRATION, 3),
        "every 5th": sets.labelled(folder / sets.MIGRATION, 5),
        "epidermis": sets.labelled(folder / sets.EPIDERMIS),
        "simplus": sets.labelled(folder / sets.SIMULATED),
    }


def with_gate(factor: float) -> Callable[[Scene], Score]:
    """Return what scores a scene with a gate so many times as wide as by default."""

    def follow(scene: Scene) -> Score:
        usual = getattr(gate, MARGIN)
        setattr(gate, MARGIN, usual * factor)
        try:
            return score(scene, ours(scene).edges)
        finally:
            setattr(gate, MARGIN, usual)

    return follow


def with_shots(shots: int) -> Callable[[Scene], Score]:
    """Return what scores a scene with verdicts after so many shots."""
    return lambda scene: score(scene, ours(scene, TrackerConfig(verdict_shots=shots)).edges)


def main() -> None:
    """Follow every scene with every setting, and draw."""
    known = scenes(Path(sys.argv[1]) / "tracking")
    sheet = Sheet(
        1080,
        760,
        "How much the tracker's two most important defaults matter",
        "The same detections with other settings. Left: the gate, times what is usual. "
        "Right: shots until a division is final (2 by default).",
    )
    wide, high, gap = 430.0, 320.0, 14.0
    left = (
        Axis(
            "width of the gate, times the default", 0.5, 2.0, (0.5, 0.71, 1, 1.41, 2), is_log=True
        ),
        {factor: with_gate(factor) for factor in FACTORS},
    )
    right = (
        Axis("verdict_shots", 0.8, 4.2, (1, 2, 3, 4)),
        {float(shots): with_shots(shots) for shots in SHOTS},
    )
    wrong = Axis("", LEAST, 0.2, ((0.001, "0.1 %"), (0.01, "1 %"), (0.1, "10 %")), is_log=True)
    divided = Axis("", 0.0, 1.0, (0, 0.25, 0.5, 0.75, 1))
    for column, (across, settings) in enumerate((left, right)):
        found = {
            name: [follow(scene) for follow in settings.values()] for name, scene in known.items()
        }
        x = 20 + (wide + gap) * column
        links = Chart(
            sheet,
            (x, 68, wide, high),
            "Links that are wrong or missed (1 - edge F1)",
            across,
            wrong,
        )
        families = Chart(
            sheet,
            (x, 68 + high + gap, wide, high),
            "Divisions that are right (F1)",
            across,
            divided,
        )
        for colour, (name, scores) in zip(COLOURS, found.items(), strict=True):
            links.line(list(settings), [max(1 - s.edge_f1, LEAST) for s in scores], colour)
            families.line(list(settings), [s.division_f1 for s in scores], colour)
            told = ", ".join(f"{s.edge_f1:.4f}/{s.division_f1:.3f}" for s in scores)
            sys.stdout.write(f"{across.label} {name}: {told}\n")
    for row, (colour, name) in enumerate(zip(COLOURS, known, strict=True)):
        y = 120.0 + 24 * row
        sheet.box(20 + 2 * (wide + gap), y - 9, 18, 4, colour)
        sheet.text(46 + 2 * (wide + gap), y - 3, name, colour=colour)
    sheet.save(OUT)


if __name__ == "__main__":
    main()
