"""Compiled engines on disk, each under the name of all that it depends on.

An entry is found only by the very facts it was made from: weights, shapes, precision, versions,
graphics card, driver. One changed fact is another entry, so a stale engine is never loaded; one
damaged byte is found by its sum, said, and the engine is built anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import platformdirs

from models.in_place import put_in_place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = logging.getLogger(__name__)

Facts: TypeAlias = "Mapping[str, str | int | float | list[int] | list[str]]"

_MAGIC = b"lightloop plan 1\n"
_HEAD_BYTES = 1 << 16
_OF_THE_MACHINE = {"card", "sm", "driver", "version", "versions", "libraries", "recipe"}
"""Facts that change under a network that stays the same: what was compiled before is then stale."""
_SUFFIX = ".plan"
LIMIT_BYTES = 2 << 30
"""The folder is kept below this; what was used longest ago goes first. A plan has 1 to 10 MB."""


def user_folder() -> Path:
    """Return the folder of this user's compiled engines; it need not exist yet."""
    return platformdirs.user_cache_path("lightloop", appauthor=False) / "engines"


def digest(facts: Facts) -> str:
    """Return the name under which an entry with these facts is kept."""
    return hashlib.sha256(_written(facts)).hexdigest()


class PlanCache:
    """A folder of compiled engines.

    Parameters
    ----------
    folder
        Where; None: this user's cache folder.
    """

    def __init__(self, folder: Path | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = user_folder() if folder is None else folder
        self._limit_bytes = limit_bytes

    def path(self, facts: Facts) -> Path:
        """Return where the entry with these facts is or would be."""
        return self.folder / (digest(facts) + _SUFFIX)

    def get(self, facts: Facts) -> bytes | None:
        """Return an entry, or None where there is none; a damaged one is removed and said."""
        path = self.path(facts)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as err:
            logger.warning("compiled engine %s cannot be read (%s): built anew", path, err.strerror)
            return None
        payload = _unwrapped(content, facts)
        if payload is None:
            logger.warning("compiled engine %s is damaged: removed, and built anew", path)
            path.unlink(missing_ok=True)
            return None
        _touch(path)
        return payload

    def put(self, facts: Facts, payload: bytes) -> None:
        """Keep an entry; a reader sees it whole or not at all. A full disk costs only the entry."""
        header = _MAGIC + _written(facts) + b"\n" + hashlib.sha256(payload).hexdigest().encode()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            number, name = tempfile.mkstemp(dir=self.folder, suffix=".new")
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(header + b"\n" + payload)
                put_in_place(Path(name), self.path(facts))
            finally:
                Path(name).unlink(missing_ok=True)
            self._make_room()
        except OSError as err:
            logger.warning("compiled engine cannot be kept in %s: %s", self.folder, err)

    def get_or_build(self, facts: Facts, build: Callable[[], bytes]) -> tuple[bytes, bool]:
        """Return an entry and whether it was there; where it was not, it is built and kept."""
        payload = self.get(facts)
        if payload is not None:
            return payload, True
        changed = self._stale(facts)
        if changed:
            logger.warning("a compiled engine is stale (%s): not used, built anew", changed)
        payload = build()
        self.put(facts, payload)
        return payload, False

    def _stale(self, facts: Facts) -> str:
        """Say what has changed since the same was built before; empty if it never was."""
        wanted = json.loads(_written(facts))
        for path in self.folder.glob(f"*{_SUFFIX}"):
            before = _facts_in(path)
            differs = {key for key in wanted if before.get(key) != wanted[key]}
            if before.keys() == wanted.keys() and differs and differs <= _OF_THE_MACHINE:
                return "; ".join(
                    f"{key} was {before[key]}, is {wanted[key]}" for key in sorted(differs)
                )
        return ""

    def _make_room(self) -> None:
        entries = [(path, path.stat()) for path in self.folder.glob(f"*{_SUFFIX}")]
        used = sum(stat.st_size for _, stat in entries)
        for path, stat in sorted(entries, key=lambda entry: entry[1].st_mtime_ns):
            if used <= self._limit_bytes:
                return
            path.unlink(missing_ok=True)
            used -= stat.st_size


def _written(facts: Facts) -> bytes:
    return json.dumps(dict(facts), sort_keys=True, allow_nan=False).encode()


def _facts_in(path: Path) -> dict[str, object]:
    """Return what an entry says that it was made from; nothing if it cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        if not head.startswith(_MAGIC):
            return {}
        found = json.loads(head[len(_MAGIC) :].partition(b"\n")[0])
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _unwrapped(content: bytes, facts: Facts) -> bytes | None:
    """Return the payload if header, facts and sum are right."""
    wanted = _MAGIC + _written(facts) + b"\n"
    if not content.startswith(wanted):
        return None
    found, _, payload = content[len(wanted) :].partition(b"\n")
    return payload if hashlib.sha256(payload).hexdigest().encode() == found else None


def _touch(path: Path) -> None:
    """Note that an entry was used; a folder that is read-only keeps its order."""
    try:
        os.utime(path)
    except OSError:
        logger.debug("cannot note the use of %s", path)
