"""Which runs a sample was in: one line of JSON for each, in a file beside the sample's record."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from lightloop.sample.account import sample_folder

if TYPE_CHECKING:
    from pathlib import Path

    from lightloop.config import RunConfig
    from lightloop.task import RunTask

logger = logging.getLogger(__name__)


class RunOfSample(NamedTuple):
    """A run that a sample was in.

    Attributes
    ----------
    began
        When, UTC.
    config
        Name of its config file.
    out
        Its run file, whole path; empty for a run that was not kept.
    """

    began: datetime
    config: str
    out: str


def note_run(config: RunConfig, task: RunTask) -> None:
    """Write down that a run with a sample begins. No light hangs on it, so it stops no run."""
    if not config.sample.id:
        return
    line = {
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "config": task.config_name,
        "out": task.out,
    }
    try:
        with _path(sample_folder(), config.sample.id).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    except OSError as error:
        logger.warning(
            "the list of runs with sample %r cannot be kept: %s (its light is written down all "
            "the same)", config.sample.id, error,
        )  # fmt: skip


def runs_of(folder: Path, sample: str) -> list[RunOfSample]:
    """Return the runs that a sample was in, the oldest first; a line that is damaged is left out.

    Runs before this list was kept are not in it: the dose that they gave is on the record.
    """
    path = _path(folder, sample)
    lines = path.read_text("utf-8", errors="replace").splitlines() if path.exists() else []
    return [run for line in lines if (run := _run(line)) is not None]


def _run(line: str) -> RunOfSample | None:
    try:
        said: Any = json.loads(line)
        began = datetime.fromisoformat(said["began"]).astimezone(UTC)
        return RunOfSample(began, str(said["config"]), str(said["out"]))
    except (ValueError, TypeError, KeyError):
        return None


def _path(folder: Path, sample: str) -> Path:
    return folder / f"sample-{sample}.runs"
