"""A stream ends dark and booked, whatever ends it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from acquire.errors import (
    CameraOverrun,
    CameraTimeout,
    KeeperLost,
    LightNotDark,
    LightOverBudget,
    PlanRefused,
    SettingRefused,
)
from acquire.light.bounds import GuardRules
from acquire.settings import Limits, Request
from tests.light_bench import DIODE, LASER, ask, raising, stand
from tests.streaming import FREE, Streaming


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
