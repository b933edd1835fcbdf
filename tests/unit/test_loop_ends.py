"""How a run of the loop ends: dark, and with its reason."""

from __future__ import annotations

import math

import pytest

from acquire.errors import CameraTimeout, KeeperLost, LightNotDark, LightRefused
from acquire.frame import Shot
from acquire.light.bounds import GuardRules
from acquire.loop.loop import run
from acquire.plan.plan import plan_shots
from acquire.settings import Limits, Request, Settings
from tests.light_bench import ask, raising, stand
from tests.loop_run import Run, plan


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
