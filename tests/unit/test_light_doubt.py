"""Light whose amount is in doubt is booked at the worst: no camera that is silent saves a dose."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
import pytest

from acquire.errors import CameraTimeout, LightNotDark, SettingRefused
from acquire.light.guard import LightGuard
from acquire.light.lease import Lease
from tests.light_bench import DIODE, LIMITS, MS, FakeCamera, Stand, ask, raising, stand, take

POWER = 0.5


class Crash(Exception):
    """The analysis fails between two frames."""


def camera_of(guard: LightGuard) -> FakeCamera:
    camera = guard._camera
    assert isinstance(camera, FakeCamera)
    return camera


def break_off(at: Stand, deed: Callable[[Lease], object]) -> None:
    """Start a burst of 8 frames of 10 ms, do something, and fail."""

    def fail() -> None:
        with at.guard.expose(ask(power=POWER), "488", 8, 0) as lease:
            lease.start()
            deed(lease)
            raise Crash

    with pytest.raises(Crash):
        fail()


def pop(lease: Lease, n_frames: int) -> None:
    for _ in range(n_frames):
        lease.pop()


def expose(at: Stand, n_frames: int) -> None:
    """Let the camera take frames that nobody fetches yet."""
    for _ in range(n_frames):
        camera_of(at.guard).expose()


def break_off_late(at: Stand, late_ms: int) -> None:
    """Fetch a frame, be late for two more, fetch them, and fail."""

    def be_late(lease: Lease) -> None:
        pop(lease, 1)
        expose(at, 2)
        at.bench.spend(late_ms * MS)
        pop(lease, 2)

    break_off(at, be_late)


def test_who_looks_late_books_from_when_the_frame_came_not_from_when_it_was_fetched() -> None:
    at = stand()
    at.bench.tells_time = True
    break_off_late(at, late_ms=50)
    assert at.bench.lit_s["488"] == pytest.approx(POWER * 0.030)
    assert at.ledger.spent(0, "488") == pytest.approx(POWER * (0.030 + 0.050), rel=0.02)


def test_a_camera_that_does_not_tell_its_time_is_believed_to_have_stopped_when_it_was_fetched() -> (
    None
):
    at = stand()
    break_off_late(at, late_ms=50)
    assert at.ledger.spent(0, "488") == pytest.approx(POWER * 0.030, rel=0.02)


def test_frames_that_wait_when_it_breaks_off_are_booked() -> None:
    at = stand()
    break_off(at, lambda lease: (pop(lease, 1), expose(at, 4)))
    assert at.bench.lit_s["488"] == pytest.approx(POWER * 0.050)
    assert at.ledger.spent(0, "488") >= POWER * 0.050


@pytest.mark.parametrize("n_popped", [0, 2, 7])
def test_a_camera_that_does_not_say_what_is_left_took_all(n_popped: int) -> None:
    at = stand()
    at.bench.faults["waiting"] = raising(OSError("gone"))
    break_off(at, lambda lease: pop(lease, n_popped))
    assert at.ledger.spent(0, "488") == pytest.approx(POWER * 0.080, rel=0.02)


def test_a_camera_that_ended_early_and_does_not_answer_took_all() -> None:
    at = stand()
    at.bench.faults |= {
        "pop": lambda: "nothing" if at.bench.taken >= 2 else None,
        "running": lambda: at.bench.taken < 2,
        "waiting": raising(OSError("gone")),
    }
    with pytest.raises(CameraTimeout, match="ended its sequence after 2 of 8"):
        take(at, ask(power=POWER), n_frames=8)
    assert at.ledger.spent(0, "488") >= POWER * 0.080


def test_a_stream_that_ends_while_frames_wait_books_them_and_the_one_that_was_cut_short() -> None:
    at = stand()
    with at.guard.stream(ask(power=POWER), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        at.bench.spend(35 * MS)
    shone = at.bench.lit_s["488"]
    assert shone == pytest.approx(POWER * 0.045, rel=0.02)
    assert shone <= at.ledger.totals()["488"] <= shone + POWER * 0.010


def test_a_light_that_stuck_is_booked_until_it_is_found_dark_and_no_longer() -> None:
    at = stand(limits=msgspec.structs.replace(LIMITS, budget_j_cm2=100))
    at.bench.faults |= {"close 488": lambda: True, "ask 488": lambda: True, "dark 488": lambda: 0}
    with pytest.raises(LightNotDark):
        take(at, ask(power=POWER))
    at.bench.spend(3000 * MS)
    at.bench.faults.clear()
    at.guard.rearm()
    assert at.ledger.spent(0, "488") == pytest.approx(POWER * 3.010, rel=0.01)
    at.bench.spend(9000 * MS)
    take(at, ask(power=POWER))
    assert at.ledger.spent(0, "488") == pytest.approx(POWER * 3.020, rel=0.01)


def test_a_power_that_nobody_knows_is_booked_as_full_and_no_more() -> None:
    at = stand(DIODE)

    def take_long_and_tell_nothing() -> float:
        at.bench.spend(50 * MS)
        return math.nan

    at.bench.faults["power 561"] = take_long_and_tell_nothing
    with pytest.raises(SettingRefused):
        take(at, ask(channel="561", power=0.2))
    assert at.ledger.spent(0, "561") == pytest.approx(1.0 * 0.050, rel=0.01)
