"""What a recorder owes: frames to the disk, credit and acknowledgements to the hub."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from realtime.errors import FrameLapped, StreamError
from realtime.wire import FrameMessage, Gap, Result, encode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from realtime.run_file import RunWriter
    from realtime.wire import FromHub, RestoredSlot, Start

logger = logging.getLogger(__name__)

FLUSH_FRAMES = 8  # with the next, bounds what a crash can make the hub send again
FLUSH_MS = 100
HEARTBEAT_MS = 400  # the hub gives no light to a run whose recorder is silent for 2 s
BEHIND_FRAMES = 8  # waiting frames from which on they are stored as they are; proposed


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


class Recording:
    """Takes message after message, in order, and says what is safe only when it is.

    Parameters
    ----------
    client
        Whom the messages come from.
    writer
        Where they go.
    """

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
