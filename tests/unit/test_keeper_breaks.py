"""A pipe may break in the middle of a word, on either side: then it is dark all the same."""

from __future__ import annotations

import importlib
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from acquire.errors import KeeperLost
from acquire.keeper.keep import KeeperReport, keep
from acquire.keeper.link import KeeperLink
from acquire.keeper.pipes import Ends, make_pipes

SOON_S = 5.0
NOW_NS = 10**12
FAR_NS = NOW_NS + 60 * 10**9


@pytest.fixture
def pipes() -> Iterator[tuple[Ends, Ends]]:
    owner, keeper = make_pipes()
    yield owner, keeper
    owner.close()
    keeper.close()


def watched(
    keeper: Ends,
    kill: Callable[[], object] = lambda: None,
    promise: Callable[[int], object] = lambda due_ns: None,
) -> tuple[KeeperReport, list[str]]:
    """Let a keeper hear what was said, to the end; return its report and what it did."""
    did: list[str] = []

    def kill_owner() -> None:
        did.append("kill")
        kill()

    report = keep(
        keeper,
        lambda: not did.append("dark"),
        kill_owner,
        lambda: NOW_NS,
        grace_ms=1.0,
        promise=promise,
    )
    return report, did


def said(caplog: pytest.LogCaptureFixture) -> str:
    """Return the log, with what threads of `acquire.say` are still writing."""
    for thread in threading.enumerate():
        if thread.name == "say":
            thread.join(SOON_S)
    return caplog.text


def say_lease(owner: Ends, deadline_ns: int) -> None:
    owner.leases.send_bytes(b"L" + struct.pack("<q", deadline_ns))


def test_a_heads_up_is_no_alarm_and_ends_no_watch(pipes) -> None:
    owner, keeper = pipes
    link = KeeperLink(owner)
    link.heads_up()
    say_lease(owner, FAR_NS)
    link.heads_up()
    link.close()
    link.heads_up()
    link.end()
    report, did = watched(keeper)
    assert report == KeeperReport("the owner ended in good order", is_dark=True)
    assert did == ["dark"]


def test_a_heads_up_in_a_lease_does_not_put_off_its_deadline(pipes) -> None:
    owner, keeper = pipes
    say_lease(owner, NOW_NS - 1)
    KeeperLink(owner).heads_up()
    report, did = watched(keeper)
    assert report.why == "a lease passed its deadline"
    assert did == ["kill", "dark"]


def test_an_owner_that_dies_before_it_hears_that_it_has_a_lease_died_in_a_lease(
    pipes, caplog
) -> None:
    owner, keeper = pipes
    say_lease(owner, FAR_NS)
    owner.close()
    report, did = watched(keeper)
    assert report == KeeperReport("the owner died in a lease", is_dark=True)
    assert did == ["dark"]
    assert "the owner's pipe broke" in said(caplog)


def test_an_owner_that_hears_no_orders_any_more_is_killed_at_its_deadline(pipes) -> None:
    owner, keeper = pipes
    say_lease(owner, NOW_NS - 1)
    owner.orders.close()
    report, did = watched(keeper)
    assert report == KeeperReport("a lease passed its deadline", True, was_killed=True)
    assert did == ["kill", "dark"]


def test_a_keeper_that_dies_between_a_lease_and_its_answer_costs_the_light(pipes) -> None:
    owner, keeper = pipes
    link = KeeperLink(owner)
    link.announce(FAR_NS)
    keeper.close()
    began = time.perf_counter()
    with pytest.raises(KeeperLost, match="no keeper, no light"):
        link.confirm()
    assert time.perf_counter() - began < SOON_S
    assert link.is_lost
    link.end()


def test_an_owner_whose_keeper_dies_while_it_obeys_is_dark_and_gets_no_more_light(
    pipes, caplog
) -> None:
    owner, keeper = pipes
    link = KeeperLink(owner)
    dark: list[int] = []
    is_alone = threading.Event()

    def go_dark() -> bool:
        dark.append(1)
        keeper.close()  # before it can hear the answer
        if len(dark) == 2:
            is_alone.set()
        return True

    link.obey(go_dark)
    keeper.orders.send_bytes(b"R")
    assert is_alone.wait(SOON_S)
    link.end()
    assert link.is_lost
    assert "does not hear the answer" in said(caplog)
    with pytest.raises(KeeperLost):
        link.confirm()


def test_a_lease_that_was_closed_has_no_deadline_any_more(pipes) -> None:
    owner, keeper = pipes
    say_lease(owner, NOW_NS - 1)
    KeeperLink(owner).close()
    owner.close()
    report, did = watched(keeper)
    assert report == KeeperReport("the owner is gone", is_dark=True)
    assert did == ["dark"]


def test_an_owner_that_went_dark_when_it_was_told_is_not_told_again(pipes) -> None:
    owner, keeper = pipes
    say_lease(owner, NOW_NS - 1)
    reports: list[KeeperReport] = []
    promises: list[int] = []
    thread = threading.Thread(
        target=lambda: reports.append(watched(keeper, promise=promises.append)[0])
    )
    owner.orders.send_bytes(b"D")
    thread.start()
    assert owner.orders.poll(SOON_S)
    assert owner.orders.recv_bytes() == b"R"
    assert not owner.orders.poll(0.05), "it was told again"
    KeeperLink(owner).end()
    thread.join(SOON_S)
    assert reports == [KeeperReport("the owner ended in good order", True, revoked=1)]
    lease_ns, revoked_ns, heard, *_ = promises
    assert lease_ns < revoked_ns
    assert heard == 0, "nothing is owed until something is heard"


def test_a_keeper_promises_to_be_done_with_the_killing_before_it_kills(pipes) -> None:
    owner, keeper = pipes
    say_lease(owner, NOW_NS - 1)
    promises: list[int] = []
    left_s: list[float] = []

    def kill() -> None:
        left_s.append((promises[-1] - time.perf_counter_ns()) * 1e-9)

    watched(keeper, kill, promises.append)
    assert 1.0 < left_s[0] < 10.0


@pytest.mark.parametrize(("is_way_free", "most_s"), [(False, 0.2), (True, 50.2)])
def test_a_keeper_promises_as_long_as_it_waits_for_an_owner_and_takes_its_own_way(
    pipes, is_way_free: bool, most_s: float
) -> None:
    owner, keeper = pipes
    say_lease(owner, NOW_NS - 1)
    owner.orders.close()  # it will not have to be waited for
    left_s: list[float] = []
    keep(
        keeper,
        lambda: True,
        lambda: None,
        lambda: NOW_NS,
        grace_ms=200.0,
        is_way_free=is_way_free,
        promise=lambda due_ns: left_s.append((due_ns - time.perf_counter_ns()) * 1e-9),
        try_s=50.0,
    )
    _, revoking_s, *_ = left_s
    assert most_s - 5.0 < revoking_s <= most_s


def test_an_owner_that_could_not_be_killed_is_named_with_the_reason(pipes, caplog) -> None:
    owner, keeper = pipes
    owner.leases.send_bytes(b"X")

    def refuse() -> None:
        raise PermissionError("not my process")

    report, did = watched(keeper, refuse)
    assert report.is_dark
    assert did == ["kill", "dark"]
    assert "PermissionError: not my process" in said(caplog)


def test_a_light_that_stays_on_is_said_once_and_its_driver_is_not_flooded(
    pipes, caplog, monkeypatch
) -> None:
    monkeypatch.setattr(importlib.import_module("acquire.keeper.keep"), "_GIVE_UP_S", 0.1)
    owner, keeper = pipes
    owner.close()
    tries: list[int] = []
    assert not keep(keeper, lambda: bool(tries.append(1)), lambda: None).is_dark
    assert 1 < len(tries) < 20
    assert said(caplog).count("the keeper switched the light off, and it is still on") == 1
    assert said(caplog).count("the keeper gave up") == 1


def test_a_light_that_cannot_be_reached_is_told_by_the_driver_s_own_words(pipes, caplog) -> None:
    owner, keeper = pipes
    owner.close()
    answers = iter([OSError("port is taken")])

    def go_dark() -> bool:
        for error in answers:
            raise error
        return True

    assert keep(keeper, go_dark, lambda: None).is_dark
    assert "cannot be reached: OSError('port is taken')" in said(caplog)


def test_a_keeper_that_answers_again_is_given_heads_ups_again(pipes) -> None:
    owner, keeper = pipes
    link = KeeperLink(owner)

    def heard() -> int:
        for _ in range(200):
            link.heads_up()
        count = 0
        while keeper.leases.poll(0):
            count += keeper.leases.recv_bytes() == b"H"
        return count

    few = heard()
    assert 10 < few < 100, "no pipe is filled for a keeper that does not answer"
    assert heard() == 0
    link.announce(FAR_NS)
    keeper.leases.send_bytes(b"A" + keeper.leases.recv_bytes()[1:])
    link.confirm()
    assert heard() == few
    link.end()
