"""The hub: frames go out to everybody, decisions come back.

The loop's thread copies pixels into the ring and stands at the desk itself, where frames are
answered (`realtime.stream.desk`). Everybody else is served by the usher's thread
(`realtime.stream.usher`).
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import msgspec
import xxhash

from realtime.errors import StreamError
from realtime.stream.audience import Audience
from realtime.stream.desk import Desk
from realtime.stream.digest import StreamDigest
from realtime.stream.room import STALL_S, Room, WhenFull
from realtime.stream.sockets import Sockets
from realtime.stream.usher import Usher
from realtime.wire import Document, End, FrameMessage, Gap, Notice, Reply, Start, encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from realtime.policy.decision import Decision
    from realtime.ring import Ring
    from realtime.stream.address import Address
    from realtime.wire import Result

logger = logging.getLogger(__name__)

QUICK_S = 1e-3  # an answer within it is not disturbed by telling others of its frame; proposed


class Hub(Audience):
    """Serves one session.

    Parameters
    ----------
    ring
        Where frames go; the hub writes it and does not close it.
    on_command
        Called in the usher's thread with a command's name; its reply goes back to the person.
    stall_s, when_full
        What `publish` does where a lossless listener is a whole ring behind
        (`realtime.stream.room`): "stall" waits so long for it, "gap" declares the frame lost at
        once.

    Attributes
    ----------
    frames
        Frames that were published.
    room
        Counts how often, and how long, a frame had to wait for the recorder.
    """

    def __init__(
        self,
        address: Address,
        start: Start,
        ring: Ring,
        on_command: Callable[[str], Reply] | None = None,
        stall_s: float = STALL_S,
        when_full: WhenFull = "stall",
    ) -> None:
        self.frames = self._losses = self._next_seq = 0
        self._ring, self._digest = ring, StreamDigest()
        self._sockets = Sockets(address)
        self.address = self._sockets.address
        served = encode(start), ring.info.slots, start.mode
        self._desk = Desk(self._sockets.work, address.token, *served, self._note)
        self._usher = Usher(self._sockets, *served, self._desk, on_command or _offer_nothing)
        super().__init__(self._usher, self._desk, ring.info.slots)
        self.room = Room(self._usher, ring.info.slots, when_full, stall_s, self.send)
        self._usher.start()

    @property
    def gaps(self) -> int:
        """Losses that were declared."""
        return self._losses + self._usher.lost

    @property
    def refused(self) -> int:
        """Messages that were turned away."""
        return self._desk.refused + self._usher.refused

    @property
    def cpu_s(self) -> float:
        """Processor time of the usher's thread so far, s."""
        return self._usher.cpu_s

    def publish(self, info: FrameInfo, pixels: NDArray[Any]) -> FrameMessage | None:
        """Copy a frame into the ring and tell everybody; None if it is lost.

        The worker hears of a shot's last frame at once, everybody else while it thinks. Numbers
        that a frame passes over are lost; a frame whose number was passed over comes too late.
        """
        if not self._is_in_turn(info.seq):
            return None
        if not self.room.wait(info.seq):
            self._declare(info.seq, info.seq, "the recorder was a whole ring behind")
            return None
        self._next_seq = info.seq + 1
        slot, generation = self._ring.write(info.seq, pixels)
        digest = xxhash.xxh3_64_intdigest(pixels.data)
        message = FrameMessage(info, slot, generation, pixels.nbytes, digest)
        packet = encode(message)
        self.frames += 1
        self._desk.put(packet, message)
        self._usher.tell(packet, frame=message)
        self._digest.add(info.seq, digest)
        if not info.ends_shot:
            self._usher.wake()
        return message

    def _is_in_turn(self, seq: int) -> bool:
        if seq < self._next_seq:
            text = f"frame {seq} came after frame {self._next_seq - 1}: it is left out"
            logger.warning(text)
            self.send(Notice("warn", text, time.perf_counter_ns()))
            return False
        if 0 < self._next_seq < seq:
            self.lose(self._next_seq, seq - 1, f"frame {seq} came before")
        return True

    def has_room(self, n_frames: int) -> bool:
        """Whether `publish` would take so many frames now, without waiting for the recorder."""
        return self.room.has(self._next_seq, n_frames)

    def lose(self, seq_from: int, seq_to: int, reason: str) -> None:
        """Declare frames lost; the gap takes those of their numbers that nobody has yet."""
        seq_from = max(seq_from, self._next_seq)
        if seq_from > seq_to:
            return
        logger.warning("frames %d to %d are lost: %s", seq_from, seq_to, reason)
        self._declare(seq_from, seq_to, reason)

    def _declare(self, seq_from: int, seq_to: int, reason: str) -> None:
        self._losses += 1
        self._next_seq = seq_to + 1
        packet = encode(Gap(seq_from, seq_to, reason))
        self._desk.put(packet)
        self._usher.tell(packet)
        self._usher.wake()

    def send(self, document: Document) -> None:
        """Send a document to every listener, and to the journal, within a tick."""
        packet = encode(document)
        if isinstance(document, Gap | End):
            self._desk.put(packet)
        if isinstance(document, Gap):
            self._next_seq = max(self._next_seq, document.seq_to + 1)
        self._usher.tell(packet)

    def heads_up(self) -> None:
        """Wake the worker: a frame is due any moment. Others hear now what came before it."""
        self._desk.heads_up()
        if self._usher.has_more:
            self._usher.wake()

    def next_decision(self, timeout_s: float) -> tuple[Result, Decision] | None:
        """Return the worker's next answer; None if it is late.

        Raises
        ------
        StreamError
            If the usher's thread is no more: nobody would hear a STOP LIGHT either.
        """
        if not self._usher.is_alive:
            raise StreamError("the hub's thread died; why is in the log above")
        quick_s = min(timeout_s, QUICK_S)
        answer = self._desk.next_answer(quick_s)
        if answer is None:
            self._usher.wake()
            if timeout_s > quick_s:
                answer = self._desk.next_answer(timeout_s - quick_s)
        return answer

    def finish(self, end: End, timeout_s: float = 10.0) -> bool:
        """Send the last document; return whether every lossless listener took everything.

        The hub fills in what it alone knows: the digest, and what it refused.
        """
        self._usher.seats.is_over = True
        known = {"digest": str(self._digest), "n_refused": self.refused}
        self.send(msgspec.structs.replace(end, **known))
        self._usher.wake()
        return self.wait_until_taken(timeout_s)

    def close(self) -> None:
        """Stop the thread and close every socket. May be called twice."""
        if self._usher.is_alive:
            self._usher.close()
            self._sockets.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _note(self, *packets: bytes) -> None:
        """Journal what the worker said; it is passed on while the next exposure runs."""
        self._usher.tell(*packets)


def _offer_nothing(name: str) -> Reply:
    return Reply(name, is_ok=False, text="not offered")
