"""The specimen as a whole, lit once by UV light, against the published dose response."""

from __future__ import annotations

import numpy as np
import pytest

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.photophysics.damage import UV_NM, UV_W_CM2
from acquire.simulated.specimen.cells import Phase
from acquire.simulated.specimen.specimen import Specimen


def count_mitoses(dose_j_cm2: float) -> tuple[int, int]:
    """Return failed and all mitoses in the 80 minutes after a dose of UV light."""
    config = SimulatedScopeConfig(
        wavelength_nm=UV_NM, n_cells=500, height=1024, width=1024, cycle_h=3.0
    )
    specimen = Specimen(config)
    specimen.take_light(np.full(len(specimen.truth()), dose_j_cm2), UV_W_CM2)
    before, failed, divided = specimen.truth(), 0, 0
    for minute in range(1, 81):
        specimen.advance_to(60.0 * minute)
        now = specimen.truth()
        in_mitosis = set(before.ids[before.phase == Phase.METAPHASE].tolist())
        failed += len(in_mitosis & set(now.ids[now.phase == Phase.INTERPHASE].tolist()))
        divided += len(in_mitosis & set(now.parents.tolist()))
        before = now
    return failed, failed + divided


@pytest.mark.parametrize(
    ("dose_j_cm2", "failed", "mitoses"),
    [(0.0, 38, 628), (0.6, 45, 245), (6.0, 75, 165), (60.0, 98, 193)],
)
def test_the_default_specimen_reproduces_the_published_dose_response(
    dose_j_cm2: float, failed: int, mitoses: int
) -> None:
    ours_failed, ours = count_mitoses(dose_j_cm2)
    published = failed / mitoses
    error = np.sqrt(published * (1.0 - published) * (1.0 / mitoses + 1.0 / ours))
    assert ours > 80
    assert abs(ours_failed / ours - published) < 2.5 * error


def survivors(pulses: int, every_h: float) -> float:
    """Return the share of cells that live a day after the first of some pulses, 30 J/cm2 in all."""
    config = SimulatedScopeConfig(
        wavelength_nm=UV_NM,
        n_cells=150,
        field_scale=1.0,
        cycle_h=1000.0,
        damage_by_dye=0.0,
        step_s=300.0,
    )
    specimen = Specimen(config)
    began = len(specimen.truth())
    for pulse in range(pulses):
        specimen.advance_to(pulse * every_h * 3600.0)
        specimen.take_light(np.full(len(specimen.truth()), 30.0 / pulses), UV_W_CM2)
    specimen.advance_to(24.0 * 3600.0)
    return float((specimen.truth().phase < Phase.DYING).sum() / began)


def test_cells_survive_pulses_with_pauses_that_the_same_light_at_once_kills() -> None:
    at_once, pulsed = survivors(1, 1.0), survivors(10, 1.0)
    assert at_once == pytest.approx(0.13, abs=0.09)
    assert pulsed == pytest.approx(0.57, abs=0.12)
