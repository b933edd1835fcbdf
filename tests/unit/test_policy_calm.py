"""The light keeps calm: shots waver, and what the cells need does not."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from realtime.following import doubted
from realtime.policy import Observation, SnrConfig, SnrPolicy
from realtime.policy.need import Need
from realtime.policy.photon_model import light_factor, powers, snr_before
from realtime.tracker.doubts import REPEATED
from tests.unit.policy_samples import FIRST, READ_NOISE_E, Sample, applied, but, light_of

TARGET = 8.0
SCATTER = 0.1


class Wavering(Sample):
    """A sample whose brightness and area are measured with a tenth of error, as those of few cells.

    Both move about their true values from shot to shot, and never drift.
    """

    def __init__(self, seed: int, **truth: float) -> None:
        super().__init__(**truth)
        self._rng = np.random.default_rng(seed)

    def see_wavering(self, asked: object, **changes: object) -> Observation:
        seen = self.see(asked)  # type: ignore[arg-type]
        signal, area = np.exp(SCATTER * self._rng.standard_normal(2))
        noise = math.sqrt((seen.signal_e + seen.background_e + READ_NOISE_E**2) / self.area_px)
        wavering = seen.signal_e * signal
        changes = {"signal_e": wavering, "snr": wavering * area / noise} | changes
        return but(seen, t_s=120.0 * self.shot, **changes)


def film(
    sample: Wavering, n_shots: int, fault_at: int = 10**9, fault: float = 1.0
) -> tuple[list[float], list[float]]:
    """Return the light and the true SNR of each shot; at `fault_at` the brightness changes."""
    steering = SnrPolicy(SnrConfig(target_snr=TARGET), FIRST, READ_NOISE_E)
    asked, lights, snrs = FIRST, [], []
    for shot in range(n_shots):
        if shot == fault_at:
            sample.brightness *= fault
        lights.append(light_of(asked))
        snrs.append(Sample(sample.brightness, area_px=sample.area_px).see(asked).snr)
        asked = steering.decide(sample.see_wavering(asked)).settings
    return lights, snrs


@pytest.mark.parametrize("seed", range(6))
def test_where_only_the_measurement_wavers_the_light_hardly_does(seed: int) -> None:
    lights, snrs = film(Wavering(seed), 200)
    late = np.array(lights[60:])
    steps = np.abs(np.diff(np.log(late)))
    assert np.std(late) < 0.08 * np.mean(late)
    assert np.mean(steps > 0) < 0.3
    assert np.mean(snrs[60:]) == pytest.approx(TARGET, rel=0.08)


def test_over_many_films_the_target_is_kept_without_bias() -> None:
    means = [np.mean(film(Wavering(seed), 160)[1][40:]) for seed in range(10)]
    assert np.mean(means) == pytest.approx(TARGET, rel=0.05)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("fault", [0.65, 0.4])
def test_a_fall_of_brightness_never_gets_more_light_than_the_last_good_shot(
    fault: float, seed: int
) -> None:
    lights, _ = film(Wavering(seed), 110, 60, fault)
    assert max(lights[62:85]) <= max(lights[60:62]) * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_cells_that_bleach_by_half_are_followed_through_the_noise(seed: int) -> None:
    sample = Wavering(seed, bleach=0.005)
    lights, snrs = film(sample, 150)
    assert sample.brightness < 0.5 * 2.0
    assert lights[-1] > 1.4 * lights[30]
    assert np.mean(snrs[30:]) == pytest.approx(TARGET, rel=0.15)


@pytest.mark.parametrize("seed", range(4))
def test_cells_that_become_brighter_are_given_less_within_a_few_shots(seed: int) -> None:
    lights, snrs = film(Wavering(seed), 80, 60, 3.0)
    assert lights[66] < 0.6 * lights[60]
    assert snrs[75] < 1.35 * TARGET


def test_a_settled_field_creeps_and_does_not_leap() -> None:
    for seed in range(5):
        lights, _ = film(Wavering(seed), 200)
        assert max(b / a for a, b in pairwise(lights[60:])) <= 1.02


# the pooled need --------------------------------------------------------------------------------


def test_pooling_many_shots_is_their_mean_and_its_error_shrinks() -> None:
    rng = np.random.default_rng(1)
    need, values = Need(), 0.2 * rng.standard_normal(200)
    errors = []
    for value in values:
        need.see(math.exp(value), 1.0, 0.0)
        errors.append(need.error)
    assert errors[-1] < 0.5 * errors[0]
    assert abs(need.level) < 3 * need.error
    assert 0.5 * 0.2 < math.sqrt(need.scatter) < 2 * 0.2


def test_the_error_is_that_of_repeated_films() -> None:
    ends = []
    for seed in range(60):
        rng, need = np.random.default_rng(seed), Need()
        for value in 0.2 * rng.standard_normal(40):
            need.see(math.exp(value), 1.0, 0.1)
        ends.append(need.level / need.error)
    low, high = stats.chi2.ppf([0.0005, 0.9995], len(ends)) / len(ends)
    assert 0.5 * low < np.mean(np.square(ends)) < 1.5 * high


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20), st.floats(-3, 3), st.floats(0, 2))
def test_a_shot_that_asks_for_more_never_lowers_what_is_needed(
    history: list[float], value: float, more: float
) -> None:
    levels = []
    for last in (value, value + more):
        need = Need()
        for past in history:
            need.see(math.exp(past), 1.0, 0.1)
        need.see(math.exp(last), 1.0, 0.1)
        levels.append(need.level)
    assert levels[0] <= levels[1] + 1e-9


# the photon model -------------------------------------------------------------------------------

positive = st.floats(0.01, 1000)


@given(snr=st.floats(0.1, 500), signal_e=positive, background_e=positive, target=st.floats(1, 200))
def test_the_model_backwards_gives_the_snr_again(
    snr: float, signal_e: float, background_e: float, target: float
) -> None:
    factor = light_factor(target, snr, signal_e, background_e, READ_NOISE_E)
    again = snr_before(target, factor, signal_e, background_e, READ_NOISE_E)
    assert again == pytest.approx(snr, rel=1e-6)


@given(signal_e=positive, background_e=positive)
def test_the_powers_are_the_slopes_of_the_samples_snr(signal_e: float, background_e: float) -> None:
    step = 1e-4
    here = Sample(signal_e, background_e)
    light = Sample.see(here, FIRST)
    brighter = Sample(signal_e * math.exp(step), background_e).see(FIRST)
    both = Sample(signal_e * math.exp(step), background_e * math.exp(step)).see(FIRST)
    by_brightness, by_light = powers(light.signal_e, light.background_e, READ_NOISE_E)
    assert math.log(brighter.snr / light.snr) / step == pytest.approx(by_brightness, rel=1e-2)
    assert math.log(both.snr / light.snr) / step == pytest.approx(by_light, rel=1e-2)


def test_an_image_that_stands_still_gets_no_more_light() -> None:
    """As from a camera that hangs: whatever light is given, it asks for more."""
    policy, sample = SnrPolicy(SnrConfig(target_snr=100.0), FIRST, READ_NOISE_E), Sample(20.0)
    frozen, settings = sample.see(FIRST), FIRST
    lights = [light_of(FIRST)]
    for shot in range(1, 30):
        used = tuple(map(applied, settings.channels))
        trust = doubted(frozen.trust, (REPEATED,))
        seen = but(frozen, shot=shot, t_s=float(shot), applied=used, trust=trust)
        settings = policy.decide(seen).settings
        lights.append(light_of(settings))
    assert max(lights) == lights[0] > lights[-1]
