"""Brings what was written to the disk itself, now and then, in a thread of its own.

A flush hands the bytes to the operating system: they survive any crash of ours, not a power cut.
`fsync` does, but stalls for 50 to 110 ms (measured), and the recorder must not.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

EVERY_S = 2.0  # proposed: the most that a power cut takes, beyond what was never flushed


class Sync:
    """Syncs one file every few seconds, while somebody writes it.

    Attributes
    ----------
    count
        Times that the file was brought to the disk.
    """

    def __init__(self, path: Path, every_s: float = EVERY_S) -> None:
        self.count = 0
        self._path = path
        self._every_s = every_s
        self._is_dirty = False
        self._error: OSError | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sync", daemon=True)
        self._thread.start()

    def note(self) -> None:
        """Say that something was written since.

        Raises
        ------
        OSError
            If the disk refused what it was given before.
        """
        if self._error is not None:
            raise self._error
        self._is_dirty = True

    def close(self) -> None:
        """End the thread. May be called twice."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(self._every_s):
            if not self._is_dirty:
                continue
            self._is_dirty = False  # before: what is written meanwhile waits for the next round
            try:
                sync(self._path)
            except OSError as error:
                logger.warning("%s does not reach the disk: %s", self._path, error)
                self._error = error
                return
            self.count += 1


def sync(path: Path) -> None:
    """Return when everything written to a file so far is on the disk itself."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
