"""The light of a stream is bounded as that of shots is, change by change."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest

from acquire.errors import (
    SettingRefused,
)
from acquire.frame import Shot
from acquire.light.bounds import GuardRules
from acquire.loop.flow import Flow
from acquire.plan.plan import PlannedExposure, plan_shots
from acquire.settings import Request
from tests.light_bench import Stand, ask, stand, take
from tests.loop_run import plan
from tests.streaming import FREE, Streaming


def test_a_change_is_bounded_like_a_shot() -> None:
    limits = msgspec.structs.replace(FREE, max_step_up=1.5, max_power_fraction=0.6)
    going = Streaming(stand(limits=limits), ask(power=0.2))
    going.requests = {3: ask(power=0.9, decision_id=2), 6: ask(power=0.9, decision_id=5)}
    going.go(12)
    assert going.used[-1][1] == pytest.approx(0.45)
    assert "step up" in going.run.frames[-1].info.applied.clamped
    held = Streaming(stand(limits=FREE), ask(power=0.2))
    held.requests = {3: ask(power=0.9, decision_id=2, has_evidence=False)}
    held.go(8)
    assert held.used[-1][1] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("changed", "most"), [({"has_evidence": False}, 0.1), ({"late": 1}, 0.1), ({}, 0.2)]
)
def test_shorter_frames_of_stronger_light_are_more_light_in_a_stream(changed, most) -> None:
    limits = msgspec.structs.replace(FREE, max_step_up=2.0)
    going = Streaming(stand(limits=limits), ask(20, 0.1))
    request = msgspec.structs.replace(ask(2, 1.0, decision_id=8), **changed)
    going.requests = {3: request}
    going.go(12)
    assert max(power for _, power in going.used) == pytest.approx(most)
    assert "more light in a stream" in going.run.frames[-1].info.applied.clamped


AGAIN = [({"has_evidence": False}, 0.1), ({"late": 1}, 0.1), ({}, 0.2)]


def streamed(at: Stand, request: Request, position: int = 0) -> float:
    """Let a stream run for three frames, and return the power that it began with."""
    with at.guard.stream(request, "488", 1, position) as lease:
        lease.start()
        begun = lease.applied.power_fraction
        for _ in range(3):
            lease.pop_truth()
    return float(begun)


@pytest.mark.parametrize(("changed", "most"), AGAIN)
def test_a_stream_that_begins_anew_is_bounded_by_the_power_of_the_one_before(changed, most) -> None:
    at = stand(limits=msgspec.structs.replace(FREE, max_step_up=2.0))
    assert streamed(at, ask(20, 0.1)) == 0.1
    request = msgspec.structs.replace(ask(2, 1.0), **changed)  # the same dose by each frame
    assert streamed(at, ask(20, 1.0), position=1) == 1.0  # another field has a past of its own
    assert streamed(at, request) == pytest.approx(most)


@pytest.mark.parametrize(("changed", "most"), AGAIN)
def test_a_stream_that_has_to_begin_anew_for_a_shorter_exposure_gets_no_jump_of_power(
    changed, most
) -> None:
    at = stand(limits=msgspec.structs.replace(FREE, max_step_up=2.0))
    going = Streaming(at, ask(20, 0.1))
    going.requests = {3: msgspec.structs.replace(ask(2, 1.0, decision_id=2), **changed)}

    def busy() -> None:
        if at.bench.is_running:
            raise SettingRefused("the camera is busy")

    at.bench.faults["exposure"] = busy
    assert going.go(12).is_complete
    assert at.bench.calls.count("start") == 2
    assert going.used[-1] == (2, pytest.approx(most))
    assert "more light in a stream" in going.run.frames[-1].info.applied.clamped


def test_the_power_of_a_stream_comes_back_in_steps_that_frames_have_shown() -> None:
    at = stand(limits=msgspec.structs.replace(FREE, max_step_up=2.0))
    assert [streamed(at, ask(20, 0.1)), streamed(at, ask(2, 0.01))] == [0.1, 0.01]
    powers = [streamed(at, ask(2, 1.0)) for _ in range(3)]
    assert powers == pytest.approx([0.02, 0.04, 0.08])


@pytest.mark.parametrize(("asked", "most"), [((10, 0.4), 0.4), ((5, 0.4), 0.4), ((10, 0.05), 0.1)])
def test_a_change_that_no_frame_has_shown_vouches_for_no_more_than_what_was(asked, most) -> None:
    at = stand(limits=msgspec.structs.replace(FREE, max_step_up=2.0))
    with at.guard.stream(ask(10, 0.2), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        assert lease.change(ask(*asked))
        assert lease.applied.power_fraction == 0.2
    assert streamed(at, ask(10, 1.0)) == pytest.approx(most)


def test_a_stream_that_broke_off_vouches_for_no_more_power_than_the_good_one_before() -> None:
    at = stand(limits=msgspec.structs.replace(FREE, max_step_up=2.0))
    streamed(at, ask(10, 0.1))
    with suppress(RuntimeError), at.guard.stream(ask(10, 0.2), "488", 1, 0) as lease:
        lease.start()
        raise RuntimeError
    assert streamed(at, ask(5, 1.0)) == pytest.approx(0.2)


def test_without_a_decision_the_light_is_held_then_lowered_then_dark() -> None:
    rules = GuardRules(hold_shots=1, dark_after=3)
    going = Streaming(stand(limits=FREE, rules=rules))
    going.requests = {n * 4: ask(late=n) for n in range(1, 5)}
    outcome = going.go(30)
    powers = [power for _, power in going.used]
    assert powers[:8] == pytest.approx([0.5] * 8)
    assert powers[9:12] == pytest.approx([0.25] * 3)
    assert powers[13:] == pytest.approx([0.125] * 3)
    assert outcome.is_dark
    assert any("no decision for 4" in report.refused for report in going.run.reports)


def test_a_stream_in_the_dark_begins_again_when_a_decision_comes() -> None:
    going = Streaming(stand(limits=FREE, rules=GuardRules(hold_shots=0, dark_after=1)))
    going.requests = {5: ask(late=1), 8: ask(late=2)}
    dark_shots: list[Shot] = []

    def decide_at_last(shot: Shot) -> Request:
        dark_shots.append(shot)
        going.request = ask(power=0.3, decision_id=shot.number)
        return going.request

    going.run.next_request = decide_at_last  # type: ignore[method-assign]
    outcome = going.go(20)
    assert outcome.reason == "the plan is done"
    assert len(dark_shots) == 1
    assert going.at.bench.calls.count("open 488") == 2
    assert going.used[-1] == (10, 0.3)
    assert [f.info.seq for f in going.run.frames] == list(range(len(going.run.frames)))


def test_a_stream_that_may_have_no_light_does_not_search_the_focus_with_light() -> None:
    going = Streaming(stand(limits=FREE, rules=GuardRules(hold_shots=0, dark_after=1)))
    going.requests = {5: ask(late=1), 8: ask(late=2)}
    going.run.next_request = lambda shot: ask(late=9)  # type: ignore[method-assign]
    searches: list[int] = []

    def search(one: PlannedExposure, shot: Shot) -> PlannedExposure:
        searches.append(shot.number)
        dim = ask(decision_id=-1)
        with going.at.guard.shot(dim, {"488": 1}, shot.position, is_measure=False):
            take(going.at, dim)
        return one

    shots = plan_shots(plan(time_plan={"interval": 0, "loops": 20}))
    flow = Flow(going.newest, lambda: False, going.rest)
    going.run.go_with(shots, flow=flow, arrive=search)
    assert len(going.run.reports) > 5, "shot after shot was refused"
    assert searches == [0]
