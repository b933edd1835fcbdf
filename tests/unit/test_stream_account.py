"""How long a stream may last, and what is booked of it: to the nanosecond, and to the exposure."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest

from acquire.errors import LightOverBudget
from acquire.light.bounds import GuardRules
from acquire.light.source import LightSource
from acquire.light.stream import Change, Stream
from acquire.settings import Limits
from tests.light_bench import DIODE, LASER, MS, Stand, ask, stand

FREE = Limits(1, 100, 1.0, budget_j_cm2=1e6)
RULES = GuardRules(frame_margin_ms=30.0, lease_margin_ms=400.0, switch_allowance_ms=5.0)
DELAYS = {"settle_ms": 7.0, "open_delay_ms": 3.0, "close_delay_ms": 2.0}
EXACT = {"rel": 1e-9, "abs": 1e-12}


def slow(light: LightSource = LASER, **delays: float) -> Stand:
    """Make a stand whose light takes its time, and does not let a test wait for it."""
    at = stand(light.model_copy(update=DELAYS | delays), limits=FREE, rules=RULES)
    at.guard._stopped.wait = lambda s: False  # type: ignore[assignment,misc]
    return at


def booked(at: Stand) -> float:
    (total,) = at.ledger.totals().values()
    return total


def test_a_stream_has_time_for_its_window_a_late_frame_and_once_for_its_switch() -> None:
    at = slow()
    with at.guard.stream(ask(), "488", 1, 0) as lease:
        assert lease.window_ms == 200.0, "half of lease_margin_ms"
        for has_begun, switch_ms in ((False, 7 + 3 + 2), (True, 0)):
            assert lease.is_started is has_begun
            lease.begin(RULES)
            assert lease.frame_patience_ms == 10 + 30 + 400 / 2
            assert lease.renew_ns == at.bench.now + (switch_ms + 200) * MS
            assert lease.patience_ns == lease.renew_ns + 240 * MS
            assert lease.deadline_ns == lease.patience_ns + 200 * MS
            if not has_begun:
                lease.start()


@pytest.mark.parametrize("lag_frames", [1, 3])
def test_a_stream_sets_aside_all_that_it_may_give_until_it_is_dark(lag_frames: int) -> None:
    at = slow()
    with at.guard.stream(ask(), "488", 1, 0, lag_frames) as lease:
        aside_ms = 200 + 2 * 10 + (lag_frames - 1) * 10 + 5 + (7 + 3 + 2)
        assert lease.reserve_ms(5.0) == pytest.approx(aside_ms, **EXACT)
        assert at.ledger.spent(0, "488") == pytest.approx(0.5 * aside_ms * 1e-3, **EXACT)


def test_a_budget_that_cannot_pay_for_a_window_is_asked_for_half_of_it() -> None:
    seen = []
    for budget in (0.12, 0.08, 0.026):
        limits = Limits(1, 100, 1.0, budget_j_cm2=budget)
        with (
            suppress(LightOverBudget),
            stand(limits=limits, rules=RULES).guard.stream(ask(), "488", 1, 0) as lease,
        ):
            seen.append(lease.window_ms)
    assert seen == [200.0, 100.0, 25.0]
    at = stand(limits=Limits(1, 100, 1.0, budget_j_cm2=0.018), rules=RULES)
    with pytest.raises(LightOverBudget), at.guard.stream(ask(), "488", 1, 0):
        pytest.fail("a window that holds no frame")


def test_a_stream_is_renewed_at_the_very_end_of_its_window_and_not_before() -> None:
    at = stand(limits=FREE, rules=RULES)
    with at.guard.stream(ask(), "488", 1, 0) as lease:
        lease.start()
        told = len(at.keeper.deadlines)
        for late_ns, n_told in ((-1, 0), (0, 1)):
            at.bench.now = lease.renew_ns + late_ns
            lease.renew()
            assert len(at.keeper.deadlines) == told + n_told


def test_the_next_frame_is_awaited_from_the_last_one_on_for_as_long_as_one_is_exposed() -> None:
    at = stand(LASER.model_copy(update={"readout_ms": 2.0}), limits=FREE)
    with at.guard.stream(ask(), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        at.bench.now = lease.frame_ns + 4 * MS
        assert lease.due_in_s() == pytest.approx(0.008, **EXACT)
        at.bench.now = lease.frame_ns + 15 * MS
        assert lease.due_in_s() == pytest.approx(-0.003, **EXACT)


def test_a_stream_is_never_known_to_have_blanked_its_light_though_its_frames_came() -> None:
    with stand(limits=FREE).guard.stream(ask(), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        assert lease.is_spent is False


def test_what_is_booked_while_a_stream_runs_is_the_frames_that_came_and_no_more() -> None:
    at = stand(limits=FREE, rules=RULES)
    with at.guard.stream(ask(), "488", 1, 0) as lease:
        lease.start()
        for _ in range(2):
            dose = sum(lease.pop_truth()[1].dose_j_cm2 for _ in range(7))
            before = booked(at)
            at.bench.spend(25 * MS)  # two more wait, and are not yet counted
            at.bench.now = lease.renew_ns
            lease.renew()
            assert booked(at) - before == pytest.approx(dose, **EXACT)
        assert dose == pytest.approx(7 * 0.010 * 0.5, **EXACT)


@pytest.mark.parametrize(
    ("cut_ms", "n_waiting", "is_clean", "on_ms"),
    [
        (4, 0, True, 4),  # the frame that was cut short, as far as it came
        (18, 0, True, 10),  # no frame is longer than an exposure
        (25, 2, True, 30),  # two that wait, and the one behind them
        (18, 0, False, 18),  # in doubt all of the time since the last frame
        (25, 2, False, 25),
    ],
)
def test_the_end_of_a_stream_is_booked_as_frames_and_where_it_broke_off_as_time(
    cut_ms: float, n_waiting: int, is_clean: bool, on_ms: float
) -> None:
    at = stand(limits=FREE)
    at.bench.faults["waiting"] = lambda: n_waiting
    with at.guard.stream(ask(), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        lease.given_j_cm2(0, 0)  # so far
        lease.is_over, lease.is_clean = True, is_clean
        closed_ns = lease.frame_ns + cut_ms * MS
        last = lease.given_j_cm2(closed_ns, 0)
    assert last == pytest.approx(0.5 * on_ms * 1e-3, **EXACT)


def test_light_that_took_time_to_close_is_booked_until_it_was_closed() -> None:
    at = slow()
    with at.guard.stream(ask(), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        lease.given_j_cm2(0, 0)
        lease.is_over, lease.dark_ns = True, lease.frame_ns + 6 * MS
        asked = [lease.given_j_cm2(lease.frame_ns + ms * MS, 0) for ms in (3, 4)]
        asked.append(lease.given_j_cm2(0, 0))  # who closed it is not known: until it was dark
    assert asked == pytest.approx([0.5e-3 * (ms + 2) for ms in (3, 4, 6)], **EXACT)


def test_light_that_we_blank_is_booked_from_its_opening_to_its_closing_with_their_delays() -> None:
    at = slow(DIODE)
    with at.guard.stream(ask(channel="561"), "561", 1, 0) as lease:
        lease.start()
        began_ns = lease.lit_ns + 3 * MS
        for passed_ms in (40, 60):
            at.bench.now = began_ns + passed_ms * MS
            at.guard._account.roll(lease)
            assert booked(at) == pytest.approx(0.5 * passed_ms * 1e-3, **EXACT)
    closed_ns = at.guard._account.closed_ns
    assert closed_ns > began_ns
    assert booked(at) == pytest.approx(0.5e-9 * (closed_ns + 2 * MS - began_ns), **EXACT)


def test_light_that_was_closed_before_it_had_opened_is_not_booked() -> None:
    at = slow(DIODE, open_delay_ms=50.0)
    with at.guard.stream(ask(channel="561"), "561", 1, 0):
        pass
    assert booked(at) == 0.0


def changed(lease: Stream, power: float, at_ns: int, in_flight: int) -> None:
    """Say that the power was changed then, in that frame; no frame to come shows it whole."""
    applied = msgspec.structs.replace(
        lease.truth(ask()), power_fraction=power, power_read_fraction=power + 0.01,
        irradiance_w_cm2=power,
    )  # fmt: skip
    lease.note(Change(applied, ask(power=power), at_ns, in_flight, in_flight + 9))


@pytest.mark.parametrize(
    ("after_ms", "power"), [(-3.0, 0.3), (0.0, 0.3), (2.5, 0.35), (10.0, 0.5), (14.0, 0.5)]
)
def test_a_frame_has_the_light_before_a_change_and_after_it_each_for_its_time(
    after_ms: float, power: float
) -> None:
    at = stand(limits=FREE)
    with at.guard.stream(ask(power=0.5), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        changed(lease, 0.3, lease.frame_ns + int(after_ms * MS), in_flight=1)
        frames = [lease.pop_truth()[1] for _ in range(3)]
    assert [one.power_fraction for one in frames] == pytest.approx([power, 0.3, 0.3], **EXACT)
    reads = [0.5 + (power - 0.5) * 0.19 / 0.2, 0.31, 0.31]
    assert [one.power_read_fraction for one in frames] == pytest.approx(reads, **EXACT)
    doses = [0.010 * one for one in (power, 0.3, 0.3)]
    assert [one.dose_j_cm2 for one in frames] == pytest.approx(doses, **EXACT)
    assert lease.n_stale == 3


def test_a_frame_before_a_change_knows_nothing_of_it() -> None:
    at = stand(limits=FREE)
    with at.guard.stream(ask(power=0.5), "488", 1, 0) as lease:
        lease.start()
        changed(lease, 0.3, lease.frame_ns, in_flight=2)
        powers = [lease.pop_truth()[1].power_fraction for _ in range(3)]
    assert powers[:2] == [0.5, 0.5]
    assert powers[2] == pytest.approx(0.3)
