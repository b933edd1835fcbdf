"""The recorder: everything that was seen and decided goes into the run file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lightloop.config import parse
from lightloop.processes.link import Link, run_child
from lightloop.task import RunTask
from realtime.client import StreamClient
from realtime.recorder import RecordOptions, record, resume_point

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def main(task_json: bytes, supervisor: Connection) -> None:
    """Entry of the process."""
    task = msgspec.json.decode(task_json, type=RunTask)
    run_child(supervisor, lambda link: _record(task, link), task.is_verbose)


def _record(task: RunTask, link: Link) -> None:
    path = Path(task.out)
    wanted = parse(task.config_toml, task.config_name, reads_plan=False).record
    options = RecordOptions(
        wanted.compress, int(wanted.part_gb * 1e9), wanted.sync_s, wanted.restored
    )
    address = link.wait_for_address()
    resume_from = resume_point(path)
    with StreamClient(address, "recorder", "lossless", 32, resume_from) as client:
        record(client, path, should_stop=link.stop.is_set, on_ready=link.ready, options=options)
    link.finished()
