"""What is booked is the light that was given, whatever devices and people did meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from acquire.errors import (
    LightNotDark,
    LightOverBudget,
)
from acquire.light.bounds import GuardRules
from acquire.light.source import LightSource
from acquire.settings import Limits
from tests.light_bench import (
    DIODE,
    LASER,
    MS,
    Stand,
    ask,
    raising,
    stand,
    take,
)


def test_light_without_a_shutter_is_lit_by_its_power_and_booked_by_the_time_it_was_on() -> None:
    at = stand(DIODE)
    lease = take(at, ask(channel="561", exposure_ms=10, power=0.4))
    booked = at.ledger.spent(0, "561")
    assert booked == pytest.approx(at.bench.lit_s["561"], rel=0.01)
    assert lease.applied.dose_j_cm2 == booked
    assert booked > 0.4 * 0.010
    assert at.bench.is_dark


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


def test_a_lamp_that_is_always_on_may_use_up_the_budget_while_nothing_is_exposed() -> None:
    lamp = LightSource(name="lamp", wavelength_nm=550, gate="always-on")
    at = stand(lamp, limits=Limits(1, 100, 1.0, budget_j_cm2=1.0))
    take(at, ask(channel="lamp", power=1.0))
    at.bench.spend(1000 * MS)
    with pytest.raises(LightOverBudget):
        take(at, ask(channel="lamp", power=1.0))


def test_a_light_that_was_stuck_and_is_repaired_is_not_taken_for_stuck_in_the_next_stream() -> None:
    at = stand(rules=GuardRules(lease_margin_ms=60))
    at.bench.faults["close 488"] = lambda: True
    at.bench.faults["dark 488"] = lambda: False
    with pytest.raises(LightNotDark):
        take(at, ask())
    at.bench.faults.clear()
    at.guard.rearm()
    before = at.ledger.spent(1, "488")
    with at.guard.stream(ask(), "488", 1, 1) as lease:
        lease.start()
        for _ in range(6):  # it is renewed, and is as it should be
            lease.pop_truth()
            lease.renew()
    assert at.ledger.spent(1, "488") - before == pytest.approx(6 * 0.010 * 0.5, rel=0.05)


def test_a_lamp_shone_on_the_field_of_the_first_exposure_before_that() -> None:
    lamp = LightSource(name="lamp", wavelength_nm=550, gate="always-on")
    at = stand(LASER, lamp)
    at.bench.spend(1_000_000_000)
    take(at, ask(), position=3)
    assert at.ledger.spent(3, "lamp") == pytest.approx(1.0, rel=0.05)
    assert at.ledger.spent(0, "lamp") == 0.0
