"""Draw what the thin light bench measured: links, divisions and images for how much light.

From the repository, after `lightloop bench light --thin --json docs/figures/light-thin.json`:
`python -m docs.figures.light_thin` writes docs/images/light-thin.png.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from docs.figures.chart import Axis, Chart
from docs.figures.sheet import BLUE, INK, MUTED, ORANGE, TEAL, Sheet

HERE = Path(__file__).parent
DATA = HERE / "light-thin.json"
OUT = HERE.parent / "images" / "light-thin.png"

COLOURS = {"Gaussian": ORANGE, "network": TEAL, "policy": BLUE}
WORDS = {
    "Gaussian": "fixed light, tuned Gaussian filter",
    "network": "fixed light, shipped network",
    "policy": "shipped network, snr policy",
}
MARKS = ((0.01, "0.01"), (0.1, "0.1"), (1, "1"), (10, "10"), (100, "100"))
USUAL_J_CM2 = 2.4
"""What an operator's usual 20 ms at 1 W/cm2 take in 120 shots."""

Numbers = dict[str, list[float]]
Where = tuple[float, float, float, float]


def dose_axis() -> Axis:
    """Return the axis that all charts share."""
    return Axis("dose of the film, J/cm²", 0.003, 150, MARKS, is_log=True)


def scores(sheet: Sheet, at: Where, numbers: Numbers, kind: str, title: str) -> None:
    """Draw an F1 score of all three ways, with its intervals."""
    chart = Chart(sheet, at, title, dose_axis(), Axis("F1", 0, 1, (0, 0.25, 0.5, 0.75, 1)))
    curves(chart, numbers, kind)


def errors(sheet: Sheet, at: Where, numbers: Numbers) -> None:
    """Draw the error of the images relative to their signal."""
    y = Axis("rms error over rms signal", 0.03, 2, (0.03, 0.1, 0.3, 1), is_log=True)
    curves(Chart(sheet, at, "Error of the restored image", dose_axis(), y), numbers, "error_share")


def harm(sheet: Sheet, at: Where, numbers: Numbers) -> None:
    """Draw how many divisions really happened, against the unlit twins, and what was claimed."""
    unlit = numbers["network divisions_unlit"][0]
    claimed = [*numbers["network divisions_claimed"], *numbers["policy divisions_claimed"]]
    high = 1.15 * max(*claimed, unlit)
    y = Axis("divisions", 0, high, np.arange(0, high, 50).tolist())
    chart = Chart(sheet, at, "Divisions: real ones (dots) and claimed ones (rings)", dose_axis(), y)
    usual(chart, high)
    chart.line([0.003, 150], [unlit, unlit], MUTED, width=1.5, dashed=True)
    chart.words(0.0036, unlit + 0.025 * high, "unlit twins", MUTED)
    chart.line(numbers["network dose_j_cm2"], numbers["network divisions_true"], INK)
    chart.points(numbers["network dose_j_cm2"], numbers["network divisions_true"], INK, size=2.5)
    for way in ("network", "policy"):
        doses, found = numbers[f"{way} dose_j_cm2"], numbers[f"{way} divisions_claimed"]
        chart.points(doses, found, COLOURS[way], size=3.5, is_open=True)


def curves(chart: Chart, numbers: Numbers, kind: str) -> None:
    """Draw one kind of number of all ways against dose."""
    usual(chart, 1.0)
    for way, colour in COLOURS.items():
        if (way, kind) == ("policy", "error_share"):
            continue  # a mean over bright first shots and dim later ones says nothing
        doses = numbers[f"{way} dose_j_cm2"]
        value, low, high = (numbers[f"{way} {kind} {part}"] for part in ("value", "low", "high"))
        if way == "policy":
            chart.points(doses, value, colour, low=low, high=high, size=3.5)
        else:
            chart.band(doses, low, high, colour)
            chart.line(doses, value, colour)
            chart.points(doses, value, colour, size=2.0)


def usual(chart: Chart, high: float) -> None:
    """Mark the operator's usual light."""
    chart.line([USUAL_J_CM2] * 2, [1e-9, high], MUTED, width=1.0, dashed=True)


def legend(sheet: Sheet, x: float, y: float) -> None:
    """Name the colours."""
    for way, colour in COLOURS.items():
        sheet.box(x, y - 8, 14, 8, colour)
        sheet.text(x + 20, y, WORDS[way], size=11)
        x += 275
    sheet.text(x, y, "┊ usual light: 20 ms at 1 W/cm²", size=11, colour=MUTED)


def main() -> None:
    """Draw the sheet."""
    numbers: Numbers = json.loads(DATA.read_text("utf-8"))["samples"]
    sheet = Sheet(
        1120,
        760,
        "How much light does it take?",
        "Simulated nuclei that bleach and are harmed (nuclei-2d), 120 shots in ten hours, three "
        "seeds; shades and bars are 95 % intervals",
    )
    legend(sheet, 20, 82)
    scores(sheet, (20, 100, 530, 310), numbers, "edge_f1", "Links from shot to shot")
    scores(sheet, (570, 100, 530, 310), numbers, "division_f1", "Divisions that were seen")
    errors(sheet, (20, 430, 530, 310), numbers)
    harm(sheet, (570, 430, 530, 310), numbers)
    sheet.save(OUT)


if __name__ == "__main__":
    main()
