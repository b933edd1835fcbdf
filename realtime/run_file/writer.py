"""Writes a run, part after part: a full part, or an interrupted recorder, begins the next one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from realtime.errors import RunFileError
from realtime.run_file import layout
from realtime.run_file.codec import RAW, on_chip, pack
from realtime.run_file.order import Order
from realtime.run_file.own_digest import OwnDigest
from realtime.run_file.part_writer import PartWriter
from realtime.run_file.parts import find_resume, part_path
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

    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

PART_BYTES = 16 * 10**9  # a part that is copied in minutes, and fits most disks' empty corners


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
        resume = find_resume(path)
        if resume.n_parts and resume.session_id != start.session_id:
            raise RunFileError(f"{path} already holds another run; please choose another name")
        self._first = resume.first
        self._order = Order(resume.seq)
        self.n_frames = self.n_gaps = self.n_raw = 0
        self.n_restored = self.n_restored_lost = 0
        self.keeps_restored = keeps_restored
        self._start = start
        self._tail = list(resume.tail)
        self._compress = compress
        self._threads = threads
        self._part_bytes = part_bytes
        self._sync_s = sync_s
        self._cameras = {camera.label: number for number, camera in enumerate(start.cameras)}
        if compress:
            pack(np.zeros((1, 1), np.uint16))  # the codec takes half a second to wake up
        if not self._first.exists() and part_path(self._first, 1).exists():
            raise RunFileError(
                f"{part_path(self._first, 1)} belongs to another run; please move it"
            )
        self._digest = OwnDigest([part_path(self._first, n) for n in range(resume.n_parts)])
        self._part = self._begin(resume.n_parts, resume.seq)

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
        number = self._cameras.get(info.camera)
        if number is None:
            raise RunFileError(f"frame {info.seq} comes from a camera {info.camera!r} of no start")
        whole = on_chip(message, pixels, self._part.chip(number))
        if self._part.n_bytes >= self._part_bytes:
            self._roll()
        self._tail.clear()
        self._declare_hole(info.seq)
        if self._compress and not is_hurried:
            self._put(message, packet, number, pack(whole, self._threads), 0)
        else:
            self._put(message, packet, number, np.ascontiguousarray(whole).data, RAW)

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
        if isinstance(message, End):
            self._compare(message)
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

    def _begin(self, number: int, last_seq: int) -> PartWriter:
        path = part_path(self._first, number)
        return PartWriter(
            path, self._start, number, last_seq, self._sync_s, keeps_restored=self.keeps_restored
        )

    def _roll(self) -> None:
        """Go on in a new part, for this one is full."""
        full = self._part
        full.flush()
        self._part = self._begin(full.number + 1, full.durable_seq)
        full.close(layout.CONTINUED)  # only now: who reads so finds the next part
        logger.info("%s is full; the run goes on in %s", full.path.name, self.path.name)

    def _put(
        self,
        message: FrameMessage,
        packet: bytes,
        camera: int,
        packed: bytes | memoryview,
        mask: int,
    ) -> None:
        self._part.put_frame(message, packet or encode(message), camera, packed, mask)
        self._digest.add(message.info.seq, message.xxh3)
        self._order.last_seq = message.info.seq
        self.n_frames += 1
        self.n_raw += bool(mask)

    def _compare(self, end: End) -> None:
        """Write down, before the end, if what is on disk is not all that the hub has sent."""
        if not end.digest or (ours := str(self._digest)) == end.digest:
            return
        text = (
            f"the digest of the frames in this file is {ours}, but the hub sent {end.digest}: "
            "frames are missing, or are not those that were sent"
        )
        self._warn(text)

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
