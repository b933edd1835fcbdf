"""Light that nobody asked for, or that nobody could write down: it is on the books all the same."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

import pytest

from acquire import asleep
from acquire.dose import Ledger
from acquire.errors import LightNotDark, LightRefused
from acquire.light.account import SHORTEST_SLEEP_NS, Account
from acquire.light.bounds import GuardRules
from acquire.light.guard import LightGuard
from acquire.light.source import LightSource
from acquire.sample.record import SampleError
from tests.light_bench import (
    DIODE,
    LASER,
    LIMITS,
    MS,
    Bench,
    FakeCamera,
    FakeKeeper,
    FakeLights,
    Stand,
    ask,
    lie_first,
    stand,
    take,
)

LAMP = LightSource(name="lamp", wavelength_nm=550, gate="always-on")
SECOND = 1_000_000_000
QUICK = GuardRules(lease_margin_ms=60)  # a stream is renewed every 30 ms


# A light that comes on by itself: another program, a wrong cable.


def turned_on(at: Stand, power: float = 0.3) -> None:
    """Let somebody turn another light on, in the next exposure."""

    def turn() -> None:
        at.bench.power["561"] = power

    at.bench.faults["start"] = turn


def test_a_light_that_came_on_by_itself_is_booked_as_full_since_it_was_seen_dark() -> None:
    at = stand(LASER, DIODE)
    take(at, ask())
    seen_dark_ns = at.bench.now
    at.bench.spend(2 * SECOND)
    turned_on(at)
    with pytest.raises(LightNotDark, match="light '561' was on, and nobody had asked for it"):
        take(at, ask())
    assert at.bench.is_dark
    since_s = (at.bench.now - seen_dark_ns) * 1e-9
    assert at.ledger.spent(0, "561") == pytest.approx(since_s, rel=0.01)
    assert at.ledger.spent(0, "561") >= at.bench.lit_s["561"]


def test_no_light_is_given_where_another_one_comes_on_by_itself() -> None:
    at = stand(LASER, DIODE)
    turned_on(at)
    with pytest.raises(LightNotDark):
        take(at, ask())
    with pytest.raises(LightRefused, match="stopped"):
        take(at, ask())


def test_a_light_that_is_said_to_be_on_once_and_by_mistake_ends_nothing() -> None:
    at = stand(LASER, DIODE)
    at.bench.faults["ask 561"] = lie_first(1)
    take(at, ask())
    assert at.ledger.spent(0, "561") == 0.0
    assert at.ledger.spent(0, "488") > 0.0


def test_a_light_that_comes_on_by_itself_and_stays_on_is_booked_until_it_is_dark() -> None:
    at = stand(LASER, DIODE)
    turned_on(at)
    at.bench.faults["dark 561"] = lambda: False
    with pytest.raises(LightNotDark, match="will not go dark"):
        take(at, ask())
    assert at.keeper.is_alarmed
    at.bench.spend(SECOND)
    at.guard.all_dark()
    assert at.ledger.spent(0, "561") >= at.bench.lit_s["561"] > 0.3


def test_a_light_that_came_on_by_itself_is_told_though_the_lease_s_own_closes_late() -> None:
    at = stand(LASER, DIODE)
    turned_on(at)
    not_yet = iter([False])
    at.bench.faults["close 488"] = lie_first(1)
    at.bench.faults["dark 488"] = lambda: next(not_yet, None)
    with pytest.raises(LightNotDark, match="light '561' was on"):
        take(at, ask())


def test_a_light_that_comes_on_by_itself_in_a_stream_is_booked_since_it_was_seen_dark() -> None:
    at = stand(LASER, DIODE, rules=QUICK)
    began_ns = at.bench.now

    def streamed() -> None:
        with at.guard.stream(ask(), "488", 1, 0) as lease:
            lease.start()
            for _ in range(6):  # it is renewed
                lease.pop_truth()
                lease.renew()
            at.bench.power["561"] = 0.3

    with pytest.raises(LightNotDark, match="light '561' was on"):
        streamed()
    since_s = (at.bench.now - began_ns) * 1e-9
    assert 0.06 < at.ledger.spent(0, "561") <= since_s


def test_the_light_of_a_lease_that_needs_a_second_command_is_no_light_that_came_by_itself() -> None:
    at = stand(LASER, DIODE)
    at.bench.faults["close 488"] = lie_first(1)
    take(at, ask())
    assert at.ledger.spent(0, "561") == 0.0


# A computer that sleeps: its clock stands still, and the light does not.


@dataclass
class Sleeper:
    """A stand on a computer that may fall asleep."""

    sources: tuple[LightSource, ...]
    slept_ns: int = 0
    bench: Bench = field(init=False)

    def __post_init__(self) -> None:
        self.bench = Bench(self.sources)
        self.ledger = Ledger({source.name: 100.0 for source in self.sources})
        self.guard = LightGuard(
            FakeLights(self.bench),
            FakeCamera(self.bench),
            FakeKeeper(self.bench),
            self.ledger,
            {source.name: source for source in self.sources},
            {source.name: LIMITS for source in self.sources},
            QUICK,
            self.bench.now_ns,
            slept_ns=lambda: self.slept_ns,
        )

    def sleep(self) -> None:
        self.slept_ns += 10 * SECOND


@pytest.mark.parametrize("source", [LASER, DIODE], ids=["blanked", "not blanked"])
def test_light_that_was_on_while_the_computer_slept_is_booked(source: LightSource) -> None:
    at = Sleeper((source,))
    at.bench.faults["start"] = at.sleep
    with at.guard.expose(ask(channel=source.name), source.name, 1, 0) as lease:
        lease.start()
        lease.pop()
    assert at.ledger.spent(0, source.name) == pytest.approx(10 * 0.5, rel=0.01)


def test_light_that_was_never_on_is_not_booked_for_a_sleep() -> None:
    at = Sleeper((LASER,))
    at.bench.faults["exposure"] = at.sleep
    with at.guard.expose(ask(power=0.0), "488", 1, 0) as lease:
        lease.start()
        lease.pop()
    assert at.ledger.spent(0, "488") == 0.0


def test_a_sleep_is_booked_once_also_in_a_stream_and_to_the_lease_that_it_fell_in() -> None:
    at = Sleeper((LASER,))
    for naps in (1, 0):
        with at.guard.stream(ask(power=0.5), "488", 1, naps) as lease:
            lease.start()
            for _ in range(8):
                lease.pop_truth()
                if naps:
                    at.sleep()
                    naps = 0
                lease.renew()
    assert at.ledger.spent(1, "488") == pytest.approx(10 * 0.5 + 8 * 0.01 * 0.5, rel=0.02)
    assert at.ledger.spent(0, "488") == pytest.approx(8 * 0.01 * 0.5, rel=0.02)


def test_a_lamp_shines_on_while_the_computer_sleeps_and_is_booked_once() -> None:
    at = Sleeper((LASER, LAMP))
    at.sleep()
    at.guard.all_dark()
    at.guard.all_dark()
    assert at.ledger.spent(0, "lamp") == pytest.approx(10.0, rel=0.01)


@pytest.mark.parametrize(("nap_ns", "booked_s"), [
    (SHORTEST_SLEEP_NS, 0.0), (SHORTEST_SLEEP_NS + 1, 0.05), (-SECOND, 0.0),
])  # fmt: skip
def test_two_clocks_that_were_only_read_apart_are_no_sleep(nap_ns: int, booked_s: float) -> None:
    ledger, slept = Ledger({"lamp": 10.0}), [0]
    account = Account(ledger, (LAMP,), GuardRules(), lambda: 0, slept_ns=lambda: slept[0])
    slept[0] = nap_ns
    account.book_lamps()
    assert ledger.spent(0, "lamp") == pytest.approx(booked_s)


def test_the_readings_of_two_clocks_that_lie_closest_together_tell_the_sleep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    still = iter([0, 9 * MS, 10 * MS, 10 * MS + 50])  # the first two are interrupted
    ahead = iter([SECOND + 8 * MS, SECOND + 10 * MS])
    monkeypatch.setattr(time, "clock_gettime_ns", lambda clock: next(ahead if clock else still))
    assert asleep._ahead_ns(1, 0) == SECOND


def test_clocks_that_never_lie_close_are_read_a_few_times_and_the_best_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0]

    def read(clock: int) -> int:
        now[0] += MS
        return now[0] + (SECOND if clock else 0)

    monkeypatch.setattr(time, "clock_gettime_ns", read)
    assert asleep._ahead_ns(1, 0) == SECOND + MS
    assert now[0] == 15 * MS


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_each_system_has_its_own_clocks(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    for number, name in enumerate(("CLOCK_BOOTTIME", "CLOCK_MONOTONIC", "CLOCK_UPTIME_RAW")):
        monkeypatch.setattr(time, name, number, raising=False)
    monkeypatch.setattr(time, "clock_gettime_ns", {0: 7, 1: 5, 2: 2}.__getitem__)
    assert asleep.slept_ns() == {"linux": 2, "darwin": 3, "win32": 0}[platform]


def test_a_computer_that_is_awake_does_not_sleep() -> None:
    before = asleep.slept_ns()
    assert abs(asleep.slept_ns() - before) < SHORTEST_SLEEP_NS


# A disk that takes no more, in the midst of light.


class Disk:
    """Where doses are written down before they are given; at times it takes nothing."""

    is_full = False

    def note(self, light: str, x_um: float, y_um: float, dose: float) -> None:
        if self.is_full:
            raise SampleError("no space left on device")


def noted(*sources: LightSource) -> tuple[Stand, Disk]:
    disk = Disk()
    at = stand(*sources, rules=QUICK)
    ledger = Ledger({source.name: 10.0 for source in sources}, note=disk.note)
    at.guard._account._ledger = at.ledger = ledger
    return at, disk


@pytest.mark.parametrize("fills_after", [1, 7])
@pytest.mark.parametrize("source", [LASER, DIODE], ids=["blanked", "not blanked"])
def test_a_stream_whose_record_cannot_be_kept_is_booked_until_it_is_dark(
    source: LightSource, fills_after: int
) -> None:
    at, disk = noted(source)

    def streamed() -> None:
        with at.guard.stream(ask(channel=source.name), source.name, 1, 0) as lease:
            lease.start()
            for frame in range(1000):
                lease.pop_truth()
                disk.is_full = frame >= fills_after
                lease.renew()

    with pytest.raises(SampleError):
        streamed()
    assert at.bench.is_dark
    assert at.bench.lit_s[source.name] > 0.01
    assert at.ledger.totals()[source.name] >= at.bench.lit_s[source.name] * (1 - 5e-3)


def test_a_light_that_sticks_while_nothing_can_be_written_down_is_booked_when_it_can() -> None:
    at, disk = noted(LASER)
    at.bench.faults["dark 488"] = at.bench.faults["close 488"] = lambda: True

    def stick() -> bool:
        disk.is_full = True
        return True

    at.bench.faults["close 488"] = stick
    at.bench.faults["dark 488"] = lambda: False
    with pytest.raises(LightNotDark):
        take(at, ask())
    at.bench.is_exposing = True  # the trigger line is high
    at.bench.spend(SECOND)
    disk.is_full = False
    at.guard.all_dark()
    assert at.ledger.totals()["488"] >= at.bench.lit_s["488"] > 0.5
