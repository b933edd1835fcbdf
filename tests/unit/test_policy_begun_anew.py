"""A policy that is begun anew in mid-run: the one before it knew the field, and it does not."""

from __future__ import annotations

import msgspec
import pytest

from acquire.settings import Settings
from realtime.policy import Observation, SnrConfig, SnrPolicy
from tests.unit.policy_samples import FIRST, READ_NOISE_E, TRUSTED, Sample, but, light_of
from tests.unit.test_policy_calm import Wavering

SETTLED = 40


def begun() -> SnrPolicy:
    return SnrPolicy(SnrConfig(target_snr=8.0), FIRST, READ_NOISE_E)


def look(sample: Sample, asked: Settings, sharpness: float) -> Observation:
    """Return a shot whose light was decided on, but for the first."""
    seen = sample.see_wavering(asked) if isinstance(sample, Wavering) else sample.see(asked)
    used = tuple(msgspec.structs.replace(a, decision_id=seen.shot - 1) for a in seen.applied)
    trust = msgspec.structs.replace(TRUSTED, focus=sharpness)
    return but(seen, applied=used, trust=trust, t_s=120.0 * seen.shot)


def steer(
    policy: SnrPolicy, sample: Sample, asked: Settings, n: int, sharpness: float = 1.0
) -> tuple[Settings, list[float]]:
    """Let a policy decide so many shots; return what it asks for next, and the light of each."""
    lights = []
    for _ in range(n):
        lights.append(light_of(asked))
        asked = policy.decide(look(sample, asked, sharpness)).settings
    return asked, lights


@pytest.mark.parametrize("sharpness", [0.0, 1.0])
@pytest.mark.parametrize("share", [0.7, 0.4, 0.1])
def test_cells_that_were_dim_before_a_restart_get_no_more_light_after_it(
    share: float, sharpness: float
) -> None:
    sample = Sample()
    asked, _ = steer(begun(), sample, FIRST, SETTLED, sharpness)
    sample.brightness *= share  # out of focus, or dying: what is usual is forgotten with the worker
    _, lights = steer(begun(), sample, asked, 60, sharpness)
    assert max(lights) <= lights[0] * (1 + 1e-9)


def test_cells_that_lack_little_after_a_restart_are_made_up_for_once_they_are_known() -> None:
    sample = Sample()
    asked, _ = steer(begun(), sample, FIRST, SETTLED)
    sample.brightness *= 0.9
    _, lights = steer(begun(), sample, asked, 60)
    assert max(lights[:21]) <= lights[0] * (1 + 1e-9)
    assert lights[0] < lights[-1] < 1.2 * lights[0]


def test_cells_whose_brightness_wavers_are_followed_through_a_restart() -> None:
    for seed in range(4):
        sample = Wavering(seed, bleach=0.005)
        asked, _ = steer(begun(), sample, FIRST, SETTLED)
        _, lights = steer(begun(), sample, asked, 150)
        assert lights[-1] > 1.5 * lights[0]


@pytest.mark.parametrize("sharpness", [0.0, 1.0])
def test_cells_that_bleach_are_followed_through_a_restart(sharpness: float) -> None:
    sample = Sample(bleach=0.004)
    asked, _ = steer(begun(), sample, FIRST, SETTLED, sharpness)
    _, lights = steer(begun(), sample, asked, 80, sharpness)
    assert lights[-1] > 1.2 * lights[0]


def test_a_restart_takes_no_light_from_cells_that_are_as_they_were() -> None:
    sample = Sample()
    asked, lights = steer(begun(), sample, FIRST, SETTLED)
    _, after = steer(begun(), sample, asked, 40)
    assert after[-1] == pytest.approx(lights[-1], rel=0.06)


def test_cells_that_have_shrunk_get_no_more_light_though_they_bleach() -> None:
    sample = Sample(bleach=0.004)
    asked, _ = steer(begun(), sample, FIRST, SETTLED)
    anew = begun()
    asked, _ = steer(anew, sample, asked, 10, 1.0)
    _, lights = steer(anew, sample, asked, 40, 2.4)
    assert max(lights[1:]) <= lights[1] * (1 + 1e-9)
