"""How long a lease has, when its frames came, and what is said when one does not."""

from __future__ import annotations

import numpy as np
import pytest

from acquire.camera import Image
from acquire.errors import CameraTimeout, LightRefused, SettingRefused
from acquire.light.bounds import GuardRules
from acquire.settings import Limits
from tests.light_bench import DIODE, LASER, MS, FakeCamera, Stand, ask, stand

RULES = GuardRules(frame_margin_ms=30.0, lease_margin_ms=400.0, switch_allowance_ms=5.0)
FREE = Limits(1, 100, 1.0, budget_j_cm2=1e6)


@pytest.mark.parametrize(("light", "margin_ms"), [(LASER, 30), (DIODE, 5)])
def test_a_lease_has_time_for_its_frames_its_switch_and_its_margins(light, margin_ms) -> None:
    slow = {"settle_ms": 7.0, "open_delay_ms": 3.0, "close_delay_ms": 2.0}
    at = stand(light.model_copy(update=slow), rules=RULES)
    at.guard._stopped.wait = lambda s: False  # type: ignore[assignment,misc]
    with at.guard.expose(ask(channel=light.name), light.name, 4, 0) as lease:
        lease.begin(RULES)
        most_ms = 4 * (10 + margin_ms) + 7 + 3 + 2
        assert lease.frame_patience_ms == 10 + 30 + 400 / 2
        assert lease.patience_ns == at.bench.now + (most_ms + 200) * MS
        assert lease.deadline_ns == at.bench.now + (most_ms + 400) * MS


def test_a_frame_that_comes_after_the_light_was_stopped_is_none() -> None:
    at = stand()
    with pytest.raises(LightRefused, match="was stopped"), at.guard.expose(  # noqa: PT012
        ask(), "488", 1, 0
    ) as lease:  # fmt: skip
        lease.start()
        at.bench.faults["pop"] = at.guard._stopped.set
        lease.pop()
    assert lease.n_popped == 0


def waits_in_vain(at: Stand, channel: str, is_running: bool) -> str:
    """Wait for the second of two frames, which does not come; return what is said."""

    def wait() -> None:
        with at.guard.expose(ask(channel=channel), channel, 2, 0) as lease:
            lease.start()
            lease.pop()
            at.bench.faults |= {"pop": lambda: "nothing", "running": lambda: is_running}
            lease.pop()

    with pytest.raises(CameraTimeout) as raised:
        wait()
    assert at.bench.is_dark
    return str(raised.value)


def test_a_camera_that_ended_early_and_one_that_hangs_are_told_apart() -> None:
    assert "ended its sequence after 1 of 2 frames of 10 ms" in waits_in_vain(stand(), "488", False)
    assert "does not deliver after 1 of 2 frames of 10 ms" in waits_in_vain(stand(), "488", True)


def test_a_camera_that_still_runs_may_have_run_over_before_and_is_waited_for() -> None:
    at = stand()
    at.bench.is_overrun = True
    assert "does not deliver" in waits_in_vain(at, "488", True)


def test_only_light_that_we_blank_is_said_to_need_an_allowance() -> None:
    end = "check its cable and trigger"
    assert waits_in_vain(stand(), "488", True).endswith(end)
    said = waits_in_vain(stand(DIODE), "561", True)
    assert said.endswith(
        f"{end}, or give a slow one more switch_allowance_ms: its light is not blanked"
    )


def test_others_are_told_at_the_first_look_in_vain() -> None:
    at = stand()
    left = iter(["nothing"])
    at.bench.faults["pop"] = lambda: next(left, None)
    told: list[int] = []
    with at.guard.expose(ask(), "488", 1, 0) as lease:
        lease.heads_up = lambda: told.append(1)
        lease.start()
        lease.pop()
    assert told == [1]


def test_frames_came_when_the_camera_had_them_though_they_were_fetched_late() -> None:
    """The camera's zero is no later than any frame says: here 95, then 92 ms after the start."""
    at = stand(limits=FREE)
    with at.guard.expose(ask(), "488", 4, 0) as lease:
        lease.start()
        began_ns = at.bench.now
        came = []
        for fetched_ms, elapsed_ms in ((100, 5), (130, 15), (112, 20), (160, 30)):
            at.bench.now = began_ns + fetched_ms * MS - 20_000  # two commands, 10 us each
            at.bench.backlog.append(Image(np.zeros((2, 2), np.uint16), 0, 0, elapsed_ms * MS))
            lease.pop()
            came.append((lease.frame_ns - began_ns) / MS)
    assert came == [100, 110, 112, 122]


def test_a_frame_of_a_camera_that_tells_no_time_came_when_it_was_fetched() -> None:
    at = stand()
    with at.guard.expose(ask(), "488", 1, 0) as lease:
        lease.start()
        FakeCamera(at.bench).expose()
        at.bench.spend(40 * MS)
        image = lease.pop()
        assert lease.frame_ns == image.t_ns == at.bench.now


def test_a_stream_whose_light_takes_another_power_says_so_and_is_booked() -> None:
    at = stand(DIODE, limits=FREE)
    at.bench.faults["power 561"] = lambda: at.bench.power.setdefault("561", 0.9)
    at.bench.power.clear()
    with (
        pytest.raises(SettingRefused, match=r"set to 0\.5 of its maximum and says 0\.9"),
        at.guard.stream(ask(channel="561"), "561", 1, 0),
    ):
        pytest.fail("light that nobody asked for")
    assert at.bench.lit_s["561"] > 0
    assert at.ledger.totals()["561"] >= at.bench.lit_s["561"] * 0.9999


def test_frames_of_a_light_that_nobody_blanks_have_the_light_between_them_too() -> None:
    at = stand(DIODE, limits=FREE)
    with at.guard.stream(ask(channel="561"), "561", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        before_ns = lease.frame_ns
        at.bench.frame_ends_ns += 5 * MS  # the camera reads out
        applied = lease.pop_truth()[1]
        lasted_s = (lease.frame_ns - before_ns) * 1e-9
    assert lasted_s == pytest.approx(0.015, rel=0.02)
    assert applied.dose_j_cm2 == pytest.approx(0.5 * lasted_s, rel=1e-9)
