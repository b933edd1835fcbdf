from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.errors import (
    KeeperLost,
    LightExpired,
    LightNotDark,
    LightOverBudget,
    LightRefused,
    SettingRefused,
)
from acquire.light.bounds import GuardRules
from acquire.light.source import LightSource
from acquire.settings import ChannelSettings, Limits, Request, Settings
from tests.light_bench import (
    DIODE,
    LASER,
    LED,
    MS,
    Bench,
    Stand,
    ask,
    raising,
    stand,
    take,
)

COMMAND = 10_000  # ns that a command of the bench takes: the exposure is set before the lease
UNSURE = st.floats(allow_nan=True, allow_infinity=True)


def test_light_comes_after_everything_was_set_and_goes_before_the_camera_stops() -> None:
    at = stand()
    take(at, ask())
    order = [call for call in at.bench.calls if call not in ("running", "pop")]
    assert order == [
        "exposure", "announce", "power 488", "lease", "open 488", "start",
        "close 488", "lease closed", "stop",
    ]  # fmt: skip


def test_a_light_without_a_shutter_gets_no_power_before_the_keeper_has_the_lease() -> None:
    at = stand(DIODE)
    take(at, ask(channel="561"))
    order = [call for call in at.bench.calls if call not in ("running", "pop")]
    assert order[:4] == ["exposure", "announce", "lease", "power 561"]


def test_an_exposure_is_booked_to_its_field_and_line() -> None:
    at = stand()
    lease = take(at, ask(exposure_ms=10, power=0.5), n_frames=3, position=2)
    assert at.ledger.spent(2, "488") == pytest.approx(3 * 0.010 * 0.5)
    assert at.ledger.spent(0, "488") == 0
    assert lease.applied.dose_j_cm2 == pytest.approx(0.005)
    assert not lease.applied.calibrated


def test_applied_says_what_was_set_and_what_was_read_back() -> None:
    at = stand()
    at.bench.faults["exposure"] = lambda: 10.05
    applied = take(at, ask(exposure_ms=10, power=0.5)).applied
    assert (applied.exposure_ms, applied.exposure_read_ms) == (10, 10.05)
    assert (applied.power_fraction, applied.power_read_fraction) == (0.5, 0.5)
    assert (applied.light, applied.wavelength_nm, applied.decision_id) == ("488", 488, 7)
    assert applied.dose_j_cm2 == pytest.approx(0.5 * 0.01005)
    assert applied.clamped == ""


def test_calibrated_light_is_booked_in_joules() -> None:
    # 2 mW over 100 um x 100 um is 20 W/cm2; half of it for 10 ms is 0.1 J/cm2.
    source = LASER.model_copy(update={"power_mw_at_maximum": 2.0, "lit_area_um2": 1e4})
    at = stand(source)
    applied = take(at, ask(exposure_ms=10, power=0.5)).applied
    assert applied.irradiance_w_cm2 == pytest.approx(10)
    assert applied.dose_j_cm2 == pytest.approx(0.1)
    assert applied.calibrated


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (ask(exposure_ms=math.nan), "exposure must be"),
        (ask(exposure_ms=math.inf), "exposure must be"),
        (ask(exposure_ms=0), "exposure must be"),
        (ask(exposure_ms=-3), "exposure must be"),
        (ask(power=math.nan), "power must be"),
        (ask(power=-0.1), "power must be"),
        (ask(power=math.inf), "power must be"),
        (ask(channel="561"), "does not speak of channel"),
        (ask(late=99), "dark until one comes"),
    ],
)
def test_what_makes_no_sense_gets_no_light(request_, says) -> None:
    at = stand()
    with pytest.raises(LightRefused, match=says), at.guard.expose(request_, "488", 1, 0):
        pytest.fail("light was given")
    assert at.bench.calls == []
    assert at.ledger.totals() == {"488": 0}


@pytest.mark.parametrize("wrong", [{"roi": (0, 0, 8, 8)}, {"binning": 2}], ids=str)
def test_region_and_binning_are_refused(wrong: dict) -> None:
    request = Request(Settings((ChannelSettings("488", 10, 0.5),), **wrong), 0)
    with pytest.raises(LightRefused, match="region and binning"):
        take(stand(), request)


def test_a_channel_without_light_or_limits_is_refused() -> None:
    at = stand()
    with (
        pytest.raises(LightRefused, match="no light with limits"),
        at.guard.expose(ask(channel="DAPI"), "DAPI", 1, 0),
    ):
        pytest.fail("light was given")


def test_a_burst_of_no_frames_is_refused() -> None:
    at = stand()
    with pytest.raises(LightRefused, match="1 frame or more"), at.guard.expose(ask(), "488", 0, 0):
        pytest.fail("light was given")


def test_an_expired_request_is_refused_and_a_valid_one_is_not() -> None:
    at = stand()
    take(at, ask(valid_until_ns=at.bench.now + MS))
    with pytest.raises(LightExpired, match=r"expired 1\.0 ms ago"):
        take(at, ask(valid_until_ns=at.bench.now - MS))


def test_no_keeper_no_light() -> None:
    at = stand()
    at.bench.faults["lease"] = lambda: "silence"
    with pytest.raises(KeeperLost):
        take(at, ask())
    assert "open 488" not in at.bench.calls
    assert at.bench.is_dark
    assert at.ledger.spent(0, "488") == 0


def test_the_keeper_is_told_a_deadline_soon_after_the_exposure() -> None:
    rules = GuardRules(lease_margin_ms=50, frame_margin_ms=10)
    at = stand(rules=rules)
    before = at.bench.now
    take(at, ask(exposure_ms=20), n_frames=2)
    assert at.keeper.deadlines == [before + (2 * (20 + 10) + 50) * MS + COMMAND]


def test_the_budget_is_never_passed_and_what_it_cannot_pay_gets_no_light() -> None:
    limits = Limits(1, 100, 1.0, budget_j_cm2=0.05)
    at = stand(limits=limits)
    for _ in range(5):
        take(at, ask(exposure_ms=20, power=0.5))
    at.bench.calls.clear()
    with pytest.raises(LightOverBudget, match="field 0 has"):
        take(at, ask(exposure_ms=20, power=0.5))
    assert at.bench.calls == []
    take(at, ask(exposure_ms=20, power=0.5), position=1)


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


def test_a_dark_frame_never_opens_the_light() -> None:
    at = stand()
    lease = take(at, ask(power=0.0))
    assert not any(call.startswith(("open", "power")) for call in at.bench.calls)
    assert lease.applied.dose_j_cm2 == 0
    assert lease.ready_ns > 0
    take(at, ask(power=0.5))  # and it is no bound for the light that follows


def test_only_one_lease_at_a_time() -> None:
    at = stand()
    with (
        at.guard.expose(ask(), "488", 1, 0),
        pytest.raises(LightRefused, match="one lease at a time"),
        at.guard.expose(ask(), "488", 1, 0),
    ):
        pytest.fail("a second lease")
    assert at.bench.is_dark


def test_a_lease_starts_once_and_not_after_its_end() -> None:
    at = stand()
    with at.guard.expose(ask(), "488", 1, 0) as lease:
        lease.start()
        with pytest.raises(LightRefused, match="started already"):
            lease.start()
        lease.pop()
    with pytest.raises(LightExpired, match="ask the guard for a new one"):
        lease.start()
    assert at.bench.calls.count("start") == 1


def test_a_lease_that_is_used_too_late_is_over() -> None:
    at = stand()

    def dawdle() -> None:
        with at.guard.expose(ask(), "488", 1, 0) as lease:
            at.bench.spend(2000 * MS)
            lease.start()

    with pytest.raises(LightExpired):
        dawdle()
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


def test_light_without_a_shutter_is_lit_by_its_power_and_booked_by_the_time_it_was_on() -> None:
    at = stand(DIODE)
    lease = take(at, ask(channel="561", exposure_ms=10, power=0.4))
    booked = at.ledger.spent(0, "561")
    assert booked == pytest.approx(at.bench.lit_s["561"], rel=0.01)
    assert lease.applied.dose_j_cm2 == booked
    assert booked > 0.4 * 0.010
    assert at.bench.is_dark


def test_light_that_cannot_be_dimmed_gets_its_dose_by_time() -> None:
    at = stand(LED, limits=Limits(1, 100, 1.0, 10))
    applied = take(at, ask(channel="led", exposure_ms=20, power=0.25)).applied
    assert (applied.exposure_ms, applied.power_fraction) == (5, 1)
    assert "cannot be dimmed" in applied.clamped


def test_a_light_that_gives_more_than_reserved_is_booked_in_full(caplog) -> None:
    at = stand(DIODE)
    at.bench.faults["start"] = lambda: at.bench.spend(200 * MS)
    take(at, ask(channel="561", exposure_ms=10, power=0.5))
    assert at.ledger.spent(0, "561") == pytest.approx(0.5 * 0.210, rel=0.01)
    assert "(relative) more than" in caplog.text
    assert "all of it is booked" in caplog.text


def test_a_lamp_that_is_always_on_is_booked_for_all_of_the_time() -> None:
    lamp = LightSource(name="lamp", wavelength_nm=550, gate="always-on")
    at = stand(lamp, limits=Limits(1, 100, 1.0, 10))
    begin = at.bench.now
    for _ in range(2):
        at.bench.spend(300 * MS)
        take(at, ask(channel="lamp", exposure_ms=10, power=1.0))
    assert at.ledger.spent(0, "lamp") == pytest.approx((at.bench.now - begin) * 1e-9, rel=1e-3)


def test_a_lamp_that_is_always_on_is_booked_whatever_else_is_exposed_and_to_the_end() -> None:
    lamp = LightSource(name="lamp", wavelength_nm=550, gate="always-on")
    at = stand(LASER, lamp)
    begin = at.bench.now
    take(at, ask(), position=3)
    at.bench.spend(300 * MS)  # the stage still stands there
    take(at, ask(), position=5)
    at.bench.spend(700 * MS)
    assert at.guard.all_dark()
    shone_s = (at.bench.now - begin) * 1e-9
    assert at.ledger.spent(3, "lamp") == pytest.approx(0.31, rel=1e-2)
    assert at.ledger.spent(5, "lamp") == pytest.approx(0.71, rel=1e-2)
    assert at.ledger.totals()["lamp"] == pytest.approx(shone_s, rel=1e-3)


def test_a_light_that_does_not_go_dark_is_booked_until_it_does() -> None:
    at = stand(LASER.model_copy(update={"gate": "software"}))
    at.bench.faults |= {"close 488": lambda: 1, "dark 488": lambda: 0}
    with pytest.raises(LightNotDark, match="switch it off by hand"):
        take(at, ask(power=0.5))
    at.bench.faults.clear()
    at.bench.spend(2000 * MS)  # it shines on
    assert at.guard.all_dark()
    assert at.ledger.spent(0, "488") == pytest.approx(at.bench.lit_s["488"], rel=0.01)
    assert at.ledger.spent(0, "488") > 1.0
    at.bench.spend(1000 * MS)
    at.guard.all_dark()
    assert at.ledger.spent(0, "488") < 1.1, "dark is dark"


def test_a_light_that_needs_a_second_command_to_close_is_booked_until_then() -> None:
    at = stand(LASER.model_copy(update={"gate": "software"}))
    tries = iter([True, True])

    def close() -> object:
        at.bench.spend(200 * MS)
        return next(tries, None)

    at.bench.faults |= {"close 488": close}
    take(at, ask(power=0.5))
    assert at.ledger.spent(0, "488") == pytest.approx(at.bench.lit_s["488"], rel=0.01)


def break_off(at: Stand, n_frames: int, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Start a burst of 8 frames of 10 ms, fetch some, and be interrupted."""
    with at.guard.expose(ask(exposure_ms=10, power=0.5), "488", 8, 0) as lease:
        lease.start()
        for _ in range(n_frames):
            lease.pop()
        meanwhile()
        raise KeyboardInterrupt


def test_an_exposure_that_breaks_off_is_booked_for_what_the_camera_took() -> None:
    at = stand()
    with pytest.raises(KeyboardInterrupt):
        break_off(at, 3)
    assert at.ledger.spent(0, "488") == pytest.approx(at.bench.lit_s["488"], rel=0.02)


def test_frames_that_the_camera_took_and_nobody_fetched_are_booked() -> None:
    at = stand()
    with pytest.raises(KeyboardInterrupt):
        break_off(at, 0, lambda: setattr(at.bench, "is_running", False))
    assert at.ledger.spent(0, "488") == pytest.approx(8 * 0.010 * 0.5)


def test_a_camera_that_hangs_is_booked_until_its_light_is_off() -> None:
    at = stand()
    with pytest.raises(KeyboardInterrupt):
        break_off(at, 1, lambda: at.bench.spend(500 * MS))
    assert at.ledger.spent(0, "488") == pytest.approx(0.510 * 0.5, rel=0.01)


def test_a_camera_that_does_not_say_what_it_took_took_everything(caplog) -> None:
    at = stand()
    fault = {"running": raising(OSError("no answer"))}
    with pytest.raises(KeyboardInterrupt):
        break_off(at, 0, lambda: at.bench.faults.update(fault))
    assert at.ledger.spent(0, "488") == pytest.approx(8 * 0.010 * 0.5)
    assert "does not say what it took" in caplog.text


def test_the_delays_of_a_slow_shutter_are_booked_as_declared() -> None:
    slow = {"gate": "software", "open_delay_ms": 30.0, "close_delay_ms": 40.0}
    at = stand(LASER.model_copy(update=slow))
    at.guard._stopped.wait = lambda s: at.bench.spend(int(s * 1e9))  # type: ignore[assignment]
    at.bench.faults["close 488"] = lambda: at.bench.is_open.update(Shutter=False) or True
    take(at, ask(exposure_ms=100, power=0.5))
    # Open from 30 ms after the command until 40 ms after the other: what lies between, and 10 ms.
    assert at.ledger.spent(0, "488") == pytest.approx(0.5 * (0.030 + 0.100 + 0.010), rel=0.01)


def test_dark_is_said_as_it_is() -> None:
    lamp = LightSource(name="halogen", wavelength_nm=550, gate="always-on")
    at = stand(LASER, lamp)
    assert at.guard.go_dark()
    assert at.guard.dark_text() == "dark, but for 'halogen', which has no switch"
    assert stand().guard.dark_text() == "every light is read back dark"


def test_a_lamp_that_is_always_on_may_use_up_the_budget_while_nothing_is_exposed() -> None:
    lamp = LightSource(name="lamp", wavelength_nm=550, gate="always-on")
    at = stand(lamp, limits=Limits(1, 100, 1.0, budget_j_cm2=1.0))
    take(at, ask(channel="lamp", power=1.0))
    at.bench.spend(1000 * MS)
    with pytest.raises(LightOverBudget):
        take(at, ask(channel="lamp", power=1.0))


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


def test_stop_light_from_another_thread_ends_the_exposure_and_forbids_the_next() -> None:
    at = stand()
    answers: list[bool] = []

    def expose() -> None:
        with at.guard.expose(ask(), "488", 1, 0) as lease:
            thread = threading.Thread(target=lambda: answers.append(at.guard.go_dark()))
            thread.start()
            thread.join()
            assert at.bench.is_dark
            with pytest.raises(LightRefused, match="has not ended yet"):
                at.guard.rearm()
            lease.start()

    with pytest.raises(LightRefused, match="was stopped"):
        expose()
    assert answers == [True]
    assert at.guard.is_stopped
    at.bench.calls.clear()
    with pytest.raises(LightRefused, match="was stopped"):
        take(at, ask())
    assert at.bench.calls == []
    at.guard.rearm()
    assert not at.guard.is_stopped
    take(at, ask())


@pytest.mark.parametrize("when", ["exposure", "power 488", "open 488"])
def test_stop_light_in_the_middle_of_lighting_up_wins(when: str) -> None:
    at = stand()
    at.bench.faults[when] = lambda: at.guard._stopped.set()
    with pytest.raises(LightRefused, match="was stopped"):
        take(at, ask())
    assert at.bench.is_dark
    after = at.bench.calls[at.bench.calls.index(when) + 1 :]
    assert not {"power 488", "open 488", "start"} & set(after)


def test_stop_light_is_heard_while_a_device_settles() -> None:
    at = stand(LASER.model_copy(update={"settle_ms": 5000.0}))
    at.bench.faults["power 488"] = lambda: at.guard._stopped.set()
    with pytest.raises(LightRefused, match="was stopped"):
        take(at, ask())
    assert "open 488" not in at.bench.calls


@pytest.mark.parametrize("is_locked", [False, True], ids=["", "driver lets nobody in"])
@pytest.mark.parametrize(("source", "command"), [(LASER, "open 488"), (DIODE, "power 561")])
def test_stop_light_while_a_driver_hangs_is_not_confirmed_and_ends_dark_all_the_same(
    source: LightSource, command: str, is_locked: bool
) -> None:
    at = stand(source)
    hangs, freed = threading.Event(), threading.Event()
    errors: list[Exception] = []

    def hang() -> float:
        hangs.set()
        freed.wait(10)
        at.bench.is_open["Shutter"] = True  # the light comes on after the stop
        at.bench.power[source.name] = 0.5
        return 0.5

    def expose() -> None:
        try:
            take(at, ask(channel=source.name))
        except LightRefused as error:
            errors.append(error)

    at.bench.faults[command] = hang
    if is_locked:
        at.bench.faults[f"dark {source.name}"] = lambda: freed.wait(10) and None
    thread = threading.Thread(target=expose)
    thread.start()
    assert hangs.wait(10)
    begin = time.monotonic()
    assert not at.guard.go_dark()
    assert time.monotonic() - begin < 5
    freed.set()
    thread.join(10)
    assert "was stopped" in str(errors[0])
    assert at.bench.is_dark
    assert "start" not in at.bench.calls
    assert at.guard.go_dark()


def test_stop_light_that_fails_says_so_and_calls_the_keeper() -> None:
    at = stand()
    at.bench.faults["dark 488"] = raising(OSError("gone"))
    assert not at.guard.go_dark()
    assert at.keeper.is_alarmed
    with pytest.raises(LightNotDark, match="check the device"):
        at.guard.rearm()
    assert not at.guard.all_dark()


def test_at_the_end_of_a_run_power_goes_too() -> None:
    at = stand()
    take(at, ask())
    assert at.bench.power["488"] > 0
    assert at.guard.all_dark()
    assert at.bench.power["488"] == 0


# More light needs evidence.


def test_without_evidence_light_holds_and_with_it_light_steps_up_by_the_factor_at_most() -> None:
    limits = Limits(1, 100, 1.0, 100, max_step_up=2.0)
    at = stand(limits=limits)
    assert take(at, ask(power=0.2)).applied.power_fraction == 0.2
    held = take(at, ask(power=0.8, has_evidence=False)).applied
    assert held.power_fraction == pytest.approx(0.2)
    assert "no evidence" in held.clamped
    stepped = take(at, ask(power=0.8)).applied
    assert stepped.power_fraction == pytest.approx(0.4)
    assert "step up" in stepped.clamped
    assert take(at, ask(power=0.1, has_evidence=False)).applied.power_fraction == 0.1


def test_the_last_light_is_that_of_the_same_field() -> None:
    at = stand()
    take(at, ask(power=0.5), position=0)
    take(at, ask(power=0.1), position=1)
    assert take(at, ask(power=0.5, has_evidence=False), position=0).applied.power_fraction == 0.5


@pytest.mark.parametrize("about", [{"has_evidence": False}, {"late": 1}])
def test_a_field_that_had_no_light_gets_none_without_evidence(about: dict) -> None:
    at = stand()
    with pytest.raises(LightRefused, match="nobody vouches"):
        take(at, ask(**about))


def test_late_decisions_hold_then_lower_then_end_the_light() -> None:
    at = stand(rules=GuardRules(hold_shots=2, lower_factor=0.5, dark_after=4))
    given = [take(at, ask(power=0.4)).applied.power_fraction]
    given += [take(at, ask(power=0.4, late=n)).applied.power_fraction for n in (1, 2, 3, 4)]
    assert given == pytest.approx([0.4, 0.4, 0.4, 0.2, 0.1])
    with pytest.raises(LightRefused, match="no decision for 5 shots"):
        take(at, ask(power=0.4, late=5))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(UNSURE, UNSURE, st.booleans(), st.integers(0, 9)), max_size=12),
    st.sampled_from([LASER, DIODE, LED]),
)
def test_whatever_is_asked_the_light_stays_in_bounds_and_ends_dark(asked, source) -> None:
    limits = Limits(2, 40, 1.0 if source is LED else 0.6, budget_j_cm2=0.2, max_step_up=3)
    at = stand(source, limits=limits)
    for exposure_ms, power, has_evidence, late in asked:
        request = ask(exposure_ms, power, channel=source.name, has_evidence=has_evidence, late=late)
        try:
            applied = take(at, request).applied
        except LightRefused:
            applied = None
        assert at.bench.is_dark
        if applied is not None:
            assert applied.exposure_ms <= 40
            assert applied.power_fraction <= limits.max_power_fraction
    spent = at.ledger.spent(0, source.name)
    assert at.bench.lit_s.get(source.name, 0.0) <= spent * (1 + 1e-6)
    assert spent <= 0.2 * 1.05


# A shot steps up, holds or lowers as a whole.


def shot(at: Stand, request: Request, frames: int, n_frames: int = 1) -> list[float]:
    """Take a shot of so many exposures in one channel and return the power of each."""
    channel = request.settings.channels[0].channel
    with at.guard.shot(request, {channel: frames * n_frames}, 0):
        return [take(at, request, n_frames).applied.power_fraction for _ in range(frames)]


def test_more_planes_are_no_way_to_step_up_faster() -> None:
    at = stand(limits=Limits(1, 100, 1.0, 100, max_step_up=2.0))
    shot(at, ask(power=0.4), 1)
    before = at.ledger.spent(0, "488")
    assert shot(at, ask(power=0.4), 5) == pytest.approx([0.4 * 2 / 5] * 5)
    assert at.ledger.spent(0, "488") - before == pytest.approx(2 * before)


def test_more_frames_of_a_burst_are_no_way_to_step_up_faster() -> None:
    at = stand(limits=Limits(1, 100, 1.0, 100, max_step_up=2.0))
    take(at, ask(power=0.4))
    assert take(at, ask(power=0.4), n_frames=8).applied.power_fraction == pytest.approx(0.1)


def test_two_channels_of_one_light_have_one_bound() -> None:
    other = {"488": 0.2, "too": 0.4}
    at = stand(limits=Limits(1, 100, 1.0, 100, max_step_up=2.0))
    at.guard._channels["too"] = at.guard._slew._channels["too"] = LASER
    take(at, ask(power=0.2))
    both = Request(Settings(tuple(ChannelSettings(c, 10, p) for c, p in other.items())), 0)
    with at.guard.shot(both, dict.fromkeys(other, 1), 0):
        for channel, power in other.items():
            with at.guard.expose(both, channel, 1, 0) as lease:
                lease.start()
                lease.pop()
            assert lease.applied.power_fraction == pytest.approx(power * 0.4 / 0.6)


@pytest.mark.parametrize("about", [{"has_evidence": False}, {"late": 1}, {"late": 3}])
def test_nobody_who_vouches_for_nothing_gets_more_planes(about: dict) -> None:
    at = stand()
    shot(at, ask(power=0.4), 3)
    at.bench.calls.clear()
    with pytest.raises(LightRefused, match="had 3: nobody vouches for more"):
        shot(at, ask(power=0.01, **about), 4)
    assert at.bench.calls == []
    assert len(shot(at, ask(power=0.4, **about), 3)) == 3


def test_a_whole_shot_is_lowered_when_decisions_stay_out() -> None:
    at = stand(rules=GuardRules(hold_shots=0, lower_factor=0.5))
    shot(at, ask(power=0.4), 2)
    assert shot(at, ask(power=0.4, late=1), 2) == pytest.approx([0.2, 0.2])
    assert shot(at, ask(power=0.4, late=2), 1) == pytest.approx([0.2])  # one plane may have both


def test_a_shot_that_broke_off_vouches_for_no_more_and_no_less_than_the_one_before() -> None:
    at = stand(limits=Limits(1, 100, 1.0, 100, max_step_up=2.0))
    shot(at, ask(power=0.2), 2)
    wide = ask(power=0.4)
    with at.guard.shot(wide, {"488": 2}, 0):
        take(at, wide)
    assert shot(at, ask(power=0.2, has_evidence=False), 2) == pytest.approx([0.2, 0.2])


def test_a_shot_has_the_exposures_that_it_was_admitted_with_and_no_others() -> None:
    at = stand(LASER, DIODE)
    request = ask()
    with at.guard.shot(request, {"488": 1}, 0):
        for asked, channel, position in (
            (ask(), "488", 0),
            (request, "488", 1),
            (request, "561", 0),
        ):
            with (
                pytest.raises(LightRefused, match="no part of this shot"),
                at.guard.expose(asked, channel, 1, position),
            ):
                pytest.fail("light was given")
        take(at, request)
        with pytest.raises(LightRefused, match="no part of this shot"):
            take(at, request)
        with pytest.raises(LightRefused, match="one shot at a time"), at.guard.shot(request, {}, 0):
            pytest.fail("a second shot")


def test_a_shot_that_began_in_time_is_not_broken_off_by_its_expiry() -> None:
    at = stand()
    request = ask(valid_until_ns=at.bench.now + MS)
    with at.guard.shot(request, {"488": 2}, 0):
        take(at, request)
        assert at.bench.now > request.valid_until_ns
        take(at, request)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"z_um": (0.0, math.nan)}, "max_offset_um"),
        ({"z_um": (math.inf,)}, "max_offset_um"),
        ({"z_um": (-200.1,)}, "max_offset_um"),
        ({"interval_s": math.nan}, "interval_s must be"),
        ({"interval_s": math.inf}, "interval_s must be"),
        ({"interval_s": -1.0}, "interval_s must be"),
        ({"interval_s": 31 * 86_400.0}, "interval_s must be"),
    ],
)
def test_planes_and_intervals_that_are_none_get_no_light(wrong: dict, says: str) -> None:
    at = stand()
    request = Request(Settings((ChannelSettings("488", 10, 0.5),), **wrong), 0)
    assert says in at.guard.objection(request)
    with pytest.raises(LightRefused, match=says):
        take(at, request)
    assert at.bench.calls == []


def test_planes_and_intervals_within_bounds_are_fine() -> None:
    settings_ = Settings((ChannelSettings("488", 10, 0.5),), z_um=(-200.0, 200.0), interval_s=60)
    assert not stand().guard.objection(Request(settings_, 0))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(1, 100), st.floats(0.01, 1), st.integers(1, 6), st.booleans(),
            st.integers(0, 4),
        ),
        max_size=8,
    ),
    st.sampled_from([LASER, DIODE, LED]),
)  # fmt: skip
def test_no_shot_gives_more_than_the_one_before_vouches_for(asked, source) -> None:
    limits = Limits(1, 100, 1.0, budget_j_cm2=1e6, max_step_up=1.5)
    at = stand(source, limits=limits, rules=GuardRules(hold_shots=1, lower_factor=0.5))
    last: tuple[float, int] | None = None
    for exposure_ms, power, frames, has_evidence, late in asked:
        request = ask(exposure_ms, power, channel=source.name, has_evidence=has_evidence, late=late)
        doses: list[float] = []
        try:
            with at.guard.shot(request, {source.name: frames}, 0):
                for _ in range(frames):
                    applied = take(at, request).applied
                    doses.append(source.dose_j_cm2(applied.power_fraction, applied.exposure_ms))
        except LightRefused:
            assert not doses  # refused as a whole, and before any light
            continue
        assert max(doses) <= power * exposure_ms * 1e-3 * (1 + 1e-6)  # never more than asked
        if last is not None:
            factor = 0.5 if late > 1 else 1.0 if late or not has_evidence else 1.5
            assert sum(doses) <= last[0] * factor * (1 + 1e-6)
            assert frames <= last[1] or (has_evidence and not late)
        else:
            assert has_evidence
            assert not late
        last = sum(doses), frames
