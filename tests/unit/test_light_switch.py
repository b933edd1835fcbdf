"""Opening and closing: whoever is stopped is told at once, and who obeys is not told twice."""

from __future__ import annotations

import contextlib

import pytest

from acquire.errors import LightNotDark, LightRefused, SettingRefused
from acquire.light.bounds import GuardRules
from acquire.light.source import LightSource
from acquire.loop.burst import Ramp
from acquire.settings import Limits
from tests.light_bench import DIODE, LASER, MS, Stand, ask, raising, stand, take

LAMP = LightSource(name="lamp", wavelength_nm=550, gate="always-on")


def stop(at: Stand) -> None:
    """Stop the light without making it dark: the driver lets nobody else in."""
    at.guard._stopped.set()


def told_twice(at: Stand) -> list[str]:
    return [call for call in at.bench.calls if call.startswith("dark")]


def test_who_is_stopped_while_a_shutter_opens_never_enters_the_lease() -> None:
    at = stand(LASER.model_copy(update={"open_delay_ms": 5.0}))

    def wait(seconds: float) -> bool:
        stop(at)
        return True

    at.guard._stopped.wait = wait  # type: ignore[method-assign,assignment]
    with pytest.raises(LightRefused, match="was stopped"), at.guard.expose(ask(), "488", 1, 0):
        pytest.fail("a stopped lease was given")
    assert at.bench.is_dark


class Door:
    """A door of the light before which one waits; somebody presses STOP at the n-th time."""

    def __init__(self, at: Stand, n_th: int) -> None:
        self._at, self._left = at, n_th

    def __enter__(self) -> None:
        self._left -= 1
        if self._left == 0:
            stop(self._at)

    def __exit__(self, *error: object) -> None:
        """Let the next one in."""


@pytest.mark.parametrize(("n_th", "command"), [(1, "power"), (2, "steps"), (3, "open")])
def test_who_is_stopped_while_a_driver_is_busy_does_not_command_it_any_more(
    n_th: int, command: str
) -> None:
    at = stand()
    at.guard._lighting.door = Door(at, n_th)  # type: ignore[assignment]
    ramp = Ramp(powers=(1.0, 0.5))
    with (
        pytest.raises(LightRefused, match="was stopped"),
        at.guard.expose(ask(), "488", 2, 0, ramp),
    ):
        pytest.fail("a stopped lease was given")
    assert f"{command} 488" not in at.bench.calls
    assert at.bench.is_dark


def test_who_is_stopped_while_a_stream_changes_its_power_is_told_by_the_change() -> None:
    at = stand()

    def change() -> None:
        with at.guard.stream(ask(), "488", 1, 0) as lease:
            lease.start()
            lease.pop_truth()
            at.bench.faults["power 488"] = lambda: stop(at)
            lease.change(ask(power=0.25, decision_id=8))
            pytest.fail("the change was made")

    with pytest.raises(LightRefused, match="was stopped"):
        change()
    assert at.bench.is_dark


@pytest.mark.parametrize("delay_ms", [0.0, 1.0])
def test_a_shutter_that_says_closed_twice_is_no_exposure(delay_ms: float) -> None:
    at = stand(LASER.model_copy(update={"open_delay_ms": delay_ms}))
    at.bench.faults |= {"open 488": lambda: 0, "ask 488": lambda: 0}
    with pytest.raises(SettingRefused, match="says it is closed"):
        take(at, ask())
    assert "start" not in at.bench.calls


def test_a_shutter_without_a_delay_is_not_asked_a_second_time_whether_it_opened() -> None:
    at = stand()
    at.bench.faults |= {"open 488": lambda: 0, "ask 488": lambda: 1}
    with pytest.raises(SettingRefused, match="says it is closed"):
        take(at, ask())


def test_a_slow_shutter_is_waited_for_before_it_is_told_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = stand(LASER.model_copy(update={"close_delay_ms": 40.0}))
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        at.bench.is_open["Shutter"] = False

    at.bench.faults["close 488"] = lambda: True  # what it says while it moves
    monkeypatch.setattr("acquire.light.darkness.time.sleep", sleep)
    take(at, ask())
    assert slept == [pytest.approx(0.040)]
    assert told_twice(at) == []


def test_a_light_that_does_not_obey_is_given_a_longer_moment_at_each_further_try(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = stand(rules=GuardRules(tries=4))
    slept: list[float] = []
    at.bench.faults |= {"close 488": lambda: True, "dark 488": lambda: 0}
    monkeypatch.setattr("acquire.light.darkness.time.sleep", slept.append)
    with pytest.raises(LightNotDark):
        take(at, ask())
    assert len(slept) == 3
    assert 0 < slept[0] < slept[1] < slept[2] < 0.050


def test_after_a_frame_under_a_lamp_no_light_is_told_to_go_dark_a_second_time() -> None:
    at = stand(LAMP, LASER, limits=Limits(1, 100, 1.0, 10))
    take(at, ask(channel="lamp", power=1.0))
    assert told_twice(at) == []
    assert "ask 488" in at.bench.calls


def test_time_spent_asking_other_lights_is_not_booked_to_the_one_that_was_closed() -> None:
    at = stand(DIODE, LASER)
    at.bench.faults["ask 488"] = lambda: at.bench.spend(300 * MS)
    take(at, ask(channel="561", power=0.5))
    assert at.ledger.spent(0, "561") == pytest.approx(at.bench.lit_s["561"], rel=0.02)


@pytest.mark.parametrize("command", ["close 488", "dark 488"])
def test_what_a_driver_complains_of_is_said(command: str, caplog: pytest.LogCaptureFixture) -> None:
    at = stand()
    at.bench.faults |= {"close 488": lambda: True, command: raising(OSError("the cable is out"), 1)}
    at.bench.faults["ask 488"] = raising(OSError("no answer"), 1)
    with contextlib.suppress(LightNotDark):
        take(at, ask())
    said = [record.getMessage() for record in caplog.records]
    assert "light '488': no answer" in said
    assert command == "close 488" or "light '488': the cable is out" in said


def test_a_camera_that_cannot_step_by_itself_does_not_step_through_exposures() -> None:
    at = stand()
    ramp = Ramp(exposures=(1.0, 0.5))
    assert at.guard.can_step("488", 2, ramp)
    at.bench.can_step = False
    assert at.guard.can_step("488", 2, ramp) is False


def test_who_is_stopped_between_two_exposures_of_a_shot_touches_no_device_for_the_second() -> None:
    at, request = stand(), ask()
    with at.guard.shot(request, {"488": 2}, 0):
        take(at, request)
        stop(at)
        at.bench.calls.clear()
        with pytest.raises(LightRefused, match="was stopped"):
            take(at, request)
    assert at.bench.calls == []


def test_who_is_stopped_begins_no_shot() -> None:
    at = stand()
    stop(at)
    with (
        pytest.raises(LightRefused, match="was stopped"),
        at.guard.shot(ask(), {"488": 1}, 0),
    ):
        pytest.fail("a shot was begun")
