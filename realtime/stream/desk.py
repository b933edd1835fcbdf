"""The desk: where frames are answered with decisions. The light waits for it, so nobody else does.

The loop's own thread sends the frame and takes the answer from the socket: a thread between would
cost two wake-ups of a sleeping thread for each frame, a quarter of a millisecond each. While the
loop is busy elsewhere the hub's thread looks after the desk (`serve`), so that a worker that comes
back finds somebody in.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

import zmq

from realtime.errors import BadMessage
from realtime.stream.seats import Seats
from realtime.stream.sockets import drain, objection, transmit
from realtime.wire import (
    Ack,
    DecisionMessage,
    FrameDue,
    Hello,
    Notice,
    Refused,
    Result,
    encode,
)

if TYPE_CHECKING:
    from realtime.policy.decision import Decision
    from realtime.stream.sockets import Socket
    from realtime.wire import FrameMessage, FromClient

logger = logging.getLogger(__name__)

DUE = encode(FrameDue())
REFUSALS_TOLD = 20  # the count goes on, the log does not
REMEMBERED = 4096  # shots whose decision was taken; a ring holds no more frames


class Journal(Protocol):
    """What the worker says goes here, for everybody else."""

    def __call__(self, *packets: bytes) -> object:
        """Take documents, as bytes, that belong together."""
        ...


class Desk:
    """Serves whoever answers; any thread may call it, one at a time.

    Parameters
    ----------
    greeting
        The session's first document, as bytes.
    slots, mode
        Frames that the ring holds; how frames are chosen (`realtime.stream.seats`).
    journal
        Takes what the worker says; a result only together with the decision that follows from
        it, so that no end of a run comes between the two.

    Attributes
    ----------
    refused
        Messages that were turned away.
    """

    def __init__(
        self,
        socket: Socket,
        token: str,
        greeting: bytes,
        slots: int,
        mode: str,
        journal: Journal,
    ) -> None:
        self.refused = 0
        self._socket, self._token, self._greeting = socket, token, greeting
        self._poller = zmq.Poller()  # made once; the socket would make one for each look
        self._poller.register(socket, zmq.POLLIN)
        self._journal = journal
        self._seats = Seats(slots, mode)
        self._answers: deque[tuple[Result, Decision]] = deque()
        self._result: tuple[bytes, Result] | None = None  # its decision is still on its way
        self._decided: dict[int, None] = {}  # shots, oldest first; since the worker came
        self._lock = threading.Lock()  # a socket belongs to one thread at a time

    def put(self, packet: bytes, frame: FrameMessage | None = None) -> None:
        """Send a frame, or what concerns frames, to the worker."""
        with self._lock:
            self._seats.add(packet, frame, for_worker=True)
            self._serve_seats()

    def heads_up(self) -> None:
        """Tell the worker that a frame is due any moment; light is on, so nothing is waited for."""
        if self._lock.acquire(blocking=False):
            try:
                for seat in self._seats.seats.values():
                    if not seat.is_away:
                        transmit(self._socket, seat.identity, DUE)
            finally:
                self._lock.release()

    def next_answer(self, timeout_s: float) -> tuple[Result, Decision] | None:
        """Return the worker's next answer; None if it is late."""
        until = time.perf_counter() + timeout_s
        with self._lock:
            self._take_in()
            while not self._answers:
                left_ms = math.ceil((until - time.perf_counter()) * 1e3)
                if left_ms <= 0:
                    break
                if self._poller.poll(left_ms):
                    self._take_in()
            return self._answers.popleft() if self._answers else None

    def serve(self) -> None:
        """Take in what has come, if nobody else is at the desk."""
        if self._lock.acquire(blocking=False):
            try:
                self._take_in()
            finally:
                self._lock.release()

    def present(self) -> set[str]:
        """Return the names of those who sit here."""
        with self._lock:
            return self._seats.present()

    def _take_in(self) -> None:
        for error in drain(self._socket, self._hear):
            self.refused += 1
            if self.refused <= REFUSALS_TOLD:
                logger.warning("refused: %s", error)

    def _hear(self, identity: bytes, packet: bytes, message: FromClient) -> None:
        if isinstance(message, Hello):
            self._welcome(identity, message)
            return
        seat = self._seats.seats.get(identity)
        if seat is None:
            raise BadMessage(f"{type(message).__name__} before hello")
        if isinstance(message, Ack):
            self._seats.ack(seat, message, time.perf_counter_ns())
            self._serve_seats()
        elif isinstance(message, Result):
            self._take_result(packet, message)
        elif isinstance(message, DecisionMessage):
            self._take_decision(packet, message)
        elif isinstance(message, Notice):
            self._journal(packet)
        else:
            raise BadMessage(f"{type(message).__name__} at the desk")

    def _take_result(self, packet: bytes, message: Result) -> None:
        if message.shot in self._decided:
            raise BadMessage(f"a second result of shot {message.shot}, which is decided")
        if max(message.seqs, default=-1) > self._seats.head_seq:
            raise BadMessage(f"a result of frames {message.seqs}, which were never taken")
        self._result = packet, message

    def _take_decision(self, packet: bytes, message: DecisionMessage) -> None:
        pending, self._result = self._result, None
        if pending is None or pending[1].shot != message.decision.id:
            raise BadMessage(f"decision {message.decision.id} without the result that it follows")
        first, result = pending
        self._decided[result.shot] = None
        if len(self._decided) > REMEMBERED:
            del self._decided[next(iter(self._decided))]
        self._answers.append((result, message.decision))
        self._journal(first, packet)

    def _welcome(self, identity: bytes, hello: Hello) -> None:
        if why := objection(hello, self._token, ("shots",)):
            self.refused += 1
            transmit(self._socket, identity, encode(Refused(why)))
            return
        self._seats.sit(identity, hello, time.perf_counter_ns())
        self._result = None
        self._decided.clear()  # who begins anew may see its last shot again
        transmit(self._socket, identity, self._greeting)
        self._serve_seats()

    def _serve_seats(self) -> None:
        for seat in self._seats.seats.values():
            for packet in self._seats.due(seat):
                if not transmit(self._socket, seat.identity, packet):
                    seat.is_away, seat.credit = True, 0
                    logger.warning("%s is away", seat.name)
                    break
