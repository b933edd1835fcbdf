"""No light without the keeper's own answer to this lease, in time."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Iterator

import pytest

from acquire.errors import KeeperLost
from acquire.keeper.link import KeeperLink
from acquire.keeper.pipes import Ends, make_pipes

FAR_NS = 10**15
SOON_S = 5.0


@pytest.fixture
def keeper_and_link() -> Iterator[tuple[Ends, KeeperLink]]:
    owner, keeper = make_pipes()
    link = KeeperLink(owner)
    yield keeper, link
    link.end()
    keeper.close()


def answer(keeper: Ends, deadline_ns: int) -> None:
    keeper.leases.send_bytes(b"A" + struct.pack("<q", deadline_ns))


def test_a_lease_that_was_never_announced_is_confirmed_by_nobody(keeper_and_link) -> None:
    _, link = keeper_and_link
    with pytest.raises(KeeperLost):
        link.confirm()


def test_a_wrong_answer_is_not_made_good_by_a_right_one(keeper_and_link) -> None:
    keeper, link = keeper_and_link
    link.announce(FAR_NS)
    link.announce(FAR_NS + 1)
    answer(keeper, FAR_NS + 7)
    answer(keeper, FAR_NS + 1)
    with pytest.raises(KeeperLost):
        link.confirm()


def test_a_keeper_that_is_silent_is_lost_soon(keeper_and_link, monkeypatch) -> None:
    monkeypatch.setattr("acquire.keeper.link._ACK_S", 0.0)
    _, link = keeper_and_link
    link.announce(FAR_NS)
    began_s = time.perf_counter()
    with pytest.raises(KeeperLost):
        link.confirm()
    assert time.perf_counter() - began_s < 0.9


def test_who_lost_its_keeper_asks_it_for_nothing_more(keeper_and_link) -> None:
    keeper, link = keeper_and_link
    with pytest.raises(KeeperLost):
        link.confirm()
    link.announce(FAR_NS)
    assert not keeper.leases.poll(0)


def test_a_heads_up_does_not_wait_for_a_thread_that_is_speaking(keeper_and_link) -> None:
    _, link = keeper_and_link
    thread = threading.Thread(target=link.heads_up)
    with link._sending:
        thread.start()
        thread.join(2.0)
        waits = thread.is_alive()
    thread.join()
    assert not waits


def test_who_parts_from_its_keeper_leaves_no_pipe_open() -> None:
    owner, keeper = make_pipes()
    link = KeeperLink(owner)
    link.obey(lambda: True)
    link.end()
    keeper.close()
    assert all(one.closed for one in (owner.leases, owner.orders, link._wake, link._woken))
    assert keeper.leases.closed
    assert keeper.orders.closed


def test_who_finds_the_keeper_gone_when_it_speaks_asks_for_no_more_light(keeper_and_link) -> None:
    keeper, link = keeper_and_link
    keeper.close()
    link.close()
    assert link.is_lost


def test_an_order_is_obeyed_once_and_answered_once(keeper_and_link) -> None:
    keeper, link = keeper_and_link
    link.obey(lambda: True)
    keeper.orders.send_bytes(b"R")
    assert keeper.orders.poll(SOON_S)
    assert keeper.orders.recv_bytes() == b"D"
    assert not keeper.orders.poll(0.05), "it answers again"


def test_who_loses_its_keeper_knows_it_before_it_goes_dark_and_goes_dark_once(
    keeper_and_link,
) -> None:
    keeper, link = keeper_and_link
    knew: list[bool] = []
    is_dark = threading.Event()

    def go_dark() -> bool:
        knew.append(link.is_lost)
        is_dark.set()
        return True

    link.obey(go_dark)
    keeper.close()
    assert is_dark.wait(SOON_S)
    assert link._listener is not None
    link._listener.join(SOON_S)
    assert knew == [True]


@pytest.mark.parametrize(
    ("is_dark", "words"), [(True, "gone: it is dark"), (False, "gone: it is NOT known to be dark")]
)
def test_the_log_says_whether_the_light_went_off(keeper_and_link, caplog, is_dark, words) -> None:
    keeper, link = keeper_and_link
    link.obey(lambda: is_dark)
    keeper.close()
    link._listener.join(SOON_S)
    for thread in threading.enumerate():
        if thread.name == "say":
            thread.join(SOON_S)
    assert words in caplog.text
