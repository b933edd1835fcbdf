"""Draw one specimen under three powers of light, side by side: frames, bleaching, lives, deaths.

From the repository: `python -m docs.figures.three_powers` writes docs/images/three_powers.jpg.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.optics.optics import Optics, Window
from acquire.simulated.photophysics.damage import THRESHOLD_J_CM2
from acquire.simulated.presets import preset
from acquire.simulated.sensor.sensor import Sensor
from acquire.simulated.specimen.cells import Phase
from acquire.simulated.specimen.events import Fate
from acquire.simulated.specimen.specimen import Specimen
from docs.figures.chart import Axis, Chart
from docs.figures.sheet import INK, MUTED, RED, TEAL, YELLOW, Sheet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.config import SimulatedScopeConfig

OUT = Path(__file__).parents[1] / "images" / "three_powers.jpg"

SEED = 7
HOURS, EVERY_S, EXPOSURE_S = 24, 60.0, 0.1
POWERS = {0.01: TEAL, 0.1: YELLOW, 1.0: RED}
SHOWN_H = (0, 6, 12, 18, 24)
TINT = np.array([0.80, 1.0, 0.90])  # of the brightest pixel: green fluorescence

WIDE, LABEL, GAP, CHARTS = 1480, 196.0, 12.0, 250.0
FRAME = (WIDE - 40 - LABEL - 4 * GAP) / 5
CROP = slice(76, 436)  # of the 512 pixels of a side, so that the nuclei show their texture


@dataclass(slots=True)
class Course:
    """What happened to a specimen: one entry for each exposure, and the frames to be shown."""

    hours: list[float] = field(default_factory=list)
    signal: list[float] = field(default_factory=list)
    damage: list[float] = field(default_factory=list)
    counts: dict[Fate, list[int]] = field(default_factory=lambda: {fate: [] for fate in Fate})
    living: list[int] = field(default_factory=list)
    frames: dict[int, NDArray[np.float64]] = field(default_factory=dict)


def scope() -> SimulatedScopeConfig:
    """Return a frozen preset whose cells are all in the field, with a dye that lasts longer."""
    return preset("nuclei-2d", SEED).model_copy(
        update={"bleach_scale": 6.0, "field_scale": 1.0, "n_cells": 70, "psf": "widefield"}
    )


def film(power: float) -> Course:
    """Live for a day with one exposure a minute; at power 0, in the dark."""
    config = scope()
    specimen, optics, sensor = Specimen(config, lit=power > 0), Optics(config), Sensor(config)
    whole = Window(0, 0, config.width, config.height)
    irradiance = power * config.max_irradiance_w_cm2
    fluence = irradiance * EXPOSURE_S
    course, counts = Course(), np.empty(whole.shape, np.uint16)
    for number in range(round(HOURS * 3600 / EVERY_S) + 1):
        hour = number * EVERY_S / 3600.0
        specimen.advance_to(number * EVERY_S)
        nuclei = specimen.truth()
        note(course, hour, specimen)
        lit = optics.profile(nuclei.x_um, nuclei.y_um)
        shone = specimen.take_light(fluence * lit, irradiance * lit)
        if power > 0 and hour in SHOWN_H:
            mean_e = optics.expected(nuclei, shone, fluence, (0.0, 0.0), 0.0, whole)
            mean_e += np.float32(config.background_e + config.dark_current_e_s * EXPOSURE_S)
            sensor.read_out(mean_e, number, counts)
            electrons = (counts.astype(float) - config.offset_adu) / config.gain_adu_per_e
            course.frames[int(hour)] = electrons
    return course


def note(course: Course, hour: float, specimen: Specimen) -> None:
    """Write down how the cells are."""
    nuclei = specimen.truth()
    living = nuclei.phase < Phase.DYING
    course.hours.append(hour)
    course.living.append(int(living.sum()))
    course.signal.append(float(nuclei.dye[living].mean()) if living.any() else np.nan)
    course.damage.append(float(nuclei.damage[living].mean()) if living.any() else np.nan)
    for fate, course_of_fate in course.counts.items():
        course_of_fate.append(sum(event.fate == fate for event in specimen.events))


def strip(sheet: Sheet, top: float, power: float, course: Course) -> None:
    """Draw the frames of one power in a row; grey goes by the first of them."""
    first = course.frames[SHOWN_H[0]]
    dark, bright = np.percentile(first, 20.0), np.percentile(first, 99.7)
    dose = power * scope().max_irradiance_w_cm2 * EXPOSURE_S
    left = 20.0
    sheet.box(left, top, LABEL - GAP, FRAME)
    sheet.box(left, top, 4, FRAME, POWERS[power])
    sheet.text(left + 18, top + 34, f"{100 * power:g} %", size=24, bold=True, colour=POWERS[power])
    total = dose * len(course.hours)
    lines = (
        f"{1e3 * dose:g} mJ/cm² a frame",
        f"{total:.{0 if total >= 10 else 1}f} J/cm² in a day",
        "",
        f"{course.counts[Fate.DIVISION][-1]} divisions",
        f"{course.counts[Fate.FAILED_MITOSIS][-1]} failed mitoses",
        f"{course.counts[Fate.DEATH][-1]} deaths",
        f"{course.living[-1]} alive, of {course.living[0]}",
    )
    for i, words in enumerate(lines):
        sheet.text(left + 18, top + 66 + 19 * i, words, size=12, colour=MUTED)
    for i, hour in enumerate(SHOWN_H):
        x = left + LABEL + i * (FRAME + GAP)
        grey = np.clip((course.frames[hour] - dark) / (bright - dark), 0.0, 1.0) ** 0.8
        rgb = (255.0 * grey[CROP, CROP, None] ** (1.0 / TINT)).astype(np.uint8)
        sheet.picture(x, top, FRAME, FRAME, rgb)


def charts(sheet: Sheet, top: float, courses: dict[float, Course], twin: Course) -> None:
    """Draw bleaching, damage, divisions and living cells over time."""
    hours = Axis("time, h", 0, HOURS, (0, 6, 12, 18, 24))
    wide = (WIDE - 40 - 3 * GAP) / 4
    divided = {p: c.counts[Fate.DIVISION] for p, c in courses.items()}
    most, most_divided = chart_top(twin.living), chart_top(twin.counts[Fate.DIVISION])
    panels = (
        ("Signal of a living cell, % of the unlit twin's", Axis("%", 0, 105, (0, 50, 100))),
        ("Damage, J/cm² of UV light", Axis("", 0.01, 100, (0.01, 0.1, 1, 10, 100), is_log=True)),
        ("Divisions so far", Axis("", 0, most_divided, tuple(range(0, int(most_divided), 20)))),
        ("Living cells", Axis("", 0, most, tuple(range(0, int(most), 40)))),
    )
    drawn = [
        Chart(sheet, (20 + i * (wide + GAP), top, wide, CHARTS), title, hours, y)
        for i, (title, y) in enumerate(panels)
    ]
    drawn[1].line([0, HOURS], [THRESHOLD_J_CM2] * 2, MUTED, width=1.2, dashed=True)
    drawn[1].words(HOURS - 0.3, 0.55 * THRESHOLD_J_CM2, "what a cell does not feel", MUTED, "right")
    for power, course in courses.items():
        signal = 100.0 * np.array(course.signal) / np.array(twin.signal)
        values = (signal, course.damage, divided[power], course.living)
        for chart, y in zip(drawn, values, strict=True):
            there = np.isfinite(np.asarray(y, float))
            chart.line(np.array(course.hours)[there], np.asarray(y)[there], POWERS[power])
    for chart, dark in zip(drawn[2:], (twin.counts[Fate.DIVISION], twin.living), strict=True):
        chart.line(twin.hours, dark, INK, width=1.2, dashed=True)
        chart.words(1, 0.9 * chart_top(dark), "dashed: the unlit twin", INK)


def chart_top(counts: list[int]) -> float:
    """Return the upper end of an axis that the unlit twin's counts fit on."""
    return 1.15 * max(*counts, 10)


def main() -> None:
    """Draw the sheet."""
    courses = {power: film(power) for power in POWERS}
    height = 100 + 3 * (FRAME + GAP) + CHARTS + 14
    sheet = Sheet(
        WIDE,
        round(height),
        "One specimen, three powers of light",
        "The same seed in each row: the same cells, the same draws of chance. 100 ms at 488 nm "
        "every minute; 100 % is 5 W/cm². Cells ten times as sensitive as CHO cells, a dye six "
        "times as fast as EGFP. Grey by the first frame of each row.",
    )
    for i, hour in enumerate(SHOWN_H):
        x = 20 + LABEL + i * (FRAME + GAP) + 0.5 * FRAME
        sheet.text(x, 84, f"{hour} h", size=12, bold=True, side="centre")
    for i, (power, course) in enumerate(courses.items()):
        strip(sheet, 94 + i * (FRAME + GAP), power, course)
    charts(sheet, 94 + 3 * (FRAME + GAP), courses, film(0.0))
    sheet.save(OUT)


if __name__ == "__main__":
    main()
