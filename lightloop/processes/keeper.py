"""The keeper: it does nothing but turn the light off when the scope cannot."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import psutil

from acquire.keeper import keep
from lightloop.build import build_dark
from lightloop.config import parse
from lightloop.processes.link import Link, run_child
from lightloop.task import RunTask

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def main(
    task_json: bytes, supervisor: Connection, scope: Connection, light: Connection | None
) -> None:
    """Entry of the process: pipes to the supervisor, the scope and the simulated light box."""
    task = msgspec.json.decode(task_json, type=RunTask)
    run_child(supervisor, lambda link: _watch(task, link, scope, light), task.is_verbose)


def _watch(task: RunTask, link: Link, scope: Connection, light: Connection | None) -> None:
    config = parse(task.config_toml, task.config_name)
    go_dark = build_dark(config, light)
    link.ready()
    keep(scope, go_dark, _kill, time.perf_counter_ns)
    link.finished()


def _kill(pid: int) -> None:
    """Kill the owner of the light, so that its ports are free."""
    try:
        owner = psutil.Process(pid)
        owner.kill()
        owner.wait(1.0)
    except (psutil.NoSuchProcess, psutil.TimeoutExpired):
        return  # gone already, or going: the light is turned off in any case
