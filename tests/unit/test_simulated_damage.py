from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.photophysics.damage import (
    THRESHOLD_J_CM2,
    UV_NM,
    UV_W_CM2,
    action_weight,
    cycle_delay,
    death_hazard_per_h,
    mitosis_minutes,
    mitotic_failure,
    motility,
)
from acquire.simulated.photophysics.photophysics import Photophysics

# Failed and all mitoses of CHO cells, and their mean length, read from a plot (PhotoFiTT).
DOSES_J_CM2 = np.array([0.0, 0.6, 6.0, 60.0])
FAILED = np.array([38, 45, 75, 98])
ALL = np.array([628, 245, 165, 193])
MINUTES = np.array([17.5, 33.0, 45.0, 51.0])


def model(wavelength_nm: float, **changes: float | str) -> Photophysics:
    values = {"wavelength_nm": wavelength_nm, **changes}
    return Photophysics.of(SimulatedScopeConfig.model_validate(values))


def after(
    physics: Photophysics, dose_j_cm2: float, irradiance_w_cm2: float, seen: float = 0.0
) -> float:
    """Return the damage that a dose leaves in a cell, repaired while it is given."""
    damage, bright, parts = np.zeros(1), np.ones((1, 2)), 400
    for _ in range(parts):
        physics.harm(damage, np.array([seen]), np.array([dose_j_cm2 / parts]), irradiance_w_cm2)
        physics.rest(bright, damage, dose_j_cm2 / irradiance_w_cm2 / parts)
    return float(damage[0])


def survival(damage: float, repair_h: float = 2.0, hours: float = 24.0) -> float:
    """Return the share of cells that live on while their damage heals."""
    hazard, _ = quad(
        lambda h: float(death_hazard_per_h(np.array([damage * np.exp(-h / repair_h)]))[0]),
        0,
        hours,
        limit=200,
    )
    return float(np.exp(-hazard))


def test_the_default_gives_the_published_dose_response_within_its_reading_error() -> None:
    physics = model(UV_NM)
    damage = np.array([after(physics, dose, UV_W_CM2) if dose else 0.0 for dose in DOSES_J_CM2])
    share = FAILED / ALL
    error = 2.0 * np.sqrt(share * (1 - share) / ALL)
    assert (np.abs(mitotic_failure(damage) - share) < np.maximum(error, 0.1 * share)).all()
    assert mitotic_failure(damage) == pytest.approx([0.061, 0.184, 0.455, 0.51], abs=0.005)
    assert mitosis_minutes(damage) == pytest.approx(MINUTES, rel=0.1)


@pytest.mark.parametrize(
    ("wavelength_nm", "harmless_w_cm2"), [(472.5, 0.35e-3), (562.5, 3.1e-3), (642.5, 5.7e-3)]
)
def test_light_of_a_harmless_intensity_never_harms_however_long_it_shines(
    wavelength_nm: float, harmless_w_cm2: float
) -> None:
    physics = model(wavelength_nm)
    damage, bright = np.zeros(1), np.ones((1, 2))
    for _ in range(14 * 24 * 60):  # two weeks, minute by minute
        physics.harm(damage, np.ones(1), np.array([60.0 * harmless_w_cm2]), harmless_w_cm2)
        physics.rest(bright, damage, 60.0)
    assert 0.0 < damage[0] < THRESHOLD_J_CM2
    assert mitotic_failure(damage) == mitotic_failure(np.zeros(1))
    assert death_hazard_per_h(damage) == 0.0
    assert motility(damage) == cycle_delay(damage) == 1.0


def test_blue_light_of_twice_the_harmless_intensity_does_harm_in_the_end() -> None:
    assert after(model(472.5), 0.7e-3 * 86_400, 0.7e-3, seen=1.0) > THRESHOLD_J_CM2


def test_the_same_dose_harms_less_if_it_is_given_longer_and_weaker() -> None:
    damage = [after(model(488.0), 20.0, irradiance) for irradiance in (10.0, 0.1, 1e-3)]
    assert damage[0] > 1.5 * damage[1]
    assert damage[1] > 4.0 * damage[2]


def test_pulses_with_pauses_kill_fewer_cells_than_the_same_light_at_once() -> None:
    physics, at_once, pulsed = model(UV_NM), np.zeros(1), np.zeros(1)
    physics.harm(at_once, np.zeros(1), np.array([30.0]), UV_W_CM2)
    alive = 1.0
    for _ in range(10):
        physics.harm(pulsed, np.zeros(1), np.array([3.0]), UV_W_CM2)
        alive *= survival(float(pulsed[0]), hours=0.5)
        physics.rest(np.ones((1, 2)), pulsed, 1800.0)
    alive *= survival(float(pulsed[0]), hours=19.0)
    assert pulsed[0] < 0.4 * at_once[0]
    assert alive > survival(float(at_once[0])) + 0.05


def test_short_pulses_spare_cells_that_the_same_lamp_left_on_harms() -> None:
    lamp_w_cm2, hours = 14.27e-3, 5.0  # the lamp and the five hours of Penjweini et al. (2013)
    physics = model(470.0, assumption="d50x0.1", damage_by_dye=20.0)  # cells full of sensitiser
    left_on = after(physics, lamp_w_cm2 * hours * 3600.0, lamp_w_cm2, seen=1.0)
    damage = np.zeros(1)
    for _ in range(int(hours * 60)):  # a pulse of 13 ms each second
        physics.harm(damage, np.ones(1), np.array([60 * 0.013 * lamp_w_cm2]), lamp_w_cm2)
        physics.rest(np.ones((1, 2)), damage, 60.0)
    assert survival(left_on) < 0.2
    assert survival(float(damage[0])) > 0.95


def test_violet_light_kills_half_of_the_cells_at_the_most_that_they_are_said_to_stand() -> None:
    damage = after(model(405.0), 50.0, 50.0 / 240.0)
    assert survival(damage) == pytest.approx(0.5, abs=0.05)


def test_red_light_harms_less_than_violet_at_two_thousand_times_the_dose() -> None:
    violet = after(model(405.0), 50.0, 50.0 / 240.0)
    assert after(model(640.0), 1e5, 1000.0) < violet
    assert action_weight(405.0) / action_weight(640.0) > 10**3.3


def test_cells_suffer_long_before_they_die() -> None:
    damage = after(model(UV_NM), 0.6, UV_W_CM2)
    assert mitotic_failure(np.array([damage])) > 2.5 * mitotic_failure(np.zeros(1))
    assert survival(damage) > 0.98


@pytest.mark.parametrize(("assumption", "times"), [("d50x0.1", 0.1), ("d50x10", 10.0)])
def test_one_switch_moves_every_dose_that_harms(assumption: str, times: float) -> None:
    usual, moved = model(488.0), model(488.0, assumption=assumption)
    assert after(moved, 100.0 * times, 5.0) == pytest.approx(after(usual, 100.0, 5.0), rel=0.02)


def test_a_cell_that_light_cannot_harm_is_a_config() -> None:
    assert after(model(385.0, damage_scale=0.0), 1e6, 100.0) == 0.0


@given(a=st.floats(0, 1e12), b=st.floats(0, 1e12))
def test_more_damage_is_never_better(a: float, b: float) -> None:
    less, more = np.array([min(a, b)]), np.array([max(a, b)])
    assert mitotic_failure(less) <= mitotic_failure(more) <= 0.512
    assert mitosis_minutes(less) <= mitosis_minutes(more)
    assert death_hazard_per_h(less) <= death_hazard_per_h(more)
    assert cycle_delay(less) <= cycle_delay(more) <= 2.0
    assert motility(less) >= motility(more) >= 0.0


def test_cells_die_without_light_as_often_as_the_specimen_says() -> None:
    assert death_hazard_per_h(np.zeros(2), 0.002).tolist() == [0.002, 0.002]
