"""One part of a run on disk. A recorder that starts again goes on in a new part: run.001.h5."""

from __future__ import annotations

import itertools
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import h5py
import numpy as np

from realtime.errors import BadMessage, RunFileError
from realtime.run_file import layout
from realtime.wire import Document, FrameMessage, decode_from_hub

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path
    from typing import Self

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
BLOCK = 1024  # documents that are read at once

# What h5py raises on damaged bytes; anything else is a fault of ours.
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, MemoryError)


def part_path(path: Path, number: int) -> Path:
    """Return where a part lies: run.h5, run.001.h5, and so on."""
    return path if number == 0 else path.with_name(f"{path.stem}.{number:03d}{path.suffix}")


def part_paths(path: Path) -> list[Path]:
    """Return the parts of a run that exist, first part first; `path` may be any of them."""
    first = _first_part(path)
    found: list[Path] = []
    while part_path(first, len(found)).exists():
        found.append(part_path(first, len(found)))
    return found


class Resume(NamedTuple):
    """Where a recording stopped.

    Attributes
    ----------
    seq
        Last frame that is safely on disk; -1 for none.
    session_id
        Session of the run; empty if there is no file yet.
    n_parts
        Parts that exist.
    tail
        Documents on disk that came after that frame: a hub that resumes sends them again.
    """

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
        If a part cannot be read.
    """
    paths = part_paths(path)
    seq, session_id, tail = -1, "", list[bytes]()
    for number in reversed(range(len(paths))):
        with Part(paths[number]) as part:
            session_id = part.session_id
            seq = max(seq, int(part.commit["last_seq"]))
            for packet in part.packets_backwards():
                if isinstance(decode_document(packet, part.path.name), FrameMessage):
                    return Resume(seq, session_id, len(paths), tuple(reversed(tail)))
                tail.append(packet)
    return Resume(seq, session_id, len(paths), tuple(reversed(tail)))


class Part:
    """One file of a run, open for reading, also while a recorder writes it.

    Raises
    ------
    RunFileError
        If the file is missing, damaged, or not one of ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise RunFileError(f"there is no run file {path}")
        with self.reading():
            self._file = _open(path)
        try:
            with self.reading():
                self._check_format()
                self._open_datasets()
                self._check_commit()
        except RunFileError:
            self.close()
            raise

    def refresh(self) -> None:
        """See what a recorder has written since.

        HDF5 mixes things up (it reads zeros; seen in 2.0.0) when a process refreshes one of two
        open copies of a growing file, so a process follows a run with one reader only.
        """
        with self.reading():
            # The commit first: whatever it counts is then surely in what is read after it.
            self._commit.refresh()
            self.commit = self._commit[()]
            for dataset in (self._status, self._offsets, self._bytes, *self._data):
                dataset.refresh()
            self._check_commit()

    @property
    def n_documents(self) -> int:
        """Documents that are safely in the journal."""
        return int(self.commit["n_documents"])

    def packets(self, first: int = 0) -> Iterator[bytes]:
        """Yield the documents from one on, as they came over the wire."""
        for at in range(first, self.n_documents, BLOCK):
            yield from self._block(at, min(at + BLOCK, self.n_documents))

    def packets_backwards(self) -> Iterator[bytes]:
        """Yield the documents, the last one first."""
        for end in range(self.n_documents, 0, -BLOCK):
            yield from reversed(self._block(max(end - BLOCK, 0), end))

    def packet(self, number: int) -> bytes:
        """Return one document."""
        return self._block(number, number + 1)[0]

    def chunk(self, camera: int, row: int) -> tuple[int, bytes, tuple[int, int]]:
        """Return filter mask, packed bytes and shape (Y, X) of a camera's frame."""
        with self.reading():
            data = self._data[camera]
            mask, packed = data.id.read_direct_chunk((row, 0, 0))
            return int(mask), bytes(packed), (data.shape[1], data.shape[2])

    def text(self, name: str) -> str:
        """Return one of the texts of the entry: "config", "plan", "software"."""
        with self.reading():
            return str(self._file[f"entry/{name}"].asstr()[()])

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Generator[None]:
        """Turn whatever HDF5 says about damaged bytes into one sentence."""
        try:
            yield
        except RunFileError:
            raise
        except _DAMAGE as error:
            raise RunFileError(
                f"{self.path.name} is not a whole run file of lightloop: {_first_line(error)}"
            ) from error

    def _check_format(self) -> None:
        if self._file.attrs.get("format") != layout.FORMAT:
            raise RunFileError(
                f"{self.path.name} is an HDF5 file, but not a run of lightloop; "
                "to work with foreign images use `lightloop import`"
            )
        version = int(self._file.attrs["format_version"])
        if version > layout.FORMAT_VERSION:
            raise RunFileError(
                f"{self.path.name} has format version {version}, this lightloop reads up to "
                f"{layout.FORMAT_VERSION}: please update lightloop"
            )
        self.number = int(self._file.attrs["part"])
        self.session_id: str = self._file["entry/session_id"].asstr()[()]

    def _open_datasets(self) -> None:
        self._commit: Any = self._file[layout.COMMIT]
        self.commit = self._commit[()]  # before the others are opened: see `refresh`
        self._status: Any = self._file[layout.STATUS]
        self._offsets: Any = self._file[layout.JOURNAL_OFFSETS]
        self._bytes: Any = self._file[layout.JOURNAL_BYTES]
        self._data: list[Any] = []
        while layout.camera_data(len(self._data)) in self._file:
            self._data.append(self._file[layout.camera_data(len(self._data))])

    def _check_commit(self) -> None:
        _check_length(self.path, int(self.commit["n_bytes"]))
        self.status: str = self._status[()].decode()
        if not 0 < self.n_documents < len(self._offsets):
            raise RunFileError(f"{self.path.name} is damaged: its journal is too short")

    def _block(self, first: int, end: int) -> list[bytes]:
        with self.reading():
            offsets = self._offsets[first : end + 1].astype(np.int64)
            at, upto = int(offsets[0]), int(offsets[-1])
            if len(offsets) != end + 1 - first or np.any(np.diff(offsets) < 0) or at < 0:
                raise RunFileError(f"{self.path.name} is damaged: its journal has no order")
            whole = self._bytes[at:upto].tobytes()
            if len(whole) != upto - at:
                raise RunFileError(f"{self.path.name} is damaged: its journal is too short")
        cuts = (offsets - at).tolist()
        return [whole[a:b] for a, b in itertools.pairwise(cuts)]


def decode_document(packet: bytes, name: str) -> Document:
    """Decode one document of a journal.

    Raises
    ------
    RunFileError
        If the bytes are no document.
    """
    try:
        message = decode_from_hub(packet)
    except BadMessage as error:
        raise RunFileError(f"{name} is damaged: {error}") from error
    if not isinstance(message, Document):
        raise RunFileError(f"{name} is damaged: {type(message).__name__} is no document of a run")
    return message


def _open(path: Path) -> h5py.File:
    """Open a file that is complete, being written, or left by a writer that died.

    Only the last two are opened in SWMR mode, because there HDF5 meets damage by trying again,
    each time after twice the wait: for ever. The superblock (HDF5 file format specification,
    II.A, versions 2 and 3) says which it is at byte 11, and at byte 28 how long the file was when
    it was last closed.
    """
    with path.open("rb") as file:
        head = file.read(36)
    if len(head) < 36 or not head.startswith(_SIGNATURE) or head[8] < 2:
        return h5py.File(path, "r")
    _check_length(path, int.from_bytes(head[28:36], "little"))
    return h5py.File(path, "r", swmr=bool(head[11]))


def _check_length(path: Path, expected: int) -> None:
    if (found := path.stat().st_size) < expected:
        raise RunFileError(f"{path.name} was cut short: it had {expected} bytes, {found} are left")


def _first_part(path: Path) -> Path:
    match = re.fullmatch(r"(.+)\.\d{3}", path.stem)
    first = path.with_name(match[1] + path.suffix) if match else path
    return first if first.exists() else path  # somebody may call a run "plate.007.h5"


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
