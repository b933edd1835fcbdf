"""One part of a run on disk, open for reading, also while a recorder writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import xxhash

from realtime.errors import RunFileError
from realtime.run_file import layout
from realtime.run_file.journal import decode_document
from realtime.run_file.opened import OpenedPart
from realtime.wire import Start

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from realtime.run_file.restored import Entry

BLOCK = 1024  # documents that are read at once


class Part(OpenedPart):
    """One file of a run: its documents, its frames, its restored images."""

    def refresh(self) -> None:
        """See what a recorder has written since.

        HDF5 mixes things up (it reads zeros; seen in 2.0.0) when a process refreshes one of two
        open copies of a growing file, so a process follows a run with one reader only.
        """
        with self.reading():
            # The commit first: whatever it counts is then surely in what is read after it.
            self._read_commit()
            for dataset in (self._status, self._journal, *self._data):
                dataset.refresh()
            if self._restored is not None:
                self._restored.refresh()
            self._check_commit()

    def packets(self, first: int = 0) -> Iterator[bytes]:
        """Yield the documents from one on, as they came over the wire."""
        for at in range(first, self.n_documents, BLOCK):
            yield from self.block(at, min(at + BLOCK, self.n_documents))

    def packets_backwards(self) -> Iterator[bytes]:
        """Yield the documents, the last one first."""
        for end in range(self.n_documents, 0, -BLOCK):
            yield from reversed(self.block(max(end - BLOCK, 0), end))

    def packet(self, number: int) -> bytes:
        """Return one document."""
        return self.block(number, number + 1)[0]

    def chunk(self, camera: int, row: int) -> tuple[int, bytes, tuple[int, int]]:
        """Return filter mask, packed bytes and shape (Y, X) of a camera's frame."""
        with self.reading():
            data = self._data[camera]
            mask, packed = data.id.read_direct_chunk((row, 0, 0))
            return int(mask), bytes(packed), (data.shape[1], data.shape[2])

    @property
    def keeps_restored(self) -> bool:
        """Whether restored images were asked for."""
        return self._restored is not None

    def restored_entry(self, number: int) -> Entry:
        """Return what is known of the `number`-th restored image of this part."""
        assert self._restored is not None, "keeps_restored says so"
        with self.reading():
            return self._restored.entry(number)

    def restored(self, entry: Entry) -> NDArray[np.float32]:
        """Return a restored image that was kept, (Y, X) float32 photo-electrons."""
        assert self._restored is not None, "keeps_restored says so"
        with self.reading():
            return self._restored.image(entry)

    def rows(self) -> np.ndarray[tuple[int], np.dtype[np.void]]:
        """Return the table of frames, as far as it is committed."""
        with self.reading():
            table: Any = self._file[layout.FRAMES]
            found: np.ndarray[tuple[int], np.dtype[np.void]] = table[: int(self.commit["n_frames"])]
            return found

    def block(self, first: int, end: int) -> list[bytes]:
        """Return some documents, as they came over the wire.

        Raises
        ------
        RunFileError
            If one of them is not what was written.
        """
        with self.reading():
            return self._journal.block(first, end)

    def start(self) -> Start | None:
        """Return the session's first document, or its copy; None if both are damaged."""
        for is_copy in (False, True):
            try:
                packet = self._copy_of_start() if is_copy else self.packet(0)
                document = decode_document(packet, self.path.name)
            except RunFileError:
                continue
            if isinstance(document, Start):
                return document
        return None

    def _copy_of_start(self) -> bytes:
        with self.reading():
            packet: bytes = self._file[layout.START_COPY][()].tobytes()
            if xxhash.xxh3_64_intdigest(packet) != self._file.attrs[layout.START_SUM]:
                raise RunFileError(f"{self.path.name} is damaged: the copy of its start")
            return packet

    def place_of(self, camera: int, row: int) -> str:
        """Say where in the file a camera's frame lies."""
        with self.reading():
            chunk = self._data[camera].id.get_chunk_info_by_coord((row, 0, 0))
            return f"{chunk.size} bytes from byte {chunk.byte_offset}"

    def value(self, name: str) -> Any:
        """Return a single number or text of the entry."""
        with self.reading():
            found = self._file[f"entry/{name}"]
            return found.asstr()[()] if h5py.check_string_dtype(found.dtype) else found[()]
