"""Keeper and owner on a system that has no threads left, whose clock jumps, that reuses numbers."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from acquire.errors import KeeperLost
from acquire.keeper.keep import keep
from acquire.keeper.pipes import Ends, make_pipes
from lightloop.processes.keeper import Owner
from tests.light_bench import ask, stand, take

HOUR_NS = 3600 * 10**9


@pytest.fixture
def pipes() -> Iterator[tuple[Ends, Ends]]:
    owner, keeper = make_pipes()
    yield owner, keeper
    owner.close()
    keeper.close()


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)


def test_a_keeper_that_gets_no_thread_to_speak_by_still_ends_the_light(
    pipes: tuple[Ends, Ends], no_threads: None
) -> None:
    owner, keeper = pipes
    owner.leases.close()
    answers: Iterator[bool | OSError] = iter([False, OSError("port"), True])

    def go_dark() -> bool:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    assert keep(keeper, go_dark, lambda: None).is_dark


def test_stop_light_that_finds_a_driver_hanging_and_gets_no_thread_says_not_confirmed(
    no_threads: None,
) -> None:
    at = stand()
    with at.guard._lighting.door:
        assert at.guard.go_dark() is False
    assert at.guard.is_stopped


def test_stop_light_that_finds_a_driver_hanging_closes_what_can_be_closed() -> None:
    at = stand()
    with at.guard.expose(ask(), "488", 1, 0):
        assert not at.bench.is_dark
        with at.guard._lighting.door:
            assert at.guard.go_dark() is False
            for thread in threading.enumerate():
                if thread.name == "go dark":
                    thread.join()
            assert at.bench.is_dark


def test_an_exposure_without_light_is_confirmed_by_the_keeper_too() -> None:
    at = stand()
    at.bench.faults["lease"] = lambda: "no answer"
    with pytest.raises(KeeperLost):
        take(at, ask(power=0.0))
    assert "start" not in at.bench.calls


class Clock:
    """A pipe of an owner that hangs, and a clock that is set back while it is listened to."""

    def __init__(self, lease_ns: int) -> None:
        self.now_ns, self.waited_s = HOUR_NS * 10, 0.0
        self._message: bytes | None = b"L" + struct.pack("<q", self.now_ns + lease_ns)

    def poll(self, wait_s: float) -> bool:
        if self._message is not None:
            return True
        self.waited_s += wait_s
        self.now_ns -= HOUR_NS
        return False

    def recv_bytes(self, most: int) -> bytes:
        message, self._message = self._message, None
        assert message is not None
        return message

    def send_bytes(self, message: bytes) -> None:
        pass


def test_a_clock_that_is_set_back_in_a_lease_does_not_make_it_longer(
    pipes: tuple[Ends, Ends],
) -> None:
    clock = Clock(10**9)
    did: list[str] = []
    keep(
        Ends(clock, pipes[1].orders),  # type: ignore[arg-type]
        lambda: bool(did) and did.append("dark") is None,  # type: ignore[func-returns-value]
        lambda: did.append("kill"),
        lambda: clock.now_ns,
        grace_ms=1.0,
    )
    assert did == ["kill", "dark"]
    assert clock.waited_s < 1.3


class Early(Clock):
    """A pipe of Windows: it gives up a little before the time that it was told to wait."""

    def __init__(self, lease_ns: int) -> None:
        super().__init__(lease_ns)
        self.due_ns = self.now_ns + lease_ns
        self.waits_s: list[float] = []

    def poll(self, wait_s: float) -> bool:
        if self._message is not None:
            return True
        self.waits_s.append(wait_s)
        assert 0 <= wait_s <= (self.due_ns - self.now_ns) * 1e-9 + 1e-9
        early_ns = 5 * 10**6 if len(self.waits_s) == 1 else 0
        self.now_ns += round(wait_s * 1e9) - early_ns
        return False


def test_a_keeper_that_wakes_too_soon_waits_for_what_is_left_and_no_longer(
    pipes: tuple[Ends, Ends],
) -> None:
    early = Early(3 * 10**9)
    late_ns: list[int] = []

    def kill() -> None:
        late_ns.append(early.now_ns - early.due_ns)

    keep(
        Ends(early, pipes[1].orders),  # type: ignore[arg-type]
        lambda: True,
        kill,
        lambda: early.now_ns,
        grace_ms=1.0,
    )
    assert early.waits_s == pytest.approx([3.0, 0.005])
    assert late_ns == [0]


def test_a_process_that_got_the_number_of_the_owner_is_spared_and_not_waited_for() -> None:
    owner = Owner(os.getpid())
    number, _ = owner._process._ident  # type: ignore[union-attr]
    owner._process._ident = (number, 0.0)  # type: ignore[union-attr]  # born at another time
    began_s = time.monotonic()
    owner.kill()
    owner.wait_for_end(60.0)
    assert time.monotonic() - began_s < 5.0


def test_who_the_owner_is_is_asked_while_it_lives_and_not_when_it_has_to_be_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = Owner(os.getpid())

    def refuse(pid: int) -> psutil.Process:
        raise AssertionError("too late: the number may be another's")

    monkeypatch.setattr("lightloop.processes.keeper.psutil.Process.kill", lambda process: None)
    monkeypatch.setattr("lightloop.processes.keeper.psutil.Process.__init__", refuse)
    monkeypatch.setattr("lightloop.processes.keeper.psutil.Process.is_running", lambda p: False)
    owner.kill()
