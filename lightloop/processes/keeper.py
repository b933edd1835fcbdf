"""The keeper: it does nothing but turn the light off when the scope cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import psutil

from acquire.keeper import Ends, keep
from lightloop.build import build_dark
from lightloop.config import parse
from lightloop.processes.link import Link, run_child
from lightloop.task import RunTask

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def main(
    task_json: bytes,
    supervisor: Connection,
    leases: Connection,
    orders: Connection,
    light: Connection | None,
    owner_pid: int,
) -> None:
    """Entry of the process: pipes to the supervisor, the scope and the simulated light box."""
    task = msgspec.json.decode(task_json, type=RunTask)
    ends = Ends(leases, orders)
    run_child(supervisor, lambda link: _watch(task, link, ends, light, owner_pid), task.is_verbose)


def _watch(task: RunTask, link: Link, ends: Ends, light: Connection | None, owner_pid: int) -> None:
    config = parse(task.config_toml, task.config_name)
    go_dark = build_dark(config, light)
    link.ready()
    report = keep(ends, go_dark, lambda: _kill(owner_pid))
    if report.is_dark:
        link.finished()
    else:
        link.failed(f"the light may be ON: {report.why}; switch it off by hand")


def _kill(pid: int) -> None:
    """Kill the owner of the light, so that its ports are free."""
    try:
        owner = psutil.Process(pid)
        owner.kill()
        owner.wait(1.0)
    except (psutil.NoSuchProcess, psutil.TimeoutExpired):
        return  # gone already, or going: the light is turned off in any case
