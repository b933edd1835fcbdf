"""The hot loop: shot by shot, each after the decision on the one before."""

from __future__ import annotations

import math
from typing import Any

import pytest

from acquire.errors import LightNotDark
from acquire.frame import Shot
from acquire.loop.burst import in_bursts
from acquire.loop.loop import Outcome, run
from acquire.loop.pause import Pause
from acquire.plan.plan import plan_shots
from acquire.settings import ChannelSettings, Limits, Request, Settings
from tests.light_bench import DIODE, GATED_DIODE, LASER, MS, ask, stand
from tests.loop_run import Run, plan


def test_a_run_takes_every_shot_and_says_so() -> None:
    going = Run(stand(), ask())
    assert going.go(plan()) == Outcome(True, "the plan is done", 2, 3, is_dark=True)
    assert [frame.info.seq for frame in going.frames] == [0, 1, 2]
    assert [frame.info.t_s for frame in going.frames] == [0, 60, 120]
    assert [shot.number for shot in going.asked] == [0, 1, 2]
    assert going.lost == []


def test_a_frame_carries_its_truth() -> None:
    going = Run(stand(), ask(exposure_ms=10, power=0.5))
    going.go(plan(1, stage_positions=[(5, 6, 7)]))
    info = going.frames[0].info
    assert (info.camera, info.camera_seq, info.height, info.width) == ("Camera", 0, 2, 2)
    assert info.position_um == (5, 6, 7)
    assert info.applied.dose_j_cm2 == pytest.approx(0.005)
    assert info.applied.decision_id == 7
    assert info.ends_shot


def test_a_decision_is_used_for_the_very_next_shot() -> None:
    going = Run(stand(), ask(power=0.5))
    going.requests = {0: ask(power=0.4, decision_id=0), 1: ask(power=0.3, decision_id=1)}
    going.go(plan(3))
    given = [(r.decision_id, r.applied[0].power_fraction) for r in going.reports]
    assert given == [(7, 0.5), (0, 0.4), (1, 0.3)]


def test_a_decision_belongs_to_its_field() -> None:
    going = Run(stand(), ask(power=0.5))
    going.requests = {n: ask(power=0.1 * (n + 1), decision_id=n) for n in range(4)}
    going.go(plan(2, stage_positions=[(0, 0, 0), (9, 9, 0)]))
    assert [report.decision_id for report in going.reports] == [7, 7, 0, 1]


def was_open_at_publish(going: Run) -> list[bool]:
    return [
        max(i for i, call in enumerate(calls) if call.startswith(("open", "power")))
        > max([i for i, call in enumerate(calls) if call.startswith("close")], default=-1)
        for calls in going.calls_at_publish
    ]


def test_who_decides_sees_a_frame_while_the_shutter_of_blanked_light_closes() -> None:
    going = Run(stand(), ask(exposure_ms=10, power=0.5), room=1)
    going.go(plan(3))
    assert was_open_at_publish(going) == [True] * 3
    assert going.at.bench.lit_s["488"] == pytest.approx(3 * 0.010 * 0.5)
    assert going.at.bench.is_dark


def test_a_frame_waits_for_the_dark_where_the_camera_does_not_blank_the_light() -> None:
    going = Run(stand(DIODE), ask(channel="561"), room=99)
    going.go(plan(3, channels=["561"]))
    assert was_open_at_publish(going) == [False] * 3


def test_a_frame_that_has_to_wait_for_room_waits_in_the_dark() -> None:
    going = Run(stand(), ask(), room=1)
    going.go_with(in_bursts(shot, 2) for shot in plan_shots(plan(1)))
    assert was_open_at_publish(going) == [False] * 2


def test_a_frame_seen_early_carries_the_dose_that_is_booked() -> None:
    early, after = Run(stand(), ask(7.3, 0.31), room=1), Run(stand(), ask(7.3, 0.31))
    for going in (early, after):
        going.go(plan(2))
        assert [f.info.applied for f in going.frames] == [r.applied[0] for r in going.reports]
    assert [f.info.applied for f in early.frames] == [f.info.applied for f in after.frames]
    booked = early.at.ledger.totals()["488"]
    assert sum(f.info.applied.dose_j_cm2 for f in early.frames) == pytest.approx(booked, rel=1e-12)


def test_a_frame_seen_early_is_told_once_though_the_light_does_not_obey() -> None:
    going = Run(stand(), ask(), room=1)
    going.at.bench.faults |= {"close 488": lambda: True, "dark 488": lambda: True}
    outcome = going.go(plan(3))
    assert isinstance(outcome.error, LightNotDark)
    assert [frame.info.seq for frame in going.frames] == [0]


def test_channels_and_planes_of_a_shot_are_numbered_through() -> None:
    at = stand(LASER, GATED_DIODE)
    both = Settings((ChannelSettings("488", 10, 0.5), ChannelSettings("561", 20, 0.2)))
    going = Run(at, Request(both, -1))
    outcome = going.go(plan(2, channels=["488", "561"], z_plan={"range": 1, "step": 1}))
    assert outcome.n_frames == 8
    assert [frame.info.shot_frame for frame in going.frames] == [0, 1, 2, 3] * 2
    assert [frame.info.applied.light for frame in going.frames[:4]] == ["488"] * 2 + ["561"] * 2
    assert [len(report.applied) for report in going.reports] == [4, 4]
    assert [report.first_seq for report in going.reports] == [0, 4]


def test_settings_may_change_planes_and_interval() -> None:
    going = Run(stand(), ask())
    settings = Settings((ChannelSettings("488", 10, 0.5),), z_um=(-1.0, 1.0), interval_s=10)
    going.requests = {0: Request(settings, 0)}
    going.go(plan(2))
    assert going.clock.due == [0, 10]
    assert [frame.info.position_um[2] for frame in going.frames] == [0, -1, 1]


@pytest.mark.parametrize(
    "wrong",
    [{"z_um": (math.nan,)}, {"z_um": (1e9,)}, {"interval_s": math.nan}, {"interval_s": 1e9}],
    ids=str,
)
def test_no_nonsense_reaches_clock_or_focus_drive_and_it_costs_one_shot(wrong: dict) -> None:
    going = Run(stand(), ask())
    lamp = (ChannelSettings("488", 10, 0.5),)
    going.requests = {1: Request(Settings(lamp, **wrong), 1), 2: ask()}
    outcome = going.go(plan(5))
    assert outcome.is_complete
    assert going.clock.due == [0, 60, 120, 180, 240]
    assert {move[2] for move in going.moves if move != "488"} == {0}
    assert [bool(report.refused) for report in going.reports] == [False, False, True, False, False]
    assert going.lost == []


def test_a_stack_steps_up_as_a_whole() -> None:
    going = Run(stand(limits=Limits(1, 100, 1.0, 100, max_step_up=2.0)), ask(power=0.4))
    many = Settings((ChannelSettings("488", 10, 0.4),), z_um=(-1.0, 0.0, 1.0, 2.0))
    going.requests = {0: Request(many, 0)}
    going.go(plan(2))
    doses = [sum(one.dose_j_cm2 for one in report.applied) for report in going.reports]
    assert doses[1] == pytest.approx(2 * doses[0])


def test_a_shot_of_many_planes_ends_soon_after_it_is_told_to_stop() -> None:
    going = Run(stand(), ask(), stop_after=2)
    outcome = going.go(plan(3, z_plan={"range": 9, "step": 1}))
    assert (outcome.is_complete, outcome.reason, outcome.n_frames) == (False, "stopped", 2)
    assert [(first, last, why) for first, last, why in going.lost] == [(2, 9, "stopped")]
    assert going.reports[-1].refused == "stopped"
    assert going.asked == []  # nobody decides on a shot that was broken off
    assert outcome.is_dark


@pytest.mark.parametrize(("gate", "is_lit"), [("camera", True), ("software", False)])
def test_the_next_shot_is_planned_only_while_no_light_of_ours_is_on(gate, is_lit) -> None:
    at = stand(LASER.model_copy(update={"gate": gate}))
    going = Run(at, ask())
    seen: list[bool] = []

    def shots():
        for planned in plan_shots(plan(3)):
            seen.append(at.bench.is_open.get("Shutter", False))
            yield planned
            assert len(going.asked) == planned.shot.number  # while the worker has not decided yet

    run(
        shots(), going, at.guard, going.clock, "Camera", going.publish,
        going.next_request, going.reports.append, going.first, lambda: False,
    )  # fmt: skip
    assert seen == [False, is_lit, is_lit]


def test_latency_is_from_the_last_frame_to_the_last_device_set() -> None:
    going = Run(stand(), ask())
    thinking_ns = 3 * MS

    def think(shot: Shot) -> Request:
        going.at.bench.spend(thinking_ns)
        return going.first

    going.next_request = think  # type: ignore[method-assign]
    going.go(plan(3))
    assert going.reports[0].latency_ns == 0
    for report in going.reports[1:]:
        # thinking, and ten commands of 10 us; the wait for the interval is real time and tiny here
        assert thinking_ns - MS < report.latency_ns < thinking_ns + MS


def test_a_paused_run_takes_nothing_and_goes_on_with_the_next_shot() -> None:
    waited: list[int] = []

    class Tea(Pause):
        def wait(self, should_stop: Any) -> None:
            if self.is_on:
                assert going.at.bench.is_dark
                waited.append(len(going.frames))
                self.end()

    pause = Tea()
    going = Run(stand(), ask(), pause=pause)
    going.pause_after = 1
    outcome = going.go(plan(3))
    assert outcome.is_complete
    assert waited == [1]
    assert [frame.info.t_s for frame in going.frames] == [0, 60, 120]


def test_a_light_that_was_stopped_for_a_pause_is_given_again_to_the_next_shot() -> None:
    class Ask(Pause):
        def wait(self, should_stop: Any) -> None:
            if self.is_on:
                going.at.guard.rearm()
                self.end()

    pause = Ask()
    going = Run(stand(), ask(), pause=pause)

    def slept() -> None:
        going.at.bench.faults.pop("start")
        going.at.guard.go_dark()
        pause.begin("the computer slept")

    going.at.bench.faults["start"] = slept
    outcome = going.go(plan(3))
    assert outcome.is_complete
    assert [frame.info.t_s for frame in going.frames] == [60, 120]
    assert "stopped" in going.reports[0].refused
