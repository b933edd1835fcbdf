"""Writes one part of a run, so that a crash at any instant loses nothing that was flushed."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from realtime.errors import RunFileError
from realtime.run_file import layout
from realtime.run_file.codec import RAW, pack
from realtime.run_file.parts import find_resume, part_path, part_paths
from realtime.wire import FrameMessage, FromHub, Gap, Notice, Start, decode_from_hub, encode

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from typing import Self

    from numpy.typing import NDArray

logger = logging.getLogger(__name__)


class RunWriter:
    """Writes a run, or goes on with one that was interrupted.

    Parameters
    ----------
    path
        The run file. Where it already holds the same session, a new part is begun beside it.
    start
        The session's first document.
    compress
        False stores pixels as they are: larger, but 4 times less work.
    threads
        Threads that compress a large frame; 0 means half of the machine's cores, at most 4.

    Attributes
    ----------
    last_seq
        Last sequence number that was handed in.
    n_frames, n_gaps
        In this part.

    Raises
    ------
    RunFileError
        If the file cannot be made, or holds another run.
    """

    def __init__(
        self, path: Path, start: Start, *, compress: bool = True, threads: int = 0
    ) -> None:
        resume = find_resume(path)
        if resume.n_parts and resume.session_id != start.session_id:
            raise RunFileError(f"{path} already holds another run; please choose another name")
        first = part_paths(path)[0] if resume.n_parts else path
        self.path = part_path(first, resume.n_parts)
        self.last_seq = resume.seq
        self.n_frames = 0
        self.n_gaps = 0
        self._tail = list(resume.tail)
        self._durable_seq = resume.seq
        self._compress = compress
        self._threads = threads
        self._cameras = {camera.label: number for number, camera in enumerate(start.cameras)}
        self._rows: list[tuple[Any, ...]] = []
        self._packets: list[bytes] = []
        self._n_rows, self._n_documents, self._n_bytes = 0, 1, len(encode(start))
        self._is_broken = False
        self._file: Any = None
        if compress:
            pack(np.zeros((1, 1), np.uint16))  # the codec takes half a second to wake up
        if not first.exists() and part_path(first, 1).exists():
            raise RunFileError(f"{part_path(first, 1)} belongs to another run; please move it")
        self._open(start, resume.n_parts)

    @property
    def durable_seq(self) -> int:
        """Last frame that survives a crash; -1 for none."""
        return self._durable_seq

    @property
    def pending(self) -> int:
        """Frames and documents that are not yet safely on disk."""
        return len(self._packets)

    def frame(self, message: FrameMessage, pixels: NDArray[np.uint16], packet: bytes = b"") -> None:
        """Take a frame.

        Parameters
        ----------
        pixels
            Camera counts, (Y, X) uint16; smaller than the camera's chip if a region was read.
        packet
            The message as it came over the wire; without it, the message is encoded again.

        Raises
        ------
        RunFileError
            If the frame does not fit the session, or the disk takes no more.
        """
        info = message.info
        if info.seq <= self.last_seq:
            logger.info("frame %d is already recorded", info.seq)
            return
        number = self._cameras.get(info.camera)
        if number is None:
            raise RunFileError(f"frame {info.seq} comes from a camera {info.camera!r} of no start")
        data = self._data[number]
        packed, mask = self._pack(message, pixels, data.shape[1:])
        self._tail.clear()
        self._declare_hole(info.seq)
        with self._writing():
            row = data.shape[0]
            data.resize(row + 1, axis=0)
            data.id.write_direct_chunk((row, 0, 0), packed, filter_mask=mask)
        self._rows.append(layout.frame_row(message, number, row, is_raw=bool(mask)))
        self._packets.append(packet or encode(message))
        self.last_seq = info.seq
        self.n_frames += 1

    def document(self, packet: bytes, message: FromHub | None = None) -> None:
        """Take a document of the stream that is not a frame, as it came over the wire.

        Parameters
        ----------
        message
            The same, decoded, if the caller has it.

        Raises
        ------
        BadMessage
            If it is no message of ours.
        """
        if packet in self._tail:  # on disk already: the hub repeats what followed the last frame
            self._tail.remove(packet)
            return
        message = message or decode_from_hub(packet)
        if isinstance(message, Start):
            return  # stands at the head of each part
        if isinstance(message, Gap):
            self._declare_hole(message.seq_from)
            self.last_seq = max(self.last_seq, message.seq_to)
            self.n_gaps += 1
        self._packets.append(packet)

    def flush(self) -> int:
        """Make everything that was handed in survive a crash; return the last frame on disk.

        Raises
        ------
        RunFileError
            If the disk takes no more.
        """
        if not self._packets and not self._is_broken:
            return self._durable_seq
        with self._writing():
            for data in self._data:
                data.id.flush()
            self._append_journal()
            if self._rows:
                self._append(self._frames, np.array(self._rows, layout.FRAME_ROW), self._n_rows)
            last_seq = int(self._rows[-1][0]) if self._rows else self._durable_seq
            self._n_rows += len(self._rows)
            self._n_documents += len(self._packets)
            n_bytes = self.path.stat().st_size
            counts = (last_seq, self._n_rows, self.n_gaps, self._n_documents, n_bytes)
            self._commit[()] = np.array(counts, layout.COMMIT_ROW)
            self._commit.id.flush()
        self._rows.clear()
        self._packets.clear()
        self._durable_seq = last_seq
        return last_seq

    def close(self, status: str = layout.PARTIAL) -> None:
        """Flush, say how the run ended ("complete" or "partial"), and close. May be called twice.

        Raises
        ------
        RunFileError
            If the disk takes no more.
        """
        if self._is_broken or not self._file.id.valid:
            return
        self.flush()
        with self._writing():
            self._file[layout.END_TIME][()] = datetime.now(UTC).isoformat(timespec="seconds")
            self._file[layout.STATUS][()] = status
            self._file.close()
            with self.path.open("rb+") as file:
                os.fsync(file.fileno())  # a run that ended well also survives a power cut

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close(layout.PARTIAL)

    def _open(self, start: Start, part: int) -> None:
        with self._writing():
            # Under another name until it is whole: who sees the run file can always read it.
            draft = self.path.with_name(self.path.name + ".new")
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with h5py.File(draft, "w", libver=layout.HDF5_VERSIONS) as file:
                layout.create(file, start, part, self._durable_seq)
            draft.replace(self.path)
            self._file = h5py.File(self.path, "r+", libver=layout.HDF5_VERSIONS)
            self._data = [self._file[layout.camera_data(n)] for n in range(len(start.cameras))]
            self._frames = self._file[layout.FRAMES]
            self._bytes = self._file[layout.JOURNAL_BYTES]
            self._offsets = self._file[layout.JOURNAL_OFFSETS]
            self._commit = self._file[layout.COMMIT]
            self._file.swmr_mode = True

    def _pack(
        self, message: FrameMessage, pixels: NDArray[np.uint16], chip: tuple[int, int]
    ) -> tuple[bytes | memoryview, int]:
        info = message.info
        if pixels.dtype != np.uint16 or pixels.shape != (info.height, info.width):
            raise RunFileError(
                f"frame {info.seq} must be {info.height} x {info.width} uint16, "
                f"got {pixels.shape} {pixels.dtype}"
            )
        if info.height > chip[0] or info.width > chip[1]:
            raise RunFileError(
                f"frame {info.seq} is larger than its camera: {pixels.shape}, {chip}"
            )
        if pixels.shape != chip:  # a region lies in the corner; the zeros around it take no space
            whole = np.zeros(chip, np.uint16)
            whole[: info.height, : info.width] = pixels
            pixels = whole
        if self._compress:
            return pack(pixels, self._threads), 0
        return np.ascontiguousarray(pixels).data, RAW

    def _declare_hole(self, seq: int) -> None:
        """Loss is data: sequence numbers that never came are written down as such."""
        if seq <= self.last_seq + 1:
            return
        gap = Gap(self.last_seq + 1, seq - 1, "never reached the recorder")
        text = f"frames {gap.seq_from} to {gap.seq_to} {gap.reason}"
        logger.warning(text)
        self._packets += [encode(gap), encode(Notice("warn", text))]
        self.last_seq = gap.seq_to
        self.n_gaps += 1

    def _append_journal(self) -> None:
        ends = self._n_bytes + np.cumsum([len(p) for p in self._packets], dtype=np.uint64)
        whole = np.frombuffer(b"".join(self._packets), np.uint8)
        self._append(self._bytes, whole, self._n_bytes)
        self._append(self._offsets, ends, self._n_documents + 1)
        self._n_bytes = int(ends[-1])

    @staticmethod
    def _append(dataset: Any, values: NDArray[Any], at: int) -> None:
        dataset.resize(at + len(values), axis=0)
        dataset[at:] = values
        dataset.id.flush()

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
                _abandon(self._file)
            raise RunFileError(
                f"cannot write {self.path}: {_reason(error)}. Everything up to frame "
                f"{self._durable_seq} is safe; free some space, then start the recorder again"
            ) from error


def _abandon(file: h5py.File) -> None:
    """Close a file that takes no more, as if this process had been killed before the failure.

    HDF5 would still write what it could, at last a superblock that promises more than there is:
    so its handle is turned to nowhere first.
    """
    with suppress(OSError, RuntimeError, ValueError):
        nowhere = os.open(os.devnull, os.O_RDWR)
        try:
            os.dup2(nowhere, file.id.get_vfd_handle())
        finally:
            os.close(nowhere)
    with suppress(OSError, RuntimeError, ValueError):  # it was already reported
        file.close()


def _reason(error: Exception) -> str:
    """Return the operating system's words, which HDF5 hides in the middle of a long line."""
    text = str(error)
    if "error message = '" in text:
        return text.split("error message = '")[1].split("'")[0].lower()
    return text.splitlines()[0] if text else type(error).__name__
