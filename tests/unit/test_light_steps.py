"""More light needs evidence, and a shot steps up, holds or lowers as a whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.errors import (
    LightRefused,
)
from acquire.light.bounds import GuardRules
from acquire.settings import ChannelSettings, Limits, Request, Settings
from tests.light_bench import (
    DIODE,
    LASER,
    LED,
    MS,
    Stand,
    ask,
    stand,
    take,
)

UNSURE = st.floats(allow_nan=True, allow_infinity=True)


def test_without_evidence_light_holds_and_with_it_light_steps_up_by_the_factor_at_most() -> None:
    limits = Limits(1, 100, 1.0, 100, max_step_up=2.0)
    at = stand(limits=limits)
    assert take(at, ask(power=0.2)).applied.power_fraction == 0.2
    held = take(at, ask(power=0.8, has_evidence=False)).applied
    assert held.power_fraction == pytest.approx(0.2)
    assert "no evidence" in held.clamped
    stepped = take(at, ask(power=0.8)).applied
    assert stepped.power_fraction == pytest.approx(0.4)
    assert "step up" in stepped.clamped
    assert take(at, ask(power=0.1, has_evidence=False)).applied.power_fraction == 0.1


def test_the_last_light_is_that_of_the_same_field() -> None:
    at = stand()
    take(at, ask(power=0.5), position=0)
    take(at, ask(power=0.1), position=1)
    assert take(at, ask(power=0.5, has_evidence=False), position=0).applied.power_fraction == 0.5


@pytest.mark.parametrize("about", [{"has_evidence": False}, {"late": 1}])
def test_a_field_that_had_no_light_gets_none_without_evidence(about: dict) -> None:
    at = stand()
    with pytest.raises(LightRefused, match="nobody vouches"):
        take(at, ask(**about))


def test_late_decisions_hold_then_lower_then_end_the_light() -> None:
    at = stand(rules=GuardRules(hold_shots=2, lower_factor=0.5, dark_after=4))
    given = [take(at, ask(power=0.4)).applied.power_fraction]
    given += [take(at, ask(power=0.4, late=n)).applied.power_fraction for n in (1, 2, 3, 4)]
    assert given == pytest.approx([0.4, 0.4, 0.4, 0.2, 0.1])
    with pytest.raises(LightRefused, match="no decision for 5 shots"):
        take(at, ask(power=0.4, late=5))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(UNSURE, UNSURE, st.booleans(), st.integers(0, 9)), max_size=12),
    st.sampled_from([LASER, DIODE, LED]),
)
def test_whatever_is_asked_the_light_stays_in_bounds_and_ends_dark(asked, source) -> None:
    limits = Limits(2, 40, 1.0 if source is LED else 0.6, budget_j_cm2=0.2, max_step_up=3)
    at = stand(source, limits=limits)
    for exposure_ms, power, has_evidence, late in asked:
        request = ask(exposure_ms, power, channel=source.name, has_evidence=has_evidence, late=late)
        try:
            applied = take(at, request).applied
        except LightRefused:
            applied = None
        assert at.bench.is_dark
        if applied is not None:
            assert applied.exposure_ms <= 40
            assert applied.power_fraction <= limits.max_power_fraction
    spent = at.ledger.spent(0, source.name)
    assert at.bench.lit_s.get(source.name, 0.0) <= spent * (1 + 1e-6)
    assert spent <= 0.2 * 1.05


def shot(at: Stand, request: Request, frames: int, n_frames: int = 1) -> list[float]:
    """Take a shot of so many exposures in one channel and return the power of each."""
    channel = request.settings.channels[0].channel
    with at.guard.shot(request, {channel: frames * n_frames}, 0):
        return [take(at, request, n_frames).applied.power_fraction for _ in range(frames)]


def test_more_planes_are_no_way_to_step_up_faster() -> None:
    at = stand(limits=Limits(1, 100, 1.0, 100, max_step_up=2.0))
    shot(at, ask(power=0.4), 1)
    before = at.ledger.spent(0, "488")
    assert shot(at, ask(power=0.4), 5) == pytest.approx([0.4 * 2 / 5] * 5)
    assert at.ledger.spent(0, "488") - before == pytest.approx(2 * before)


def test_more_frames_of_a_burst_are_no_way_to_step_up_faster() -> None:
    at = stand(limits=Limits(1, 100, 1.0, 100, max_step_up=2.0))
    take(at, ask(power=0.4))
    assert take(at, ask(power=0.4), n_frames=8).applied.power_fraction == pytest.approx(0.1)


def test_two_channels_of_one_light_have_one_bound() -> None:
    other = {"488": 0.2, "too": 0.4}
    at = stand(limits=Limits(1, 100, 1.0, 100, max_step_up=2.0))
    at.guard._channels["too"] = at.guard._slew._channels["too"] = LASER
    take(at, ask(power=0.2))
    both = Request(Settings(tuple(ChannelSettings(c, 10, p) for c, p in other.items())), 0)
    with at.guard.shot(both, dict.fromkeys(other, 1), 0):
        for channel, power in other.items():
            with at.guard.expose(both, channel, 1, 0) as lease:
                lease.start()
                lease.pop()
            assert lease.applied.power_fraction == pytest.approx(power * 0.4 / 0.6)


@pytest.mark.parametrize("about", [{"has_evidence": False}, {"late": 1}, {"late": 3}])
def test_nobody_who_vouches_for_nothing_gets_more_planes(about: dict) -> None:
    at = stand()
    shot(at, ask(power=0.4), 3)
    at.bench.calls.clear()
    with pytest.raises(LightRefused, match="had 3: nobody vouches for more"):
        shot(at, ask(power=0.01, **about), 4)
    assert at.bench.calls == []
    assert len(shot(at, ask(power=0.4, **about), 3)) == 3


def test_a_whole_shot_is_lowered_when_decisions_stay_out() -> None:
    at = stand(rules=GuardRules(hold_shots=0, lower_factor=0.5))
    shot(at, ask(power=0.4), 2)
    assert shot(at, ask(power=0.4, late=1), 2) == pytest.approx([0.2, 0.2])
    assert shot(at, ask(power=0.4, late=2), 1) == pytest.approx([0.2])  # one plane may have both


def test_a_shot_that_broke_off_vouches_for_no_more_and_no_less_than_the_one_before() -> None:
    at = stand(limits=Limits(1, 100, 1.0, 100, max_step_up=2.0))
    shot(at, ask(power=0.2), 2)
    wide = ask(power=0.4)
    with at.guard.shot(wide, {"488": 2}, 0):
        take(at, wide)
    assert shot(at, ask(power=0.2, has_evidence=False), 2) == pytest.approx([0.2, 0.2])


def test_a_shot_has_the_exposures_that_it_was_admitted_with_and_no_others() -> None:
    at = stand(LASER, DIODE)
    request = ask()
    with at.guard.shot(request, {"488": 1}, 0):
        for asked, channel, position in (
            (ask(), "488", 0),
            (request, "488", 1),
            (request, "561", 0),
        ):
            with (
                pytest.raises(LightRefused, match="no part of this shot"),
                at.guard.expose(asked, channel, 1, position),
            ):
                pytest.fail("light was given")
        take(at, request)
        with pytest.raises(LightRefused, match="no part of this shot"):
            take(at, request)
        with pytest.raises(LightRefused, match="one shot at a time"), at.guard.shot(request, {}, 0):
            pytest.fail("a second shot")


def test_a_shot_that_began_in_time_is_not_broken_off_by_its_expiry() -> None:
    at = stand()
    request = ask(valid_until_ns=at.bench.now + MS)
    with at.guard.shot(request, {"488": 2}, 0):
        take(at, request)
        assert at.bench.now > request.valid_until_ns
        take(at, request)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(1, 100), st.floats(0.01, 1), st.integers(1, 6), st.booleans(),
            st.integers(0, 4),
        ),
        max_size=8,
    ),
    st.sampled_from([LASER, DIODE, LED]),
)  # fmt: skip
def test_no_shot_gives_more_than_the_one_before_vouches_for(asked, source) -> None:
    limits = Limits(1, 100, 1.0, budget_j_cm2=1e6, max_step_up=1.5)
    at = stand(source, limits=limits, rules=GuardRules(hold_shots=1, lower_factor=0.5))
    last: tuple[float, int] | None = None
    for exposure_ms, power, frames, has_evidence, late in asked:
        request = ask(exposure_ms, power, channel=source.name, has_evidence=has_evidence, late=late)
        doses: list[float] = []
        try:
            with at.guard.shot(request, {source.name: frames}, 0):
                for _ in range(frames):
                    applied = take(at, request).applied
                    doses.append(source.dose_j_cm2(applied.power_fraction, applied.exposure_ms))
        except LightRefused:
            assert not doses  # refused as a whole, and before any light
            continue
        assert max(doses) <= power * exposure_ms * 1e-3 * (1 + 1e-6)  # never more than asked
        if last is not None:
            factor = 0.5 if late > 1 else 1.0 if late or not has_evidence else 1.5
            assert sum(doses) <= last[0] * factor * (1 + 1e-6)
            assert frames <= last[1] or (has_evidence and not late)
        else:
            assert has_evidence
            assert not late
        last = sum(doses), frames
