"""The simulated light source: a box of its own, as a real laser is. It outlives the scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from acquire.simulated.light.light_box import serve
from lightloop.build.microscope import light_lines
from lightloop.config import parse
from lightloop.processes.link import Link, run_child
from lightloop.task import RunTask

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def main(task_json: bytes, supervisor: Connection, owners: list[Connection]) -> None:
    """Entry of the process: pipes to the supervisor and to everybody who may set the light."""
    task = msgspec.json.decode(task_json, type=RunTask)
    run_child(supervisor, lambda link: _shine(task, link, owners), task.is_verbose)


def _shine(task: RunTask, link: Link, owners: list[Connection]) -> None:
    config = parse(task.config_toml, task.config_name, reads_plan=False)
    link.ready()
    serve(owners, light_lines(config))
    link.finished()
