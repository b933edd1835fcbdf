from __future__ import annotations

import pytest
from scipy import constants
from scipy.integrate import solve_ivp

from acquire.simulated.photophysics.dyes import (
    CROSS_SECTION_PER_EXTINCTION,
    EGFP_EXTINCTION,
    EGFP_LIFETIME_NS,
    LIGHT_CM_S,
    PLANCK_J_S,
    bleach_dose_j_cm2,
    cross_section_cm2,
    excitation_rate_hz,
    photon_flux,
    saturation_w_cm2,
)


def test_the_constants_of_nature_are_those_of_codata() -> None:
    assert constants.h == PLANCK_J_S
    assert 100.0 * constants.c == LIGHT_CM_S
    per_extinction = 1000.0 * 2.302585093 / constants.N_A
    assert pytest.approx(per_extinction, rel=1e-3) == CROSS_SECTION_PER_EXTINCTION


def test_egfp_is_excited_as_often_as_its_extinction_says() -> None:
    assert cross_section_cm2(EGFP_EXTINCTION) == pytest.approx(2.14e-16, rel=2e-3)
    assert excitation_rate_hz(1.0, 488.0, EGFP_EXTINCTION) == pytest.approx(525.5, rel=1e-3)


def test_a_watt_of_red_light_has_more_photons_than_one_of_blue() -> None:
    energy_j = constants.h * constants.c / 488e-9
    assert photon_flux(1.0, 488.0) == pytest.approx(1.0 / energy_j)
    assert photon_flux(1.0, 640.0) / photon_flux(1.0, 400.0) == pytest.approx(1.6)


@pytest.mark.parametrize(("bleach_yield", "dose_j_cm2"), [(2.4e-6, 793.0), (8e-6, 238.0)])
def test_the_dose_that_bleaches_egfp_follows_from_its_yield(
    bleach_yield: float, dose_j_cm2: float
) -> None:
    assert bleach_dose_j_cm2(488.0, bleach_yield=bleach_yield) == pytest.approx(
        dose_j_cm2, rel=2e-3
    )


@pytest.mark.parametrize("relative", [0.01, 1.0, 30.0])
def test_saturation_is_the_steady_state_of_a_dye_with_two_states(relative: float) -> None:
    saturation = saturation_w_cm2(488.0, EGFP_EXTINCTION, EGFP_LIFETIME_NS)
    decay_hz = 1e9 / EGFP_LIFETIME_NS
    rate_hz = excitation_rate_hz(relative * saturation, 488.0, EGFP_EXTINCTION)
    solved = solve_ivp(
        lambda _, excited: rate_hz * (1 - excited) - decay_hz * excited,
        (0, 100 / decay_hz),
        [0.0],
        method="LSODA",
        rtol=1e-9,
        atol=1e-12,
    )
    emitted_hz = decay_hz * solved.y[0, -1]
    assert emitted_hz == pytest.approx(rate_hz / (1.0 + relative), rel=1e-6)
