"""The parts of a run: run.h5, run.001.h5, and so on; and where a recording stopped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from realtime.errors import RunFileError
from realtime.run_file import layout
from realtime.run_file.journal import decode_document
from realtime.run_file.part import Part
from realtime.wire import FrameMessage

if TYPE_CHECKING:
    from pathlib import Path


def part_path(path: Path, number: int) -> Path:
    """Return where a part lies: run.h5, run.001.h5, and so on."""
    return path if number == 0 else path.with_name(f"{path.stem}.{number:03d}{path.suffix}")


def first_part(path: Path) -> Path:
    """Return the first part of a run; `path` may be any of them.

    Raises
    ------
    RunFileError
        If it is missing.
    """
    match = re.fullmatch(r"(.+)\.(\d{3,})", path.stem)
    if match is None or not path.is_file():
        return path
    first = path.with_name(match[1] + path.suffix)
    if first.exists():
        return first
    with Part(path) as part:  # somebody may call a run "plate.007.h5"
        if part.number:
            raise RunFileError(
                f"{path.name} is part {part.number} of a run, but its first part {first.name} is "
                "missing: put it beside the others"
            )
    return path


def part_paths(path: Path) -> list[Path]:
    """Return the parts of a run that exist, first part first; `path` may be any of them.

    Raises
    ------
    RunFileError
        If there are later parts, but one before them is missing; or it is a folder.
    """
    if path.is_dir():
        raise RunFileError(f"{path} is a folder: name a run file in it")
    first = first_part(path)
    found: list[Path] = []
    while part_path(first, len(found)).exists():
        found.append(part_path(first, len(found)))
    if found:
        _look_for_later(found)
    return found


def _look_for_later(found: list[Path]) -> None:
    """Complain about a part that stands apart from the others."""
    first, pattern = found[0], re.compile(r"\.(\d{3,})")
    for other in sorted(first.parent.glob(f"*{first.suffix}")):
        if not other.name.startswith(first.stem):
            continue
        match = pattern.fullmatch(other.name[len(first.stem) : -len(first.suffix) or None])
        if match is None or int(match[1]) < len(found):
            continue
        if _is_part(other, int(match[1]), first):
            missing = part_path(first, len(found)).name
            raise RunFileError(
                f"{first.name} goes on in {other.name}, but {missing} is missing: put it beside "
                "the others"
            )


def _is_part(other: Path, number: int, first: Path) -> bool:
    try:
        with Part(other) as part, Part(first) as beginning:
            return part.number == number and part.session_id == beginning.session_id
    except RunFileError:
        return False  # a neighbour with a like name, whatever it is


class Resume(NamedTuple):
    """Where a recording stopped.

    Attributes
    ----------
    first
        The first part, whether it exists or not.
    seq
        Last frame that is safely on disk; -1 for none.
    session_id
        Session of the run; empty if there is no file yet.
    n_parts
        Parts that exist.
    tail
        Documents on disk that came after that frame: a hub that resumes sends them again.
    """

    first: Path
    seq: int
    session_id: str
    n_parts: int
    tail: tuple[bytes, ...]


def resume_point(path: Path) -> int:
    """Return the last frame that is safely on disk, for `StreamClient`; -1 for none.

    Raises
    ------
    RunFileError
        If a part cannot be read.
    """
    return find_resume(path).seq


def find_resume(path: Path) -> Resume:
    """Return where a recording stopped.

    Raises
    ------
    RunFileError
        If a part cannot be read, or one is missing.
    """
    paths = part_paths(path)
    first = paths[0] if paths else path
    seq, session_id, tail = -1, "", list[bytes]()
    for number in reversed(range(len(paths))):
        with Part(paths[number]) as part:
            if number == len(paths) - 1 and part.status == layout.CONTINUED:
                raise RunFileError(f"{part_path(first, number + 1).name} is missing")
            session_id = part.session_id
            seq = max(seq, int(part.commit["last_seq"]))
            for packet in part.packets_backwards():
                if isinstance(decode_document(packet, part.path.name), FrameMessage):
                    return Resume(first, seq, session_id, len(paths), tuple(reversed(tail)))
                tail.append(packet)
    return Resume(first, seq, session_id, len(paths), tuple(reversed(tail)))
