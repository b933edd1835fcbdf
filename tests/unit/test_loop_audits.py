"""An audit in the loop: two looks at equal light, booked twice."""

from __future__ import annotations

import msgspec
import pytest

from acquire.settings import ChannelSettings, Request, Settings
from tests.light_bench import GATED_DIODE, LASER, LIMITS, MS, ask, stand
from tests.loop_run import Run, plan


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
    going = Run(stand(LASER, GATED_DIODE), Request(both, -1))
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
