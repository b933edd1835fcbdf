"""While its camera exposes, a lease sleeps, listens, and wakes others in time."""

from __future__ import annotations

import pytest

from acquire.errors import CameraTimeout, LightRefused
from acquire.light.bounds import GuardRules
from acquire.light.lease import Lease
from tests.light_bench import DIODE, MS, Stand, ask, stand


def waits(at: Stand, n_frames: int = 1) -> tuple[list[float], list[int]]:
    """Take an exposure; return how long it slept, and when others were told, ns since the start."""
    naps: list[float] = []
    told: list[int] = []
    with at.guard.expose(ask(exposure_ms=20.0), "488", n_frames, 0) as lease:
        lease.nap = naps.append
        lease.heads_up = lambda: told.append(at.bench.now - lease.started_ns)
        lease.start()
        for _ in range(n_frames):
            lease.pop()
    return naps, told


def test_the_second_exposure_sleeps_through_most_of_its_time_and_the_first_does_not() -> None:
    at = stand()
    assert waits(at)[0] == []
    (nap_s,) = waits(at)[0]
    assert 0.015 < nap_s < 0.020


def test_only_the_first_frame_of_a_burst_is_slept_for_and_only_it_makes_the_habit() -> None:
    at = stand()
    assert waits(at, n_frames=5)[0] == []
    (nap_s,) = waits(at, n_frames=5)[0]
    assert 0.015 < nap_s < 0.020


def test_others_are_told_of_a_frame_now_and_then_and_not_for_ever() -> None:
    at = stand()
    left = iter(["nothing"] * 70)
    at.bench.faults["pop"] = lambda: next(left, None)
    _, told = waits(at)
    assert len(told) == 20, "every third look, and at the first sixty only"


def test_a_lease_that_has_something_to_do_neither_sleeps_nor_wakes_anybody() -> None:
    at = stand()
    left = iter(["nothing"] * 30)
    at.bench.faults["pop"] = lambda: next(left, None)
    told: list[int] = []
    with at.guard.expose(ask(), "488", 1, 0) as lease:
        lease.heads_up = lambda: told.append(1)
        lease.idle = lambda: True
        lease.start()
        lease.pop()
    assert not told


def test_what_cannot_be_shortened_says_so() -> None:
    with stand().guard.expose(ask(), "488", 1, 0) as lease:
        assert type(lease) is Lease
        assert lease.shorten() is False
        assert lease.deadline_ns - lease.patience_ns == 500 * MS, "half of lease_margin_ms"


def test_light_that_we_blank_is_paid_for_with_the_time_of_every_switch_before_it_begins() -> None:
    slow = DIODE.model_copy(update={"settle_ms": 7.0, "open_delay_ms": 3.0, "close_delay_ms": 2.0})
    at = stand(slow, rules=GuardRules(switch_allowance_ms=5.0))
    with at.guard.expose(ask(channel="561"), "561", 8, 0) as lease:
        reserved_s = 8 * (0.010 + 0.005) + 0.012
        assert at.ledger.spent(0, "561") == pytest.approx(0.5 * reserved_s)
        assert lease.applied.dose_j_cm2 == pytest.approx(0.5 * 0.010), "what each frame asks for"


def test_a_lease_that_starts_nothing_is_booked_for_as_long_as_it_was_lit() -> None:
    at = stand(DIODE)
    with at.guard.expose(ask(channel="561"), "561", 1, 0):
        pass
    lit_s = at.bench.lit_s["561"]
    assert 0 < lit_s < 0.0002, "no exposure: commands alone"
    assert lit_s <= at.ledger.totals()["561"] < 0.0004


@pytest.mark.parametrize("n_taken", [1, 2])
def test_a_lease_is_spent_when_its_last_frame_came_and_the_camera_blanks(n_taken: int) -> None:
    at = stand()
    with at.guard.expose(ask(), "488", 2, 0) as lease:
        lease.start()
        for _ in range(n_taken):
            lease.pop()
        assert lease.is_spent is (n_taken == 2)


def test_a_frame_that_stays_out_is_waited_for_as_long_as_the_rules_say() -> None:
    rules = GuardRules(frame_margin_ms=30.0, lease_margin_ms=400.0)
    at = stand(rules=rules)

    def wait() -> None:
        with at.guard.expose(ask(exposure_ms=20.0), "488", 20, 0) as lease:
            lease.start()
            lease.pop()
            began_ns.append(at.bench.now)
            at.bench.faults |= {"pop": lambda: "nothing", "running": lambda: True}
            lease.pop()

    began_ns: list[int] = []
    with pytest.raises(CameraTimeout, match="does not deliver after 1 of 20"):
        wait()
    waited_ms = (at.bench.now - began_ns[0]) / MS
    assert waited_ms == pytest.approx(20.0 + 30.0 + 400.0 / 2, abs=3.0)


def test_light_that_we_blank_has_no_more_time_than_was_reserved_for_it() -> None:
    rules = GuardRules(switch_allowance_ms=5.0, frame_margin_ms=100.0, lease_margin_ms=50.0)
    at = stand(DIODE, rules=rules)
    with at.guard.expose(ask(channel="561"), "561", 8, 0) as lease:
        began_ns = lease.deadline_ns - int(50.0 * MS) - 8 * (10 + 5) * MS
        assert at.bench.now - MS < began_ns < at.bench.now


def test_who_is_stopped_while_a_frame_is_awaited_is_told_at_once() -> None:
    at = stand()

    def stop() -> str:
        at.guard._stopped.set()
        return "nothing"

    def wait() -> None:
        with at.guard.expose(ask(), "488", 1, 0) as lease:
            at.bench.faults |= {"pop": stop, "running": lambda: True}
            lease.start()
            lease.pop()

    with pytest.raises(LightRefused, match="was stopped"):
        wait()
    assert at.bench.calls.count("pop") == 1


def test_who_waits_for_a_frame_leaves_the_processor_to_others(monkeypatch) -> None:
    at = stand()
    naps: list[float] = []
    monkeypatch.setattr("acquire.light.lease.time.sleep", naps.append)
    left = iter(["nothing"] * 30)
    at.bench.faults["pop"] = lambda: next(left, None)
    with at.guard.expose(ask(), "488", 1, 0) as lease:
        lease.start()
        lease.pop()
    assert len(naps) == 30
    assert all(0 < nap_s <= 1e-3 for nap_s in naps), "but a frame is noticed soon"
