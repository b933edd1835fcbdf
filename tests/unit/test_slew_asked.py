"""What the slew refuses before it looks at the light, and what a stream may begin with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from acquire.errors import LightExpired, LightRefused
from acquire.light.bounds import GuardRules
from acquire.light.frame_bounds import Allowed
from acquire.light.lease import Lease
from acquire.light.slew import Slew
from acquire.settings import ChannelSettings, Limits, Request, Settings
from tests.light_bench import DIODE, LASER, MS, ask

LIMITS = Limits(1, 100, 1.0, budget_j_cm2=100, max_step_up=2.0)


def slew() -> Slew:
    return Slew({"488": LASER, "561": DIODE}, {"488": LIMITS}, GuardRules(), "demo.toml")


def test_a_decision_is_good_until_its_last_nanosecond_and_says_by_how_much_it_is_late() -> None:
    until_ns = 10**12
    request = ask(valid_until_ns=until_ns)
    for now_ns in (until_ns - 1, until_ns):
        assert slew().admit(request, {"488": 1}, 0, now_ns).allowed["488"].power_fraction == 0.5
    with pytest.raises(LightExpired, match=r"decision 7 expired 0\.0 ms ago"):
        slew().admit(request, {"488": 1}, 0, until_ns + 1)
    with pytest.raises(LightExpired, match=r"expired 12\.5 ms ago .*decision_valid_s.*demo\.toml"):
        slew().admit(request, {"488": 1}, 0, until_ns + int(12.5 * MS))
    assert slew().admit(ask(), {"488": 1}, 0, until_ns), "one that says no time has no end"


@pytest.mark.parametrize("channel", ["640", "561"])
def test_a_channel_without_a_light_or_a_light_without_limits_gets_no_light(channel: str) -> None:
    request = Request(Settings((ChannelSettings(channel, 10, 0.1),)), 0)
    with pytest.raises(LightRefused, match=f"channel '{channel}' has no light with limits"):
        slew().admit(request, {channel: 1}, 0, 0)


@pytest.mark.parametrize("n_frames", [0, -1])
def test_a_shot_without_a_frame_is_none(n_frames: int) -> None:
    with pytest.raises(LightRefused, match=f"for 1 frame or more, got {n_frames}"):
        slew().admit(ask(), {"488": n_frames}, 0, 0)


@pytest.mark.parametrize(
    ("shown", "asked", "about", "most"),
    [
        (0.1, 0.2, {}, 0.2),
        (0.1, 0.3, {}, 0.2),
        (0.1, 0.9, {}, 0.2),
        (0.1, 0.05, {}, 0.05),
        (0.1, 0.15, {"has_evidence": False}, 0.1),
        (0.1, 0.15, {"late": 1}, 0.1),
        (0.1, 0.15, {"late": 1, "has_evidence": False}, 0.1),
        (0.1, 0.1, {"late": 1}, 0.1),
        (0.0, 0.0, {}, 0.0),
    ],
)
def test_no_frame_of_a_stream_is_stronger_than_a_step_above_what_was_shown(
    shown: float, asked: float, about: dict[str, Any], most: float
) -> None:
    found = slew().no_stronger(ask(**about), "488", Allowed(10.0, asked), shown)
    assert found.power_fraction == pytest.approx(most)
    assert found.exposure_ms == 10.0
    assert bool(found.reasons) is (asked > most)


def test_a_stream_begins_with_what_its_shot_may_have_where_its_field_had_no_light() -> None:
    allowed = Allowed(10.0, 0.9)
    assert slew().begin(ask(), "488", allowed, 0) is allowed


def test_a_shot_is_remembered_by_the_least_that_its_frames_may_have_had() -> None:
    at = slew()
    shot = at.admit(ask(power=0.4), {"488": 2}, 0, 0)
    either = (Allowed(10.0, 0.4), Allowed(40.0, 0.2))
    shot.take(shot.request, "488", 2, 0)
    lease = SimpleNamespace(
        is_clean=True, lit_ns=1, source=LASER, channel="488", n_frames=2, vouched=lambda: either
    )
    shot.note(cast("Lease", lease))
    at.remember(shot)
    held = ask(40.0, 0.4, has_evidence=False)
    assert at.admit(held, {"488": 2}, 0, 0).allowed["488"].power_fraction == pytest.approx(0.1)
    assert at.begin(held, "488", Allowed(1.0, 0.4), 0).power_fraction == pytest.approx(0.2)
