"""The keeper: it does nothing but turn the light off when the scope cannot."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import psutil

from acquire.keeper.keep import keep
from acquire.keeper.pipes import Ends
from lightloop.build_microscope import build_dark
from lightloop.config import parse
from lightloop.processes.link import Link, run_child
from lightloop.task import RunTask

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection


OWNER_S = 5.0  # an owner that ends in good order has left the light dark; proposed
KILLED_S = 1.0
LOOK_S = 1e-3


def main(
    task_json: bytes,
    supervisor: Connection,
    leases: Connection,
    orders: Connection,
    light: Connection | None,
    owner_pid: int,
    owner_s: float = OWNER_S,
) -> None:
    """Entry of the process: pipes to the supervisor, the scope and the simulated light box.

    Parameters
    ----------
    owner_s
        How long the owner of the light may take to end, s: until then it holds the ports.
    """
    task = msgspec.json.decode(task_json, type=RunTask)
    ends = Ends(leases, orders)

    def wait() -> None:
        wait_for_end(owner_pid, owner_s)

    run_child(
        supervisor, lambda link: _watch(task, link, ends, light, owner_pid, wait), task.is_verbose
    )


def _watch(
    task: RunTask,
    link: Link,
    ends: Ends,
    light: Connection | None,
    owner_pid: int,
    wait: Callable[[], None],
) -> None:
    config = parse(task.config_toml, task.config_name)
    go_dark = build_dark(config, light, wait)
    link.ready()
    report = keep(ends, go_dark, lambda: kill(owner_pid), is_way_free=light is not None)
    if report.is_dark:
        link.finished()
    else:
        what = f"DARK NOT CONFIRMED, the light may be ON: {report.why}; switch it off by hand"
        link.failed(what, may_be_lit=True)


def kill(pid: int) -> None:
    """Kill the owner of the light, so that its ports are free."""
    try:
        psutil.Process(pid).kill()
    except psutil.NoSuchProcess:
        return  # gone already
    wait_for_end(pid, KILLED_S)


def wait_for_end(pid: int, patience_s: float = OWNER_S) -> None:
    """Wait for the owner's end: it holds the ports of the lights until then.

    A process that nobody has buried yet is dead for all that matters here: its files are closed.
    """
    until_s = time.monotonic() + patience_s
    try:
        owner = psutil.Process(pid)
        while time.monotonic() < until_s:  # beyond it the light cannot wait
            if not owner.is_running() or owner.status() == psutil.STATUS_ZOMBIE:
                return
            time.sleep(LOOK_S)
    except psutil.NoSuchProcess:
        return  # gone
