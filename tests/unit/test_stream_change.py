"""Light that is changed while a stream runs: refused, or answered for, before it is set."""

from __future__ import annotations

import msgspec
import pytest

from acquire.errors import KeeperLost, LightRefused
from acquire.settings import Limits
from tests.light_bench import LASER, Stand, ask, stand

FREE = Limits(1, 100, 1.0, budget_j_cm2=1e6)


def commands(at: Stand) -> list[str]:
    return [call for call in at.bench.calls if call.startswith(("power", "open", "exposure"))]


@pytest.mark.parametrize("about", [{"z_um": (1.0,)}, {"interval_s": 5.0}])
def test_planes_and_intervals_are_refused_by_the_stream_itself(about) -> None:
    at = stand(limits=FREE)
    request = ask(power=0.3)
    wrong = msgspec.structs.replace(request.settings, **about)
    with at.guard.stream(ask(), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        before = commands(at)
        with pytest.raises(LightRefused, match="no planes and no interval"):
            lease.change(msgspec.structs.replace(request, settings=wrong))
        assert commands(at) == before


def test_who_was_stopped_changes_nothing() -> None:
    at = stand(limits=FREE)
    with at.guard.stream(ask(), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        told = list(at.keeper.deadlines)
        at.guard._stopped.set()
        with pytest.raises(LightRefused, match="was stopped"):
            lease.change(ask(exposure_ms=20.0, power=0.3))
        assert at.keeper.deadlines == told
        assert lease.allowed.exposure_ms == 10.0


def test_a_stream_that_is_dark_gets_light_by_a_new_lease_alone() -> None:
    at = stand(limits=FREE)
    with at.guard.stream(ask(power=0.0), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        assert lease.change(ask(exposure_ms=20.0, power=0.0)), "dark as before: it goes on"
        assert lease.change(ask(power=0.3)) is False
    assert not {"power 488", "open 488"} & set(at.bench.calls)


def test_a_change_that_the_keeper_does_not_hear_of_is_not_set() -> None:
    at = stand(limits=FREE)

    def change() -> None:
        with at.guard.stream(ask(power=0.2), "488", 1, 0) as lease:
            lease.start()
            lease.pop_truth()
            before.extend(commands(at))
            at.bench.faults["lease"] = lambda: "no answer"
            lease.change(ask(exposure_ms=20.0, power=0.3))

    before: list[str] = []
    with pytest.raises(KeeperLost):
        change()
    assert commands(at) == before
    assert at.bench.is_dark


def test_light_that_stays_as_it_was_says_by_which_limit_the_new_request_was_cut() -> None:
    at = stand(limits=FREE)
    with at.guard.stream(ask(exposure_ms=150.0), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        assert lease.change(ask(exposure_ms=160.0, decision_id=8))
        lease.pop_truth()
        _, applied = lease.pop_truth()
    assert (applied.decision_id, applied.exposure_ms) == (8, 100.0)
    assert "160 ms is above max_exposure_ms" in applied.clamped


def test_a_power_that_takes_two_and_a_half_frames_to_settle_is_shown_after_three() -> None:
    at = stand(LASER.model_copy(update={"settle_ms": 25.0}), limits=FREE)
    at.guard._stopped.wait = lambda s: False  # type: ignore[assignment,misc]
    with at.guard.stream(ask(power=0.3), "488", 1, 0) as lease:
        lease.start()
        for _ in range(2):
            lease.pop_truth()
        assert lease.change(ask(power=0.4, decision_id=8))
        assert lease.changes[-1].first_frame == 2 + 1 + 3


def test_a_second_change_before_the_first_was_shown_is_the_one_that_lasts() -> None:
    at = stand(limits=FREE)
    with at.guard.stream(ask(power=0.5), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        assert lease.change(ask(power=0.4, decision_id=8))
        assert lease.change(ask(power=0.3, decision_id=9))
        for _ in range(3):
            _, applied = lease.pop_truth()
    assert (applied.decision_id, applied.power_fraction) == (9, 0.3)


def test_who_was_stopped_renews_nothing() -> None:
    at = stand(limits=FREE)
    with at.guard.stream(ask(), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        at.bench.now = lease.renew_ns
        told, booked = list(at.keeper.deadlines), at.ledger.totals()
        at.guard._stopped.set()
        with pytest.raises(LightRefused, match="was stopped"):
            lease.renew()
        assert at.keeper.deadlines == told
        assert at.ledger.totals() == booked
