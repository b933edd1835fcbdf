"""The light bench in a table of Markdown, for docs/benchmarks.md."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lightloop.bench.light_score import FRAME_BUFFER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lightloop.bench.light_curve import Curve, Point, Score

HEADINGS = (
    "way", "setting", "film, J/cm2", "edge F1", f"division F1 (within {FRAME_BUFFER} shots)",
    "error, e-", "relative error", "divisions claimed, true, unlit", "trusted",
)  # fmt: skip

RATIOS = {
    "processing": "fixed light: Gaussian over network",
    "feedback": "network: fixed light over policy",
    "total": "Gaussian at fixed light over policy",
}


def table(curves: Sequence[Curve], ratios: Mapping[str, Score], level: float) -> str:
    """Return all points as rows, and below them the dose ratios at equal edge F1."""
    lines = [_row(HEADINGS), _row("---" for _ in HEADINGS)]
    lines += [_row(_cells(curve.name, point)) for curve in curves for point in curve.points]
    lines += ["", _row(("dose ratio at edge F1", f"{level:g}")), _row(("---", "---"))]
    lines += [_row((f"{name} ({RATIOS[name]})", _text(ratio))) for name, ratio in ratios.items()]
    return "\n".join(lines) + "\n"


def _cells(way: str, point: Point) -> Iterator[str]:
    yield way
    yield point.name
    yield f"{point.dose_j_cm2:.3g}"
    yield _text(point.edge_f1)
    yield _text(point.division_f1)
    yield _text(point.error_e)
    yield f"{point.error_share.value:.3g}"
    yield f"{point.divisions_claimed}, {point.divisions_true}, {point.divisions_unlit}"
    yield f"{100 * point.trusted:.0f} %"


def _text(score: Score) -> str:
    if not math.isfinite(score.value):
        return "not reached"
    return f"{_digits(score.value)} ({_digits(score.low)} to {_digits(score.high)})"


def _digits(value: float) -> str:
    return f"{value:.3f}" if value < 1.0 else f"{value:.3g}"


def _row(cells: Sequence[str] | Iterator[str]) -> str:
    return "| " + " | ".join(cells) + " |"
