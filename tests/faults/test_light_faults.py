"""What breaks while light is on: it ends dark, or somebody is called; and it is always booked."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
from typing import Any

import pytest

from acquire.errors import CameraTimeout, KeeperLost, LightNotDark, LightRefused, SettingRefused
from acquire.light.bounds import GuardRules
from acquire.loop.standstill import LOOKS, Standstill
from tests.light_bench import DIODE, LASER, ask, lie_first, raising, stand, take

CRASH = RuntimeError("the analysis crashed")


def spent_is_at_least_what_shone(at: Any) -> None:
    for source in at.bench.sources:
        shone = at.bench.lit_s.get(source.name, 0.0)
        assert at.ledger.spent(0, source.name) >= shone * (1 - 1e-9)
    assert not at.ledger._open  # nothing is reserved for ever


# F1, F2: the code between the opening and the closing of the light fails.


@pytest.mark.parametrize("source", [LASER, DIODE], ids=["with shutter", "without shutter"])
@pytest.mark.parametrize("error", [CRASH, KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
@pytest.mark.parametrize("is_started", [False, True])
def test_any_way_out_of_a_lease_is_dark(source, error: BaseException, is_started: bool) -> None:
    at = stand(source)

    def fail() -> None:
        with at.guard.expose(ask(channel=source.name), source.name, 4, 0) as lease:
            if is_started:
                lease.start()
                lease.pop()
            raise error

    with pytest.raises(type(error)):
        fail()
    assert at.bench.is_dark
    assert at.bench.power[source.name] == 0
    assert "lease closed" in at.bench.calls
    assert ("stop" in at.bench.calls) == is_started
    spent_is_at_least_what_shone(at)
    if is_started and source is LASER:  # three frames were paid for, and the camera had no time
        assert at.ledger.spent(0, source.name) == pytest.approx(0.010 * 0.5, rel=0.02)
    take(at, ask(channel=source.name))


def test_leaving_a_lease_early_without_an_error_is_dark_and_booked_until_then() -> None:
    at = stand()
    with at.guard.expose(ask(), "488", 8, 0) as lease:
        lease.start()
        lease.pop()
    assert at.bench.is_dark
    spent_is_at_least_what_shone(at)
    assert at.ledger.spent(0, "488") == pytest.approx(0.010 * 0.5, rel=0.02)


# Every single command fails, once or for ever, by an error or by Ctrl-C.

COMMANDS = ["lease", "exposure", "power 488", "open 488", "start", "running", "pop",
            "close 488", "lease closed", "stop"]  # fmt: skip


@pytest.mark.parametrize("error", [OSError("serial port"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("times", [1, 10**9], ids=["once", "for ever"])
@pytest.mark.parametrize("command", COMMANDS)
def test_whichever_command_fails_it_is_dark_and_booked(command, times, error) -> None:
    at = stand()
    at.bench.faults[command] = raising(error, times)
    with contextlib.suppress(type(error), LightNotDark):  # no other error may come of it
        take(at, ask())
    assert at.bench.is_dark
    spent_is_at_least_what_shone(at)


def test_a_ctrl_c_in_the_middle_of_closing_is_raised_after_it_is_dark() -> None:
    at = stand()
    at.bench.faults["close 488"] = raising(KeyboardInterrupt(), times=1)
    with pytest.raises(KeyboardInterrupt):
        take(at, ask())
    assert at.bench.is_dark
    assert "lease closed" in at.bench.calls


def test_an_error_in_closing_that_the_second_try_heals_ends_nothing() -> None:
    at = stand()
    at.bench.faults["close 488"] = raising(OSError("busy"), times=1)
    take(at, ask())
    del at.bench.faults["close 488"]
    take(at, ask())
    assert not at.keeper.is_alarmed


# A light that does not obey, or lies.


def test_a_light_that_cannot_be_darkened_calls_the_keeper_and_ends_all_light() -> None:
    at = stand(rules=GuardRules(tries=3))
    at.bench.faults |= {"close 488": lambda: 1, "dark 488": lambda: 0}
    with pytest.raises(LightNotDark, match="'488' will not go dark"):
        take(at, ask())
    assert at.keeper.is_alarmed
    assert at.bench.calls.count("dark 488") == 2
    assert "lease closed" not in at.bench.calls  # the keeper's clock goes on
    with pytest.raises(LightRefused, match="was stopped"):
        take(at, ask())
    spent_is_at_least_what_shone(at)


def test_a_keeper_that_cannot_be_called_does_not_hide_that_the_light_is_on() -> None:
    at = stand()
    at.bench.faults |= {
        "close 488": raising(OSError("gone")),
        "dark 488": raising(OSError("gone")),
        "alarm": raising(KeeperLost("gone")),
    }
    with pytest.raises(LightNotDark):
        take(at, ask())
    spent_is_at_least_what_shone(at)


def test_a_shutter_that_stays_open_ends_the_run_though_the_power_is_off() -> None:
    at = stand()

    def stays_open() -> bool:
        at.bench.is_open["Shutter"] = True
        return True

    at.bench.faults |= {"close 488": stays_open, "ask 488": lambda: True}
    with pytest.raises(LightNotDark, match="only since its power was taken away"):
        take(at, ask())
    assert not at.keeper.is_alarmed
    assert at.bench.is_dark
    assert at.guard.is_stopped


def test_a_shutter_that_does_not_answer_any_more_counts_as_open() -> None:
    at = stand()
    at.bench.faults |= {"close 488": raising(OSError("gone")), "ask 488": raising(OSError("gone"))}
    with pytest.raises(LightNotDark, match="its switch does not obey"):
        take(at, ask())
    assert at.bench.is_dark


def test_a_shutter_that_closes_at_the_second_try_is_no_fault() -> None:
    at = stand()
    at.bench.faults["close 488"] = lie_first(1)
    take(at, ask())
    assert not at.guard.is_stopped
    assert at.bench.is_dark


def test_another_light_found_on_after_an_exposure_is_switched_off() -> None:
    at = stand(LASER, DIODE)

    def somebody_turns_the_knob() -> None:
        at.bench.power["561"] = 0.3

    at.bench.faults["start"] = somebody_turns_the_knob
    with pytest.raises(LightNotDark, match="nobody had asked for it"):
        take(at, ask())
    assert at.bench.is_dark


@pytest.mark.parametrize("lie", [20.0 / 50, 5.0, -1.0, math.nan])
def test_a_set_that_did_nothing_is_noticed_before_light(lie: float) -> None:  # F9
    at = stand()
    take(at, ask(power=0.2))
    at.bench.lit_s.clear()
    at.bench.faults["power 488"] = lambda: lie
    with pytest.raises(SettingRefused):
        take(at, ask(power=0.5))
    assert at.bench.lit_s == {}


def test_a_lie_of_a_light_without_shutter_is_booked_as_it_shone() -> None:
    at = stand(DIODE)

    def too_much() -> float:
        at.bench.power["561"] = 1.0
        at.bench.spend(5_000_000)
        return 1.0

    at.bench.faults["power 561"] = too_much
    with pytest.raises(SettingRefused):
        take(at, ask(channel="561", power=0.1))
    assert at.bench.is_dark
    assert at.bench.lit_s["561"] >= 0.005
    spent_is_at_least_what_shone(at)


# F5, F14: the camera.


@pytest.mark.parametrize(("running", "says"), [(True, "does not deliver"), (False, "ended its")])
def test_a_camera_that_gives_nothing_ends_in_the_dark(running: bool, says: str) -> None:
    at = stand(rules=GuardRules(lease_margin_ms=50))
    at.bench.faults |= {"pop": lambda: "nothing", "running": lambda: running}
    begin = at.bench.now
    with pytest.raises(CameraTimeout, match=says) as told:
        take(at, ask())
    assert "switch_allowance" not in str(told.value), "nobody waits for a switch: the camera blanks"
    assert at.bench.is_dark
    assert at.bench.now < at.keeper.deadlines[0]
    assert at.bench.now - begin < 400_000_000
    spent_is_at_least_what_shone(at)


@pytest.mark.parametrize("frames_before", [0, 60])
def test_a_camera_that_hangs_in_a_burst_under_open_light_soon_ends_it(frames_before: int) -> None:
    at = stand(DIODE)
    at.bench.faults["pop"] = lambda: "nothing" if at.bench.taken >= frames_before else None
    with pytest.raises(CameraTimeout, match="switch_allowance_ms"):
        take(at, ask(channel="561", power=0.8), n_frames=64)
    paid = 0.8 * 64 * (0.010 + 0.005)
    assert at.ledger.spent(0, "561") < paid + 0.8 * 0.6  # half of the lease's margin
    shone_s = at.bench.lit_s["561"] / 0.8
    assert shone_s < frames_before * 0.010 + 0.7
    assert at.bench.now < at.keeper.deadlines[0]
    spent_is_at_least_what_shone(at)


def test_a_camera_that_hangs_in_a_long_burst_is_given_up_at_the_next_frame() -> None:
    at = stand()
    at.bench.faults["pop"] = lambda: "nothing"
    begin = at.bench.now
    with pytest.raises(CameraTimeout, match="0 of 500"):
        take(at, ask(power=0.1), n_frames=500)
    assert at.bench.now - begin < 700_000_000


def test_a_camera_that_hangs_while_it_is_stopped_hangs_in_the_dark() -> None:
    at = stand()
    dark: list[bool] = []
    at.bench.faults["stop"] = lambda: dark.append(at.bench.is_dark)
    take(at, ask())
    assert dark == [True]


@pytest.mark.parametrize("command", ["exposure", "start", "stop"])
def test_a_camera_whose_driver_never_returns_is_found_out(command: str) -> None:
    at = stand()
    said: list[str] = []
    still = Standstill(at.guard, said.append, at.bench.now_ns)

    def hang() -> None:
        at.bench.now += 3600 * 10**9
        for _ in range(LOOKS):
            still.look()
        assert said == []
        still.look()
        raise OSError("the cable was pulled, at last")

    at.bench.faults[command] = hang
    with pytest.raises(OSError, match="at last"):
        take(at, ask())
    assert len(said) == 1
    assert at.guard.lease is None
    assert at.bench.is_dark


def test_a_burst_that_breaks_off_is_booked_in_full() -> None:
    at = stand()

    def only_two() -> str | None:
        return "nothing" if at.bench.taken >= 2 else None

    at.bench.faults |= {"pop": only_two, "running": lambda: at.bench.taken < 2}
    with pytest.raises(CameraTimeout, match="after 2 of 8 frames"):
        take(at, ask(), n_frames=8)
    assert at.bench.is_dark
    spent_is_at_least_what_shone(at)
    assert at.ledger.spent(0, "488") >= 8 * 0.010 * 0.5


@pytest.mark.parametrize(
    ("power", "exposure_ms"), [(math.nan, 10), (0.5, math.nan), (-1, 10), (0.5, -10)]
)
def test_numbers_that_are_none_never_reach_a_device(power: float, exposure_ms: float) -> None:
    at = stand()
    with pytest.raises(LightRefused):
        take(at, ask(exposure_ms, power))
    assert at.bench.calls == []


def test_power_beyond_the_limits_is_cut_and_the_frame_says_so() -> None:  # F9: 500 of 100
    at = stand()
    applied = take(at, ask(power=5.0)).applied
    assert applied.power_fraction == 0.8
    assert "above max_power_fraction 0.8" in applied.clamped


def test_a_log_that_blocks_holds_up_neither_darkness_nor_the_call_for_help() -> None:
    at = stand(LASER, DIODE)
    freed = threading.Event()

    class Stuck(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            freed.wait(10)

    handler, logger, done = Stuck(), logging.getLogger("acquire"), threading.Event()
    before = set(threading.enumerate())
    at.bench.faults["dark 488"] = raising(OSError("gone"))
    logger.addHandler(handler)
    try:
        thread = threading.Thread(target=lambda: at.guard.go_dark() or done.set(), daemon=True)
        thread.start()
        assert done.wait(1.0)
        assert at.keeper.is_alarmed
        assert "dark 561" in at.bench.calls
    finally:
        freed.set()
        for thread in set(threading.enumerate()) - before:
            thread.join(10)
        logger.removeHandler(handler)
