"""What an image's sharpness has to say before a field may have more light."""

from __future__ import annotations

import msgspec
import pytest

from realtime.policy import Observation, SnrConfig, SnrPolicy
from realtime.policy.edges import Edges
from tests.unit.policy_samples import FIRST, READ_NOISE_E, TRUSTED, Sample, but, light_of

TARGET = 8.0
SETTLED = 40


def seen_with(seen: Observation, sharpness: float, *, trusted: bool = True) -> Observation:
    trust = msgspec.structs.replace(TRUSTED, focus=sharpness, is_trusted=trusted)
    return but(seen, trust=trust, t_s=120.0 * seen.shot)


def course(
    sample: Sample, sharpness: float, after: float, n_shots: int = 60, loss: float = 1.0
) -> list[float]:
    """Return the light of each shot; from `SETTLED` on the image is as sharp as `after` says."""
    steering = SnrPolicy(SnrConfig(target_snr=TARGET), FIRST, READ_NOISE_E)
    asked, lights = FIRST, []
    for shot in range(SETTLED + n_shots):
        if shot >= SETTLED:
            sample.brightness *= loss
        lights.append(light_of(asked))
        sharp = sharpness if shot < SETTLED else after
        asked = steering.decide(seen_with(sample.see(asked), sharp)).settings
    return lights


def test_cells_in_focus_that_slowly_fade_get_more_light() -> None:
    lights = course(Sample(), 1.0, 1.0, loss=0.995)
    assert lights[-1] > 1.1 * lights[SETTLED]


@pytest.mark.parametrize("sharpness", [1.9, 3.0, 0.6, 0.3])
def test_an_image_sharper_or_duller_than_usual_raises_no_light(sharpness: float) -> None:
    lights = course(Sample(), 1.0, sharpness, loss=0.995)
    assert max(lights[SETTLED + 2 :]) <= max(lights[SETTLED : SETTLED + 2]) * (1 + 1e-9)


def test_where_sharpness_cannot_be_told_cells_that_are_lost_raise_no_light() -> None:
    lights = course(Sample(), 0.0, 0.0, loss=0.97)
    assert max(lights[SETTLED + 2 :]) <= max(lights[SETTLED : SETTLED + 2]) * 1.02


def test_where_sharpness_cannot_be_told_sure_bleaching_is_still_followed() -> None:
    lights = course(Sample(bleach=0.004), 0.0, 0.0)
    assert lights[-1] > 1.1 * lights[SETTLED - 10]


def test_where_sharpness_cannot_be_told_the_light_still_finds_its_target() -> None:
    steering = SnrPolicy(SnrConfig(target_snr=TARGET), FIRST, READ_NOISE_E)
    sample, asked = Sample(brightness=0.5), FIRST
    snrs = []
    for _ in range(40):
        seen = seen_with(sample.see(asked), 0.0)
        snrs.append(seen.snr)
        asked = steering.decide(seen).settings
    assert snrs[-1] == pytest.approx(TARGET, rel=0.1)


def test_a_doubtful_shot_takes_back_the_leave_to_rise() -> None:
    steering = SnrPolicy(SnrConfig(target_snr=TARGET), FIRST, READ_NOISE_E)
    sample, asked, lights = Sample(), FIRST, []
    for shot in range(SETTLED + 20):
        if shot >= SETTLED:
            sample.brightness = 1.9  # 5 % less: no more than cells do by themselves
        lights.append(light_of(asked))
        is_trusted = not SETTLED <= shot < SETTLED + 4
        asked = steering.decide(seen_with(sample.see(asked), 1.0, trusted=is_trusted)).settings
    assert max(lights[SETTLED : SETTLED + 7]) <= lights[SETTLED] * (1 + 1e-9)


@pytest.mark.parametrize("brighter", [1.07, 1.2])
def test_a_shot_that_is_brighter_than_the_last_ones_asks_for_no_more_light(brighter: float) -> None:
    steering = SnrPolicy(SnrConfig(target_snr=TARGET), FIRST, READ_NOISE_E)
    sample, asked, rises = Sample(), FIRST, []
    for shot in range(SETTLED + 40):
        if shot >= SETTLED:
            sample.brightness *= 0.995
        is_bright = shot >= SETTLED and shot % 8 == 0
        seen = sample.see(asked)
        if is_bright:  # as clear as before: cells that round up, or have just died
            seen = but(seen, signal_e=seen.signal_e * brighter)
        before = light_of(asked)
        asked = steering.decide(seen_with(seen, 1.0)).settings
        rises.append((is_bright, light_of(asked) > before * (1 + 1e-9)))
    assert (True, True) not in rises
    assert (False, True) in rises[SETTLED:], "nor is anything else kept from what bleaching took"


def test_a_shot_that_is_not_sharp_itself_asks_for_no_more_light() -> None:
    steering = SnrPolicy(SnrConfig(target_snr=TARGET), FIRST, READ_NOISE_E)
    sample, asked = Sample(), FIRST
    for shot in range(SETTLED + 60):
        sample.brightness *= 0.995 if shot >= SETTLED else 1.0
        before, is_sharp = light_of(asked), shot < SETTLED or shot % 8 != 0
        asked = steering.decide(seen_with(sample.see(asked), 1.0 if is_sharp else 2.4)).settings
        assert is_sharp or light_of(asked) <= before * (1 + 1e-9)
    assert light_of(asked) > before / 1.05


def test_a_shot_that_is_clear_enough_itself_asks_for_no_more_light() -> None:
    """As of cells that have just died: what the shots before it lack is not theirs."""
    steering = SnrPolicy(SnrConfig(target_snr=TARGET), FIRST, READ_NOISE_E)
    sample, asked, rises = Sample(bleach=0.008), FIRST, []
    for shot in range(SETTLED + 60):
        sample.brightness *= 0.99 if shot >= SETTLED else 1.0
        seen, is_clear = sample.see(asked), shot >= SETTLED and shot % 8 == 0
        before = light_of(asked)
        asked = steering.decide(
            seen_with(but(seen, snr=1.01 * TARGET) if is_clear else seen, 1.0)
        ).settings
        rises.append((is_clear, light_of(asked) > before * (1 + 1e-9)))
    assert (True, True) not in rises
    assert (False, True) in rises[SETTLED:]


def test_cells_that_have_shrunk_get_no_more_light_for_a_shot_that_looks_usual() -> None:
    edges = Edges()
    for sharpness in (1.0, 1.6, 1.6, 1.0):
        edges.see(sharpness)
    assert edges.allow(1.0, 0.0, is_settled=True), "mitoses among those that live"
    for sharpness in [2.0] * 12:
        edges.see(sharpness)
    for sharpness in (1.2, 0.0, 1.6):  # little light: one shot is a poor judge
        edges.see(sharpness)
        assert not edges.allow(sharpness, 0.0, is_settled=True)
    for sharpness in [1.0] * 8:
        edges.see(sharpness)
    assert edges.allow(1.0, 0.0, is_settled=True)
