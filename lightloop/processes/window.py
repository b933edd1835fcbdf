"""The window: a listener like any other. Nothing waits for it, and nobody misses it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from lightloop.processes.link import Link, run_child
from lightloop.task import RunTask

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def main(task_json: bytes, supervisor: Connection) -> None:
    """Entry of the process."""
    task = msgspec.json.decode(task_json, type=RunTask)
    run_child(supervisor, lambda link: _show(task, link), task.is_verbose)


def _show(task: RunTask, link: Link) -> None:
    from gui.app import show
    from gui.source import StreamSource

    address = link.wait_for_address()
    link.ready()
    source = StreamSource(address)
    code = show(
        source,
        should_close=link.stop.is_set,
        screenshot=task.screenshot or None,
    )
    link.finished()
    sys.exit(code)
