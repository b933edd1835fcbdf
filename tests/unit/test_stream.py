"""A stream: one lease, renewed, whose light changes while the camera runs on."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest

from acquire.errors import (
    KeeperLost,
    LightRefused,
)
from acquire.light.bounds import GuardRules
from acquire.loop.loop import Outcome
from tests.light_bench import DIODE, LASER, MS, ask, stand
from tests.streaming import FREE, Streaming


def test_a_stream_takes_every_shot_of_the_plan_with_one_start_and_one_opening() -> None:
    going = Streaming(stand(limits=FREE))
    assert going.go(20) == Outcome(True, "the plan is done", 19, 20, is_dark=True)
    calls = going.at.bench.calls
    assert [calls.count(one) for one in ("start", "open 488", "stop")] == [1, 1, 1]
    assert [f.info.seq for f in going.run.frames] == list(range(20))
    assert [f.info.shot.number for f in going.run.frames] == list(range(20))
    assert going.run.lost == []


@pytest.mark.parametrize("light", [LASER, DIODE])
def test_what_is_booked_is_the_light_that_was_given(light) -> None:
    going = Streaming(stand(light, limits=FREE), ask(channel=light.name))
    going.go(100, channels=[light.name])
    lit = going.at.bench.lit_s[light.name]
    assert lit > 99 * 0.010 * 0.5
    assert lit * 0.9999 <= going.at.ledger.totals()[light.name] <= lit * 1.002


def test_one_lease_is_renewed_before_its_deadline_and_the_keeper_knows_the_later_one() -> None:
    going = Streaming(stand(limits=FREE, rules=GuardRules(lease_margin_ms=100)))
    going.go(100)
    deadlines = going.at.keeper.deadlines
    assert len(deadlines) > 10
    assert all(later > earlier for earlier, later in pairwise(deadlines))
    assert going.at.bench.calls.count("lease closed") == 1
    assert all(later - earlier < 100 * MS for earlier, later in pairwise(deadlines))


def test_power_changes_at_once_and_exposure_one_frame_later() -> None:
    going = Streaming(stand(limits=FREE))
    going.requests = {5: ask(exposure_ms=4, power=0.25, decision_id=4)}
    going.go(20)
    bench = going.at.bench
    for frame, (exposure_ms, _) in zip(going.run.frames, bench.truth, strict=False):
        assert frame.info.applied.exposure_ms == exposure_ms
    assert [ms for ms, _ in bench.truth[4:8]] == [10, 10, 4, 4]
    told = [(r.decision_id, r.first_seq, r.stale) for r in going.run.reports]
    assert told == [(7, 0, 0), (4, 6, 1)]
    assert going.dose == pytest.approx([dose for _, dose in bench.truth[:20]], rel=0.02)
    assert [f.info.applied.decision_id for f in going.run.frames] == [7] * 6 + [4] * 14


def test_a_frame_that_saw_the_power_change_tells_its_mean_power() -> None:
    going = Streaming(stand(limits=FREE), listens=True)
    going.requests = {5: ask(power=0.25, decision_id=4)}
    bench = going.at.bench
    going.go(12)
    mixed = going.run.frames[5].info.applied
    assert 0.25 < mixed.power_fraction < 0.5
    assert mixed.dose_j_cm2 == pytest.approx(bench.truth[5][1], rel=0.02)
    assert going.dose == pytest.approx([dose for _, dose in bench.truth[:12]], rel=0.02)


@pytest.mark.parametrize("light", [LASER, DIODE])
def test_many_changes_are_booked_within_one_per_cent(light) -> None:
    going = Streaming(stand(light, limits=FREE), ask(channel=light.name), listens=True)
    for n in range(3, 200, 3):
        about = {"exposure_ms": 2 + n % 7, "power": 0.1 + 0.01 * (n % 50), "decision_id": n - 1}
        going.requests[n] = ask(channel=light.name, **about)
    going.go(200, channels=[light.name])
    assert not going.requests
    lit = going.at.bench.lit_s[light.name]
    assert going.at.ledger.totals()[light.name] == pytest.approx(lit, rel=0.01)
    assert sum(going.dose) == pytest.approx(lit, rel=0.01)
    assert going.used[-1] == (2 + 198 % 7, pytest.approx(0.1 + 0.01 * (198 % 50)))


def test_frames_that_wait_behind_a_change_are_counted_as_stale() -> None:
    going = Streaming(stand(limits=FREE))
    going.requests = {5: ask(exposure_ms=5, decision_id=4)}
    going.at_frame = {5: lambda: going.at.bench.spend(35 * MS)}
    going.go(20)
    change = going.run.reports[-1]
    assert (change.first_seq, change.stale) == (9, 4)
    assert [ms for ms, _ in going.at.bench.truth[:20]] == [ms for ms, _ in going.used]


def test_a_camera_that_works_ahead_is_given_its_lag() -> None:
    at = stand(limits=FREE)
    with at.guard.stream(ask(), "488", 1, 0, lag_frames=3) as lease:
        lease.start()
        lease.pop_truth()
        lease.change(ask(exposure_ms=5, decision_id=8))
        used = [lease.pop_truth()[1].exposure_ms for _ in range(5)]
    assert used == [10, 10, 10, 5, 5]
    assert lease.n_stale == 3


@pytest.mark.parametrize("breaks_off", [False, True])
def test_frames_that_a_camera_which_works_ahead_still_holds_are_booked(breaks_off: bool) -> None:
    booked = []
    for lag_frames in (1, 3):
        at = stand(limits=FREE)
        with (
            suppress(LightRefused),
            at.guard.stream(ask(), "488", 1, 0, lag_frames) as lease,
        ):
            lease.start()
            lease.pop_truth()
            if breaks_off:
                raise LightRefused("a person stops it")
        booked.append(at.ledger.totals()["488"])
    assert booked[1] - booked[0] == pytest.approx(2 * 10.0 * 1e-3 * 0.5)


def test_a_stream_is_one_lease_and_ends_with_its_with() -> None:
    at = stand(limits=FREE)
    with at.guard.stream(ask(), "488", 1, 0) as lease:
        with pytest.raises(LightRefused, match="one lease"), at.guard.stream(ask(), "488", 1, 0):
            pass
        lease.start()
        lease.pop_truth()
    with pytest.raises(LightRefused):
        lease.start()


def test_a_long_stream_books_each_frame_once_however_often_it_is_renewed() -> None:
    going = Streaming(stand(limits=FREE))
    going.go(200)  # 2 s: renewed every half
    assert len(going.at.keeper.deadlines) >= 4
    shone = going.at.bench.lit_s["488"]
    assert going.at.ledger.spent(0, "488") == pytest.approx(shone, rel=0.02)


def test_a_stream_of_slow_light_gives_its_switch_time_and_pays_for_it() -> None:
    slow = DIODE.model_copy(
        update={"settle_ms": 70.0, "open_delay_ms": 30.0, "close_delay_ms": 20.0}
    )
    rules = GuardRules(lease_margin_ms=200.0)
    seen = []
    for light in (DIODE, slow):
        at = stand(light, limits=FREE, rules=rules)
        with at.guard.stream(ask(channel="561"), "561", 1, 0) as lease:
            assert lease.deadline_ns - lease.patience_ns == 100 * MS
            seen.append((at.keeper.deadlines[0], at.ledger.spent(0, "561")))
    (soon_ns, little), (late_ns, much) = seen
    assert late_ns - soon_ns == pytest.approx(120 * MS, abs=MS)
    assert much - little == pytest.approx(0.5 * 0.120)


@pytest.mark.parametrize("light", [LASER, DIODE])
def test_a_stream_that_never_had_light_is_not_booked(light) -> None:
    at = stand(light, limits=FREE)
    at.bench.faults["lease"] = lambda: "no answer"
    with (
        pytest.raises(KeeperLost),
        at.guard.stream(ask(channel=light.name), light.name, 1, 0),
    ):
        pass
    assert at.ledger.spent(0, light.name) == 0.0
    assert at.bench.lit_s.get(light.name, 0.0) == 0.0


def test_a_stream_whose_camera_was_never_started_is_not_booked_where_that_blanks_it() -> None:
    at = stand(limits=FREE)
    with at.guard.stream(ask(), "488", 1, 0):
        at.bench.spend(50 * MS)
    assert at.bench.lit_s.get("488", 0.0) == 0.0
    assert at.ledger.spent(0, "488") == 0.0


def test_a_change_to_a_longer_exposure_gives_the_lease_the_time_for_it() -> None:
    at = stand(limits=FREE)
    with at.guard.stream(ask(), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        before_ms = lease.frame_patience_ms
        assert lease.change(ask(exposure_ms=90.0))
        assert lease.frame_patience_ms - before_ms == pytest.approx(80.0)
        last_ns = at.keeper.deadlines[-1]
        assert last_ns == lease.deadline_ns
        assert last_ns - at.bench.now > (lease.window_ms + 90.0) * MS
