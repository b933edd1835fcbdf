from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from acquire.errors import CameraTimeout, KeeperLost, LightNotDark, LightRefused
from acquire.frame import Shot
from acquire.light.bounds import GuardRules
from acquire.loop.burst import in_bursts
from acquire.loop.loop import Outcome, run
from acquire.loop.pause import Pause
from acquire.plan.plan import plan_shots
from acquire.settings import ChannelSettings, Limits, Request, Settings
from tests.light_bench import DIODE, LASER, LIMITS, MS, ask, raising, stand
from tests.loop_run import Run, plan

OTHER = DIODE.model_copy(update={"gate": "camera"})


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
    at = stand(LASER, OTHER)
    both = Settings((ChannelSettings("488", 10, 0.5), ChannelSettings("561", 20, 0.2)))
    going = Run(at, Request(both, -1))
    outcome = going.go(plan(2, channels=["488", "561"], z_plan={"range": 1, "step": 1}))
    assert outcome.n_frames == 8
    assert [frame.info.shot_frame for frame in going.frames] == [0, 1, 2, 3] * 2
    assert [frame.info.applied.light for frame in going.frames[:4]] == ["488"] * 2 + ["561"] * 2
    assert [len(report.applied) for report in going.reports] == [4, 4]
    assert [report.first_seq for report in going.reports] == [0, 4]


def test_an_audit_is_two_exposures_of_equal_light_booked_twice() -> None:
    going = Run(stand(), ask(7.3, 0.31))
    assert going.go(plan(2), audit_every=2).is_complete
    assert [frame.info.shot.is_audit for frame in going.frames] == [False, True, True]
    assert [frame.info.shot_frame for frame in going.frames] == [0, 0, 1]
    assert going.at.bench.calls.count("open 488") == 3
    applied = [frame.info.applied for frame in going.frames]
    assert applied[0] == applied[1] == applied[2]
    assert going.reports[1].applied == (applied[1], applied[2])
    booked = going.at.ledger.totals()["488"]
    assert booked == pytest.approx(3 * applied[0].dose_j_cm2, rel=1e-12)


def test_planes_of_an_audit_are_looked_at_twice_each_one_after_the_other() -> None:
    both = Settings((ChannelSettings("488", 10, 0.5), ChannelSettings("561", 20, 0.2)))
    going = Run(stand(LASER, OTHER), Request(both, -1))
    wanted = plan(1, channels=["488", "561"], z_plan={"range": 1, "step": 1})
    assert going.go(wanted, audit_every=1).is_complete
    seen = [(frame.info.applied.light, frame.info.index.z) for frame in going.frames]
    assert seen == [("488", 0)] * 2 + [("488", 1)] * 2 + [("561", 0), ("561", 1)]
    assert [frame.info.shot_frame for frame in going.frames] == list(range(6))


def test_the_shot_after_an_audit_is_measured_by_one_look() -> None:
    steady = stand(limits=msgspec.structs.replace(LIMITS, max_step_up=2.0))
    going = Run(steady, ask(10, 0.01))
    going.requests = {1: ask(10, 0.5, decision_id=1)}
    going.go(plan(3), audit_every=2)
    *_, second_look, after = (frame.info.applied for frame in going.frames)
    assert after.dose_j_cm2 == pytest.approx(2 * second_look.dose_j_cm2)


def test_an_audit_needs_no_evidence_for_it_raises_no_light() -> None:
    doubtful = msgspec.structs.replace(ask(10, 0.5, decision_id=0), has_evidence=False)
    going = Run(stand(), ask(10, 0.1))
    going.requests = {0: doubtful}
    assert going.go(plan(2), audit_every=2).is_complete
    assert [frame.info.applied.power_fraction for frame in going.frames] == [0.1] * 3


def test_an_audit_is_left_out_where_nobody_answers() -> None:
    going = Run(stand(), ask())
    going.requests = {0: msgspec.structs.replace(ask(), late=1)}
    assert going.go(plan(2), audit_every=2).n_frames == 2
    assert not any(frame.info.shot.is_audit for frame in going.frames)


def test_a_decision_that_was_in_time_for_the_first_look_is_so_for_the_second() -> None:
    at = stand()
    going = Run(at, msgspec.structs.replace(ask(10), valid_until_ns=at.bench.now + 5 * MS))
    assert going.go(plan(1), audit_every=1).is_complete
    assert len(going.frames) == 2


def test_a_second_look_that_the_budget_does_not_pay_is_not_taken() -> None:
    limits = msgspec.structs.replace(LIMITS, budget_j_cm2=0.0125)  # of 0.005 for each look
    going = Run(stand(limits=limits), ask(10, 0.5))
    outcome = going.go(plan(2), audit_every=2)
    assert (outcome.reason, len(going.frames)) == ("budget spent", 2)
    assert going.lost[0][:2] == (2, 2)
    assert going.at.ledger.totals()["488"] <= limits.budget_j_cm2


def test_a_stop_between_the_looks_of_an_audit_is_heard() -> None:
    going = Run(stand(), ask(), stop_after=1)
    assert going.go(plan(1), audit_every=1).reason == "stopped"
    assert (len(going.frames), going.lost) == (1, [(1, 1, "stopped")])


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


def test_a_run_that_is_told_to_stop_ends_before_the_next_shot() -> None:
    going = Run(stand(), ask(), stop_after=2)
    outcome = going.go(plan(5))
    assert (outcome.is_complete, outcome.reason, outcome.n_frames) == (False, "stopped", 2)
    assert going.at.bench.power["488"] == 0


def test_a_spent_budget_ends_the_run_in_good_order() -> None:
    going = Run(stand(limits=Limits(1, 100, 1.0, budget_j_cm2=0.012)), ask(power=0.5))
    outcome = going.go(plan(5))
    assert (outcome.reason, outcome.n_frames, outcome.error) == ("budget spent", 2, None)
    assert "field 0 has" in going.reports[-1].refused
    assert outcome.is_dark


def test_light_that_was_stopped_ends_the_run() -> None:
    going = Run(stand(), ask())
    going.at.bench.faults["start"] = lambda: going.at.guard._stopped.set()
    going.at.bench.faults["pop"] = lambda: "nothing"
    outcome = going.go(plan(5))
    assert outcome.reason == "the light was stopped"
    assert outcome.is_dark


def test_nonsense_from_a_policy_costs_one_shot_and_goes_back_to_the_last_good_light() -> None:
    going = Run(stand(), ask(power=0.5))
    going.requests = {0: ask(power=0.4, decision_id=0), 1: ask(power=math.nan, decision_id=1)}
    going.go(plan(4))
    assert [report.decision_id for report in going.reports] == [7, 0, 1, 0]
    assert [bool(report.refused) for report in going.reports] == [False, False, True, False]
    assert going.reports[3].applied[0].power_fraction == 0.4
    assert going.reports[3].applied[0].late == 1
    assert [frame.info.seq for frame in going.frames] == [0, 1, 2]
    assert going.lost == []  # nothing was begun


def test_without_decisions_light_holds_lowers_and_ends_but_the_run_goes_on() -> None:
    going = Run(stand(rules=GuardRules(hold_shots=1, dark_after=3)), ask(power=0.4))
    going.requests = {n: ask(power=0.4, late=n + 1) for n in range(6)} | {5: ask(power=0.05)}
    going.go(plan(7))
    powers = [r.applied[0].power_fraction if r.applied else 0 for r in going.reports]
    assert powers == pytest.approx([0.4, 0.4, 0.2, 0.1, 0, 0, 0.05])


def test_a_late_decision_for_more_planes_costs_one_shot_and_not_the_run() -> None:
    """No frames, no answer: asked for again and again, it would be refused for ever."""
    few = Settings(ask(power=0.4).settings.channels, z_um=(-0.5, 0.5))
    going = Run(stand(), Request(few, 7))

    def answer(shot: Shot) -> Request:
        seen = {frame.info.shot.number for frame in going.frames}
        if shot.number != 1 and shot.number in seen:
            return Request(few, shot.number)
        return ask(power=0.4, decision_id=1, late=max(1, shot.number - max(seen)))

    going.next_request = answer  # type: ignore[method-assign]
    going.go(plan(8, z_plan={"range": 1, "step": 0.5}))
    given = [sum(one.dose_j_cm2 for one in report.applied) for report in going.reports]
    assert [dose > 0 for dose in given] == [True, True, False] + [True] * 5
    assert max(given[2:]) <= given[1] * (1 + 1e-9)


def test_a_first_request_that_is_refused_ends_the_run() -> None:
    going = Run(stand(), ask(power=math.nan))
    outcome = going.go(plan())
    assert isinstance(outcome.error, LightRefused)
    assert outcome.n_frames == 0
    assert outcome.last_seq == -1


def test_a_camera_that_gives_up_in_mid_shot_leaves_a_gap() -> None:
    at = stand()
    going = Run(at, ask())

    def only_four() -> str | None:
        return "nothing" if at.bench.taken >= 4 else None

    at.bench.faults |= {"pop": only_four, "running": lambda: at.bench.taken < 4}
    outcome = going.go(plan(3, z_plan={"range": 2, "step": 1}))
    assert isinstance(outcome.error, CameraTimeout)
    assert outcome.is_dark
    assert [(first, last) for first, last, _ in going.lost] == [(4, 5)]
    assert (outcome.last_seq, outcome.n_frames) == (5, 4)
    assert going.reports[-1].refused


def test_frames_of_a_burst_that_came_before_a_fault_are_published() -> None:
    at = stand()
    going = Run(at, ask())

    def only_one() -> str | None:
        return "nothing" if at.bench.taken >= 1 else None

    at.bench.faults |= {"pop": only_one, "running": lambda: at.bench.taken < 1}
    going.go(plan(1), audit_every=1)
    assert len(going.frames) == 1
    assert [(first, last) for first, last, _ in going.lost] == [(1, 1)]


@pytest.mark.parametrize(
    ("command", "fault", "error"),
    [
        ("lease", lambda: "silence", KeeperLost),
        ("close 488", raising(LightNotDark("stuck")), LightNotDark),
    ],
)
def test_a_fault_of_the_light_ends_the_run(command, fault, error) -> None:
    at = stand()
    at.bench.faults[command] = fault
    if error is LightNotDark:
        at.bench.faults |= {"dark 488": lambda: 0}
    outcome = Run(at, ask()).go(plan())
    assert isinstance(outcome.error, error)
    assert outcome.is_dark == (error is not LightNotDark)


def test_a_bug_elsewhere_passes_through_and_it_is_dark() -> None:
    at = stand()
    going = Run(at, ask())
    at.bench.faults["start"] = raising(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        going.go(plan())
    assert at.bench.is_dark
    assert at.bench.power["488"] == 0


def test_losses_are_logged_where_nobody_takes_them(caplog) -> None:
    at = stand()
    at.bench.faults |= {"pop": lambda: "nothing", "running": lambda: False}
    going = Run(at, ask())
    run(
        plan_shots(plan()), going, at.guard, going.clock, "Camera", going.publish,
        going.next_request, going.reports.append, going.first, lambda: False,
    )  # fmt: skip
    assert "frames 0 to 0 are lost" in caplog.text


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
