from __future__ import annotations

import importlib
import logging
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from acquire.errors import KeeperLost
from acquire.keeper.keep import KeeperReport, keep
from acquire.keeper.link import KeeperLink, NoKeeper
from acquire.keeper.pipes import Ends, make_pipes

SOON_S = 5.0


@dataclass
class Watch:
    """A keeper in a thread, over a light that it can see, and an owner that it can kill."""

    owner: Ends
    keeper: Ends
    said: list[str] = field(default_factory=list)
    dark_answers: Iterator[object] = field(default_factory=lambda: iter(()))
    reports: list[KeeperReport] = field(default_factory=list)
    dark_ns: int = 0

    def go_dark(self) -> bool:
        self.said.append("dark")
        answer = next(self.dark_answers, True)
        if isinstance(answer, Exception):
            raise answer
        self.dark_ns = time.perf_counter_ns()
        return bool(answer)

    def kill(self) -> None:
        self.said.append("kill")

    def start(self) -> None:
        self.thread = threading.Thread(target=self._keep)
        self.thread.start()

    def _keep(self) -> None:
        self.reports.append(keep(self.keeper, self.go_dark, self.kill, grace_ms=20))

    def end(self) -> KeeperReport:
        self.thread.join(SOON_S)
        assert not self.thread.is_alive()
        return self.reports[0]


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch(*make_pipes())
    watch.start()
    yield watch
    watch.owner.close()
    watch.thread.join(SOON_S)
    watch.keeper.close()


def in_s(seconds: float) -> int:
    return time.perf_counter_ns() + int(seconds * 1e9)


def test_a_lease_is_acknowledged_and_a_closed_one_alarms_nobody(watch: Watch) -> None:
    link = KeeperLink(watch.owner)
    for _ in range(3):
        link.lease(in_s(60))
        link.close()
    link.end()
    assert watch.end() == KeeperReport("the owner ended in good order", is_dark=True)
    assert watch.said == ["dark"]


def test_a_lease_past_its_deadline_ends_in_the_dark(watch: Watch) -> None:
    link = KeeperLink(watch.owner)
    deadline_ns = in_s(0.02)
    link.lease(deadline_ns)
    report = watch.end()
    assert report == KeeperReport("a lease passed its deadline", True, was_killed=True)
    assert watch.said == ["kill", "dark"]
    assert deadline_ns < watch.dark_ns < deadline_ns + 200_000_000
    link.end()


def test_an_owner_that_still_hears_goes_dark_by_itself_and_lives(watch: Watch) -> None:
    link = KeeperLink(watch.owner)
    ordered = threading.Event()
    link.obey(lambda: not ordered.set())
    link.lease(in_s(0.02))
    assert ordered.wait(SOON_S)
    link.end()
    report = watch.end()
    assert not report.was_killed
    assert report.revoked == 1
    assert watch.said == ["dark"]  # only the last one, on parting


def test_an_owner_that_hears_but_cannot_go_dark_is_killed(watch: Watch) -> None:
    link = KeeperLink(watch.owner)
    link.obey(lambda: False)
    link.lease(in_s(0.02))
    assert watch.end().was_killed
    link.end()


def test_a_pipe_that_closes_in_a_lease_is_an_alarm_at_once(watch: Watch) -> None:
    KeeperLink(watch.owner).lease(in_s(60))
    watch.owner.close()
    assert watch.end() == KeeperReport("the owner died in a lease", is_dark=True)


def test_a_pipe_that_closes_without_a_lease_still_ends_dark(watch: Watch) -> None:
    watch.owner.close()
    assert watch.end() == KeeperReport("the owner is gone", is_dark=True)
    assert watch.said == ["dark"]


def test_an_owner_that_calls_for_help_is_killed_so_that_its_ports_are_free(watch: Watch) -> None:
    link = KeeperLink(watch.owner)
    link.lease(in_s(60))
    link.alarm()
    assert watch.end() == KeeperReport("the owner called for help", True, was_killed=True)
    link.end()


@pytest.mark.parametrize("message", [b"?", b"", b"L", b"L1234567", b"L" + bytes(9)])
def test_bytes_that_are_no_message_of_ours_are_an_alarm(watch: Watch, message: bytes) -> None:
    watch.owner.leases.send_bytes(message)
    assert watch.end().was_killed
    assert watch.said == ["kill", "dark"]


def test_the_keeper_tries_again_until_it_is_dark(watch: Watch) -> None:
    watch.dark_answers = iter([OSError("port is taken"), False])
    watch.owner.close()
    assert watch.end().is_dark
    assert watch.said == ["dark"] * 3


def test_an_owner_that_cannot_be_killed_is_no_reason_to_leave_the_light_on() -> None:
    owner, keeper = make_pipes()
    owner.leases.send_bytes(b"X")
    dark: list[bool] = []

    def refuses() -> None:
        raise PermissionError("not my process")

    report = keep(keeper, lambda: not dark.append(True), refuses)
    assert report.is_dark
    assert dark == [True]
    owner.close()
    keeper.close()


def test_a_keeper_that_cannot_get_it_dark_gives_up_and_says_so(monkeypatch) -> None:
    monkeypatch.setattr(importlib.import_module("acquire.keeper.keep"), "_GIVE_UP_S", 0.05)
    owner, keeper = make_pipes()
    owner.close()
    assert not keep(keeper, lambda: False, lambda: None).is_dark
    keeper.close()


def test_a_keeper_that_does_not_answer_is_lost_for_good(monkeypatch) -> None:
    monkeypatch.setattr("acquire.keeper.link._ACK_S", 0.01)
    owner, keeper = make_pipes()
    link = KeeperLink(owner)
    with pytest.raises(KeeperLost, match="no keeper, no light"):
        link.lease(in_s(60))
    assert link.is_lost
    keeper.leases.recv_bytes()
    with pytest.raises(KeeperLost):
        link.lease(in_s(60))
    assert not keeper.leases.poll(0)
    link.end()
    keeper.close()


def test_a_keeper_that_acknowledges_another_lease_is_lost() -> None:
    owner, keeper = make_pipes()
    link = KeeperLink(owner)
    keeper.leases.send_bytes(b"A" + bytes(8))
    with pytest.raises(KeeperLost):
        link.lease(in_s(60))
    link.end()
    keeper.close()


def test_a_lease_that_broke_off_before_its_answer_does_not_cost_the_next_one(watch: Watch) -> None:
    link = KeeperLink(watch.owner)
    for _ in range(3):  # stopped, or refused by a device, while the keeper answered
        link.announce(in_s(60))
        link.close()
    link.lease(in_s(60))
    assert not link.is_lost
    link.close()
    link.end()
    assert watch.end() == KeeperReport("the owner ended in good order", is_dark=True)


def test_an_answer_to_a_lease_that_broke_off_is_no_answer_to_the_next_one(monkeypatch) -> None:
    monkeypatch.setattr("acquire.keeper.link._ACK_S", 0.01)
    owner, keeper = make_pipes()
    link = KeeperLink(owner)
    link.announce(in_s(60))
    keeper.leases.send_bytes(b"A" + keeper.leases.recv_bytes()[1:])
    with pytest.raises(KeeperLost):
        link.lease(in_s(60))
    link.end()
    keeper.close()


def test_an_owner_whose_keeper_dies_goes_dark_and_gets_no_more_leases() -> None:
    owner, keeper = make_pipes()
    link = KeeperLink(owner)
    dark = threading.Event()
    link.obey(lambda: not dark.set())
    keeper.close()
    assert dark.wait(SOON_S)
    with pytest.raises(KeeperLost):
        link.lease(in_s(60))
    with pytest.raises(KeeperLost, match="switch it off by hand"):
        link.alarm()
    link.end()


def test_a_dead_keeper_shows_at_the_next_lease_even_if_nobody_listens() -> None:
    owner, keeper = make_pipes()
    link = KeeperLink(owner)
    keeper.close()
    with pytest.raises(KeeperLost):
        link.lease(in_s(60))
    link.close()
    link.end()


def test_no_keeper_says_loudly_that_there_is_none(caplog) -> None:
    nobody = NoKeeper()
    nobody.announce(0)
    nobody.confirm()
    nobody.close()
    nobody.alarm()
    assert "there is no keeper" in caplog.text


# A log that blocks (a full pipe, a slow disk) holds nobody up who has light to switch off.


@pytest.fixture
def stuck_log() -> Iterator[threading.Event]:
    """A log handler that waits; the event frees it."""
    freed = threading.Event()

    class Stuck(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            freed.wait(SOON_S)

    handler = Stuck()
    logger = logging.getLogger("acquire")
    before = set(threading.enumerate())
    logger.addHandler(handler)
    yield freed
    freed.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(SOON_S)
    logger.removeHandler(handler)


def test_a_log_that_blocks_does_not_keep_the_keeper_from_darkness(stuck_log) -> None:
    owner, keeper = make_pipes()
    went_dark, done = threading.Event(), threading.Event()
    answers = iter([OSError("port is taken"), False, True])

    def go_dark() -> bool:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        if answer:
            went_dark.set()
        return answer

    def watching() -> None:
        keep(keeper, go_dark, raising_permission, grace_ms=20)
        done.set()

    threading.Thread(target=watching).start()
    owner.leases.send_bytes(b"L" + struct.pack("<q", in_s(0.05)))
    assert went_dark.wait(1.0)
    stuck_log.set()
    assert done.wait(SOON_S)
    owner.close()
    keeper.close()


def raising_permission() -> None:
    raise PermissionError("not my process")


@pytest.mark.parametrize("is_gone", [True, False], ids=["keeper gone", "ordered"])
def test_a_log_that_blocks_does_not_keep_the_owner_from_darkness(stuck_log, is_gone) -> None:
    owner, keeper = make_pipes()
    link = KeeperLink(owner)
    dark = threading.Event()
    link.obey(lambda: not dark.set())
    if is_gone:
        keeper.close()
    else:
        keeper.orders.send_bytes(b"R")
        assert keeper.orders.poll(1.0)
        assert keeper.orders.recv_bytes() == b"D"
    assert dark.wait(1.0)
    link.end()
    stuck_log.set()
    keeper.close()


def test_a_heads_up_never_waits_for_a_keeper_that_does_not_hear() -> None:
    owner, keeper = make_pipes()
    link = KeeperLink(owner)
    done = threading.Event()

    def burst() -> None:
        for _ in range(100_000):  # far more than a pipe holds
            link.heads_up()
        done.set()

    thread = threading.Thread(target=burst, daemon=True)
    thread.start()
    assert done.wait(SOON_S)
    thread.join()
    with link._sending:  # another thread is speaking
        link.heads_up()
    keeper.close()
    link._unheard = 0
    link.heads_up()
    assert link.is_lost
    link.end()


@pytest.mark.parametrize("is_reached", [True, False])
def test_at_a_deadline_a_keeper_whose_way_is_free_takes_it_before_it_waits_for_an_answer(
    is_reached: bool,
) -> None:
    owner, keeper = make_pipes()
    said: list[str] = []

    def go_dark() -> bool:
        said.append("dark")
        if not is_reached and said == ["dark"]:
            raise OSError("busy")
        return True

    owner.leases.send_bytes(b"L" + struct.pack("<q", 1))  # long past its deadline
    report = keep(keeper, go_dark, lambda: said.append("kill"), grace_ms=1, is_way_free=True)
    assert said == ["dark", "kill", "dark"]
    assert report == KeeperReport("a lease passed its deadline", True, was_killed=True)
    owner.close()
    keeper.close()
