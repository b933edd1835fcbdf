"""What light does to a cell, as charts, beside what was published."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.photophysics import damage as harm
from docs.figures.chart import Axis, Chart
from docs.figures.dye_charts import model
from docs.figures.sheet import BLUE, ORANGE, PURPLE, RED, TEAL, YELLOW, Sheet, Side

if TYPE_CHECKING:
    from acquire.simulated.photophysics.photophysics import Photophysics
    from docs.figures.dye_charts import Where

# Read from a plot of the PhotoFiTT project, see acquire/simulated/photophysics/damage.py.
DOSES_J_CM2 = np.array([0.06, 0.6, 6.0, 60.0])  # the first stands for none, on a log axis
FAILED = np.array([38, 45, 75, 98])
MITOSES = np.array([628, 245, 165, 193])
MINUTES = np.array([17.5, 33.0, 45.0, 51.0])
HARMLESS_NM = np.array([472.5, 562.5, 642.5])  # Extreme Mech. Lett., article 101249
HARMLESS_W_CM2 = np.array([0.35e-3, 3.1e-3, 5.7e-3])

DOSE = Axis(
    "dose of UV light, J/cm²",
    0.045,
    150,
    ((0.06, "0"), (0.6, "0.6"), (6, "6"), (60, "60")),
    is_log=True,
)


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
