from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec
import pytest

from acquire.errors import (
    CameraOverrun,
    CameraTimeout,
    KeeperLost,
    LightNotDark,
    LightOverBudget,
    LightRefused,
    PlanRefused,
    SettingRefused,
)
from acquire.frame import Shot
from acquire.light.bounds import GuardRules
from acquire.loop.flow import Flow
from acquire.loop.loop import Outcome
from acquire.plan.plan import PlannedExposure, plan_shots
from acquire.settings import Limits, Request
from tests.light_bench import DIODE, LASER, MS, Stand, ask, raising, stand, take
from tests.loop_run import Run, plan

FREE = Limits(1, 100, 1.0, budget_j_cm2=1e6)


@dataclass
class Streaming:
    """A stream over a bench: what it is asked to do after some of its frames."""

    at: Stand
    first: Request = field(default_factory=ask)
    requests: dict[int, Request] = field(default_factory=dict)
    at_frame: dict[int, Callable[[], object]] = field(default_factory=dict)
    n_rests: int = 0
    rests_after: int = 10**9
    listens: bool = False

    def __post_init__(self) -> None:
        self.run = Run(self.at, self.first, room=99)
        self.request = self.first

    def newest(self, shot: Shot, wait_s: float) -> Request:
        if not wait_s or self.listens:
            self.request = self.requests.pop(len(self.run.frames), self.request)
        self.at.bench.spend(int(wait_s * 1e9))
        if not wait_s and (act := self.at_frame.pop(len(self.run.frames), None)):
            act()
        return self.request

    def rest(self) -> None:
        assert self.at.bench.is_dark
        self.n_rests += 1

    def go(self, n: int = 20, **about) -> Outcome:
        flow = Flow(
            self.newest, lambda: self.n_rests == 0 and len(self.run.frames) >= self.rests_after,
            self.rest,
        )  # fmt: skip
        about = {"time_plan": {"interval": 0, "loops": n}} | about
        return self.run.go_with(plan_shots(plan(**about)), flow=flow)

    @property
    def used(self) -> list[tuple[float, float]]:
        return [
            (f.info.applied.exposure_ms, f.info.applied.power_fraction) for f in self.run.frames
        ]

    @property
    def dose(self) -> list[float]:
        return [f.info.applied.dose_j_cm2 for f in self.run.frames]


def test_a_stream_takes_every_shot_of_the_plan_with_one_start_and_one_opening() -> None:
    going = Streaming(stand(limits=FREE))
    assert going.go(20) == Outcome(True, "the plan is done", 19, 20, is_dark=True)
    calls = going.at.bench.calls
    assert [calls.count(one) for one in ("start", "open 488", "stop")] == [1, 1, 1]
    assert [f.info.seq for f in going.run.frames] == list(range(20))
    assert [f.info.shot.number for f in going.run.frames] == list(range(20))
    assert going.run.lost == []


@pytest.mark.parametrize("light", [LASER, DIODE])
def test_what_is_booked_is_the_light_that_was_given(light) -> None:
    going = Streaming(stand(light, limits=FREE), ask(channel=light.name))
    going.go(100, channels=[light.name])
    lit = going.at.bench.lit_s[light.name]
    assert lit > 99 * 0.010 * 0.5
    assert lit * 0.9999 <= going.at.ledger.totals()[light.name] <= lit * 1.002


def test_one_lease_is_renewed_before_its_deadline_and_the_keeper_knows_the_later_one() -> None:
    going = Streaming(stand(limits=FREE, rules=GuardRules(lease_margin_ms=100)))
    going.go(100)
    deadlines = going.at.keeper.deadlines
    assert len(deadlines) > 10
    assert all(later > earlier for earlier, later in pairwise(deadlines))
    assert going.at.bench.calls.count("lease closed") == 1
    assert all(later - earlier < 100 * MS for earlier, later in pairwise(deadlines))


def test_power_changes_at_once_and_exposure_one_frame_later() -> None:
    going = Streaming(stand(limits=FREE))
    going.requests = {5: ask(exposure_ms=4, power=0.25, decision_id=4)}
    going.go(20)
    bench = going.at.bench
    for frame, (exposure_ms, _) in zip(going.run.frames, bench.truth, strict=False):
        assert frame.info.applied.exposure_ms == exposure_ms
    assert [ms for ms, _ in bench.truth[4:8]] == [10, 10, 4, 4]
    told = [(r.decision_id, r.first_seq, r.stale) for r in going.run.reports]
    assert told == [(7, 0, 0), (4, 6, 1)]
    assert going.dose == pytest.approx([dose for _, dose in bench.truth[:20]], rel=0.02)
    assert [f.info.applied.decision_id for f in going.run.frames] == [7] * 6 + [4] * 14


def test_a_frame_that_saw_the_power_change_tells_its_mean_power() -> None:
    going = Streaming(stand(limits=FREE), listens=True)
    going.requests = {5: ask(power=0.25, decision_id=4)}
    bench = going.at.bench
    going.go(12)
    mixed = going.run.frames[5].info.applied
    assert 0.25 < mixed.power_fraction < 0.5
    assert mixed.dose_j_cm2 == pytest.approx(bench.truth[5][1], rel=0.02)
    assert going.dose == pytest.approx([dose for _, dose in bench.truth[:12]], rel=0.02)


@pytest.mark.parametrize("light", [LASER, DIODE])
def test_many_changes_are_booked_within_one_per_cent(light) -> None:
    going = Streaming(stand(light, limits=FREE), ask(channel=light.name), listens=True)
    for n in range(3, 200, 3):
        about = {"exposure_ms": 2 + n % 7, "power": 0.1 + 0.01 * (n % 50), "decision_id": n - 1}
        going.requests[n] = ask(channel=light.name, **about)
    going.go(200, channels=[light.name])
    assert not going.requests
    lit = going.at.bench.lit_s[light.name]
    assert going.at.ledger.totals()[light.name] == pytest.approx(lit, rel=0.01)
    assert sum(going.dose) == pytest.approx(lit, rel=0.01)
    assert going.used[-1] == (2 + 198 % 7, pytest.approx(0.1 + 0.01 * (198 % 50)))


def test_frames_that_wait_behind_a_change_are_counted_as_stale() -> None:
    going = Streaming(stand(limits=FREE))
    going.requests = {5: ask(exposure_ms=5, decision_id=4)}
    going.at_frame = {5: lambda: going.at.bench.spend(35 * MS)}
    going.go(20)
    change = going.run.reports[-1]
    assert (change.first_seq, change.stale) == (9, 4)
    assert [ms for ms, _ in going.at.bench.truth[:20]] == [ms for ms, _ in going.used]


def test_a_camera_that_works_ahead_is_given_its_lag() -> None:
    at = stand(limits=FREE)
    with at.guard.stream(ask(), "488", 1, 0, lag_frames=3) as lease:
        lease.start()
        lease.pop_truth()
        lease.change(ask(exposure_ms=5, decision_id=8))
        used = [lease.pop_truth()[1].exposure_ms for _ in range(5)]
    assert used == [10, 10, 10, 5, 5]
    assert lease.n_stale == 3


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


@pytest.mark.parametrize("breaks_off", [False, True])
def test_frames_that_a_camera_which_works_ahead_still_holds_are_booked(breaks_off: bool) -> None:
    booked = []
    for lag_frames in (1, 3):
        at = stand(limits=FREE)
        with (
            suppress(LightRefused),
            at.guard.stream(ask(), "488", 1, 0, lag_frames) as lease,
        ):
            lease.start()
            lease.pop_truth()
            if breaks_off:
                raise LightRefused("a person stops it")
        booked.append(at.ledger.totals()["488"])
    assert booked[1] - booked[0] == pytest.approx(2 * 10.0 * 1e-3 * 0.5)


def test_a_budget_is_spent_by_the_frame_and_ends_the_stream() -> None:
    at = stand(limits=Limits(1, 100, 1.0, budget_j_cm2=1.0))
    going = Streaming(at)
    outcome = going.go(1000)
    assert outcome.reason == "budget spent"
    assert 0.9 < at.bench.lit_s["488"] <= 1.0
    assert at.ledger.totals()["488"] == pytest.approx(at.bench.lit_s["488"], rel=0.002)


def test_more_light_than_the_budget_can_pay_for_ends_the_stream_before_it_is_set() -> None:
    at = stand(limits=Limits(1, 100, 1.0, budget_j_cm2=0.3))
    with at.guard.stream(ask(exposure_ms=10, power=0.1), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        with pytest.raises(LightOverBudget):
            lease.change(ask(exposure_ms=100, power=1.0))
    assert at.bench.is_dark
    assert at.bench.exposure_ms == 10
    assert at.ledger.totals()["488"] == pytest.approx(at.bench.lit_s["488"], rel=0.01)


def test_a_camera_that_hangs_ends_the_run_dark_before_the_lease_does() -> None:
    at = stand(limits=FREE)
    going = Streaming(at)
    going.at_frame = {5: lambda: at.bench.faults.update(pop=lambda: "nothing")}
    outcome = going.go(20)
    assert isinstance(outcome.error, CameraTimeout)
    assert at.bench.is_dark
    assert at.bench.now < at.keeper.deadlines[-1]
    assert at.ledger.totals()["488"] >= at.bench.lit_s["488"] * 0.999
    assert going.run.lost == [(5, 5, str(outcome.error))]


def test_a_stream_whose_buffer_ran_over_saves_what_is_left_and_tells_the_gap() -> None:
    at = stand(limits=FREE)

    def overrun() -> None:
        at.bench.is_overrun, at.bench.is_running = True, False

    going = Streaming(at, at_frame={5: overrun})
    outcome = going.go(20)
    assert isinstance(outcome.error, CameraOverrun)
    assert [lost[:2] for lost in going.run.lost] == [(5, 5)]
    assert at.bench.is_dark


def test_a_keeper_that_does_not_hear_of_a_renewal_ends_the_light() -> None:
    at = stand(limits=FREE, rules=GuardRules(lease_margin_ms=100))
    going = Streaming(at)
    going.at_frame = {5: lambda: at.bench.faults.update(lease=lambda: "no answer")}
    outcome = going.go(200)
    assert isinstance(outcome.error, KeeperLost)
    assert at.bench.is_dark


def test_a_stop_light_ends_a_stream_and_books_it() -> None:
    at = stand(limits=FREE)
    going = Streaming(at, at_frame={5: at.guard.go_dark})
    outcome = going.go(20)
    assert outcome.reason == "the light was stopped"
    assert len(going.run.frames) == 5
    assert at.ledger.totals()["488"] >= at.bench.lit_s["488"] * 0.999


@pytest.mark.parametrize("command", ["power 488", "exposure"])
def test_a_device_that_takes_another_value_in_mid_stream_ends_it_dark(command: str) -> None:
    at = stand(limits=FREE)
    going = Streaming(at)
    going.requests = {5: ask(exposure_ms=5, power=0.3, decision_id=4)}
    going.at_frame = {5: lambda: at.bench.faults.update({command: lambda: 50.0})}
    outcome = going.go(20)
    assert isinstance(outcome.error, SettingRefused)
    assert at.bench.is_dark
    assert at.ledger.totals()["488"] >= at.bench.lit_s["488"] * 0.99


def test_a_camera_that_takes_no_exposure_while_it_runs_is_started_anew() -> None:
    at = stand(limits=FREE)
    going = Streaming(at)
    going.requests = {5: ask(exposure_ms=5, decision_id=4)}

    def busy() -> None:
        if at.bench.is_running:
            raise SettingRefused("the camera is busy")

    at.bench.faults["exposure"] = busy
    outcome = going.go(20)
    assert outcome.is_complete
    assert at.bench.calls.count("start") == 2
    assert going.used[4:6] == [(10, 0.5), (5, 0.5)]
    lit = at.bench.lit_s["488"]
    assert at.ledger.totals()["488"] == pytest.approx(lit, rel=0.02)


def test_a_request_without_light_ends_the_lease_and_the_next_one_is_dark() -> None:
    at = stand(limits=FREE)
    going = Streaming(at)
    going.requests = {5: ask(power=0.0, decision_id=4)}
    outcome = going.go(10)
    assert outcome.is_complete
    assert at.bench.calls.count("open 488") == 1
    assert set(going.dose[5:]) == {0.0}


@pytest.mark.parametrize("about", [{"z_um": (1.0,)}, {"interval_s": 5.0}, {"binning": 2}])
def test_what_a_stream_cannot_do_is_refused_and_it_goes_on(about) -> None:
    wrong = msgspec.structs.replace(ask().settings, **about)
    going = Streaming(stand(limits=FREE))
    going.requests = {5: Request(wrong, 4)}
    assert going.go(12).is_complete
    assert set(going.used) == {(10, 0.5)}
    assert going.at.bench.calls.count("start") == 1


def test_two_channels_or_planes_are_no_stream() -> None:
    at = stand(LASER, DIODE, limits=FREE)
    outcome = Streaming(at).go(2, channels=["488", "561"])
    assert isinstance(outcome.error, PlanRefused)
    assert not at.bench.lit_s


def test_another_place_is_another_lease() -> None:
    going = Streaming(stand(limits=FREE))
    outcome = going.go(3, stage_positions=[(0, 0, 0), (9, 9, 0)])
    assert outcome.is_complete
    assert going.at.bench.calls.count("start") == 6
    assert [f.info.shot.position for f in going.run.frames] == [0, 1] * 3


def test_a_stream_rests_in_the_dark_while_nothing_can_be_saved() -> None:
    going = Streaming(stand(limits=FREE), rests_after=5)
    assert going.go(12).is_complete
    assert going.n_rests == 2
    assert going.at.bench.calls.count("open 488") == 2


def test_a_frame_without_room_is_a_gap_and_nobody_is_waited_for() -> None:
    going = Streaming(stand(limits=FREE))
    going.at_frame = {5: lambda: setattr(going.run, "room", 0)}
    going.go(8)
    assert [lost[:2] for lost in going.run.lost] == [(5, 5), (6, 6), (7, 7)]


def test_a_pause_ends_the_lease() -> None:
    going = Streaming(stand(limits=FREE))
    going.run.pause_after = 5
    going.at_frame = {}
    pause = going.run.pause
    was_dark: list[bool] = []

    def wait(should_stop: Callable[[], bool]) -> None:
        if pause.is_on:
            was_dark.append(going.at.bench.is_dark)
            pause.end()

    pause.wait = wait  # type: ignore[method-assign]
    assert going.go(10).is_complete
    assert was_dark == [True]
    assert going.at.bench.calls.count("open 488") == 2


def test_a_light_that_will_not_close_at_the_end_of_a_stream_calls_the_keeper() -> None:
    at = stand(limits=FREE)
    at.bench.faults |= {"close 488": lambda: True, "dark 488": lambda: False}
    outcome = Streaming(at).go(3)
    assert isinstance(outcome.error, LightNotDark)
    assert at.keeper.is_alarmed
    assert not outcome.is_dark


def test_a_camera_that_cannot_start_gives_no_light_that_is_not_booked() -> None:
    at = stand(limits=FREE)
    at.bench.faults["start"] = raising(SettingRefused("no"))
    outcome = Streaming(at).go(3)
    assert isinstance(outcome.error, SettingRefused)
    assert at.bench.is_dark


def test_a_stream_is_one_lease_and_ends_with_its_with() -> None:
    at = stand(limits=FREE)
    with at.guard.stream(ask(), "488", 1, 0) as lease:
        with pytest.raises(LightRefused, match="one lease"), at.guard.stream(ask(), "488", 1, 0):
            pass
        lease.start()
        lease.pop_truth()
    with pytest.raises(LightRefused):
        lease.start()


def test_a_long_stream_books_each_frame_once_however_often_it_is_renewed() -> None:
    going = Streaming(stand(limits=FREE))
    going.go(200)  # 2 s: renewed every half
    assert len(going.at.keeper.deadlines) >= 4
    shone = going.at.bench.lit_s["488"]
    assert going.at.ledger.spent(0, "488") == pytest.approx(shone, rel=0.02)


def test_a_stream_of_slow_light_gives_its_switch_time_and_pays_for_it() -> None:
    slow = DIODE.model_copy(
        update={"settle_ms": 70.0, "open_delay_ms": 30.0, "close_delay_ms": 20.0}
    )
    rules = GuardRules(lease_margin_ms=200.0)
    seen = []
    for light in (DIODE, slow):
        at = stand(light, limits=FREE, rules=rules)
        with at.guard.stream(ask(channel="561"), "561", 1, 0) as lease:
            assert lease.deadline_ns - lease.patience_ns == 100 * MS
            seen.append((at.keeper.deadlines[0], at.ledger.spent(0, "561")))
    (soon_ns, little), (late_ns, much) = seen
    assert late_ns - soon_ns == pytest.approx(120 * MS, abs=MS)
    assert much - little == pytest.approx(0.5 * 0.120)


@pytest.mark.parametrize("light", [LASER, DIODE])
def test_a_stream_that_never_had_light_is_not_booked(light) -> None:
    at = stand(light, limits=FREE)
    at.bench.faults["lease"] = lambda: "no answer"
    with (
        pytest.raises(KeeperLost),
        at.guard.stream(ask(channel=light.name), light.name, 1, 0),
    ):
        pass
    assert at.ledger.spent(0, light.name) == 0.0
    assert at.bench.lit_s.get(light.name, 0.0) == 0.0


def test_a_stream_whose_camera_was_never_started_is_not_booked_where_that_blanks_it() -> None:
    at = stand(limits=FREE)
    with at.guard.stream(ask(), "488", 1, 0):
        at.bench.spend(50 * MS)
    assert at.bench.lit_s.get("488", 0.0) == 0.0
    assert at.ledger.spent(0, "488") == 0.0


def test_a_change_to_a_longer_exposure_gives_the_lease_the_time_for_it() -> None:
    at = stand(limits=FREE)
    with at.guard.stream(ask(), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        before_ms = lease.frame_patience_ms
        assert lease.change(ask(exposure_ms=90.0))
        assert lease.frame_patience_ms - before_ms == pytest.approx(80.0)
        last_ns = at.keeper.deadlines[-1]
        assert last_ns == lease.deadline_ns
        assert last_ns - at.bench.now > (lease.window_ms + 90.0) * MS
