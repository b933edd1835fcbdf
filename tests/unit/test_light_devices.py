"""Devices that are slow, do not obey or share a shutter give no light that nobody asked for."""

from __future__ import annotations

import math

import pytest

from acquire.errors import (
    LightNotDark,
    LightRefused,
    SettingRefused,
)
from acquire.light.bounds import GuardRules
from acquire.light.source import LightSource
from tests.light_bench import (
    LASER,
    MS,
    Bench,
    ask,
    raising,
    stand,
    take,
)

COMMAND = 10_000  # ns that a command of the bench takes: the exposure is set before the lease


@pytest.mark.parametrize("found", [0.2, 0.9, math.nan])
def test_a_power_that_is_not_read_back_gets_no_light(found: float) -> None:
    at = stand()
    at.bench.faults["power 488"] = lambda: found
    with pytest.raises(SettingRefused, match=r"was set to 0\.5"):
        take(at, ask())
    assert "open 488" not in at.bench.calls
    assert at.bench.is_dark


@pytest.mark.parametrize("found", [50.0, 9.0, math.nan])
def test_an_exposure_that_is_not_read_back_gets_no_light(found: float) -> None:
    at = stand()
    at.bench.faults["exposure"] = lambda: found
    with pytest.raises(SettingRefused, match="set to 10 ms"):
        take(at, ask(exposure_ms=10))
    assert "open 488" not in at.bench.calls


def test_a_shutter_that_does_not_open_is_no_exposure() -> None:
    at = stand()
    at.bench.faults["open 488"] = lambda: 0
    with pytest.raises(SettingRefused, match="says it is closed"):
        take(at, ask())
    assert "start" not in at.bench.calls


def test_a_slow_shutter_is_given_its_delay_to_open_and_to_close() -> None:
    at = stand(LASER.model_copy(update={"open_delay_ms": 1.0, "close_delay_ms": 1.0}))
    told: list[bool] = []

    def moving(to: bool):
        def fault() -> bool:
            at.bench.is_open["Shutter"] = to
            told.append(to)
            return not to  # what it says while it moves

        return fault

    at.bench.faults |= {"open 488": moving(True), "close 488": moving(False)}
    take(at, ask())
    assert told == [True, False]
    assert "dark 488" not in at.bench.calls


def test_power_settles_before_the_light_opens() -> None:
    at = stand(LASER.model_copy(update={"settle_ms": 1.0}))
    take(at, ask())
    assert at.bench.taken == 1


def test_every_delay_of_a_device_is_waited_for_and_counts_for_the_deadline() -> None:
    slow = {"settle_ms": 7.0, "open_delay_ms": 5.0, "close_delay_ms": 1.0}
    at = stand(LASER.model_copy(update=slow), rules=GuardRules(lease_margin_ms=50))
    waits: list[tuple[str, float]] = []

    def wait(seconds: float) -> bool:
        waits.append((at.bench.calls[-1], seconds))
        at.bench.spend(int(seconds * 1e9))
        return False

    at.guard._stopped.wait = wait  # type: ignore[assignment]
    before = at.bench.now
    with at.guard.expose(ask(exposure_ms=10), "488", 1, 0) as lease:
        entered = at.bench.now
        lease.start()
        lease.pop()
    assert waits == [("power 488", 0.007), ("open 488", 0.005)]
    assert entered - lease.ready_ns == 5 * MS
    assert at.keeper.deadlines == [before + int((10 + 100 + 13 + 50) * MS) + COMMAND]
    assert before + int((10 + 100 + 13 + 25) * MS) + COMMAND == lease.patience_ns


def test_light_that_was_stopped_while_it_opened_is_not_handed_out() -> None:
    at = stand()
    at.bench.faults["open 488"] = lambda: at.guard._stopped.set()
    with pytest.raises(LightRefused, match="was stopped"), at.guard.expose(ask(), "488", 1, 0):
        pytest.fail("a lease was handed out")
    assert at.bench.is_dark


def test_light_left_on_before_the_run_is_switched_off_before_anything_else(caplog) -> None:
    bench = Bench()
    bench.is_open["Shutter"], bench.power["488"] = True, 0.7
    at = stand(bench=bench)
    assert at.bench.is_dark
    assert "was on before the run" in caplog.text


def test_a_guard_is_not_made_where_the_light_cannot_be_switched_off() -> None:
    bench = Bench()
    bench.faults["dark 488"] = lambda: 0
    with pytest.raises(LightNotDark, match="cannot be switched off"):
        stand(bench=bench)


def test_a_light_that_needs_a_second_try_at_the_start_is_fine() -> None:
    bench = Bench()
    bench.faults["dark 488"] = raising(OSError("busy"), times=1)
    bench.faults["ask 488"] = raising(OSError("busy"), times=1)
    assert stand(bench=bench).bench.is_dark


def test_dark_is_said_as_it_is() -> None:
    lamp = LightSource(name="halogen", wavelength_nm=550, gate="always-on")
    at = stand(LASER, lamp)
    assert at.guard.go_dark()
    assert at.guard.dark_text() == "dark, but for 'halogen', which has no switch"
    assert stand().guard.dark_text() == "every light is read back dark"


def test_a_shared_shutter_never_lets_the_other_light_through() -> None:
    other = LASER.model_copy(update={"name": "640", "power_device": "Red", "wavelength_nm": 640.0})
    at = stand(LASER, other)
    take(at, ask(channel="488"))
    take(at, ask(channel="640"))
    assert at.bench.lit_s == pytest.approx({"488": 0.5 * 0.010, "640": 0.5 * 0.010})


def test_a_light_behind_the_same_shutter_that_keeps_its_power_is_no_exposure() -> None:
    other = LASER.model_copy(update={"name": "640", "power_device": "Red"})
    at = stand(LASER, other)
    at.bench.faults["power 640"] = lambda: 0.3
    with pytest.raises(SettingRefused, match="shares a shutter"):
        take(at, ask(channel="488"))
    assert "open 488" not in at.bench.calls


@pytest.mark.parametrize("order", [1, -1])
def test_two_lights_on_one_shutter_need_a_power_each(order: int) -> None:
    bare = LightSource(name="lamp", wavelength_nm=550, shutter_device="Shutter")
    bench = Bench()
    bench.is_open["Shutter"] = True
    with pytest.raises(SettingRefused, match="light '488' cannot be lit alone: light 'lamp'"):
        stand(*(LASER, bare)[::order], bench=bench)
    assert not bench.is_open["Shutter"]
