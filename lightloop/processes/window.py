"""The window: a listener like any other. Nothing waits for it, and nobody misses it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lightloop.config import parse
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
    show(
        StreamSource(address),
        parse(task.config_toml, task.config_name, reads_plan=False).title,
        theme=task.theme,
        screenshot=Path(task.screenshot) if task.screenshot else None,
        should_close=link.stop.is_set,
        on_subscribed=link.ready,  # not before: the run may begin, and its first shot is shown
        on_failure=link.failed,
    )
    link.finished()
