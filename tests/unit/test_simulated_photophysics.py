from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.photophysics.dyes import (
    EGFP_BLEACH_YIELD,
    EGFP_EXTINCTION,
    excitation_rate_hz,
)
from acquire.simulated.photophysics.photophysics import (
    FAST_RATIO,
    FAST_SHARE,
    Photophysics,
    brightness,
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


def half_dose(signal: NDArray[np.float64], doses: NDArray[np.float64]) -> float:
    """Return the dose at which a falling signal passes half."""
    return float(np.interp(-0.5, -signal, doses))


DOSES = np.linspace(0.0, 30.0, 301)


def decay(weights: NDArray[np.float64], model: Photophysics) -> NDArray[np.float64]:
    """Bleach cells at several places of a beam; return their shares left, (doses, n, 2)."""
    bright, left = fresh(len(weights)), [fresh(len(weights))]
    for step in np.diff(DOSES):
        model.bleach(bright, step * weights, 1.0)
        left.append(bright.copy())
    return np.stack(left)


def test_a_single_population_is_half_bleached_after_ln_2_of_its_dose() -> None:
    slow = decay(np.ones(1), physics())[:, 0, 0]
    assert half_dose(slow, DOSES) == pytest.approx(np.log(2) / 0.1, rel=1e-3)


def test_two_populations_are_half_bleached_sooner_and_fade_ever_slower() -> None:
    both = np.array([brightness(bright)[0] for bright in decay(np.ones(1), physics())])
    expected = brentq(
        lambda d: (
            (1 - FAST_SHARE) * np.exp(-0.1 * d) + FAST_SHARE * np.exp(-0.1 * FAST_RATIO * d) - 0.5
        ),
        0,
        10,
    )
    assert half_dose(both, DOSES) == pytest.approx(expected, rel=1e-3)
    rate = -np.diff(np.log(both))
    assert (np.diff(rate) < 0).all()


def test_a_gaussian_beam_bleaches_its_middle_and_so_decays_more_slowly_than_any_exponential() -> (
    None
):
    # Over a whole Gaussian spot the signal of one population is (1 - exp(-x)) / x, x = k D0.
    depth = np.linspace(0.0, 12.0, 2001)  # minus log of the profile: equal areas of the sample
    profile = np.exp(-depth)
    slow = decay(profile, physics())[:, :, 0]
    seen = np.trapezoid(slow * profile, depth, axis=1) / np.trapezoid(profile, depth)
    x = 0.1 * DOSES[1:]
    assert seen[1:] == pytest.approx(-np.expm1(-x) / x, rel=1e-3)
    assert half_dose(seen, DOSES) == pytest.approx(
        brentq(lambda x: -np.expm1(-x) / x - 0.5, 1, 3) / 0.1, rel=1e-3
    )


def test_the_rate_of_bleaching_follows_from_excitations_and_yield() -> None:
    model = Photophysics.of(SimulatedScopeConfig(bleach_scale=1.0))
    per_j = excitation_rate_hz(1.0, 488.0, EGFP_EXTINCTION) * EGFP_BLEACH_YIELD
    assert model.bleach_rate_per_j_cm2(3.2) == pytest.approx(per_j, rel=1e-4)
    assert 1.0 / per_j == pytest.approx(793.0, rel=2e-3)


def test_a_dye_that_saturates_shines_and_bleaches_half_as_much() -> None:
    model, weak, strong = physics(saturation_w_cm2=100.0), fresh(), fresh()
    dose = np.array([1e-6])
    assert model.bleach(weak, dose, 1e-6) == pytest.approx(1.0, rel=1e-6)
    assert model.bleach(strong, dose, 100.0) == pytest.approx(0.5, rel=1e-6)
    assert (1.0 - strong) == pytest.approx(0.5 * (1.0 - weak), rel=1e-6)


def test_no_dye_shines_more_the_more_it_is_excited_beyond_saturation() -> None:
    config = SimulatedScopeConfig(max_irradiance_w_cm2=1e5)
    model = Photophysics.of(config)
    assert model.excited(5.0) == pytest.approx(1.0, abs=1e-5)
    assert model.excited(model.saturation_w_cm2) == pytest.approx(0.5)
    assert 1e5 < model.saturation_w_cm2 < 1e6


def test_a_dye_that_does_not_bleach_is_a_config() -> None:
    model = Photophysics.of(SimulatedScopeConfig(bleach_scale=0.0))
    bright = fresh()
    assert model.bleach(bright, np.array([1e6]), 5.0) == pytest.approx(1.0, abs=1e-5)
    assert bright.tolist() == [[1.0, 1.0]]


def test_a_bright_cell_is_harmed_more_than_a_bleached_one() -> None:
    damage = np.zeros(2)
    model = physics(damage_by_dye=0.5)
    model.harm(damage, np.array([1.0, 0.0]), np.ones(2), model.damage_reference_w_cm2)
    assert damage == pytest.approx([1.5, 1.0])


@pytest.mark.parametrize(
    ("assumption", "d50", "bleach"),
    [("d50x1", 1, 1), ("d50x0.1", 0.1, 1), ("d50x10", 10, 1), ("d50x0.1-bleachx3", 0.1, 3)],
)
def test_one_switch_says_how_sensitive_cell_and_dye_are(
    assumption: str, d50: float, bleach: float
) -> None:
    usual = Photophysics.of(SimulatedScopeConfig())
    moved = Photophysics.of(SimulatedScopeConfig.model_validate({"assumption": assumption}))
    assert moved.damage_weight * d50 == pytest.approx(usual.damage_weight)
    assert moved.bleach_per_j_cm2 == pytest.approx(bleach * usual.bleach_per_j_cm2)


def test_each_cell_bleaches_and_suffers_at_the_irradiance_of_its_place() -> None:
    model = physics(bleach_power=1.2, damage_power=1.4, saturation_w_cm2=10.0)
    places, dose = np.array([0.0, 0.5, 8.0]), np.array([0.0, 1.0, 2.0])
    bright, damage = fresh(3), np.zeros(3)
    seen = model.bleach(bright, dose, places)
    model.harm(damage, seen, dose, places)
    for i in range(3):
        alone, harmed = fresh(), np.zeros(1)
        saw = model.bleach(alone, dose[i : i + 1], float(places[i]))
        model.harm(harmed, saw, dose[i : i + 1], float(places[i]))
        assert bright[i] == pytest.approx(alone[0])
        assert damage[i] == pytest.approx(harmed[0])
    assert damage[0] == 0.0
