from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad, solve_ivp

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.dyes import (
    EGFP_EXTINCTION,
    bleach_dose_j_cm2,
    cross_section_cm2,
    photon_flux,
)
from acquire.simulated.photophysics import (
    FAST_RATIO,
    FAST_SHARE,
    Photophysics,
    action_weight,
    brightness,
    mitosis_minutes,
    mitotic_failure,
)


def physics(**changes: float) -> Photophysics:
    values = {
        "bleach_per_j_cm2": 0.1,
        "damage_weight": 1.0,
        "recovery_s": 1e12,
        "repair_s": 3600.0,
        "damage_by_dye": 0.0,
    }
    return Photophysics(**{**values, **changes})


def fresh(n: int = 1) -> NDArray[np.float64]:
    return np.ones((n, 2))


def test_egfp_is_excited_as_often_as_its_extinction_says() -> None:
    assert cross_section_cm2(EGFP_EXTINCTION) == pytest.approx(2.14e-16, rel=2e-3)
    rate = cross_section_cm2(EGFP_EXTINCTION) * photon_flux(1.0, 488.0)
    assert rate == pytest.approx(525.5, rel=1e-3)


@pytest.mark.parametrize(("bleach_yield", "dose_j_cm2"), [(2.4e-6, 793.0), (8e-6, 238.0)])
def test_the_dose_that_bleaches_egfp_follows_from_its_yield(
    bleach_yield: float, dose_j_cm2: float
) -> None:
    assert bleach_dose_j_cm2(488.0, bleach_yield=bleach_yield) == pytest.approx(
        dose_j_cm2, rel=2e-3
    )


def test_mitosis_fails_and_lingers_as_in_the_dose_response_that_was_read() -> None:
    dose = np.array([0.0, 0.6, 6.0, 60.0])
    assert mitotic_failure(dose) == pytest.approx([0.061, 0.184, 0.455, 0.508], abs=1e-3)
    assert mitosis_minutes(dose) == pytest.approx([17.7, 32.5, 46.7, 49.8], abs=0.05)


def test_blue_light_harms_ten_times_more_than_light_70_nm_redder() -> None:
    assert action_weight(385.0) == 1.0
    assert action_weight(488.0) / action_weight(558.0) == pytest.approx(10.0)
    assert action_weight(405.0) / action_weight(640.0) > 10**3.3


def test_bleaching_is_the_solution_of_its_rate_equation() -> None:
    bright = fresh()
    physics().bleach(bright, np.array([4.0]), 2.0)
    solved = solve_ivp(
        lambda _, y: [-0.1 * y[0], -0.1 * FAST_RATIO * y[1]],
        (0, 4.0),
        [1, 1],
        rtol=1e-10,
        atol=1e-12,
    )
    assert bright[0] == pytest.approx(solved.y[:, -1], rel=1e-6)


def test_an_exposure_sees_the_mean_dye_while_it_bleaches() -> None:
    bright = fresh()
    seen = physics().bleach(bright, np.array([4.0]), 2.0)
    slow, fast = (quad(lambda s, k=k: np.exp(-k * 4.0 * s), 0, 1)[0] for k in (0.1, 0.5))
    assert seen[0] == pytest.approx((1 - FAST_SHARE) * slow + FAST_SHARE * fast, rel=1e-9)
    assert brightness(bright)[0] < seen[0] < 1.0


@given(
    parts=st.integers(1, 50),
    dose=st.floats(0, 50),
    power=st.floats(1, 2),
    irradiance=st.floats(1e-3, 100),
)
def test_bleaching_in_parts_is_bleaching_at_once(
    parts: int, dose: float, power: float, irradiance: float
) -> None:
    once, often = fresh(), fresh()
    model = physics(bleach_power=power)
    model.bleach(once, np.array([dose]), irradiance)
    for _ in range(parts):
        model.bleach(often, np.array([dose / parts]), irradiance)
    assert often == pytest.approx(once, rel=1e-9, abs=1e-12)
    assert (once >= 0).all()
    assert (once <= 1).all()


def test_more_irradiance_bleaches_more_at_the_same_dose_where_the_dye_is_nonlinear() -> None:
    weak, strong = fresh(), fresh()
    model = physics(bleach_power=1.3)
    model.bleach(weak, np.array([2.0]), 0.1)
    model.bleach(strong, np.array([2.0]), 10.0)
    assert strong[0, 0] < weak[0, 0]
    assert np.log(strong[0, 0]) / np.log(weak[0, 0]) == pytest.approx(100**0.3)


def test_nothing_bleaches_in_the_dark_and_the_cell_makes_dye_anew() -> None:
    bright, damage = np.full((1, 2), 0.4), np.zeros(1)
    physics().bleach(bright, np.array([0.0]), 0.0)
    assert bright.tolist() == [[0.4, 0.4]]
    physics(recovery_s=100.0).rest(bright, damage, 100.0)
    assert bright[0] == pytest.approx([1 - 0.6 / np.e] * 2)


def test_pulses_with_pauses_harm_less_than_the_same_light_at_once() -> None:
    model, at_once, pulsed = physics(), np.zeros(1), np.zeros(1)
    model.harm(at_once, np.zeros(1), np.array([5.0]), 1.0)
    for _ in range(10):
        model.harm(pulsed, np.zeros(1), np.array([0.5]), 1.0)
        model.rest(fresh(), pulsed, 1800.0)
    assert pulsed[0] < 0.3 * at_once[0]


def test_steady_light_below_a_threshold_never_harms_beyond_it() -> None:
    model, damage = physics(), np.zeros(1)
    for _ in range(2000):  # 0.001 J/cm2 each 10 s, repaired in an hour
        model.harm(damage, np.zeros(1), np.array([1e-3]), 1.0)
        model.rest(fresh(), damage, 10.0)
    assert damage[0] == pytest.approx(1e-3 / 10.0 * 3600.0, rel=0.02)


def test_strong_light_harms_more_than_the_same_dose_of_weak_light() -> None:
    weak, strong = np.zeros(1), np.zeros(1)
    physics().harm(weak, np.zeros(1), np.array([1.0]), 0.1)
    physics().harm(strong, np.zeros(1), np.array([1.0]), 10.0)
    assert strong[0] > weak[0]


def test_a_dye_that_does_not_bleach_is_a_config() -> None:
    model = Photophysics.of(SimulatedScopeConfig(bleach_scale=0.0))
    bright = fresh()
    assert model.bleach(bright, np.array([1e6]), 5.0).tolist() == [1.0]


def test_a_bright_cell_is_harmed_more_than_a_bleached_one() -> None:
    damage = np.zeros(2)
    physics(damage_by_dye=0.5).harm(damage, np.array([1.0, 0.0]), np.array([1.0, 1.0]), 1.0)
    assert damage == pytest.approx([1.5, 1.0])
