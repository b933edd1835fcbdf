"""The part of a run that is being written: a full one, or an interrupted one, begins the next."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from realtime.errors import RunFileError
from realtime.run_file import layout
from realtime.run_file.part_writer import PartWriter
from realtime.run_file.parts import find_resume, part_path

if TYPE_CHECKING:
    from pathlib import Path

    from realtime.wire import Start

logger = logging.getLogger(__name__)

PART_BYTES = 16 * 10**9  # a part that is copied in minutes, and fits most disks' empty corners


class RollingParts:
    """Begins parts, one after the other; `part` is the one to write into.

    Parameters
    ----------
    path, start, part_bytes, sync_s, keeps_restored
        See `realtime.run_file.writer.RunWriter`.

    Attributes
    ----------
    part
        The part that is being written.
    resume
        Where an earlier recording of the session stopped.

    Raises
    ------
    RunFileError
        If the part cannot be made, or the files there are of another run.
    """

    def __init__(
        self, path: Path, start: Start, *, part_bytes: int, sync_s: float, keeps_restored: bool
    ) -> None:
        self.resume = find_resume(path)
        n_parts, first = self.resume.n_parts, self.resume.first
        if n_parts and self.resume.session_id != start.session_id:
            raise RunFileError(f"{path} already holds another run; please choose another name")
        if not n_parts and part_path(first, 1).exists():
            raise RunFileError(f"{part_path(first, 1)} belongs to another run; please move it")
        self._start = start
        self._part_bytes = part_bytes
        self._sync_s = sync_s
        self._keeps_restored = keeps_restored
        self.part = self._begin(n_parts, self.resume.seq)

    def roll_if_full(self) -> None:
        """Go on in a new part if this one has grown to its size.

        Raises
        ------
        RunFileError
            If the disk takes no more.
        """
        full = self.part
        if full.n_bytes < self._part_bytes:
            return
        full.flush()
        self.part = self._begin(full.number + 1, full.durable_seq)
        full.close(layout.CONTINUED)  # only now: who reads so finds the next part
        logger.info("%s is full; the run goes on in %s", full.path.name, self.part.path.name)

    def _begin(self, number: int, last_seq: int) -> PartWriter:
        return PartWriter(
            part_path(self.resume.first, number),
            self._start,
            number,
            last_seq,
            self._sync_s,
            keeps_restored=self._keeps_restored,
        )
