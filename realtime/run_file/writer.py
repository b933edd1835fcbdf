"""Writes a run, part after part: a full part, or an interrupted recorder, begins the next one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from realtime.run_file import layout
from realtime.run_file.chunks import Chunks
from realtime.run_file.codec import on_chip
from realtime.run_file.order import Order
from realtime.run_file.own_digest import OwnDigest
from realtime.run_file.parts import part_path
from realtime.run_file.rolling import PART_BYTES, RollingParts
from realtime.run_file.sync import EVERY_S
from realtime.wire import (
    End,
    FrameMessage,
    FromHub,
    Gap,
    Notice,
    Result,
    Start,
    decode_from_hub,
    encode,
)

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

    from realtime.run_file.part_writer import PartWriter

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
    part_bytes
        A part that has grown to this size is closed, and the next one begun.
    sync_s
        How often the file is brought to the disk itself, s.
    keeps_restored
        Whether restored images are written beside the frames (`realtime.run_file.restored`).

    Attributes
    ----------
    n_frames, n_gaps, n_raw
        Frames, gaps, and frames that were not compressed, since this writer was made.
    n_restored, n_restored_lost
        Restored images that were kept, and that were not there to be kept.

    Raises
    ------
    RunFileError
        If the file cannot be made, or holds another run.
    """

    def __init__(
        self,
        path: Path,
        start: Start,
        *,
        compress: bool = True,
        threads: int = 0,
        part_bytes: int = PART_BYTES,
        sync_s: float = EVERY_S,
        keeps_restored: bool = False,
    ) -> None:
        self._chunks = Chunks(start.cameras, compress=compress, threads=threads)
        self._parts = RollingParts(
            path, start, part_bytes=part_bytes, sync_s=sync_s, keeps_restored=keeps_restored
        )
        resume = self._parts.resume
        self._order = Order(resume.seq)
        self._tail = list(resume.tail)
        self._digest = OwnDigest([part_path(resume.first, n) for n in range(resume.n_parts)])
        self.n_frames = self.n_gaps = self.n_raw = self.n_restored = self.n_restored_lost = 0
        self.keeps_restored = keeps_restored

    @property
    def last_seq(self) -> int:
        """Last number that was handed in, as a frame or in a gap."""
        return self._order.last_seq

    @property
    def path(self) -> Path:
        """The part that is being written."""
        return self._part.path

    @property
    def durable_seq(self) -> int:
        """Last frame that survives a crash; -1 for none."""
        return self._part.durable_seq

    @property
    def pending(self) -> int:
        """Frames and documents that are not yet safely on disk."""
        return self._part.pending

    def frame(
        self,
        message: FrameMessage,
        pixels: NDArray[np.uint16],
        packet: bytes = b"",
        *,
        is_hurried: bool = False,
    ) -> None:
        """Take a frame.

        Parameters
        ----------
        pixels
            Camera counts, (Y, X) uint16; smaller than the camera's chip if a region was read.
        packet
            The message as it came over the wire; without it, the message is encoded again.
        is_hurried
            Others are waiting: the frame is stored as it is. Its row and its chunk say so.

        Raises
        ------
        RunFileError
            If the frame does not fit the session, or the disk takes no more.
        """
        info = message.info
        if not self._order.is_new(info.seq):
            self._pass_over(info.seq)
            return
        number = self._chunks.camera(message)
        whole = on_chip(message, pixels, self._part.chip(number))
        self._parts.roll_if_full()
        self._tail.clear()
        self._declare_hole(info.seq)
        mask, chunk = self._chunks.of(whole, is_hurried=is_hurried)
        self._part.put_frame(message, packet or encode(message), number, chunk, mask)
        self._digest.add(info.seq, message.xxh3)
        self._order.last_seq = info.seq
        self.n_frames += 1
        self.n_raw += bool(mask)

    def document(
        self,
        packet: bytes,
        message: FromHub | None = None,
        image: NDArray[np.float32] | None = None,
        *,
        is_hurried: bool = False,
    ) -> None:
        """Take a document of the stream that is not a frame, as it came over the wire.

        Parameters
        ----------
        message
            The same, decoded, if the caller has it.
        image
            The restored image that a result names, (Y, X) float32; None if it is gone.
        is_hurried
            There is no image because nobody had time for it.

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
        if isinstance(message, End) and (doubt := self._digest.doubt(message.digest)):
            self._warn(doubt)
        if isinstance(message, Gap):
            self._gap(packet, message)
            return
        if isinstance(message, Result) and message.restored and self.keeps_restored:
            is_kept = self._part.put_restored(message, image, is_left_out=is_hurried)
            self.n_restored += is_kept
            self.n_restored_lost += not is_kept
        self._part.put(packet)

    def flush(self) -> int:
        """Make everything that was handed in survive a crash; return the last frame on disk.

        Raises
        ------
        RunFileError
            If the disk takes no more.
        """
        return self._part.flush()

    def close(self, status: str = layout.PARTIAL) -> None:
        """Flush, say how the run ended ("complete" or "partial"), and close. May be called twice.

        Raises
        ------
        RunFileError
            If the disk takes no more.
        """
        self._part.close(status)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close(layout.PARTIAL)

    @property
    def _part(self) -> PartWriter:
        return self._parts.part

    def _gap(self, packet: bytes, gap: Gap) -> None:
        self._declare_hole(gap.seq_from)
        rest = self._order.rest_of(gap)
        if rest is not None:
            self._part.put(packet if rest is gap else encode(rest), is_gap=True)
            self.n_gaps += 1

    def _declare_hole(self, seq: int) -> None:
        """Loss is data: sequence numbers that never came are written down as such."""
        gap = self._order.hole_before(seq)
        if gap is None:
            return
        self._part.put(encode(gap), is_gap=True)
        self._warn(f"frames {gap.seq_from} to {gap.seq_to} {gap.reason}")
        self.n_gaps += 1

    def _pass_over(self, seq: int) -> None:
        if self._order.is_lost(seq):
            self._warn(f"frame {seq} came too late: a later one was recorded before")
        else:
            logger.info("frame %d is already recorded", seq)

    def _warn(self, text: str) -> None:
        logger.warning(text)
        self._part.put(encode(Notice("warn", text)))
