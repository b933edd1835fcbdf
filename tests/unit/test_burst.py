from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.errors import CameraOverrun, CameraTimeout, LightOverBudget, PlanRefused
from acquire.light.bounds import GuardRules
from acquire.light.frame_bounds import Allowed
from acquire.loop.burst import EVEN, FrameLight, Ramp, in_bursts
from acquire.plan.plan import plan_shots
from acquire.settings import Limits
from tests.light_bench import DIODE, LASER, LED, LIMITS, ask, raising, stand
from tests.loop_run import Run, plan

TIMES, POWERS = (1.0, 0.5, 0.25), (1.0, 0.8)
RAMP = Ramp(TIMES, POWERS)
GATED_LED = LED.model_copy(update={"gate": "camera"})


def truth_s(n_frames: int, exposure_ms: float = 10.0, power: float = 0.5) -> float:
    """Return what a burst of the ramp gives, s of full power."""
    return sum(exposure_ms * 1e-3 * TIMES[i % 3] * power * POWERS[i % 2] for i in range(n_frames))


def run(at=None, n_frames=6, ramp=RAMP, **about) -> Run:
    going = Run(at or stand(), ask(**about), room=99)
    shots = [in_bursts(shot, n_frames) for shot in plan_shots(plan(2))]
    going.go_with(shots, ramp=ramp)
    return going


@given(
    st.floats(0.1, 1000.0),
    st.floats(0.0, 1.0),
    st.integers(0, 5),
    st.integers(1, 9),
    st.sampled_from([LASER, LED, GATED_LED, DIODE]),
    st.floats(0.1, 1000.0),
)
def test_an_even_burst_is_told_at_once_as_one_whose_shares_are_all_one(
    exposure_ms, power, first, n_frames, source, shortest_ms
) -> None:
    asked = Allowed(exposure_ms, power), range(first, first + n_frames), source, shortest_ms
    assert EVEN.steps(*asked) == Ramp((1.0, 1.0), (1.0,)).steps(*asked) == ()


def test_a_burst_gives_each_frame_its_share_by_hardware() -> None:
    going = run()
    calls = [call for call in going.at.bench.calls if call in ("start", "steps", "steps 488")]
    assert calls == ["steps", "steps 488", "start"] * 2
    used = [(f.info.applied.exposure_ms, f.info.applied.power_fraction) for f in going.frames[:6]]
    assert used == [(10, 0.5), (5, 0.4), (2.5, 0.5), (10, 0.4), (5, 0.5), (2.5, 0.4)]
    assert going.at.bench.lit_s["488"] == pytest.approx(2 * truth_s(6))
    assert going.at.ledger.totals()["488"] == pytest.approx(2 * truth_s(6))
    assert sum(f.info.applied.dose_j_cm2 for f in going.frames) == pytest.approx(2 * truth_s(6))


def test_the_report_of_a_burst_says_what_each_frame_used() -> None:
    going = run()
    assert [len(report.applied) for report in going.reports] == [6, 6]
    assert [a.exposure_ms for a in going.reports[0].applied[:3]] == [10, 5, 2.5]
    assert len(run(ramp=EVEN).reports[0].applied) == 1


def test_a_decision_comes_after_the_whole_burst_and_is_used_for_the_next_one() -> None:
    going = Run(stand(), ask(power=0.5), room=99)
    going.requests = {0: ask(power=0.4, decision_id=0)}
    going.go_with([in_bursts(shot, 4) for shot in plan_shots(plan(2))], ramp=RAMP)
    assert [f.info.applied.decision_id for f in going.frames] == [7] * 4 + [0] * 4
    assert [shot.number for shot in going.asked] == [0, 1]
    assert going.frames[4].info.applied.power_fraction == pytest.approx(0.4)


def test_where_a_device_cannot_step_the_frames_are_taken_one_by_one_with_the_same_light() -> None:
    at = stand()
    at.bench.can_step = False
    going = run(at)
    assert at.bench.calls.count("start") == 12
    used = [(f.info.applied.exposure_ms, f.info.applied.power_fraction) for f in going.frames[:6]]
    assert used == [(10, 0.5), (5, 0.4), (2.5, 0.5), (10, 0.4), (5, 0.5), (2.5, 0.4)]
    assert at.bench.lit_s["488"] == pytest.approx(2 * truth_s(6))
    assert at.ledger.totals()["488"] == pytest.approx(2 * truth_s(6))
    assert [frame.info.shot_frame for frame in going.frames] == [*range(6), *range(6)]


def test_what_a_frame_used_is_told_as_the_device_reads_it_back() -> None:
    at = stand()
    with at.guard.expose(ask(power=0.5), "488", 4, 0, Ramp(powers=POWERS)) as lease:
        lease.start()
        for _ in range(4):
            lease.pop()
    read = [lease.applied_of(frame).power_read_fraction for frame in range(4)]
    assert read == pytest.approx([0.5, 0.4, 0.5, 0.4])


def test_only_what_differs_is_stepped() -> None:
    calls = run(ramp=Ramp(TIMES)).at.bench.calls
    assert "steps" in calls
    assert "steps 488" not in calls
    calls = run(ramp=Ramp(powers=POWERS)).at.bench.calls
    assert "steps 488" in calls
    assert "steps" not in calls


def test_equal_frames_need_no_steps() -> None:
    at = stand()
    at.bench.can_step = False
    assert run(at, ramp=EVEN).at.bench.calls.count("start") == 2


def test_power_of_light_that_we_blank_is_not_stepped_by_hardware() -> None:
    at = stand(DIODE)
    assert not at.guard.can_step("561", 4, Ramp(powers=POWERS))
    assert at.guard.can_step("561", 4, Ramp(TIMES))


def test_a_burst_of_light_that_we_blank_is_booked_from_open_to_closed() -> None:
    at = stand(DIODE)
    with at.guard.expose(ask(channel="561"), "561", 4, 0, Ramp(TIMES)) as lease:
        lease.start()
        for _ in range(4):
            lease.pop()
    lit = at.bench.lit_s["561"]
    assert lit <= at.ledger.totals()["561"] <= lit * 1.02
    doses = [lease.applied_of(frame).dose_j_cm2 for frame in range(4)]
    assert sum(doses) == pytest.approx(at.ledger.totals()["561"])
    assert doses[1] / doses[0] == pytest.approx(0.5)


def test_a_light_that_cannot_be_dimmed_is_exposed_shorter_instead() -> None:
    steps = Ramp(TIMES, POWERS).steps(Allowed(10, 1), range(3), GATED_LED, 1.0)
    assert steps == (FrameLight(10, 1), FrameLight(4, 1), FrameLight(2.5, 1))
    assert Ramp(powers=POWERS).changes_exposure(GATED_LED)
    assert not Ramp(powers=POWERS).changes_power(GATED_LED)


def test_no_frame_is_shorter_than_the_limit_unless_the_first_one_is() -> None:
    assert RAMP.steps(Allowed(10, 1), range(3), LASER, 4.0)[2].exposure_ms == 4
    assert RAMP.steps(Allowed(2, 1), range(3), LASER, 4.0)[2].exposure_ms == 2


def test_a_device_that_takes_steps_gets_one_that_is_not_above_the_share() -> None:
    coarse = LASER.model_copy(update={"power_step": 10.0})
    steps = Ramp(powers=(1.0, 0.55)).steps(Allowed(10, 0.8), range(2), coarse, 1.0)
    assert steps[1].power_fraction == pytest.approx(0.4)


@given(
    st.lists(st.floats(0.01, 1), max_size=5).map(lambda found: (1.0, *found)),
    st.lists(st.floats(0.01, 1), max_size=5).map(lambda found: (1.0, *found)),
    st.integers(1, 12),
    st.floats(1, 100),
    st.floats(0.01, 0.8),
)
def test_no_frame_of_a_burst_gets_more_than_the_first_and_the_ledger_is_the_light_given(
    times: tuple[float, ...], powers: tuple[float, ...], n: int, exposure_ms: float, power: float
) -> None:
    at = stand()
    with at.guard.expose(ask(exposure_ms, power), "488", n, 0, Ramp(times, powers)) as lease:
        lease.start()
        for _ in range(n):
            lease.pop()
    lights = [lease.light_of(frame) for frame in range(n)]
    assert max(light.exposure_ms for light in lights) <= exposure_ms * (1 + 1e-12)
    assert max(light.power_fraction for light in lights) <= power
    assert at.ledger.totals()["488"] == pytest.approx(at.bench.lit_s["488"], rel=1e-4)
    assert sum(lease.applied_of(i).dose_j_cm2 for i in range(n)) == pytest.approx(
        at.ledger.totals()["488"]
    )


def test_a_burst_is_paid_for_before_it_begins() -> None:
    at = stand(limits=Limits(1, 100, 0.8, budget_j_cm2=truth_s(6) * 1.5))
    going = Run(at, ask(), room=99)
    outcome = going.go_with([in_bursts(s, 6) for s in plan_shots(plan(2))], ramp=RAMP)
    assert outcome.reason == "budget spent"
    assert len(going.frames) == 6
    assert at.bench.lit_s["488"] == pytest.approx(truth_s(6))
    with pytest.raises(LightOverBudget), at.guard.expose(ask(), "488", 6, 0, RAMP):
        pass


def test_a_burst_that_breaks_off_is_dark_and_the_rest_is_a_gap() -> None:
    at = stand()
    left = iter([None] * 3)
    at.bench.faults["pop"] = lambda: next(left, "nothing")
    going = Run(at, ask(), room=0)
    outcome = going.go_with([in_bursts(s, 6) for s in plan_shots(plan(1))], ramp=RAMP)
    assert isinstance(outcome.error, CameraTimeout)
    assert going.lost[0][:2] == (3, 5)
    assert at.bench.is_dark
    assert [f.info.applied.exposure_ms for f in going.frames] == [10, 5, 2.5]
    assert at.ledger.totals()["488"] >= at.bench.lit_s["488"]


def test_a_buffer_that_ran_over_is_an_error_of_its_own_and_a_gap() -> None:
    at = stand()
    at.bench.is_overrun = True
    at.bench.faults["running"] = lambda: False
    at.bench.faults["pop"] = lambda: "nothing"
    going = Run(at, ask(), room=0)
    outcome = going.go_with([in_bursts(s, 6) for s in plan_shots(plan(1))])
    assert isinstance(outcome.error, CameraOverrun)
    assert "ran over" in going.lost[0][2]
    assert outcome.is_dark


@pytest.mark.parametrize("command", ["steps", "steps 488"])
def test_a_device_that_refuses_its_steps_ends_the_run_in_the_dark(command: str) -> None:
    at = stand()
    at.bench.faults[command] = raising(PlanRefused("no"))
    going = Run(at, ask())
    outcome = going.go_with([in_bursts(s, 6) for s in plan_shots(plan(1))], ramp=RAMP)
    assert isinstance(outcome.error, PlanRefused)
    assert at.bench.is_dark
    assert not at.bench.lit_s.get("488")


@pytest.mark.parametrize("shares", [(0.5,), (1.0, 0.0), (1.0, 1.1), (1.0, math.nan), (1.0, -1.0)])
def test_a_ramp_is_of_shares_of_the_first_frame(shares: tuple[float, ...]) -> None:
    with pytest.raises(PlanRefused, match="shares of the first"):
        Ramp(shares)
    with pytest.raises(PlanRefused, match="shares of the first"):
        Ramp(powers=shares)


def test_a_shot_in_bursts_has_a_burst_for_every_look_and_exposure() -> None:
    shot = next(iter(plan_shots(plan(1), audit_every=1)))
    assert in_bursts(shot, 5).shot.n_frames == 10
    assert in_bursts(shot, 1).shot.n_frames == 2
    several = replace(shot, exposures=shot.exposures * 3)
    assert in_bursts(several, 5).shot.n_frames == 30
    assert in_bursts(shot.plain(), 5).shot.n_frames == 5


def test_the_guard_waits_as_long_for_a_burst_as_its_frames_take() -> None:
    at = stand(rules=GuardRules(lease_margin_ms=100, frame_margin_ms=0), limits=LIMITS)
    with at.guard.expose(ask(100.0), "488", 4, 0, Ramp(TIMES)) as lease:
        shortest_ms = 100 * (1 + 0.5 + 0.25 + 1)
        left_ms = (lease.deadline_ns - at.bench.now) * 1e-6
        assert shortest_ms < left_ms < shortest_ms + 101
        lease.start()
        for _ in range(4):
            lease.pop()


def test_a_stop_is_heard_between_frames_that_are_taken_one_by_one() -> None:
    at = stand()
    at.bench.can_step = False
    going = Run(at, ask(), room=99, stop_after=3)
    outcome = going.go_with([in_bursts(s, 6) for s in plan_shots(plan(2))], ramp=RAMP)
    assert outcome.reason == "stopped"
    assert len(going.frames) == 3
    assert [lost[:2] for lost in going.lost] == [(3, 5)]
    assert going.reports[-1].refused == "stopped"


def test_each_frame_of_a_burst_is_read_back_as_its_own_exposure() -> None:
    read_ms = [f.info.applied.exposure_read_ms for f in run().frames[:6]]
    assert read_ms == pytest.approx([10.0 * TIMES[i % 3] for i in range(6)])
