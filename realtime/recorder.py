"""The recorder: what the hub says goes to disk; what is safe there is acknowledged."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

import msgspec

from realtime.errors import FrameLapped, StreamError
from realtime.run_file import RunWriter, resume_point
from realtime.run_file.layout import COMPLETE, PARTIAL
from realtime.run_file.sync import EVERY_S
from realtime.run_file.writer import PART_BYTES
from realtime.wire import End, FrameMessage, Gap, Result, encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from realtime.wire import FromHub, RestoredSlot, Start

__all__ = ["Listener", "Recorded", "record", "resume_point"]

logger = logging.getLogger(__name__)

FLUSH_FRAMES = 8  # with the next, bounds what a crash can make the hub send again
FLUSH_MS = 100
HEARTBEAT_MS = 400  # the hub gives no light to a run whose recorder is silent for 2 s
START_S = 30.0
BEHIND_FRAMES = 8  # waiting frames from which on they are stored as they are; proposed
LAST_WORDS_MS = 1000  # how long a stopped recorder listens for what is still on its way


class Listener(Protocol):
    """What the recorder needs of `realtime.client.StreamClient`."""

    def start(self, timeout_s: float) -> Start:
        """Return the session's first document."""
        ...

    def receive(self, timeout_ms: int) -> tuple[bytes, FromHub] | None:
        """Return the next message, raw and decoded; None if none came in time."""
        ...

    def pixels(self, message: FrameMessage) -> NDArray[np.uint16]:
        """Return a view of a frame's pixels, (Y, X) uint16, that holds until it is acknowledged."""
        ...

    def check(self, message: FrameMessage, *, with_sum: bool) -> None:
        """Raise `FrameLapped` if the pixels are not whole."""
        ...

    def restored(self, slot: RestoredSlot) -> NDArray[np.float32] | None:
        """Return a copy of a restored image, (Y, X) float32; None if it is gone."""
        ...

    def ack(self, upto: int, credit: int) -> None:
        """Give everything up to a frame free, and ask for `credit` more."""
        ...


class RecordOptions(msgspec.Struct, frozen=True):
    """How a run file is written.

    Attributes
    ----------
    compress
        False stores every frame as it is.
    part_bytes
        A part of this size is closed, and the next one begun.
    sync_s
        How often the file is brought to the disk itself, s.
    restored
        Whether the images that the worker restores are kept, too.
    """

    compress: bool = True
    part_bytes: int = PART_BYTES
    sync_s: float = EVERY_S
    restored: bool = False


USUAL = RecordOptions()


class Recorded(msgspec.Struct, frozen=True):
    """What a recorder wrote: its last part, how the run ended, and its own counts.

    `n_raw` frames were not compressed: the disk took them as fast as they came. Of the restored
    images, `n_restored_lost` could not be kept.
    """

    path: str
    status: str
    n_frames: int
    n_gaps: int
    last_seq: int
    reason: str = ""
    n_raw: int = 0
    n_restored: int = 0
    n_restored_lost: int = 0


def record(
    client: Listener,
    path: Path,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    on_ready: Callable[[], object] = lambda: None,
    options: RecordOptions = USUAL,
) -> Recorded:
    """Record a session until its end.

    Parameters
    ----------
    client
        A lossless listener; it resumes from `resume_point(path)`.
    path
        The run file. An interrupted recording of the same session goes on in a new part.
    should_stop
        True once nobody will send any more: the file is then closed as "partial".
    on_ready
        Called when the file is open and frames may come.
    options
        How the file is written.

    Raises
    ------
    RunFileError
        If the file cannot be made or written. What was acknowledged is safe.
    StreamError
        If no session answers.
    """
    start = client.start(START_S)
    with RunWriter(
        path,
        start,
        compress=options.compress,
        part_bytes=options.part_bytes,
        sync_s=options.sync_s,
        keeps_restored=options.restored,
    ) as writer:
        on_ready()
        recording = _Recording(client, writer)
        end, reason = _listen(recording, should_stop)
        if end is not None:
            recording.flush()
        status = _verdict(end, writer, reason)
        writer.close(status)
        logger.info(
            "recorded %d frames, %d of them in a hurry, as %s in %s",
            writer.n_frames, writer.n_raw if options.compress else 0, status, writer.path,
        )  # fmt: skip
        if writer.n_restored_lost:
            logger.warning(
                "%d of %d restored images were not kept: frames come first",
                writer.n_restored_lost, writer.n_restored + writer.n_restored_lost,
            )  # fmt: skip
        return Recorded(
            str(writer.path),
            status,
            writer.n_frames,
            writer.n_gaps,
            writer.last_seq,
            reason,
            writer.n_raw,
            writer.n_restored,
            writer.n_restored_lost,
        )


def _listen(recording: _Recording, should_stop: Callable[[], bool]) -> tuple[End | None, str]:
    """Record until the end; return it, or why there is none."""
    silent_since_ns: int | None = None
    while True:
        try:
            message = recording.step()
        except StreamError as error:
            logger.warning("the stream broke off: %s", error)
            return None, str(error)
        if isinstance(message, End):
            return message, message.reason
        now_ns = time.perf_counter_ns()
        if message is not None or not should_stop():
            silent_since_ns = None
        elif silent_since_ns is None:
            silent_since_ns = now_ns
        elif now_ns - silent_since_ns > LAST_WORDS_MS * 1_000_000:
            return None, "the run stopped without an end"


def _verdict(end: End | None, writer: RunWriter, reason: str) -> str:
    """Return "complete" only if the run says so and its last frame was accounted for."""
    if end is None:
        return PARTIAL
    if end.status == COMPLETE and writer.last_seq < end.last_seq:
        logger.warning(
            "the run ended at frame %d, but only %d reached the recorder: %s",
            end.last_seq, writer.last_seq, reason,
        )  # fmt: skip
        return PARTIAL
    return end.status if end.status in (COMPLETE, PARTIAL) else PARTIAL


class _Recording:
    """Counts what is owed: frames to the disk, credit and acknowledgements to the hub."""

    def __init__(self, client: Listener, writer: RunWriter) -> None:
        self._client = client
        self._writer = writer
        self._n_taken = 0
        self._waiting: deque[tuple[bytes, FromHub]] = deque()
        self._n_frames_waiting = 0
        self._broken: StreamError | None = None
        self._pending_since_ns = 0
        self._heard_ns = time.perf_counter_ns()

    def step(self) -> FromHub | None:
        """Take the next message, and flush and acknowledge when it is time."""
        got = self._next()
        if got is not None:
            self._take(*got)
        now_ns = time.perf_counter_ns()
        is_due = now_ns - self._pending_since_ns >= FLUSH_MS * 1_000_000
        if self._writer.pending and (self._n_taken >= FLUSH_FRAMES or is_due):
            self.flush()
        elif now_ns - self._heard_ns >= HEARTBEAT_MS * 1_000_000:
            self._ack()
        return got[1] if got else None

    def _next(self) -> tuple[bytes, FromHub] | None:
        """Return the next message; what else has come shows how far behind we are."""
        self._hear(0 if self._waiting else self._wait_ms())
        if not self._waiting:
            if self._broken is not None:
                raise self._broken
            return None
        got = self._waiting.popleft()
        self._n_frames_waiting -= isinstance(got[1], FrameMessage)
        return got

    def _hear(self, timeout_ms: int) -> None:
        try:
            while (got := self._client.receive(timeout_ms)) is not None:
                self._waiting.append(got)
                self._n_frames_waiting += isinstance(got[1], FrameMessage)
                timeout_ms = 0
        except StreamError as error:
            self._broken = error  # what came before it is recorded first

    def flush(self) -> None:
        """Make safe what was taken, and only then say so."""
        self._writer.flush()
        self._ack()

    def _ack(self) -> None:
        # Nothing between two flushes may be acknowledged, not even by a heartbeat.
        upto = self._writer.durable_seq if self._writer.pending else self._writer.last_seq
        self._client.ack(upto, self._n_taken)
        self._n_taken = 0
        self._heard_ns = time.perf_counter_ns()

    def _take(self, packet: bytes, message: FromHub) -> None:
        if not self._writer.pending:
            self._pending_since_ns = time.perf_counter_ns()
        if isinstance(message, FrameMessage):
            self._n_taken += 1
            self._take_frame(packet, message)
        elif isinstance(message, Result):
            self._take_result(packet, message)
        else:
            self._writer.document(packet, message)

    def _take_frame(self, packet: bytes, message: FrameMessage) -> None:
        seq = message.info.seq
        try:
            self._client.check(message, with_sum=True)
            self._writer.frame(
                message,
                self._client.pixels(message),
                packet,
                is_hurried=self._n_frames_waiting >= BEHIND_FRAMES,
            )
        except FrameLapped as error:
            logger.warning("frame %d is lost: %s", seq, error)
            self._writer.document(encode(Gap(seq, seq, f"overwritten before recorded: {error}")))

    def _take_result(self, packet: bytes, message: Result) -> None:
        """Take a result, and the image that it names, unless frames wait: they come first."""
        is_hurried, image = self._n_frames_waiting >= BEHIND_FRAMES, None
        if self._writer.keeps_restored and message.restored is not None and not is_hurried:
            image = self._client.restored(message.restored)
        self._writer.document(packet, message, image, is_hurried=is_hurried)

    def _wait_ms(self) -> int:
        if not self._writer.pending:
            return FLUSH_MS
        waited_ms = (time.perf_counter_ns() - self._pending_since_ns) // 1_000_000
        return max(0, FLUSH_MS - int(waited_ms))
