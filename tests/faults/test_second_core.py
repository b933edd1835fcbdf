"""A light that outlives its process, as a real laser does: the keeper's second core ends it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest

from acquire.keeper.keep import KeeperReport, keep
from acquire.keeper.link import KeeperLink
from acquire.keeper.pipes import Ends, make_pipes
from acquire.light.bounds import GuardRules
from acquire.light.source import LightSource
from acquire.settings import Limits
from lightloop.build.microscope import build_dark
from lightloop.config import parse
from lightloop.processes.culprit import hang
from lightloop.processes.keeper import Owner
from tests.lasting_light import LastingLight
from tests.lasting_stand import config_of, write_system
from tests.light_bench import Bench, FakeCamera, ask

pytestmark = pytest.mark.timeout(240)

SOON_S = 90.0  # a spawned Python that loads Micro-Manager, on a busy machine
MARGIN_MS = {"is dead": 20_000, "stands still": 1_500}
"""Of the lease; else 300. It must not have passed before the blow falls, however busy it is."""
SWITCH_NS = 50_000_000  # the second core's own time to load one Python device, generously
GRACE_NS = 100_000_000  # that a deaf owner is given to go dark by itself
LIGHT = LightSource(name="laser", wavelength_nm=488, shutter_device="Laser")
LIMITS = Limits(1.0, 100.0, 1.0, 10.0)


def own(leases: Connection, orders: Connection, system: str, says: Connection, does: str) -> None:
    """Be an owner of the real thing: take a lease, light up, and fail."""
    from acquire.core_loading import load_system
    from acquire.dose import Ledger
    from acquire.light.guard import LightGuard
    from acquire.light.port import LightPort

    link = KeeperLink(Ends(leases, orders))
    guard = LightGuard(
        LightPort(load_system(system), [LIGHT]), FakeCamera(Bench()), link,
        Ledger({"laser": 10.0}), {"laser": LIGHT}, {"laser": LIMITS},
        GuardRules(lease_margin_ms=MARGIN_MS.get(does, 300), frame_margin_ms=0),
        time.perf_counter_ns,
    )  # fmt: skip
    link.obey(guard.go_dark)
    request = ask(exposure_ms=1, power=1.0, channel="laser")
    with guard.expose(request, "laser", 1, 0) as lease:
        says.send_bytes(lease.deadline_ns.to_bytes(8, "big"))
        if does == "holds the interpreter's lock":
            hang(SOON_S)
        says.poll(SOON_S)


@pytest.fixture
def box() -> Iterator[LastingLight]:
    box = LastingLight()
    yield box
    box.close()


@pytest.fixture
def system(box: LastingLight, tmp_path: Path) -> Path:
    return write_system(tmp_path, box.port)


def stop(pid: int) -> None:
    psutil.Process(pid).suspend()


def nothing(pid: int) -> None:
    """Let it hang by itself."""


def shoot(pid: int) -> None:
    os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


@pytest.mark.parametrize(
    ("does", "strike"),
    [("is dead", shoot), ("stands still", stop), ("holds the interpreter's lock", nothing)],
)
def test_the_second_core_ends_the_light_of_an_owner_that(
    box: LastingLight, system: Path, does: str, strike: Callable[[int], None]
) -> None:
    config = parse(config_of(system), "stand.toml")
    owner_ends, keeper_ends = make_pipes()
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(
        target=own, args=(owner_ends.leases, owner_ends.orders, str(system), theirs, does)
    )
    process.start()
    owner_ends.close()
    theirs.close()
    pid = process.pid
    assert pid is not None
    owner = Owner(pid)
    go_dark = build_dark(config, None, owner.wait_for_end)
    reports: list[KeeperReport] = []
    watch = threading.Thread(target=lambda: reports.append(keep(keeper_ends, go_dark, owner.kill)))
    watch.start()
    try:
        assert ours.poll(SOON_S)
        deadline_ns = int.from_bytes(ours.recv_bytes(), "big")
        assert box.is_lit
        struck_ns = time.perf_counter_ns()
        strike(pid)
        watch.join(SOON_S)
        assert not watch.is_alive()
    finally:
        process.kill()
        process.join()
        watch.join(SOON_S)
        keeper_ends.close()
        ours.close()
    (report,) = reports
    assert report.is_dark
    assert report.was_killed == (does != "is dead")
    assert not box.is_lit
    dark_ns = next(t_ns for t_ns, is_lit in reversed(box.events) if not is_lit)
    since_ns = struck_ns if does == "is dead" else deadline_ns + GRACE_NS
    assert dark_ns - since_ns < 2 * GRACE_NS + SWITCH_NS
