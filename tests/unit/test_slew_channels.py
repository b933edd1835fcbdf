"""Shots that do not all have the same channels, and searches of the focus between them."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, cast

import pytest

from acquire.errors import LightRefused
from acquire.light.bounds import GuardRules
from acquire.light.frame_bounds import Allowed, lower
from acquire.light.lease import Lease
from acquire.light.slew import ShotLight, Slew
from acquire.settings import ChannelSettings, Limits, Request, Settings
from tests.light_bench import LASER, ask, stand

LIMITS = Limits(1, 100, 1.0, budget_j_cm2=100, max_step_up=2.0)
BOTH, ONE = {"a": 1, "b": 1}, {"a": 1}


def slew() -> Slew:
    return Slew({"a": LASER, "b": LASER}, {"488": LIMITS}, GuardRules())


def request(a: float = 0.4, b: float = 0.4, **about: Any) -> Request:
    return Request(Settings((ChannelSettings("a", 10, a), ChannelSettings("b", 10, b))), 0, **about)


def take(slew: Slew, asked: Request, frames: dict[str, int]) -> ShotLight:
    shot = slew.admit(asked, frames, 0, 0)
    for channel, n_frames in frames.items():
        allowed = shot.take(asked, channel, n_frames, 0)
        shot.note(given(allowed, channel, n_frames))
    slew.remember(shot)
    return shot


def given(allowed: Allowed, channel: str = "a", n_frames: int = 1, is_clean: bool = True) -> Lease:
    """Return as much of a lease that is over as a shot asks for."""
    lease = SimpleNamespace(
        is_clean=is_clean, lit_ns=1, source=LASER, channel=channel, n_frames=n_frames,
        allowed=allowed, vouched=lambda: (allowed,),
    )  # fmt: skip
    return cast("Lease", lease)


def test_a_channel_that_comes_back_is_measured_by_when_it_was_last_taken() -> None:
    at = slew()
    take(at, request(), BOTH)
    take(at, request(), ONE)
    back = take(at, request(has_evidence=False), BOTH)  # as much as before: no evidence needed
    assert [back.allowed[c].power_fraction for c in "ab"] == [0.4, 0.4]
    assert back.allowed["b"].reasons == ()


def test_a_shot_without_a_channel_does_not_inherit_its_light() -> None:
    at = slew()
    take(at, request(a=0.1, b=0.8), BOTH)
    one = take(at, request(a=0.8), ONE)
    assert one.allowed["a"].power_fraction == pytest.approx(0.2)  # twice its own, not twice both


def test_more_frames_than_a_channel_had_still_need_evidence() -> None:
    at = slew()
    take(at, request(), BOTH)
    with pytest.raises(LightRefused, match="nobody vouches"):
        take(at, request(has_evidence=False), {"a": 2, "b": 1})


def test_a_search_in_the_midst_of_a_shot_is_booked_and_is_no_measure_for_the_next() -> None:
    at = stand(limits=LIMITS)
    usual, dim = ask(power=0.4), ask(power=0.01)

    def expose(asked: Request) -> float:
        with at.guard.expose(asked, "488", 1, 0) as lease:
            lease.start()
            lease.pop()
        return float(lease.applied.power_fraction)

    with at.guard.shot(usual, {"488": 1}, 0):
        with at.guard.shot(dim, {"488": 2}, 0, is_measure=False):
            assert [expose(dim), expose(dim)] == [0.01, 0.01]
            with (
                pytest.raises(LightRefused, match="one shot at a time"),
                at.guard.shot(dim, {"488": 1}, 0, is_measure=False),
            ):
                pytest.fail("a search in a search")
        assert expose(usual) == 0.4
    with at.guard.shot(usual, {"488": 1}, 0):
        assert expose(usual) == 0.4  # the dim search did not become the last shot
    assert at.ledger.totals()["488"] == pytest.approx((2 * 0.01 + 2 * 0.4) * 0.01, rel=1e-3)


def test_a_search_before_the_first_shot_of_a_field_does_not_bound_it() -> None:
    at = stand(limits=LIMITS)
    dim = ask(power=0.01)
    with (
        at.guard.shot(dim, {"488": 1}, 0, is_measure=False),
        at.guard.expose(dim, "488", 1, 0) as lease,
    ):
        lease.start()
        lease.pop()
    with at.guard.shot(ask(power=0.8), {"488": 1}, 0) as shot:
        assert shot.allowed["488"].power_fraction == 0.8


def test_a_shot_that_missed_a_channel_vouches_for_no_more() -> None:
    at = slew()
    take(at, request(0.1, 0.1), BOTH)
    broken = at.admit(request(0.2, 0.2), BOTH, 0, 0)
    allowed = broken.take(broken.request, "a", 1, 0)
    broken.note(given(allowed))
    at.remember(broken)
    third = at.admit(request(0.4, 0.4), BOTH, 0, 0)
    assert sum(one.power_fraction for one in third.allowed.values()) == pytest.approx(0.4)


def test_a_good_exposure_does_not_make_up_for_a_broken_one_of_the_same_shot() -> None:
    at = slew()
    take(at, request(0.1), {"a": 2})
    shot = at.admit(request(0.2), {"a": 2}, 0, 0)
    for is_clean in (False, True):
        shot.note(given(shot.take(shot.request, "a", 1, 0), is_clean=is_clean))
    at.remember(shot)
    assert at.admit(request(0.4), {"a": 2}, 0, 0).allowed["a"].power_fraction == pytest.approx(0.2)


def test_light_that_is_held_says_that_it_is_held_for_want_of_a_decision() -> None:
    at = slew()
    take(at, request(), ONE)
    held = at.admit(request(0.8, late=1), ONE, 0, 0).allowed["a"]
    assert held.power_fraction == pytest.approx(0.4)
    assert held.reasons == ("no decision for 1 shots: held",)


@pytest.mark.parametrize("step", [2.0, math.inf])
@pytest.mark.parametrize("shown", [0.0, math.nan])
def test_no_step_however_large_leads_up_from_light_that_was_not_shown(
    step: float, shown: float
) -> None:
    limits = Limits(1, 100, 1.0, budget_j_cm2=100, max_step_up=step)
    at = Slew({"a": LASER}, {"488": limits}, GuardRules())
    asked = request(has_evidence=True)
    dark = Allowed(10.0, 0.0)
    assert at.no_stronger(asked, "a", dark, shown) is dark
    with pytest.raises(LightRefused, match="cannot be made as weak as 0"):
        at.no_stronger(asked, "a", Allowed(10.0, 0.4), shown)


def test_a_share_of_light_that_is_no_number_is_refused() -> None:
    for light in (LASER, LASER.model_copy(update={"power_device": ""})):
        with pytest.raises(LightRefused):
            lower(Allowed(10.0, 1.0), math.nan, "doubt", light, LIMITS, "somewhere")
