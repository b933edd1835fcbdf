"""F15: the process that owns the light is killed, or hangs, in mid-lease."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection

import pytest

from acquire.errors import LightRefused
from acquire.keeper.keep import KeeperReport, keep
from acquire.keeper.link import KeeperLink
from acquire.keeper.pipes import Ends, make_pipes
from acquire.light.bounds import GuardRules
from tests.light_bench import LASER, LIMITS, Bench, FakeCamera, FakeLights, ask

SOON_S = 30.0  # a spawned Python may need seconds to start on a busy machine


class LightByPipe(FakeLights):
    """A light in another process: each opening and closing is said on a pipe."""

    def __init__(self, bench: Bench, pipe: Connection) -> None:
        super().__init__(bench)
        self._pipe = pipe

    def set_open(self, source, is_open: bool) -> bool:
        self._pipe.send_bytes(b"on" if is_open else b"off")
        return super().set_open(source, is_open)

    def dark(self, source) -> bool:
        self._pipe.send_bytes(b"dark")
        return super().dark(source)


def own(leases: Connection, orders: Connection, light: Connection, does: str) -> None:
    """Be an owner: take a lease, light up, and hang."""
    from acquire.dose import Ledger
    from acquire.light.guard import LightGuard

    bench = Bench()
    link = KeeperLink(Ends(leases, orders))
    guard = LightGuard(
        LightByPipe(bench, light), FakeCamera(bench), link, Ledger({"488": 10.0}),
        {"488": LASER}, {"488": LIMITS},
        GuardRules(lease_margin_ms=300, frame_margin_ms=0), time.perf_counter_ns,
    )  # fmt: skip
    if does == "hears":
        link.obey(guard.go_dark)
    with suppress(LightRefused), guard.expose(ask(exposure_ms=1), "488", 1, 0) as lease:
        light.send_bytes(lease.deadline_ns.to_bytes(8, "big"))
        light.poll(SOON_S)  # hangs, with the light on
        lease.start()  # far too late
    link.end()


@pytest.fixture
def light() -> Iterator[tuple[Connection, Connection]]:
    ours, theirs = multiprocessing.Pipe()
    yield ours, theirs
    ours.close()
    theirs.close()


def start(does: str, light: tuple[Connection, Connection]):
    """Spawn an owner and wait until its light is on; return it, its keeper's ends, its deadline."""
    owner_ends, keeper_ends = make_pipes()
    process = multiprocessing.get_context("spawn").Process(
        target=own, args=(owner_ends.leases, owner_ends.orders, light[1], does)
    )
    process.start()
    owner_ends.close()  # or nobody would see it die
    return process, keeper_ends


def watch(process, ends: Ends, light: Connection, once_lit) -> tuple[KeeperReport, int, int]:
    """Keep, and do something to the owner once it is lit; return the report, deadline, and dark."""
    lit: list[bytes] = []
    dark_ns: list[int] = []

    def wait_for_light() -> None:
        while len(lit) < 2 and light.poll(SOON_S):
            said = light.recv_bytes()
            if said == b"on" or lit:
                lit.append(said)
        once_lit(process)

    def go_dark() -> bool:
        dark_ns.append(time.perf_counter_ns())
        return True

    thread = threading.Thread(target=wait_for_light)
    thread.start()
    report = keep(ends, go_dark, process.kill)
    thread.join()
    process.join(SOON_S)
    assert lit[0] == b"on"
    ends.close()
    return report, int.from_bytes(lit[1], "big"), dark_ns[0]


def test_an_owner_killed_in_mid_lease_leaves_no_light(light) -> None:
    process, ends = start("is deaf", light)
    killed_ns: list[int] = []

    def kill(owner) -> None:
        killed_ns.append(time.perf_counter_ns())
        os.kill(owner.pid, getattr(signal, "SIGKILL", signal.SIGTERM))

    report, deadline_ns, dark_ns = watch(process, ends, light[0], kill)
    assert report == KeeperReport("the owner died in a lease", is_dark=True)
    assert dark_ns < deadline_ns + 200_000_000
    assert dark_ns - killed_ns[0] < 200_000_000


def test_an_owner_that_hangs_and_is_deaf_is_killed_after_its_deadline(light) -> None:
    process, ends = start("is deaf", light)
    report, deadline_ns, dark_ns = watch(process, ends, light[0], lambda _: None)
    assert report.was_killed
    assert report.is_dark
    assert not process.is_alive()
    assert deadline_ns < dark_ns < deadline_ns + 200_000_000


def test_an_owner_that_hangs_but_hears_goes_dark_by_itself(light) -> None:
    process, ends = start("hears", light)
    said: list[bytes] = []

    def wait_for_dark(_) -> None:
        while not said and light[0].poll(SOON_S):
            said.append(light[0].recv_bytes())
        light[0].send_bytes(b"go on")

    report, _, _ = watch(process, ends, light[0], wait_for_dark)
    assert said == [b"dark"]
    assert report == KeeperReport("the owner ended in good order", True, revoked=1)
    assert process.exitcode == 0
