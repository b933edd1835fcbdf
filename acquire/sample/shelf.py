"""A folder of records, looked at from outside: which samples there are, and what a run last lit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from acquire.sample.file import decode
from acquire.sample.journal import read_journal

if TYPE_CHECKING:
    from pathlib import Path

    from acquire.dose.footprint import Footprint


def samples_in(folder: Path) -> list[str]:
    """Return the ids of all samples whose records lie in a folder, in order."""
    found = (path.name.removeprefix("sample-") for path in folder.glob("sample-*.dose"))
    return sorted(name.removesuffix(".dose") for name in found)


def last_written(folder: Path, sample: str) -> datetime:
    """Return when light of a sample was last written down."""
    files = (folder / f"sample-{sample}.{kind}" for kind in ("dose", "journal"))
    newest = max(path.stat().st_mtime for path in files if path.exists())
    return datetime.fromtimestamp(newest, UTC)


def last_footprints(folder: Path, sample: str) -> dict[str, Footprint]:
    """Return what an exposure of each line lit in the newest run; empty where no run says it.

    Raises
    ------
    OSError, ValueError, msgspec.MsgspecError, zlib.error
        If the record is damaged; who reads it by `read_sample` before is told so in words.
    """
    record = decode((folder / f"sample-{sample}.dose").read_bytes())
    noted = read_journal(folder / f"sample-{sample}.journal", record.generation)
    return {light: footprint for light, (footprint, _) in noted.items()}
