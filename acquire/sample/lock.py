"""A lock on a file that the operating system lets go of when its owner dies."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class FileLock:
    """Held from its making until `close`; the file stays, and means nothing without the lock.

    Raises
    ------
    BlockingIOError
        If another process holds it.
    """

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._handle)
        except OSError as error:
            self.close()
            raise BlockingIOError(f"{path} is locked by another process") from error

    def close(self) -> None:
        """Let go. May be called twice."""
        if self._handle >= 0:
            os.close(self._handle)  # which unlocks it, here as at the end of a process
            self._handle = -1


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
