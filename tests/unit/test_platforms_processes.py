"""What Windows and macOS do otherwise with processes, pipes and clocks."""

from __future__ import annotations

import ctypes
import os
import struct
import threading
import time
from typing import Any, cast

import psutil
import pytest

from acquire.keeper.keep import keep
from acquire.keeper.pipes import Ends
from lightloop.processes.keeper import KILLED_S, Owner
from lightloop.processes.link import Go, Link, Ready, pack, unpack_from_child
from lightloop.supervision.children import SPAWN, Child
from lightloop.supervision.fine_ticks import fine_ticks
from lightloop.supervision.stand_ins import NOBODY

MS = 1_000_000


class EarlyPipe:
    """A pipe whose timeouts end too soon, as a clock that ticks every 16 ms makes them."""

    def __init__(self, said: list[bytes], clock: list[int]) -> None:
        self._said, self._clock = said, clock
        self.sent: list[bytes] = []

    def poll(self, wait_s: float | None = None) -> bool:
        if self._said:
            return True
        assert wait_s is not None, "nobody waits for ever in a lease"
        self._clock[0] += round(wait_s * 1e9) - 15 * MS if wait_s > 0.016 else 5 * MS
        return False

    def recv_bytes(self, _: int) -> bytes:
        return self._said.pop(0)

    def send_bytes(self, message: bytes) -> None:
        self.sent.append(message)

    def close(self) -> None:
        pass


def test_a_lease_is_not_late_because_the_clock_of_windows_woke_its_keeper_too_soon() -> None:
    clock, due_ns = [0], 100 * MS
    revoked_ns = []
    leases = EarlyPipe([b"L" + struct.pack("<q", due_ns)], clock)
    orders = EarlyPipe([], clock)
    orders.send_bytes = lambda _: revoked_ns.append(clock[0])  # type: ignore[method-assign, assignment]
    ends = Ends(cast("Any", leases), cast("Any", orders))
    keep(ends, lambda: True, lambda: None, now_ns=lambda: clock[0], grace_ms=0.0)
    assert revoked_ns[0] >= due_ns


def test_an_owner_that_windows_does_not_let_us_kill_is_waited_for_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waited = []

    def refuse(_: object) -> None:
        raise psutil.AccessDenied(1)

    monkeypatch.setattr(psutil.Process, "kill", refuse)
    owner = Owner(os.getpid())
    monkeypatch.setattr(owner, "wait_for_end", waited.append)
    owner.kill()
    assert waited == [KILLED_S]
    assert "cannot be killed" in caplog.text


def test_an_owner_that_windows_tells_nothing_of_keeps_no_light_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: object) -> str:
        raise psutil.AccessDenied(1)

    monkeypatch.setattr(psutil.Process, "status", refuse)
    began_s = time.monotonic()
    Owner(os.getpid()).wait_for_end(0.05)
    assert time.monotonic() - began_s >= 0.05, "it lives, so it holds the ports"


def test_no_system_can_have_a_process_whose_number_means_nobody() -> None:
    assert NOBODY <= 0, "2**22 + 1 is above those of Linux; Windows would look for 2**22"
    Owner(NOBODY).kill()
    Owner(NOBODY).wait_for_end(60.0)


class Dying:
    """A process as Windows has it that was killed before, and still ends."""

    def __init__(self) -> None:
        self.is_gone = False

    def kill(self) -> None:
        raise PermissionError(13, "Access is denied")

    def join(self, _: float) -> None:
        self.is_gone = True

    def is_alive(self) -> bool:
        return not self.is_gone


def test_a_process_may_be_killed_twice() -> None:
    ours, theirs = SPAWN.Pipe()
    assert Child("scope", Dying(), ours).kill()  # type: ignore[arg-type]
    ours.close()
    theirs.close()


class OneAtATime:
    """A pipe's end as Windows has it: it raises where two threads speak at once."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._is_busy = threading.Lock()
        self.is_first_in, self.may_go_on = threading.Event(), threading.Event()
        self.recv_bytes = pipe.recv_bytes

    def send_bytes(self, message: bytes) -> None:
        if not self._is_busy.acquire(blocking=False):
            raise ValueError("concurrent send_bytes() calls are not supported")
        self.is_first_in.set()
        self.may_go_on.wait(20.0)
        self._pipe.send_bytes(message)
        self._is_busy.release()


def test_two_threads_of_a_child_may_speak_to_the_supervisor_at_once() -> None:
    ours, theirs = SPAWN.Pipe()
    end = OneAtATime(theirs)
    link = Link(cast("Any", end))
    failed: list[BaseException] = []

    def second() -> None:
        try:
            link.trouble("worker", "it is silent")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=link.ready), threading.Thread(target=second)]
    threads[0].start()
    assert end.is_first_in.wait(20.0)
    threads[1].start()
    threads[1].join(0.05)  # refused by now, if it is not kept waiting
    end.may_go_on.set()
    for thread in threads:
        thread.join(20.0)
    assert not failed
    assert isinstance(unpack_from_child(ours.recv_bytes()), Ready)
    assert unpack_from_child(ours.recv_bytes()).name == "worker"  # type: ignore[union-attr]
    ours.send_bytes(pack(Go()))
    link.wait_for_go()
    ours.close()
    assert link.stop.wait(20.0)
    theirs.close()


class Winmm:
    """The clock of Windows: how fine it ticks is counted by who asked for it."""

    def __init__(self, *, is_willing: bool = True) -> None:
        self.asked: list[str] = []
        self._is_willing = is_willing

    def timeBeginPeriod(self, tick_ms: int) -> int:
        self.asked.append(f"begin {tick_ms}")
        return 0 if self._is_willing else 97

    def timeEndPeriod(self, tick_ms: int) -> int:
        self.asked.append(f"end {tick_ms}")
        return 0


@pytest.mark.parametrize("is_willing", [True, False])
def test_a_process_on_windows_asks_for_a_fine_clock_and_gives_back_what_it_got(
    is_willing: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    winmm = Winmm(is_willing=is_willing)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: {"winmm": winmm}[name])
    with fine_ticks("win32"):
        assert winmm.asked == ["begin 1"]
    assert winmm.asked[1:] == ["end 1"] * is_willing
    assert ("16 ms late" in caplog.text) != is_willing
