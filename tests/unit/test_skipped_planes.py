"""Stacks with planes left out: which are taken, and the way back to whole ones."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.settings import ChannelSettings, Settings
from realtime.planes.skipped import GOOD_STACKS, SkipConfig, SkippedPlanes
from realtime.policy.decision import Decision
from realtime.policy.observation import Observation, StackSeen, Trust
from realtime.policy.planes import PlanesPolicy
from realtime.policy.snr import SnrConfig, SnrPolicy
from tests.unit.policy_samples import FIRST, READ_NOISE_E, Sample, but, light_of

HEIGHTS = tuple(0.5 * k for k in range(9))
ALL = tuple(range(9))
KEPT = (0, 2, 4, 6, 8)
NOTHING = StackSeen(KEPT)
GOOD = StackSeen(ALL, 1, 0.1, 0.05, 0.15)
BAD = StackSeen(ALL, 1, 0.8, 0.7, 0.9)
BROKEN = StackSeen(ALL, trouble="planes cannot be drawn any more: no engine")


def plan(every: int = 2, check_every: int = 4) -> SkippedPlanes:
    return SkippedPlanes(HEIGHTS, SkipConfig(every, check_every))


def settled(skipping: SkippedPlanes, position: int = 0) -> SkippedPlanes:
    for _ in range(GOOD_STACKS):
        assert skipping.next(position) == ALL
        skipping.saw(position, GOOD)
    return skipping


@pytest.mark.parametrize(("every", "kept"), [(2, KEPT), (3, (0, 3, 6, 8))])
def test_planes_are_skipped_once_whole_stacks_agree_and_both_ends_are_taken(every, kept) -> None:
    skipping = settled(plan(every))
    assert skipping.kept == kept
    assert skipping.next(0) == kept
    assert skipping.heights_um(kept) == tuple(HEIGHTS[k] for k in kept)
    assert skipping.heights_um(ALL) == (), "the plan's own planes"


def test_every_skipped_plane_has_its_turn_to_be_taken_at_the_stated_stacks() -> None:
    skipping, extra = settled(plan(check_every=4)), dict[int, int]()
    for stack in range(GOOD_STACKS, 43):
        planes = skipping.next(0)
        assert set(KEPT) <= set(planes)
        for k in set(planes) - set(KEPT):
            assert extra.setdefault(stack, k) == k, "one at a time"
        skipping.saw(0, GOOD if len(planes) > len(KEPT) else NOTHING)
    assert list(extra) == list(range(4, 43, 4))
    assert set(extra.values()) == {1, 3, 5, 7}


@pytest.mark.parametrize("bad", [BAD, BROKEN])
def test_a_bad_plane_brings_whole_stacks_until_they_are_good_again(bad) -> None:
    skipping = settled(plan())
    skipping.saw(0, bad)
    assert skipping.next(0) == ALL
    assert "miss 80% of the contrast, at most 50% is allowed" in skipping.why(0) or bad.trouble
    skipping.saw(0, GOOD)
    skipping.saw(0, bad)  # it begins anew
    settled(skipping)
    assert skipping.next(0) != ALL


def test_a_bad_field_does_not_speak_for_another() -> None:
    skipping = settled(plan())
    skipping.saw(0, BAD)
    settled(skipping, 1)
    assert (skipping.next(0), skipping.next(1)) == (ALL, KEPT)


def test_without_skipping_every_stack_is_whole() -> None:
    skipping = plan(every=1)
    for _ in range(12):
        assert skipping.next(0) == ALL
        skipping.saw(0, NOTHING)
    assert skipping.most_left_out(12) == 0


@pytest.mark.parametrize("heights", [(0.0, 1.0, 2.0), (0.0, 1.0, 2.5, 3.0, 4.0), (1.0,) * 5, ()])
def test_a_stack_that_cannot_be_skipped_is_refused(heights) -> None:
    with pytest.raises(ValueError, match="skipping"):
        SkippedPlanes(heights, SkipConfig(2))


def test_a_stack_that_goes_down_is_skipped_as_one_that_goes_up() -> None:
    assert SkippedPlanes(HEIGHTS[::-1], SkipConfig(2)).kept == KEPT


@given(st.integers(5, 30), st.integers(1, 3), st.integers(1, 12), st.integers(0, 60))
def test_what_is_saved_at_most_is_what_stacks_save_that_are_always_good(
    planes, every, check_every, stacks
) -> None:
    heights = [0.3 * k for k in range(max(planes, 2 * every + 1))]
    skipping, left_out = SkippedPlanes(heights, SkipConfig(every, check_every)), 0
    bound = skipping.most_left_out(stacks)
    for _ in range(stacks):
        taken = skipping.next(0)
        left_out += len(heights) - len(taken)
        compared = len(taken) > len(skipping.kept)
        skipping.saw(0, StackSeen(taken, int(compared)))
    assert left_out == bound


# -- decisions -------------------------------------------------------------------------------------


class Light:
    """A policy that asks for the same light, with or without evidence."""

    name = "light/1"

    def __init__(self) -> None:
        self.has_evidence, self.z_um = True, ()

    def decide(self, seen: Observation) -> Decision:
        light = (ChannelSettings("GFP", 10.0 + seen.shot, 0.1),)
        settings = Settings(light, self.z_um)
        return Decision(seen.shot, settings, (1,), {"a": 1.0}, "why", self.name, self.has_evidence)


def seen(shot: int, stack: StackSeen | None, **more: Any) -> Observation:
    blank = Observation(shot, 0, 0.0, (1,), (), 0, 0, 0, 0, 0, 0, 0, 0, Trust(), **more)
    return msgspec.structs.replace(blank, stack=stack)


def test_the_light_is_the_inner_policys_and_the_reason_tells_the_planes() -> None:
    inner = Light()
    policy = PlanesPolicy(inner, plan())
    first = policy.decide(seen(0, GOOD))
    assert first.settings == Settings((ChannelSettings("GFP", 10.0, 0.1),))
    assert first.reason == "why; 9 of 9 planes: 1 of 3 whole stacks agree with what is drawn"
    policy.decide(seen(1, GOOD))
    third = policy.decide(seen(2, GOOD))
    assert third.settings.z_um == tuple(HEIGHTS[k] for k in KEPT)
    assert third.settings.channels == (ChannelSettings("GFP", 12.0, 0.1),)
    assert third.reason == "why; 5 of 9 planes: drawn planes miss 10% of the contrast"
    assert third.inputs == {
        "a": 1.0, "drawn_planes_miss": 0.1, "drawn_planes_miss_at_least": 0.05
    }  # fmt: skip
    assert third.policy == policy.name == "light/1+planes/2"


@pytest.mark.parametrize("taken", [ALL, KEPT, (0, 1, 2, 4, 6, 8)])
def test_without_evidence_the_planes_stay_as_they_are(taken) -> None:
    inner = Light()
    policy = PlanesPolicy(inner, plan())
    inner.has_evidence = False
    for shot in range(6):
        decision = policy.decide(seen(shot, msgspec.structs.replace(BAD, taken=taken)))
        assert decision.settings.z_um == (() if taken == ALL else tuple(HEIGHTS[k] for k in taken))
    inner.has_evidence = True
    assert policy.decide(seen(6, BAD)).settings.z_um == ()


def test_planes_of_the_inner_policy_are_its_own_and_what_saw_no_stack_says_nothing() -> None:
    inner = Light()
    policy = PlanesPolicy(inner, plan())
    assert policy.decide(seen(0, None)).settings.z_um == ()
    inner.z_um = (3.0,)
    assert policy.decide(seen(0, GOOD)).settings.z_um == (3.0,)


def stack_of(settings: Settings, *, is_bad: bool) -> StackSeen:
    taken = tuple(HEIGHTS.index(z) for z in settings.z_um) or ALL
    if taken == KEPT:
        return StackSeen(KEPT)
    return msgspec.structs.replace(BAD if is_bad else GOOD, taken=taken)


def stack_dose(settings: Settings) -> float:
    return light_of(settings) * (len(settings.z_um) or len(ALL))


@pytest.mark.parametrize("brightness", [0.5, 0.8, 3.0])
def test_cells_that_die_get_no_more_planes_though_drawn_ones_are_bad(brightness) -> None:
    steering = SnrPolicy(SnrConfig(target_snr=8.0), FIRST, READ_NOISE_E)
    policy, sample, settings = PlanesPolicy(steering, plan(check_every=7)), Sample(20.0), FIRST
    doses = []
    for shot in range(45):
        if shot >= 28:
            sample.brightness = 20.0 * brightness
        stack = stack_of(settings, is_bad=shot >= 28)
        settings = policy.decide(but(sample.see(settings), stack=stack)).settings
        doses.append(stack_dose(settings))
    assert settings.z_um == tuple(HEIGHTS[k] for k in KEPT)
    assert max(doses[28:]) <= max(doses[20:28])


def test_a_check_that_could_not_be_taken_is_owed() -> None:
    skipping = settled(plan(check_every=4))
    skipping.saw(0, NOTHING)
    with_check = skipping.next(0)
    assert len(with_check) == len(KEPT) + 1
    for stack in (NOTHING, NOTHING, GOOD):
        assert skipping.next(0) == with_check
        skipping.saw(0, stack)
    assert skipping.next(0) == KEPT
