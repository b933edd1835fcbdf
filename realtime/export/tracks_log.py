"""Settled rows on disk while a film is followed, so that memory does not grow with its length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.tracker.lineage import ROW

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Self

    from numpy.typing import NDArray


class RowLog:
    """A file of `ROW`s that only grows; it is gone when it is closed.

    Parameters
    ----------
    path
        Where; whatever an earlier one left there is written over.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w+b")

    def add(self, settled: Iterable[NDArray[np.void]]) -> None:
        """Append rows."""
        for rows in settled:
            self._file.write(rows.tobytes())

    def rows(self) -> NDArray[np.void]:
        """Return all rows; 33 bytes each."""
        self._file.flush()
        self._file.seek(0)
        return np.frombuffer(self._file.read(), ROW)

    def empty(self) -> None:
        """Begin anew, for the next field."""
        self._file.seek(0)
        self._file.truncate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)
