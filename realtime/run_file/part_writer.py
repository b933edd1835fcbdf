"""Writes one part of a run, so that a crash at any instant loses nothing that was flushed."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import xxhash

from acquire.in_place import put_in_place
from realtime.errors import RunFileError
from realtime.run_file import layout
from realtime.run_file.disk_refusal import abandon, reason
from realtime.run_file.frame_table import FRAME_ROW, frame_row
from realtime.run_file.restored import RestoredWriter
from realtime.run_file.sync import Sync, sync
from realtime.wire import encode

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from realtime.wire import FrameMessage, Result, Start


class PartWriter:
    """One file of a run, open for writing, and readable at every instant.

    Parameters
    ----------
    number, last_seq
        Number of the part, and the last frame in the parts before it (-1: none).
    sync_s
        How often it is brought to the disk itself, s.
    keeps_restored
        Whether restored images are written, too.

    Attributes
    ----------
    durable_seq
        Last frame that survives a crash of ours.
    n_bytes
        Length of the file at the last flush.

    Raises
    ------
    RunFileError
        If the file cannot be made.
    """

    def __init__(
        self,
        path: Path,
        start: Start,
        number: int,
        last_seq: int,
        sync_s: float,
        *,
        keeps_restored: bool = False,
    ) -> None:
        self.path = path
        self.number = number
        self.durable_seq = last_seq
        self.n_bytes = 0
        self._rows: list[tuple[Any, ...]] = []
        self._packets: list[bytes] = []
        self._n_rows, self._n_gaps, self._n_documents = 0, 0, 1
        self._journal_bytes = len(encode(start))
        self._is_broken = False
        self._file: Any = None
        self._sync: Sync | None = None
        with self._writing():
            self._open(start, keeps_restored=keeps_restored)
            self._sync = Sync(path, sync_s)

    @property
    def pending(self) -> int:
        """Frames and documents that were not flushed."""
        return len(self._packets)

    def chip(self, camera: int) -> tuple[int, int]:
        """Return the shape (Y, X) of a camera's frames on disk."""
        height, width = self._data[camera].shape[1:]
        return height, width

    def put_frame(
        self,
        message: FrameMessage,
        packet: bytes,
        camera: int,
        packed: bytes | memoryview,
        mask: int,
    ) -> None:
        """Take a frame: its message, and its chunk as it will lie on disk."""
        data = self._data[camera]
        with self._writing():
            row = data.shape[0]
            data.resize(row + 1, axis=0)
            data.id.write_direct_chunk((row, 0, 0), packed, filter_mask=mask)
        self._rows.append(frame_row(message, camera, row, is_raw=bool(mask)))
        self._packets.append(packet)

    def put(self, packet: bytes, *, is_gap: bool = False) -> None:
        """Take a document, as it came over the wire."""
        self._packets.append(packet)
        self._n_gaps += is_gap

    def put_restored(
        self, result: Result, image: NDArray[np.float32] | None, *, is_left_out: bool
    ) -> bool:
        """Take the image that a result names; return whether it is kept."""
        if self._restored is None:
            return False
        with self._writing():
            return self._restored.put(result, image, is_left_out=is_left_out)

    def flush(self) -> int:
        """Make everything that was handed in survive a crash; return the last frame on disk.

        Raises
        ------
        RunFileError
            If the disk takes no more.
        """
        if not self._packets and not self._is_broken:
            return self.durable_seq
        with self._writing():
            for data in self._data:
                data.id.flush()
            if self._restored is not None:
                self._restored.flush()
            self._append_journal()
            if self._rows:
                self._append(self._frames, np.array(self._rows, FRAME_ROW), self._n_rows)
            last_seq = int(self._rows[-1][0]) if self._rows else self.durable_seq
            self._n_rows += len(self._rows)
            self._n_documents += len(self._packets)
            self.n_bytes = self.path.stat().st_size
            self._commit[()] = layout.commit_row(
                last_seq, self._n_rows, self._n_gaps, self._n_documents, self.n_bytes
            )
            self._commit.id.flush()
            if self._sync is not None:
                self._sync.note()
        self._rows.clear()
        self._packets.clear()
        self.durable_seq = last_seq
        return last_seq

    def close(self, status: str) -> None:
        """Flush, say how this part ended, and close. May be called twice.

        Raises
        ------
        RunFileError
            If the disk takes no more.
        """
        if self._is_broken or not self._file.id.valid:
            self._end_sync()
            return
        self.flush()
        self._end_sync()
        with self._writing():
            self._file[layout.END_TIME][()] = datetime.now(UTC).isoformat(timespec="seconds")
            self._file[layout.STATUS][()] = status
            self._file.close()
            sync(self.path)  # a run that ended well also survives a power cut

    def _open(self, start: Start, *, keeps_restored: bool) -> None:
        # Under another name until it is whole: who sees the run file can always read it.
        draft = self.path.with_name(self.path.name + ".new")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(draft, "w", libver=layout.HDF5_VERSIONS) as file:
            layout.create(file, start, self.number, self.durable_seq, keeps_restored=keeps_restored)
        put_in_place(draft, self.path)
        self._file = h5py.File(self.path, "r+", libver=layout.HDF5_VERSIONS)
        self._data = [self._file[layout.camera_data(n)] for n in range(len(start.cameras))]
        self._frames = self._file[layout.FRAMES]
        self._bytes = self._file[layout.JOURNAL_BYTES]
        self._offsets = self._file[layout.JOURNAL_OFFSETS]
        self._sums = self._file[layout.JOURNAL_SUMS]
        self._commit = self._file[layout.COMMIT]
        self._restored = RestoredWriter(self._file) if keeps_restored else None
        self._file.swmr_mode = True

    def _append_journal(self) -> None:
        lengths = [len(packet) for packet in self._packets]
        ends = self._journal_bytes + np.cumsum(lengths, dtype=np.uint64)
        whole = np.frombuffer(b"".join(self._packets), np.uint8)
        sums = np.array([xxhash.xxh3_64_intdigest(p) for p in self._packets], "<u8")
        self._append(self._bytes, whole, self._journal_bytes)
        self._append(self._sums, sums, self._n_documents)
        self._append(self._offsets, ends, self._n_documents + 1)
        self._journal_bytes = int(ends[-1])

    @staticmethod
    def _append(dataset: Any, values: NDArray[Any], at: int) -> None:
        dataset.resize(at + len(values), axis=0)
        dataset[at:] = values
        dataset.id.flush()

    def _end_sync(self) -> None:
        if self._sync is not None:
            self._sync.close()

    @contextmanager
    def _writing(self) -> Generator[None]:
        """Turn a disk's refusal into one sentence, and never touch the file again."""
        if self._is_broken:
            raise RunFileError(f"{self.path.name} could not be written before and is given up")
        try:
            yield
        except (OSError, RuntimeError, ValueError) as error:
            self._is_broken = True
            if self._file is not None:
                abandon(self._file)
            self._end_sync()
            raise RunFileError(
                f"cannot write {self.path}: {reason(error)}. Everything up to frame "
                f"{self.durable_seq} is safe; free some space, then start the recorder again"
            ) from error
