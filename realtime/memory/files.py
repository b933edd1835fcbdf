"""Where a worker's knowledge outlives it: two small files a field, in the session's private folder.

Two, because the stream shows a worker that comes back the last shot again: what was known after
that shot is then too new, and what was known before it is taken. A file is replaced as a whole.
Nothing is synced: a machine that goes down takes the session along.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from acquire.in_place import put_in_place
from realtime.memory.known import MOST_BYTES, Known, pack, unpack

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

MOST_OF_ALL = 512 << 20
"""Bytes of all fields together: 96 wells of 2,500 cells, twice (proposed)."""
NAMES = "names"
BLOCK = 1000
"""Names that are set aside at a time: so rarely is a file written for them (proposed)."""
_MOST_NAMES = 1 << 30
_COPIES = (0, 1)


class KnownFiles:
    """What is known of each field, and which names are taken.

    Attributes
    ----------
    first_name
        Names from here on have never been given; 0 for the first worker of a session.
    is_restart
        Whether a worker was here before.
    """

    def __init__(self, folder: Path, session: str) -> None:
        self.session = session
        self._folder = folder
        self._last: dict[int, int] = {}  # copy of each field that was written or read last
        self.is_restart = (folder / NAMES).exists()
        self.first_name = self._limit = self._read_names() if self.is_restart else 0
        self._sizes = {path: path.stat().st_size for path in folder.glob("cells-*.known")}
        self.promise(self.first_name)

    def promise(self, next_name: int) -> None:
        """Make sure that no worker after this one gives a name below `next_name`.

        Raises
        ------
        OSError
            If that cannot be written.
        """
        if next_name < self._limit:
            return
        limit = (next_name // BLOCK + 1) * BLOCK
        self._replace(self._folder / NAMES, f"{self.session} {limit}".encode())
        self._limit = limit

    def keep(self, known: Known) -> None:
        """Keep what is known of a field in place of the older of its two files.

        Raises
        ------
        ValueError
            If it is too much.
        OSError
            If it cannot be written.
        """
        copy = 1 - self._last.get(known.position, 1)
        path, data = self._path(known.position, copy), pack(known)
        others = sum(self._sizes.values()) - self._sizes.get(path, 0)
        if others + len(data) > MOST_OF_ALL:
            raise ValueError(f"all fields together take more than {MOST_OF_ALL} bytes")
        self._replace(path, data)
        self._sizes[path], self._last[known.position] = len(data), copy

    def read(self, position: int, shot: int) -> tuple[Known | None, str]:
        """Return the newest that was known of a field before a shot, or why there is nothing.

        The reason is empty for a field that nobody knew, while others are known.
        """
        found: list[tuple[int, Known]] = []
        whys = []
        for copy in _COPIES:
            try:
                known = self._read(self._path(position, copy), position)
            except (ValueError, OSError) as error:
                whys.append(str(error))
                continue
            if known is not None and known.shot < shot:
                found.append((copy, known))
            elif known is not None:
                whys.append("what was saved is not older than the shot that comes next")
        if not found:
            nothing = "" if self._sizes else "nothing was saved"
            return None, "; ".join(dict.fromkeys(whys)) or nothing
        copy, newest = max(found, key=lambda at: at[1].shot)
        self._last[position] = copy
        return newest, ""

    def _read(self, path: Path, position: int) -> Known | None:
        if path not in self._sizes:
            return None
        if path.stat().st_size > MOST_BYTES + 64:
            raise ValueError("what was saved is too large")
        known = unpack(path.read_bytes())
        if (known.session, known.position) != (self.session, position):
            raise ValueError("what was saved is of another run or field")
        return known

    def _read_names(self) -> int:
        """Return the first name that is free; where that is lost, say so, and begin at 0."""
        try:
            session, limit = (self._folder / NAMES).read_text("utf-8").rsplit(" ", 1)
            if session == self.session and 0 <= int(limit) < _MOST_NAMES:
                return int(limit)
            why = "that was of another run"
        except (ValueError, OSError) as error:
            why = str(error)
        logger.warning("which names are taken is not known (%s): names may come twice", why)
        return 0

    def _path(self, position: int, copy: int) -> Path:
        return self._folder / f"cells-{position}-{copy}.known"

    @staticmethod
    def _replace(path: Path, data: bytes) -> None:
        fresh = path.with_suffix(".new")
        fresh.write_bytes(data)
        put_in_place(fresh, path)
