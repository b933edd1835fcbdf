"""What every policy must do. A new policy adds one line to POLICIES and nothing else."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from lightloop.build.own_policy import load_policy
from realtime.policy import FixedPolicy, Observation, Policy, SnrConfig, SnrPolicy
from tests.unit.policy_samples import FIRST, READ_NOISE_E, Sample, but, light_of
from tests.unit.written_policy import example

POLICIES: dict[str, Callable[[Path], Policy]] = {
    "fixed": lambda _: FixedPolicy(FIRST),
    "snr": lambda _: SnrPolicy(SnrConfig(), FIRST, READ_NOISE_E),
    "python": lambda folder: load_policy(example(folder), FIRST),
}

SEEN = [Sample(2.0, shot=shot).see(FIRST) for shot in range(6)]
NONE = [but(seen, n_confirmed=0, n_tracks=0, snr=0.0, signal_e=0.0) for seen in SEEN]


@pytest.fixture(params=POLICIES)
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Policy]]:
    before = sys.path.copy()
    yield lambda: POLICIES[request.param](tmp_path)
    sys.path[:] = before


def test_a_decision_names_its_shot_its_frames_and_its_policy(build: Callable[[], Policy]) -> None:
    policy = build()
    for seen in SEEN:
        decision = policy.decide(seen)
        assert (decision.id, decision.based_on) == (seen.shot, seen.seqs)
        assert decision.policy == policy.name
        assert decision.reason


def test_a_decision_speaks_of_every_channel_of_the_plan(build: Callable[[], Policy]) -> None:
    channels = build().decide(SEEN[0]).settings.channels
    assert [c.channel for c in channels] == [c.channel for c in FIRST.channels]
    assert all(math.isfinite(c.exposure_ms * c.power_fraction) for c in channels)


@pytest.mark.parametrize("story", [SEEN, NONE, [*NONE, *SEEN]])
def test_the_same_story_gives_the_same_bytes(
    build: Callable[[], Policy], story: list[Observation]
) -> None:
    first, again = build(), build()
    for seen in story:
        one, other = first.decide(seen), again.decide(seen)
        assert msgspec.msgpack.encode(one) == msgspec.msgpack.encode(other)


def test_without_cells_nothing_speaks_for_more_light(build: Callable[[], Policy]) -> None:
    policy = build()
    for seen in NONE:
        decision = policy.decide(seen)
        assert not decision.has_evidence
        assert light_of(decision.settings) <= light_of(FIRST)


def test_a_decision_survives_the_wire(build: Callable[[], Policy]) -> None:
    decision = build().decide(SEEN[0])
    packet = msgspec.msgpack.encode(decision)
    assert msgspec.msgpack.decode(packet, type=type(decision)) == decision
