"""Reads a run: finished, broken off, or still being written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

import numpy as np
import xxhash

from realtime.errors import RunFileError
from realtime.run_file.codec import unpack
from realtime.run_file.growing import GrowingRun
from realtime.run_file.journal import decode_document
from realtime.run_file.parts import part_paths
from realtime.run_file.restored import WHY
from realtime.wire import Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from realtime.policy.decision import Decision
    from realtime.run_file.restored import Entry
    from realtime.wire import AppliedMessage, Document, End, FrameMessage, Gap, Notice, Start


class RunReader:
    """A run on disk. Any of its parts opens the whole.

    Parameters
    ----------
    path
        The run file, or one of its later parts.

    Raises
    ------
    RunFileError
        If the file is missing, damaged, or not one of ours.
    """

    def __init__(self, path: Path) -> None:
        paths = part_paths(path)
        self.path = paths[0] if paths else path
        self._run = GrowingRun(self.path)
        self._parts, self._index = self._run.parts, self._run.index

    def refresh(self) -> bool:
        """Read what was recorded since; return whether there was something.

        Of one growing run, a process keeps one reader (see `Part.refresh`).
        """
        return self._run.refresh()

    @property
    def name(self) -> str:
        """File name of the first part."""
        return self.path.name

    @property
    def parts(self) -> list[Path]:
        """The files that the run is in."""
        return [part.path for part in self._parts]

    @property
    def size_bytes(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.parts)

    @property
    def status(self) -> str:
        """How it ended: "complete", "partial", or "recording" (goes on, or its writer died)."""
        return self._run.status

    @property
    def start(self) -> Start:
        """The session's first document."""
        assert self._index.start is not None, "refresh() saw to it"
        return self._index.start

    @property
    def end(self) -> End | None:
        """The session's last document; None while it goes on, or if it broke off."""
        return self._index.end

    @property
    def infos(self) -> list[FrameInfo]:
        """Every frame's truth, in order."""
        return self._index.infos()

    @property
    def decisions(self) -> list[Decision]:
        """Every proposal, in order."""
        return self._index.decisions

    @property
    def applied(self) -> list[AppliedMessage]:
        """What the guard made of each proposal, in order."""
        return self._index.applied

    @property
    def gaps(self) -> list[Gap]:
        """Frames that were lost."""
        return self._index.gaps

    @property
    def notices(self) -> list[Notice]:
        """Sentences that the person at the scope saw."""
        return self._index.notices

    @property
    def results(self) -> Sequence[Result]:
        """What was seen in each shot; read from disk as it is asked for."""
        return _Results(self, self._index.results)

    def shots(self) -> list[tuple[int, ...]]:
        """Return the sequence numbers of each shot, in order."""
        return [tuple(seqs) for _, seqs in sorted(self._index.shots.items())]

    def message(self, seq: int) -> FrameMessage:
        """Return a frame's message.

        Raises
        ------
        RunFileError
            If the frame was lost or never taken; the text says which.
        """
        message = self._index.frames.get(seq)
        if message is not None:
            return message
        for gap in self.gaps:
            if gap.seq_from <= seq <= gap.seq_to:
                raise RunFileError(f"{self.name}: frame {seq} was lost ({gap.reason})")
        raise RunFileError(f"{self.name} has no frame {seq}")

    def pixels(self, seq: int) -> NDArray[np.uint16]:
        """Return a frame's camera counts, (Y, X) uint16, checked against their checksum.

        Raises
        ------
        RunFileError
            If the frame was lost, or its bytes are damaged.
        """
        message = self.message(seq)
        place = self._index.places[seq]
        part = self._parts[place.part]
        try:
            mask, packed, chip = part.chunk(place.camera, place.row)
            whole = unpack(packed, mask, chip)
        except RunFileError as error:
            raise RunFileError(f"{part.path.name}: frame {seq} is damaged: {error}") from error
        pixels = np.ascontiguousarray(whole[: message.info.height, : message.info.width])
        if xxhash.xxh3_64_intdigest(pixels.data) != message.xxh3:
            raise RunFileError(f"{part.path.name}: frame {seq} is damaged: its checksum is wrong")
        return pixels

    def restored_entries(self) -> Iterator[Entry]:
        """Yield what is known of each restored image, kept or lost; nothing if none were asked for.

        Raises
        ------
        RunFileError
            If a row is damaged.
        """
        for part, number in self._index.restored.values():
            if self._parts[part].keeps_restored:
                yield self._parts[part].restored_entry(number)

    def restored(self, shot: int) -> NDArray[np.float32]:
        """Return what the worker restored of a shot, (Y, X) float32 photo-electrons.

        Raises
        ------
        RunFileError
            If it was not kept, and why; or its bytes are damaged.
        """
        place = self._index.restored.get(shot)
        if place is None or not self._parts[place[0]].keeps_restored:
            raise RunFileError(
                f"{self.name} has no restored image of shot {shot}; `[record] restored = true` in "
                "a run's config keeps them"
            )
        part, number = self._parts[place[0]], place[1]
        entry = part.restored_entry(number)
        if not entry.is_kept:
            why = WHY.get(entry.state, "nobody knows why")
            raise RunFileError(f"{self.name}: the restored image of shot {shot} is lost: {why}")
        try:
            return part.restored(entry)
        except RunFileError as error:
            raise RunFileError(
                f"{part.path.name}: the restored image of shot {shot} is damaged: {error}"
            ) from error

    def packets(self) -> Iterator[bytes]:
        """Return every document as it came over the wire, in order of arrival."""
        return self._run.packets()

    def documents(self) -> Iterator[Document]:
        """Yield every document, decoded, in order of arrival."""
        for packet in self.packets():
            yield decode_document(packet, self.name)

    def document(self, part: int, number: int) -> Document:
        """Return one document of a part."""
        return decode_document(self._parts[part].packet(number), self.name)

    def text(self, name: str) -> str:
        """Return one of the texts that came with the start (`texts.TEXTS`), as it was stored."""
        return self._parts[0].text(name)

    def close(self) -> None:
        """Close every part. May be called twice."""
        self._run.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Results(Sequence[Result]):
    """Results, decoded one by one: a long run's tracks need not fit in memory."""

    def __init__(self, reader: RunReader, places: list[tuple[int, int]]) -> None:
        self._reader = reader
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, which: int) -> Result: ...
    @overload
    def __getitem__(self, which: slice) -> list[Result]: ...
    def __getitem__(self, which: int | slice) -> Result | list[Result]:
        if isinstance(which, slice):
            return [self[i] for i in range(*which.indices(len(self)))]
        result = self._reader.document(*self._places[which])
        assert isinstance(result, Result), "the index holds results only"
        return result
