"""A part of a run that was opened: what it is, and whether what it says of itself is believed."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import h5py

from realtime.errors import RunFileError
from realtime.run_file import layout
from realtime.run_file import restored as restored_images
from realtime.run_file.frame_table import FRAME_ROW
from realtime.run_file.journal import LEAST_BYTES, Journal
from realtime.run_file.opening import (
    DAMAGE,
    LOOKS,
    UnreadableRun,
    check_length,
    first_line,
    open_part,
)
from realtime.run_file.quiet import QuietFile
from realtime.run_file.restored import RestoredReader
from realtime.run_file.texts import TEXT_SUMS, TEXTS, text_sum

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path
    from typing import Self


class OpenedPart:
    """One file of a run, opened and checked.

    Parameters
    ----------
    complain
        For an examination: the file is opened quietly, and damage that leaves something to read is
        told here instead of raised.

    Raises
    ------
    RunFileError
        If the file is missing, damaged, or not one of ours.
    """

    def __init__(self, path: Path, complain: Callable[[str], object] | None = None) -> None:
        self.path = path
        self._file: Any = None
        self._complain = complain
        self._raw = ExitStack()
        self.is_commit_whole, self._is_open = True, False
        if not path.is_file():
            raise RunFileError(f"there is no run file {path}")
        try:
            with self.reading():
                self._file = open_part(path) if complain is None else self._open_quietly()
                self._check_format()
                self._open_datasets()
                self._check_commit()
        except RunFileError:
            self.close()
            raise
        self._is_open = True

    @property
    def n_documents(self) -> int:
        """Documents that are safely in the journal."""
        return int(self.commit["n_documents"])

    def text(self, name: str) -> str:
        """Return one of the texts of the entry (`texts.TEXTS`)."""
        with self.reading():
            return str(self._file[f"entry/{name}"].asstr()[()])

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._raw.close()
        if self._file is not None:
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
        except DAMAGE as error:
            kind = RunFileError if self._is_open else UnreadableRun
            raise kind(
                f"{self.path.name} is not a whole run file of lightloop: {first_line(error)}"
            ) from error

    def _open_quietly(self) -> h5py.File:
        return h5py.File(self._raw.enter_context(QuietFile(self.path)), "r")

    def _is_wrong(self, what: str) -> None:
        if self._complain is None:
            raise RunFileError(f"{self.path.name} is damaged: {what}")
        self._complain(what)

    def _check_format(self) -> None:
        if self._file.attrs.get("format") != layout.FORMAT:
            raise RunFileError(
                f"{self.path.name} is an HDF5 file, but not a run of lightloop; "
                "to work with foreign images use `lightloop import`"
            )
        version = int(self._file.attrs["format_version"])
        if version < 1:
            raise RunFileError(f"{self.path.name} has format version {version}: there is none such")
        if version > layout.FORMAT_VERSION:
            raise RunFileError(
                f"{self.path.name} has format version {version}, this lightloop reads up to "
                f"{layout.FORMAT_VERSION}: please update lightloop"
            )
        self.version = version
        self.number = int(self._file.attrs["part"])
        self.session_id: str = self._file["entry/session_id"].asstr()[()]

    def _open_datasets(self) -> None:
        self._commit: Any = self._file[layout.COMMIT]
        self._read_commit()  # before the others are opened: see `refresh`
        self._status: Any = self._file[layout.STATUS]
        self._journal = Journal(self._file, self.path.name, has_sums=self.version > 1)
        self._data: list[Any] = []
        while layout.camera_data(len(self._data)) in self._file:
            self._data.append(self._file[layout.camera_data(len(self._data))])
        self._restored = self._open_restored()
        self._check_texts()

    def _open_restored(self) -> RestoredReader | None:
        if restored_images.GROUP not in self._file:
            return None
        try:
            with self.reading():
                return RestoredReader(self._file)
        except RunFileError:
            self._is_wrong("its restored images cannot be opened")
            return None

    def _check_texts(self) -> None:
        if self.version < 2:
            return
        sums = self._file["entry"].attrs[TEXT_SUMS]
        for name, expected in zip(TEXTS, sums, strict=True):
            if text_sum(self.text(name)) != expected:
                self._is_wrong(f"the sum of its {name} is wrong")

    def _read_commit(self) -> None:
        for _ in range(LOOKS):  # the recorder may be writing it
            self._commit.refresh()
            self.commit = self._commit[()]
            if self.version < 2 or layout.commit_sum(self.commit) == self.commit["xxh3"]:
                return
        self._is_wrong("the sum of its commit is wrong")
        self.is_commit_whole = False
        self.commit["n_documents"] = len(self._file[layout.JOURNAL_OFFSETS]) - 1
        self.commit["n_frames"] = len(self._file[layout.FRAMES])

    def _check_commit(self) -> None:
        try:
            check_length(self.path, int(self.commit["n_bytes"]))
        except RunFileError as error:
            if self._complain is None:
                raise
            self._complain(str(error))
        self.status: str = self._status[()].decode(errors="replace")
        if self.status not in layout.STATUSES:
            self._is_wrong(f"its status is {self.status!r}")
        if not 0 < self.n_documents <= len(self._journal):
            self._is_wrong("its journal is too short")
            self.commit["n_documents"] = len(self._journal)
        self._check_room("documents", LEAST_BYTES)
        self._check_room("frames", FRAME_ROW.itemsize)

    def _check_room(self, what: str, n_bytes: int) -> None:
        """Believe no count of things that the file is too short for: a year would not be enough."""
        count, most = int(self.commit[f"n_{what}"]), self.path.stat().st_size // n_bytes
        if not 0 <= count <= most:
            self._is_wrong(f"its commit counts {count} {what}, and it has room for {most}")
            self.commit[f"n_{what}"] = most
