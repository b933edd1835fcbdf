"""A cell that looks dimmer is no evidence for more light, unless bleaching explains it."""

from __future__ import annotations

import math

import pytest

from realtime.policy import SnrConfig, SnrPolicy
from tests.unit.policy_samples import FIRST, READ_NOISE_E, Sample, but, light_of

TARGET = 30.0


def film(sample: Sample, shots: int, fade: float, area: float = 1.0, at: int = 60) -> list[float]:
    """Return the light of each shot; from `at` on, brightness and area change at every shot."""
    steering, asked, lights = (
        SnrPolicy(SnrConfig(target_snr=TARGET), FIRST, READ_NOISE_E),
        FIRST,
        [],
    )
    for shot in range(shots):
        if shot >= at:
            sample.brightness *= fade
            sample.area_px *= area
        seen = but(sample.see(asked), t_s=120.0 * shot)
        lights.append(light_of(asked))
        asked = steering.decide(seen).settings
    return lights


@pytest.mark.parametrize("share", [0.7, 0.4, 0.1])
def test_a_sudden_fall_of_brightness_never_gets_more_light_and_then_less(share: float) -> None:
    sample, lights, asked = Sample(), [], FIRST
    steering = SnrPolicy(SnrConfig(target_snr=TARGET), FIRST, READ_NOISE_E)
    for shot in range(80):
        if shot == 60:
            sample.brightness *= share
        lights.append(light_of(asked))
        asked = steering.decide(but(sample.see(asked), t_s=120.0 * shot)).settings
    assert max(lights[62:]) <= max(lights[58:60]) * (1 + 1e-6) * 1.25  # one step was on its way
    assert lights[79] < lights[66]


def test_cells_that_brighten_and_then_fade_never_get_more_light_than_before() -> None:
    sample, asked, lights = Sample(), FIRST, []
    steering = SnrPolicy(SnrConfig(target_snr=TARGET), FIRST, READ_NOISE_E)
    for shot in range(200):
        if 60 <= shot < 80:  # they shrink: brighter, and as clear as before
            sample.brightness *= 2.0 ** (1 / 20)
            sample.area_px *= 0.5 ** (1 / 20)
        elif shot >= 80:
            sample.brightness *= math.exp(-120 / 5400)
        lights.append(light_of(asked))
        asked = steering.decide(but(sample.see(asked), t_s=120.0 * shot)).settings
    assert max(lights[60:]) <= lights[59] * (1 + 1e-6)


@pytest.mark.parametrize("bleach", [0.001, 0.002, 0.005])
def test_bleaching_is_followed_for_as_long_as_it_lasts(bleach: float) -> None:
    sample, asked = Sample(bleach=bleach), FIRST
    steering = SnrPolicy(SnrConfig(), FIRST, READ_NOISE_E)
    for shot in range(150):
        seen = but(sample.see(asked), t_s=120.0 * shot)
        asked = steering.decide(seen).settings
        if shot > 20:
            assert seen.snr == pytest.approx(SnrConfig().target_snr, rel=0.11)
    assert sample.brightness < 0.9 * 2.0


def test_a_new_brightness_that_keeps_still_is_believed_in_the_end() -> None:
    lights = film(Sample(), 61, 0.6)
    sample, asked = Sample(), FIRST
    steering = SnrPolicy(SnrConfig(target_snr=TARGET), FIRST, READ_NOISE_E)
    reasons = []
    for shot in range(160):
        if shot == 60:
            sample.brightness *= 0.6
        decision = steering.decide(but(sample.see(asked), t_s=120.0 * shot))
        asked, reasons = decision.settings, [*reasons, decision.reason]
    assert any("dimmer" in reason for reason in reasons[60:90])
    assert light_of(asked) > lights[59]
