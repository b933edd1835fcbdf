"""A policy that goes on where one has died: with its memory, and in no more light than that."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.settings import ChannelSettings, Settings
from realtime.memory import Lasting
from realtime.memory.known import MOST_LEARNT
from realtime.policy import Observation, SnrConfig, SnrPolicy
from tests.unit.policy_samples import FIRST, READ_NOISE_E, TRUSTED, Sample, but, light_of

SETTLED = 40
SEEN_FROM = 3.0
"""SNR below which no cell of these is found."""


def begun() -> SnrPolicy:
    return SnrPolicy(SnrConfig(target_snr=8.0), FIRST, READ_NOISE_E)


def after(policy: SnrPolicy) -> SnrPolicy:
    """Return what goes on when a policy's worker has died."""
    new = begun()
    new.resume(0, policy.state(0))
    return new


def look(sample: Sample, asked: Settings, *, late: int = 0, sharpness: float = 1.0) -> Observation:
    """Return a shot whose light was decided on; what is too dim to be found is not there."""
    seen = sample.see(asked)
    used = tuple(
        msgspec.structs.replace(a, decision_id=seen.shot - 1, late=late) for a in seen.applied
    )
    trust = msgspec.structs.replace(TRUSTED, focus=sharpness)
    seen = but(seen, applied=used, trust=trust, t_s=120.0 * seen.shot)
    return seen if seen.snr >= SEEN_FROM else but(seen, snr=0.0, signal_e=0.0, n_confirmed=0)


def dimmed(asked: Settings, share: float) -> Settings:
    """Return what a guard gives that lowers the light while nobody answers."""
    (entry,) = asked.channels
    lower = ChannelSettings(entry.channel, entry.exposure_ms, entry.power_fraction * share)
    return Settings(channels=(lower,))


def steer(
    policy: SnrPolicy,
    sample: Sample,
    asked: Settings,
    n: int,
    *,
    sharpness: float = 1.0,
    late: int = 0,
) -> tuple[Settings, list[float]]:
    """Let a policy decide so many shots, of which the first was late; return what each was given.

    The guard gives no more than the shot before where there is no evidence.
    """
    lights = []
    for number in range(n):
        lights.append(light_of(asked))
        seen = look(sample, asked, late=late if not number else 0, sharpness=sharpness)
        decision = policy.decide(seen)
        if not decision.has_evidence:
            assert light_of(decision.settings) <= lights[-1] * (1 + 1e-9)
        asked = decision.settings
    return asked, lights


def settled(sample: Sample) -> tuple[SnrPolicy, Settings, list[float]]:
    policy = begun()
    asked, lights = steer(policy, sample, FIRST, SETTLED)
    return policy, asked, lights


@pytest.mark.parametrize("share", [1 / 4, 1 / 16, 1 / 1000])
def test_light_that_was_lowered_while_nobody_answered_comes_back_and_no_farther(
    share: float,
) -> None:
    sample = Sample()
    policy, asked, before = settled(sample)
    low = dimmed(asked, share)
    unaided, _ = steer(begun(), Sample(), low, 60, late=6)
    assert light_of(unaided) < 0.5 * before[-1], "it takes what it finds for right"
    _, lights = steer(after(policy), sample, low, 60, late=6)
    assert lights[-1] == pytest.approx(before[-1], rel=0.05)
    assert max(lights) <= before[-1] * 1.01


@pytest.mark.parametrize("share", [1 / 16, 1 / 1000])
def test_where_no_cell_is_seen_in_the_light_that_came_back_either_it_goes_again(
    share: float,
) -> None:
    sample = Sample()
    policy, asked, before = settled(sample)
    sample.brightness = 0.0
    _, lights = steer(after(policy), sample, dimmed(asked, share), 60, late=6)
    assert max(lights) <= before[-1] * (1 + 1e-9)
    given = [light for light in lights if light > 0.99 * before[-1]]
    assert 0 < len(given) <= SnrConfig().hold_shots + 1
    assert lights[-1] < 0.05 * before[-1]


@pytest.mark.parametrize(
    "change",
    [
        lambda seen: but(seen, saturated_fraction=0.5),
        lambda seen: but(seen, trust=msgspec.structs.replace(TRUSTED, is_trusted=False)),
        lambda seen: but(seen, background_e=math.nan),
        lambda seen: but(seen, signal_e=math.nan),
        lambda seen: but(seen, applied=()),
    ],
)
def test_nothing_comes_back_while_anything_else_speaks_against_a_shot(
    change: Callable[[Observation], Observation],
) -> None:
    sample = Sample()
    policy, asked, _ = settled(sample)
    low = dimmed(asked, 1 / 1000)
    first = change(look(sample, low, late=6))
    decision = after(policy).decide(first)
    assert not decision.has_evidence
    if first.applied:
        assert light_of(decision.settings) <= light_of(low) * (1 + 1e-9)


def test_light_that_the_policy_itself_had_lowered_does_not_come_back() -> None:
    sample = Sample()
    policy, asked, before = settled(sample)
    sample.brightness = 0.0
    asked, _ = steer(policy, sample, asked, 30)
    assert light_of(asked) < 0.1 * before[-1]
    _, lights = steer(after(policy), sample, dimmed(asked, 0.5), 40, late=6)
    assert max(lights) <= light_of(asked) * (1 + 1e-9)


def test_light_that_was_lowered_though_decisions_came_does_not_come_back() -> None:
    sample = Sample()
    policy, asked, _ = settled(sample)
    low = dimmed(asked, 1 / 1000)  # by a limit, or a person
    _, lights = steer(after(policy), sample, low, 40, late=0)
    assert max(lights) <= light_of(low) * (1 + 1e-9)


def test_a_second_death_on_the_way_back_loses_nothing() -> None:
    sample = Sample()
    policy, asked, before = settled(sample)
    low = dimmed(asked, 1 / 1000)
    second = after(policy)
    steer(second, sample, low, 1, late=6)
    _, lights = steer(after(second), sample, low, 60)
    assert lights[-1] == pytest.approx(before[-1], rel=0.05)


def test_light_that_still_climbed_climbs_on() -> None:
    sample = Sample(brightness=0.2)
    policy = begun()
    asked, lights = steer(policy, sample, FIRST, 6)
    assert lights[-1] > lights[-2]
    asked, after_it = steer(after(policy), sample, asked, 40)
    _, never = steer(begun(), Sample(brightness=0.2), FIRST, 46)
    assert after_it[-1] == pytest.approx(never[-1], rel=0.1)
    anew, _ = steer(begun(), Sample(brightness=0.2), dimmed(FIRST, 0.5), 46)
    assert light_of(anew) < 0.7 * never[-1], "without the memory it stays where it was"


@pytest.mark.parametrize("late", [0, 6])
@pytest.mark.parametrize("sharpness", [0.0, 1.0])
@pytest.mark.parametrize("share", [0.85, 0.7, 0.4, 0.1])
@pytest.mark.parametrize("dead_after", [0, 1, 8, 20])
def test_cells_that_have_become_dim_get_no_more_light_by_a_restart(
    share: float, sharpness: float, dead_after: int, late: int
) -> None:
    sample = Sample()
    policy, asked, before = settled(sample)
    sample.brightness *= share
    asked, _ = steer(policy, sample, asked, dead_after)
    low = dimmed(asked, 1 / 16 if late else 1.0)
    _, lights = steer(after(policy), sample, low, 60, sharpness=sharpness, late=late)
    few = 0.8  # what lacks little is made up for slowly, as without a restart
    assert max(lights) <= before[-1] * (1 + 1e-9 if share < few else 1.2)


def test_cells_that_had_shrunk_get_no_more_light_though_their_size_is_usual_now() -> None:
    sample = Sample(bleach=0.002)
    policy, asked, _ = settled(sample)
    asked, lights = steer(policy, sample, asked, 12, sharpness=2.4)
    _, later = steer(after(policy), sample, asked, 80)
    assert max(later) <= max(lights) * (1 + 1e-9)


def test_cells_that_bleach_are_followed_through_a_restart_as_without_one() -> None:
    sample, other = Sample(bleach=0.004), Sample(bleach=0.004)
    policy, asked, _ = settled(sample)
    _, lights = steer(after(policy), sample, asked, 80)
    never, there, _ = settled(other)
    _, others = steer(never, other, there, 80)
    assert lights[-1] == pytest.approx(others[-1], rel=0.15)
    assert lights[-1] > 1.2 * lights[0]


@settings(max_examples=60)
@given(
    brightness=st.lists(st.floats(0.0, 8.0), min_size=1, max_size=12),
    n_before=st.integers(1, 30),
    share=st.sampled_from([1.0, 0.5, 1 / 16, 1e-4]),
    sharpness=st.sampled_from([0.0, 0.6, 1.0, 2.0]),
)
def test_whatever_comes_no_shot_gets_more_than_a_step_above_what_was_believed_before(
    brightness: list[float], n_before: int, share: float, sharpness: float
) -> None:
    sample, policy = Sample(), begun()
    asked, before = steer(policy, sample, FIRST, n_before)
    new, low, most = after(policy), dimmed(asked, share), max([*before, light_of(asked)])
    for number, value in enumerate(brightness):
        sample.brightness = value
        low, lights = steer(new, sample, low, 1, sharpness=sharpness, late=6 if not number else 0)
        if number <= 3:
            assert max(*lights, light_of(low)) <= most * (1 + 1e-9)


def test_a_state_comes_back_as_it_was_and_is_small() -> None:
    policy, _, _ = settled(Sample())
    assert isinstance(policy, Lasting)
    state = policy.state(0)
    assert policy.state(7) == b""
    assert len(state) < 2500 < MOST_LEARNT
    twin = begun()
    twin.resume(0, state)
    again = twin.state(0)
    kept = msgspec.msgpack.decode(again)["field"]
    was = msgspec.msgpack.decode(state)["field"]
    assert {name for name in was if was[name] != kept[name]} <= {"is_back", "inherited", "fading"}
    assert kept["fading"]["_line"] == was["fading"]["_line"]


def _with(state: bytes, **changes: object) -> bytes:
    whole = msgspec.msgpack.decode(state)
    whole["field"] |= changes
    return msgspec.msgpack.encode(whole)


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda state: b"", "not the state of a field"),
        (lambda state: b"nonsense", "not the state of a field"),
        (lambda state: state[:-1], "not the state of a field"),
        (lambda state: _with(state, held="much"), "not the state of a field"),
        (lambda state: _with(state, asked=[]), "other channels"),
        (lambda state: _with(state, held=math.nan), "a number in it is none"),
        (lambda state: state.replace(b"snr/7", b"snr/6"), "another policy"),
        (lambda state: state.replace(b"8.0", b"9.0", 1), "another policy"),
    ],
)
def test_a_state_that_is_of_no_use_is_refused_and_nothing_changes(
    harm: Callable[[bytes], bytes], why: str
) -> None:
    policy, asked, _ = settled(Sample())
    new = begun()
    with pytest.raises(ValueError, match=why):
        new.resume(0, harm(policy.state(0)))
    seen = look(Sample(), asked)
    assert new.decide(seen) == begun().decide(seen)
