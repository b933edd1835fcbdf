"""What is asked at the very edge of a bound is given, and what lies beyond it is not."""

from __future__ import annotations

import math

import msgspec
import pytest

from acquire.errors import LightRefused
from acquire.light.bounds import MAX_INTERVAL_S, Given, GuardRules, allow, objection
from acquire.light.frame_bounds import Allowed, within
from acquire.settings import Limits, Request
from tests.light_bench import LASER, LED, ask

LIMITS = Limits(1, 100, 1.0, budget_j_cm2=10, max_step_up=2.0)
RULES = GuardRules(hold_shots=2, lower_factor=0.5, dark_after=4, max_offset_um=50.0)
LAST = Given(0.010 * 0.4, 1, 0.4)


def cut(request: Request, n_frames: int = 1, last: Given | None = LAST) -> Allowed:
    """Return what a frame may have whose field had 10 ms of power 0.4 in its last shot."""
    before = {"488": last} if last else {}
    return allow(request, {"488": n_frames}, {"488": LASER}, {"488": LIMITS}, before, RULES)["488"]


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"interval_s": 0.0}, ""),
        ({"interval_s": MAX_INTERVAL_S}, ""),
        ({"interval_s": MAX_INTERVAL_S + 1}, "interval_s must be from 0 to"),
        ({"interval_s": -0.5}, "interval_s must be from 0 to"),
        ({"interval_s": math.nan}, "interval_s must be from 0 to"),
        ({"z_um": (0.0, 50.0, -50.0)}, ""),
        ({"z_um": (0.0, 50.5)}, "planes must be within 50 um"),
        ({"z_um": (-50.5,)}, "planes must be within 50 um"),
        ({"z_um": (math.nan,)}, "planes must be within 50 um"),
    ],
)
def test_no_clock_waits_for_ever_and_no_focus_drive_leaves_its_range(about, says: str) -> None:
    settings = msgspec.structs.replace(ask(power=0.1).settings, **about)
    found = objection(settings, RULES)
    assert found.startswith(says)
    assert bool(found) is bool(says)
    request = msgspec.structs.replace(ask(), settings=settings)
    if says:
        with pytest.raises(LightRefused, match=says):
            cut(request)
    else:
        assert cut(request).power_fraction == 0.1


@pytest.mark.parametrize(
    ("late", "power", "why"),
    [
        (0, 0.8, "a step up of more than 2 times"),
        (1, 0.4, "no decision for 1 shots: held"),
        (2, 0.4, "no decision for 2 shots: held"),
        (3, 0.2, "no decision for 3 shots: lowered"),
        (4, 0.2, "no decision for 4 shots: lowered"),
    ],
)
def test_light_steps_is_held_is_lowered_by_how_many_shots_had_no_decision(
    late: int, power: float, why: str
) -> None:
    found = cut(ask(power=1.0, late=late))
    assert found.power_fraction == pytest.approx(power)
    assert found.reasons == (why,)


def test_from_more_shots_without_a_decision_on_there_is_no_light() -> None:
    with pytest.raises(LightRefused, match="no decision for 5 shots: dark until one comes"):
        cut(ask(power=0.1, late=5))


def test_light_without_evidence_is_held_and_says_so() -> None:
    found = cut(ask(power=0.8, has_evidence=False))
    assert found.power_fraction == pytest.approx(0.4)
    assert found.reasons == ("no evidence for more light: held",)


@pytest.mark.parametrize("about", [{"has_evidence": False}, {"late": 1}])
def test_as_many_frames_as_before_need_nobody_and_one_more_needs_evidence(about) -> None:
    two = Given(2 * LAST.dose_j_cm2, 2, 0.4)
    assert cut(ask(power=0.4, **about), 2, two).power_fraction == pytest.approx(0.4)
    with pytest.raises(LightRefused, match="3 frames of light '488', and the field's last shot"):
        cut(ask(power=0.1, **about), 3, two)
    with pytest.raises(LightRefused, match="nobody vouches for the first light '488'"):
        cut(ask(power=0.1, **about), 1, None)
    assert cut(ask(power=0.1), 3, two).power_fraction == 0.1


def test_many_frames_share_what_the_last_shot_vouches_for() -> None:
    assert cut(ask(power=0.8), 4).power_fraction == pytest.approx(0.2)
    assert cut(ask(power=0.2), 4).power_fraction == 0.2
    assert cut(ask(power=0.2), 4).reasons == ()


def test_a_frame_without_light_is_none_of_those_that_need_evidence() -> None:
    assert cut(ask(power=0.0, has_evidence=False), 9) == Allowed(10.0, 0.0)


@pytest.mark.parametrize("last", [LAST, None])
def test_the_first_light_of_a_field_with_evidence_is_bounded_by_its_limits_alone(last) -> None:
    found = cut(ask(power=0.9), 1, last)
    assert found.power_fraction == pytest.approx(0.8 if last else 0.9)
    assert bool(found.reasons) is bool(last)


@pytest.mark.parametrize(
    ("about", "power"),
    [({"max_power_fraction": 0.5}, 0.5), ({"max_irradiance_w_cm2": 2.0}, 0.2), ({}, 0.8)],
)
def test_power_is_cut_to_the_limit_that_it_passes(about: dict[str, float], power: float) -> None:
    bright = LASER.model_copy(update={"power_mw_at_maximum": 1.0, "lit_area_um2": 1e4})
    assert bright.highest_w_cm2(1.0) == pytest.approx(10.0)
    limits = msgspec.structs.replace(LIMITS, **about)
    found = within(ask(power=0.8), "488", bright, limits, "here")
    assert found.power_fraction == pytest.approx(power)
    assert found.exposure_ms == 10.0
    assert bool(found.reasons) is bool(about)


def test_a_light_that_cannot_be_dimmed_gives_its_share_by_time_readout_included() -> None:
    led = LED.model_copy(update={"gate": "camera", "readout_ms": 2.0})
    found = within(ask(20.0, 0.5, "led"), "led", led, LIMITS, "here")
    assert (found.exposure_ms, found.power_fraction) == (9.0, 1.0)
    assert led.on_ms(found.exposure_ms) == 0.5 * led.on_ms(20.0)


@pytest.mark.parametrize(
    ("asked_ms", "given_ms", "share"),
    [(130.0, 100.0, 1.0), (100.0, 100.0, 1.0), (4.0, 4.0, 1.0), (1.0, 4.0, 0.5), (2.0, 4.0, 4 / 6)],
)
def test_too_long_is_cut_and_too_short_is_the_same_dose_by_weaker_light(
    asked_ms: float, given_ms: float, share: float
) -> None:
    slow = LASER.model_copy(update={"readout_ms": 2.0})
    limits = msgspec.structs.replace(LIMITS, min_exposure_ms=4.0)
    found = within(ask(asked_ms, 0.6), "488", slow, limits, "here")
    assert found.exposure_ms == given_ms
    assert found.power_fraction == pytest.approx(0.6 * share)
    assert bool(found.reasons) is (asked_ms != given_ms)
