"""What light does to a dye, as charts."""

from __future__ import annotations

import numpy as np

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.photophysics.photophysics import Photophysics, brightness
from docs.figures.chart import Axis, Chart
from docs.figures.sheet import BLUE, INK, MUTED, ORANGE, TEAL, YELLOW, Sheet

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
