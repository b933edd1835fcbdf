"""A pipeline that is started anew goes on with what its policy had learnt; so does a replay."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

from acquire.settings import ChannelSettings, Settings
from realtime.memory import Known, Lasting
from realtime.memory.known import MOST_LEARNT
from realtime.memory.restarts import RecordedPast, Restarting, restarts
from realtime.pipeline import Pipeline
from realtime.planes.skipped import SkipConfig, SkippedPlanes
from realtime.policy import Decision, SnrConfig, SnrPolicy, Trust
from realtime.policy.planes import PlanesPolicy
from realtime.replay.verify import verdict, verify_policy
from realtime.wire import Result
from realtime.wire.seen import Recalled
from tests.unit.test_pipeline import APPLIED, SHAPE, Policy, info
from tests.unit.test_recollection import Kept
from tests.unit.test_recollection import pipeline as plain

FIRST = Settings((ChannelSettings("GFP", 10.0, 0.1),))


def snr() -> SnrPolicy:
    return SnrPolicy(SnrConfig(target_snr=2.0), FIRST, 1.6)


def pipeline(past: object, policy: Any) -> Pipeline:
    steps = plain(past).steps._replace(policy=policy, judge=lambda *_: Trust(is_trusted=True))
    return Pipeline(steps)


class Worker:
    """Shows shots to a pipeline in the light that was decided on, and notes what was said."""

    def __init__(self, pipeline: Pipeline | Restarting, asked: Settings = FIRST) -> None:
        self.pipeline, self.asked = pipeline, asked
        self.results: list[Result] = []
        self.decisions: list[Decision] = []

    def see(self, shots: Iterable[int], applied: dict[int, Any] | None = None) -> None:
        for shot in shots:
            entry = self.asked.channels[0]
            used = msgspec.structs.replace(
                APPLIED,
                exposure_ms=entry.exposure_ms,
                power_fraction=entry.power_fraction,
                decision_id=shot - 1,
            )
            used = (applied or {}).get(shot, used)
            frame = msgspec.structs.replace(info(shot, shot, 0, 1), applied=used)
            self.pipeline.see(frame, np.full(SHAPE, shot, np.uint16))
            result, message = self.pipeline.answer()
            self.results.append(result)
            self.decisions.append(message.decision)
            self.asked = message.decision.settings


def recorded(back: int, *, again: bool) -> tuple[Worker, Worker]:
    """Return what two workers said: the second knew what the first did some shots before it."""
    first, known = Worker(pipeline(Kept(), snr())), None
    for shot in range(20):
        first.see([shot])
        known = first.pipeline.known(0) if shot == 19 - back else known
    kept = Kept(1000)
    assert known is not None
    kept.known[0] = msgspec.msgpack.decode(msgspec.msgpack.encode(known), type=Known)
    second = Worker(pipeline(kept, snr()), first.asked)
    second.see([19] if again else [])
    second.see(range(20 if again else 22, 40))
    return first, second


def applied_of(*workers: Worker) -> dict[int, Any]:
    return {r.shot: r.observation.applied[0] for w in reversed(workers) for r in w.results}


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("back", [1, 4])
def test_a_replay_decides_as_the_recorded_workers_did(back: int, again: bool) -> None:
    first, second = recorded(back, again=again)
    assert second.results[0].recalled == Recalled(19 - back, 1000, learnt=("policy",))
    found = restarts([*first.results, *second.results])
    past = RecordedPast(found)
    worker = Worker(Restarting(lambda: pipeline(past, snr()), past))
    said = {d.id: d for w in (second, first) for d in w.decisions}
    worker.see(sorted(said), applied_of(first, second))
    assert {d.id: d for d in worker.decisions} == said


class Recording(SimpleNamespace):
    results: list[Result]
    decisions: list[Decision]


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("back", [1, 4])
def test_decisions_are_verified_over_a_restart_without_an_image(back: int, again: bool) -> None:
    first, second = recorded(back, again=again)
    run: Any = Recording(
        results=[*first.results, *second.results], decisions=[*first.decisions, *second.decisions]
    )
    is_confirmed, words = verdict(verify_policy(run, snr))
    assert is_confirmed, words
    forgotten = [
        msgspec.structs.replace(r, recalled=r.recalled and Recalled(r.recalled.shot, 1000))
        for r in run.results
    ]
    run.results = forgotten
    is_confirmed, _ = verdict(verify_policy(run, snr))
    assert not is_confirmed, "a policy that begins anew decides otherwise"


def test_of_a_recording_whose_policy_began_anew_so_does_the_replayed_one() -> None:
    first, second = recorded(1, again=False)
    found = restarts([*first.results, *second.results])
    old = [r._replace(recalled={0: Recalled(18, 1000)}) for r in found]
    past = RecordedPast(old)
    worker = Worker(Restarting(lambda: pipeline(past, snr()), past))
    worker.see([r.shot for r in first.results], applied_of(first, second))
    worker.see([22], applied_of(first, second))
    anew = snr()
    assert worker.decisions[-1] == anew.decide(second.results[0].observation)
    assert worker.results[-1].recalled == Recalled(18, 1000)


class Saved(Policy):
    """A policy with a memory of its own."""

    def __init__(self, state: bytes = b"17", harm: str = "") -> None:
        super().__init__()
        self.kept, self.harm, self.resumed = state, harm, b""

    def state(self, position: int) -> bytes:
        if self.harm == "state":
            raise ValueError("it has lost its mind")
        return self.kept

    def resume(self, position: int, state: bytes) -> None:
        if self.harm == "resume":
            raise ValueError("it cannot be read")
        self.resumed = state


def known_of(policy: Any) -> tuple[Known, list[str]]:
    kept = Kept()
    worker = Worker(pipeline(kept, policy))
    worker.see(range(3))
    known = worker.pipeline.known(0)
    assert known is not None
    return known, kept.refused


def handed_over(policy: Any, known: Known) -> tuple[Result, list[str]]:
    kept = Kept(1000)
    kept.known[0] = known
    worker = Worker(pipeline(kept, policy))
    worker.see([5])
    return worker.results[0], kept.refused


def test_any_policy_that_can_be_saved_is_and_any_other_begins_anew() -> None:
    known, refused = known_of(Saved())
    assert (known.learnt.get("policy"), refused) == (b"17", [])
    new = Saved()
    result, refused = handed_over(new, known)
    assert (new.resumed, refused) == (b"17", [])
    assert result.recalled == Recalled(2, 1000, learnt=("policy",))
    result, refused = handed_over(Policy(), known)
    assert (result.recalled, refused) == (Recalled(2, 1000), [])
    assert known_of(Policy())[0].learnt.get("policy", b"") == b""
    assert known_of(Saved(b""))[0].learnt.get("policy", b"") == b""


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        (Saved(harm="state"), "lost its mind"),
        (Saved(bytes(MOST_LEARNT + 1)), "at most"),
    ],
)
def test_a_policy_that_cannot_be_kept_costs_no_cell_its_name(policy: Saved, why: str) -> None:
    known, (said,) = known_of(policy)
    assert why in said
    assert known.learnt.get("policy") == b""
    assert known.tracker


def test_a_policy_that_cannot_go_on_costs_no_cell_its_name() -> None:
    known, _ = known_of(Saved())
    result, (said,) = handed_over(Saved(harm="resume"), known)
    assert "cannot be read" in said
    assert result.recalled == Recalled(2, 1000)
    assert min(result.tracks.ids) < 1000


@pytest.fixture
def planes() -> SkippedPlanes:
    return SkippedPlanes(tuple(map(float, range(9))), SkipConfig(every=2))


def test_a_policy_of_planes_is_kept_with_the_one_that_it_holds(planes: SkippedPlanes) -> None:
    inner = Saved()
    whole = PlanesPolicy(inner, planes)
    assert isinstance(whole, Lasting)
    assert whole.state(0) == b"17"
    whole.resume(0, b"18")
    assert inner.resumed == b"18"
    other = PlanesPolicy(Policy(), planes)
    assert other.state(0) == b""
    other.resume(0, b"18")
