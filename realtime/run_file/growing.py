"""A run's parts as they grow: each is opened when it appears, and every document indexed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from realtime.errors import RunFileError
from realtime.run_file.index import RunIndex
from realtime.run_file.journal import decode_document
from realtime.run_file.layout import CONTINUED, RECORDING
from realtime.run_file.part import Part
from realtime.run_file.parts import part_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class GrowingRun:
    """The parts of a run, open for reading, and what stands where in them.

    Parameters
    ----------
    first
        The first part.

    Attributes
    ----------
    parts
        The open parts, in order.
    index
        What stands where, as far as it was read.

    Raises
    ------
    RunFileError
        If a part is missing, damaged, or of another run.
    """

    def __init__(self, first: Path) -> None:
        self.parts: list[Part] = []
        self.index = RunIndex(first.name)
        self._first = first
        self._n_read: list[int] = []  # documents of each part
        try:
            self._open(first)
            if self.parts[0].number:
                raise RunFileError(f"{first.name} is a later part of a run whose first is missing")
            self._read_on()
        except RunFileError:
            self.close()
            raise

    @property
    def status(self) -> str:
        """What the last part says: "complete", "partial", or "recording"."""
        return self.parts[-1].status

    def refresh(self) -> bool:
        """Read what was recorded since; return whether there was something."""
        if self.status == RECORDING:
            self.parts[-1].refresh()
        return self._read_on()

    def packets(self) -> Iterator[bytes]:
        """Yield every document as it came over the wire, in order of arrival."""
        for part in self.parts:
            # Each later part begins with the start again, so that it can be read alone.
            yield from part.packets(1 if part.number else 0)

    def close(self) -> None:
        """Close every part. May be called twice."""
        for part in self.parts:
            part.close()

    def _read_on(self) -> bool:
        while (path := part_path(self._first, len(self.parts))).exists():
            if self.status == RECORDING:
                self.parts[-1].refresh()  # it was written to the end before the next one began
            self._open(path)
        if self.status == CONTINUED:
            raise RunFileError(
                f"{self.parts[-1].path.name} says that the run goes on, but {path.name} is "
                "missing: put it beside the others"
            )
        has_grown = False
        for number, part in enumerate(self.parts):
            for packet in part.packets(self._n_read[number]):
                document = decode_document(packet, part.path.name)
                self.index.take(document, number, self._n_read[number])
                self._n_read[number] += 1
                has_grown = True
        if self.index.start is None:
            raise RunFileError(f"{self._first.name} holds no run yet")
        return has_grown

    def _open(self, path: Path) -> None:
        """Take the next part; one of another run is refused however often it is asked for."""
        part = Part(path)
        if self.parts and part.session_id != self.parts[0].session_id:
            part.close()
            raise RunFileError(f"{path.name} beside {self._first.name} belongs to another run")
        self.parts.append(part)
        self._n_read.append(0)
