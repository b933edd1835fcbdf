"""Draw what light does to dye and cell in the simulated microscope, beside what was published.

From the repository: `python -m docs.figures.photophysics` writes docs/images/photophysics.png.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from acquire.simulated import damage as harm
from acquire.simulated.cells import Phase
from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.photophysics import Photophysics, brightness
from acquire.simulated.specimen import Specimen
from docs.figures.chart import Axis, Chart
from docs.figures.sheet import BLUE, INK, MUTED, ORANGE, PURPLE, RED, TEAL, YELLOW, Sheet, Side

OUT = Path(__file__).parents[1] / "images" / "photophysics.png"

# Read from a plot of the PhotoFiTT project, see acquire/simulated/damage.py.
DOSES_J_CM2 = np.array([0.06, 0.6, 6.0, 60.0])  # the first stands for none, on a log axis
FAILED = np.array([38, 45, 75, 98])
MITOSES = np.array([628, 245, 165, 193])
MINUTES = np.array([17.5, 33.0, 45.0, 51.0])
HARMLESS_NM = np.array([472.5, 562.5, 642.5])  # Extreme Mech. Lett., article 101249
HARMLESS_W_CM2 = np.array([0.35e-3, 3.1e-3, 5.7e-3])

Where = tuple[float, float, float, float]


def model(**values: float | str) -> Photophysics:
    """Return the photophysics of the default specimen with some values changed."""
    return Photophysics.of(SimulatedScopeConfig.model_validate(values))


def bleaching(sheet: Sheet, at: Where) -> None:
    """Draw how EGFP fades at 488 nm: one population, two, and two in a Gaussian beam."""
    chart = Chart(
        sheet,
        at,
        "EGFP bleaches",
        Axis("dose at 488 nm, J/cm²", 0, 2400, (0, 800, 1600, 2400)),
        Axis("signal", 0, 1.02, (0, 0.5, 1)),
    )
    doses = np.linspace(0, 2400, 241)
    depth = np.linspace(0, 9, 400)
    profile = np.exp(-depth)
    spot, flat = np.ones((400, 2)), np.ones((1, 2))
    physics, slow, both, beam = model(bleach_scale=1.0), [1.0], [1.0], [1.0]
    for step in np.diff(doses):
        physics.bleach(spot, step * profile, 3.2)
        physics.bleach(flat, np.array([step]), 3.2)
        slow.append(flat[0, 0])
        both.append(float(brightness(flat)[0]))
        beam.append(float((brightness(spot) * profile).sum() / profile.sum()))
    chart.line(doses, slow, MUTED, dashed=True)
    chart.line(doses, beam, ORANGE)
    chart.line(doses, both, TEAL)
    chart.points([793.0], [np.exp(-1)], MUTED)
    chart.words(60, 0.06, "1/e at 793 J/cm²", MUTED)
    chart.words(1020, 0.87, "two populations", TEAL)
    chart.words(1020, 0.78, "… in a Gaussian beam", ORANGE)
    chart.words(1020, 0.96, "one population", MUTED)


def recovery(sheet: Sheet, at: Where) -> None:
    """Draw how the dye falls in the light and comes back in the dark."""
    chart = Chart(
        sheet,
        at,
        "Cells make their dye anew",
        Axis("time, h", 0, 24, (0, 8, 16, 24)),
        Axis("signal", 0, 1.02, (0, 0.5, 1)),
    )
    hours = np.arange(0, 24, 1 / 60)
    for bleach, colour in ((1, TEAL), (3, YELLOW)):
        physics = model(assumption="d50x1" if bleach == 1 else "d50x1-bleachx3")
        bright, none, course = np.ones((1, 2)), np.zeros(1), []
        for hour in hours:
            course.append(float(brightness(bright)[0]))
            if hour % 12 < 4:
                physics.bleach(bright, np.array([0.05]), 5.0)
            physics.rest(bright, none, 60.0)
        chart.line(hours, course, colour)
    for start in (0.0, 12.0):
        chart.band([start, start + 4], 0, 1.02, BLUE)
        chart.words(start + 2, 0.05, "light", BLUE, "centre")
    chart.words(23.6, 0.95, "default dye", TEAL, "right")
    chart.words(23.6, 0.12, "bleach x 3", YELLOW, "right")


def excitation(sheet: Sheet, at: Where) -> None:
    """Draw how often light excites a dye, and where that saturates."""
    chart = Chart(
        sheet,
        at,
        "Strong light saturates the dye",
        Axis(
            "irradiance, W/cm²",
            1,
            1e8,
            ((1, "1"), (1e2, "10²"), (1e4, "10⁴"), (1e6, "10⁶"), (1e8, "10⁸")),
            is_log=True,
        ),
        Axis(
            "per dye and second",
            10,
            1e11,
            ((1e2, "10²"), (1e5, "10⁵"), (1e8, "10⁸"), (1e11, "10¹¹")),
            is_log=True,
        ),
    )
    irradiance = np.geomspace(1, 1e8, 200)
    physics = model()
    excited = physics.excited(irradiance)
    chart.line(irradiance, 525.5 * irradiance, MUTED, dashed=True)
    chart.line(irradiance, 525.5 * irradiance * excited, TEAL)
    half = physics.saturation_w_cm2
    chart.points([half], [525.5 * half / 2], TEAL)
    chart.words(half * 0.25, 525.5 * half * 1.4, f"half at {half / 1e3:.0f} kW/cm²", TEAL, "right")
    chart.points([1.0], [525.5], INK, size=3)
    chart.words(3.0, 300.0, "525.5 at 1 W/cm²", INK)


def thresholds(sheet: Sheet, at: Where) -> None:
    """Draw the irradiance that never harms, against three published ones."""
    chart = Chart(
        sheet,
        at,
        "Light too weak to harm, however long",
        Axis("wavelength, nm", 380, 680, (400, 500, 600)),
        Axis(
            "irradiance, W/cm²",
            1e-6,
            1e2,
            ((1e-6, "10⁻⁶"), (1e-4, "10⁻⁴"), (1e-2, "10⁻²"), (1, "1"), (100, "100")),
            is_log=True,
        ),
    )
    nm = np.linspace(380, 680, 61)
    for assumption, width in (("d50x0.1", 1.0), ("d50x1", 2.5), ("d50x10", 1.0)):
        line = [harmless_w_cm2(model(wavelength_nm=w, assumption=assumption)) for w in nm]
        chart.line(nm, line, PURPLE, width=width, dashed=width < 2)
    chart.points(HARMLESS_NM, HARMLESS_W_CM2, ORANGE)
    chart.words(672, 4e-4, "published", ORANGE, "right")
    chart.words(672, 12.0, "D50 x 0.1, 1, 10", PURPLE, "right")


def harmless_w_cm2(physics: Photophysics) -> float:
    """Return the irradiance whose damage, in balance with repair, is the threshold."""
    balance = harm.THRESHOLD_J_CM2 / (
        physics.damage_weight * physics.repair_s * (1.0 + physics.damage_by_dye)
    )
    reference, power = physics.damage_reference_w_cm2, physics.damage_power
    return float(reference * (balance / reference) ** (1.0 / power))


DOSE = Axis(
    "dose of UV light, J/cm²",
    0.045,
    150,
    ((0.06, "0"), (0.6, "0.6"), (6, "6"), (60, "60")),
    is_log=True,
)


def failure(sheet: Sheet, at: Where, lived: dict[float, tuple[int, int]]) -> None:
    """Draw which share of mitoses fails: published, formula, and counted in the specimen."""
    chart = Chart(sheet, at, "Mitoses that fail", DOSE, Axis("%", 0, 80, (0, 20, 40, 60, 80)))
    doses = np.geomspace(0.045, 150, 200)
    for assumption, width in (("d50x0.1", 1.0), ("d50x1", 2.5), ("d50x10", 1.0)):
        given = doses * model(wavelength_nm=harm.UV_NM, assumption=assumption).damage_weight
        chart.line(doses, 100 * harm.mitotic_failure(given), PURPLE, width=width, dashed=width < 2)
    share = FAILED / MITOSES
    error = 1.96 * np.sqrt(share * (1 - share) / MITOSES)
    chart.points(
        DOSES_J_CM2, 100 * share, ORANGE, low=100 * (share - error), high=100 * (share + error)
    )
    there = DOSES_J_CM2 * 1.18
    ours = np.array([failed / both for failed, both in lived.values()])
    chart.points(there, 100 * ours, TEAL, is_open=True)
    chart.words(0.055, 75, "published, 95 %", ORANGE)
    chart.words(0.055, 69, "counted in the specimen", TEAL)
    chart.words(0.055, 63, "formula; D50 x 0.1, 1, 10", PURPLE)


def minutes(sheet: Sheet, at: Where) -> None:
    """Draw how long mitoses last."""
    chart = Chart(
        sheet, at, "Mitoses that take longer", DOSE, Axis("minutes", 0, 70, (0, 20, 40, 60))
    )
    doses = np.geomspace(0.045, 150, 200)
    chart.line(doses, harm.mitosis_minutes(doses), PURPLE, width=2.5)
    chart.points(DOSES_J_CM2, MINUTES, ORANGE)
    chart.words(0.055, 64, "published", ORANGE)
    chart.words(0.055, 58, "formula", PURPLE)


def pulses(sheet: Sheet, at: Where) -> None:
    """Draw damage in time: the same dose at once, and in pulses with pauses."""
    chart = Chart(
        sheet,
        at,
        "The same 30 J/cm² of UV, at once or in pulses",
        Axis("time, h", 0, 10, (0, 2, 4, 6, 8, 10)),
        Axis("damage, J/cm²", 0, 34, (0, 10, 20, 30)),
    )
    physics, step_h = model(wavelength_nm=harm.UV_NM), 1 / 60
    for pulses, every_h, colour in ((1, 1.0, RED), (10, 0.5, TEAL), (10, 1.0, BLUE)):
        damage, bright, hours, course, hazard = np.zeros(1), np.ones((1, 2)), [], [], 0.0
        for minute in range(24 * 60):
            if minute % round(every_h * 60) == 0 and minute < pulses * every_h * 60:
                physics.harm(damage, np.zeros(1), np.array([30.0 / pulses]), harm.UV_W_CM2)
            hours.append(minute * step_h)
            course.append(float(damage[0]))
            hazard += step_h * float(harm.death_hazard_per_h(damage)[0])
            physics.rest(bright, damage, 60.0 * step_h * 60)
        shown = np.array(hours) <= 10
        chart.line(np.array(hours)[shown], np.array(course)[shown], colour)
        words = "at once" if pulses == 1 else f"10 pulses, one in {every_h * 60:.0f} min"
        height = {RED: 31.0, TEAL: 28.0, BLUE: 25.0}[colour]
        chart.words(9.9, height, f"{words}: {100 * np.exp(-hazard):.0f} % survive", colour, "right")


def survival(sheet: Sheet, at: Where) -> None:
    """Draw how many cells are alive a day later, by colour of the light."""
    chart = Chart(
        sheet,
        at,
        "Alive a day after 4 minutes of light",
        Axis(
            "dose, J/cm²",
            1,
            1e6,
            ((1, "1"), (1e2, "10²"), (1e4, "10⁴"), (1e6, "10⁶")),
            is_log=True,
        ),
        Axis("%", 0, 105, (0, 50, 100)),
    )
    doses = np.geomspace(1, 1e6, 90)
    for nm, colour in ((385, PURPLE), (405, BLUE), (488, TEAL), (561, YELLOW), (640, RED)):
        physics, alive = model(wavelength_nm=nm), []
        for dose in doses:
            damage, bright, hazard = np.zeros(1), np.ones((1, 2)), 0.0
            physics.harm(damage, np.zeros(1), np.array([dose]), dose / 240.0)
            for _ in range(24 * 12):
                hazard += float(harm.death_hazard_per_h(damage)[0]) / 12
                physics.rest(bright, damage, 300.0)
            alive.append(100 * np.exp(-hazard))
        chart.line(doses, alive, colour)
        half = float(np.interp(-50, -np.array(alive), np.log(doses)))
        side: Side = "right" if nm == 385 else "left"
        beside = float(np.exp(half)) * (0.5 if nm == 385 else 1.25)
        chart.words(beside, 80 if nm == 385 else 54, f"{nm}", colour, side)
    chart.points([50.0], [50.0], ORANGE)
    for line, words in enumerate(("published:", "most that", "cells stand", "at 405 nm")):
        chart.words(1.3, 40 - 6 * line, words, ORANGE)


def count_mitoses(dose_j_cm2: float) -> tuple[int, int]:
    """Light dividing specimens once and return failed and all mitoses of the next 80 minutes."""
    failed = divided = 0
    for seed in (1, 2, 3):
        config = SimulatedScopeConfig(
            seed=seed, wavelength_nm=harm.UV_NM, n_cells=500, height=1024, width=1024, cycle_h=3.0
        )
        specimen = Specimen(config)
        specimen.take_light(np.full(len(specimen.truth()), dose_j_cm2), harm.UV_W_CM2)
        before = specimen.truth()
        for minute in range(1, 81):
            specimen.advance_to(60.0 * minute)
            now = specimen.truth()
            in_mitosis = set(before.ids[before.phase == Phase.METAPHASE].tolist())
            failed += len(in_mitosis & set(now.ids[now.phase == Phase.INTERPHASE].tolist()))
            divided += len(in_mitosis & set(now.parents.tolist()))
            before = now
    return failed, failed + divided


def main() -> None:
    """Draw the sheet."""
    sheet = Sheet(
        1480,
        690,
        "What light does in the simulated microscope",
        "Above the dye, below the cell. Orange: published. Four points, four parameters: a shape, "
        "not evidence; harm by visible light is proposed.",
    )
    wide, high, gap = 350.0, 300.0, 13.0
    places: list[Where] = [
        (20 + (wide + gap) * i, 68 + (high + gap) * j, wide, high) for j in (0, 1) for i in range(4)
    ]
    for draw, place in zip((bleaching, recovery, excitation, thresholds), places[:4], strict=True):
        draw(sheet, place)
    lived = {dose: count_mitoses(dose) for dose in (0.0, 0.6, 6.0, 60.0)}
    failure(sheet, places[4], lived)
    for draw, place in zip((minutes, pulses, survival), places[5:], strict=True):
        draw(sheet, place)
    sheet.save(OUT)


if __name__ == "__main__":
    main()
