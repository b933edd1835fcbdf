from __future__ import annotations

import math
import multiprocessing
import time

import pytest

from acquire.keeper.keep import TRY_S, keep
from acquire.keeper.link import KeeperLink
from acquire.keeper.pipes import make_pipes
from acquire.keeper.pulse import Pulse
from lightloop.supervision.keeper_watch import LOOK_S, LOOKS, KeeperWatch

S = 1_000_000_000


class Times:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ns = 100 * S

    def now_ns(self) -> int:
        return self.ns

    def now_s(self) -> float:
        return self.ns / S

    def go_on(self, seconds: float) -> None:
        self.ns += round(seconds * S)


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def pulse(times: Times) -> Pulse:
    return Pulse(times.now_ns)


@pytest.fixture
def watch(pulse: Pulse, times: Times) -> KeeperWatch:
    return KeeperWatch(pulse, times.now_s)


def look(watch: KeeperWatch, times: Times, looks: int, apart_s: float = LOOK_S * 1.01) -> None:
    for _ in range(looks):
        watch.look()
        times.go_on(apart_s)


def _promise(pulse: Pulse) -> None:
    pulse.promise(7 * S)


def test_a_promise_is_read_in_another_process() -> None:
    pulse = Pulse()
    process = multiprocessing.get_context("spawn").Process(target=_promise, args=(pulse,))
    process.start()
    process.join()
    assert pulse.due_ns == 7 * S


def test_who_owes_nothing_has_all_the_time(pulse: Pulse) -> None:
    assert pulse.left_s() == math.inf
    pulse.promise_in(2.0)
    assert pulse.left_s() == pytest.approx(2.0)
    pulse.promise(0)
    assert pulse.left_s() == math.inf


def test_a_keeper_hangs_when_one_promise_is_seen_broken_again_and_again(
    watch: KeeperWatch, pulse: Pulse, times: Times
) -> None:
    pulse.promise_in(1.0)
    assert watch.look() == pytest.approx(1.0)
    times.go_on(1.001)
    look(watch, times, LOOKS - 1)
    assert not watch.hangs
    look(watch, times, 1)
    assert watch.hangs


def test_a_computer_that_stood_still_as_a_whole_accuses_nobody(
    watch: KeeperWatch, pulse: Pulse, times: Times
) -> None:
    pulse.promise_in(1.0)
    times.go_on(3600.0)
    look(watch, times, 1)
    pulse.promise(0)  # kept at once, when all go on
    look(watch, times, LOOKS)
    assert not watch.hangs


def test_looks_in_quick_succession_count_as_one(
    watch: KeeperWatch, pulse: Pulse, times: Times
) -> None:
    pulse.promise_in(0.0)
    look(watch, times, 3 * LOOKS, apart_s=LOOK_S / 100)
    assert not watch.hangs


def test_another_promise_that_is_broken_is_counted_anew(
    watch: KeeperWatch, pulse: Pulse, times: Times
) -> None:
    for _ in range(3):
        pulse.promise_in(0.0)
        look(watch, times, LOOKS - 1)
        assert not watch.hangs


def test_who_never_promised_what_was_expected_hangs(
    watch: KeeperWatch, times: Times, pulse: Pulse
) -> None:
    look(watch, times, LOOKS)
    assert not watch.hangs
    watch.expect_in(2.0)
    assert watch.look() == pytest.approx(2.0)
    times.go_on(2.0)
    look(watch, times, LOOKS)
    assert watch.hangs


def test_a_keeper_promises_to_move_at_the_end_of_a_lease_and_to_be_done_with_the_dark() -> None:
    owner, keeper = make_pipes()
    said: list[int] = []
    link = KeeperLink(owner)
    link.announce(time.perf_counter_ns() + 60 * S)
    link.close()
    link.end()

    def go_dark() -> bool:
        said.append(-1)
        return said.count(-1) > 1

    keep(keeper, go_dark, lambda: None, promise=said.append)
    keeper.close()
    lease_ns, closed, first_ns, dark, again_ns, dark_again, end_ns = said
    assert lease_ns > time.perf_counter_ns() + 50 * S
    assert (closed, dark, dark_again) == (0, -1, -1)
    assert 0 < first_ns < again_ns < end_ns <= time.perf_counter_ns() + round(TRY_S * S)


def test_the_promise_is_there_before_the_owner_may_give_light() -> None:
    owner, keeper = make_pipes()
    heard: list[bool] = []

    def promise(due_ns: int) -> None:
        if due_ns == 5 * S:
            heard.append(owner.leases.poll(0))

    owner.leases.send_bytes(b"L" + (5 * S).to_bytes(8, "little"))
    owner.leases.send_bytes(b"B")
    keep(keeper, lambda: True, lambda: None, now_ns=lambda: 0, promise=promise)
    assert heard == [False], "no answer was there yet"
    for end in (owner, keeper):
        end.close()
