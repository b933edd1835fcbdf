"""The usher: one thread that serves everybody who records or looks, and hears a person's commands.

So a STOP LIGHT is heard while the loop waits inside the microscope, and no listener, however slow,
is between the camera and its next decision.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

import msgspec
import zmq

from realtime.errors import BadMessage
from realtime.stream.bell import Bell
from realtime.stream.commands import CommandBook
from realtime.stream.seats import NOTHING, Seats
from realtime.stream.sockets import drain, objection, transmit
from realtime.wire import Ack, Command, FrameMessage, Hello, Notice, Refused, Reply, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from realtime.stream.desk import Desk
    from realtime.stream.seats import Seat
    from realtime.stream.sockets import Sockets
    from realtime.wire import FromClient

logger = logging.getLogger(__name__)

TICK_MS = 50
REFUSALS_TOLD = 20  # the count goes on, the log does not
OFFERED = ("lossless", "latest")
RECORDER = "recorder"
PATIENCE_S = 5.0  # then who is silent no longer holds frames back, but for the recorder; proposed
ASLEEP_S = 1.0  # a turn that took longer says that we slept, and perhaps all others; proposed


class Usher:
    """Owns the stream's and the control socket, in its own thread.

    Parameters
    ----------
    greeting
        The session's first document, as bytes.
    desk
        Looked after while nobody else does.
    on_command
        Called in this thread with a command's name; its reply goes back to the person.

    Attributes
    ----------
    seats
        Who listens, and what was said; read and changed only while `changed` is held.
    refused, lost
        Messages that were turned away; losses that were declared to somebody who came back.
    cpu_s
        Processor time of the thread so far, s.
    """

    def __init__(
        self,
        sockets: Sockets,
        greeting: bytes,
        slots: int,
        mode: str,
        desk: Desk,
        on_command: Callable[[str], Reply],
    ) -> None:
        self.refused = self.lost = 0
        self.cpu_s = 0.0
        self.seats = Seats(slots, mode)
        self.changed = threading.Condition()
        self._sockets, self._desk = sockets, desk
        self._stream, self._control = sockets.stream, sockets.control
        self._token, self._greeting, self._on_command = sockets.address.token, greeting, on_command
        self._commands = CommandBook()
        self._inlet: deque[tuple[tuple[bytes, ...], FrameMessage | None]] = deque()
        self._stopping = False
        self._turn_ns = self._woke_ns = time.perf_counter_ns()
        self._bell = Bell(sockets.context)
        self._thread = threading.Thread(target=self._serve, name="usher", daemon=True)

    # ---------------------------------------------------------------- called by any thread

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether anybody would hear a STOP LIGHT."""
        return self._thread.is_alive()

    @property
    def has_more(self) -> bool:
        """Whether something that was said has not been taken in yet."""
        return bool(self._inlet)

    def tell(self, *packets: bytes, frame: FrameMessage | None = None) -> None:
        """Take documents, or a frame that lies in the ring; they are passed on within a tick.

        What is told together stays together: nothing of another thread comes between.
        """
        self._inlet.append((packets, frame))

    def pinned_from(self) -> int:
        """Return the first frame that a lossless listener still needs, sent to it or not yet.

        Called while `changed` is held.
        """
        first = self.seats.pinned_from()
        if first == NOTHING and self.seats.has_lossless:
            told = (frame for _, frame in self._inlet.copy() if frame is not None)
            first = next((frame.info.seq for frame in told), NOTHING)
        return first

    def wake(self) -> None:
        """Pass on what was told, now."""
        if threading.current_thread() is not self._thread:
            self._bell.ring()

    def close(self) -> None:
        """Stop the thread. May be called twice."""
        if self._thread.is_alive():
            self._stopping = True
            self._bell.ring()
            self._thread.join()
            self._bell.close()

    # ---------------------------------------------------------------- its own thread

    def _serve(self) -> None:
        poller = zmq.Poller()
        for socket in (self._stream, self._control, self._bell.ear):
            poller.register(socket, zmq.POLLIN)
        while not self._stopping:
            self.cpu_s = time.thread_time()
            ready = dict(poller.poll(TICK_MS))
            if self._control in ready:  # first: it may be STOP LIGHT
                self._take_in(self._control, self._obey)
            if self._stream in ready:
                self._take_in(self._stream, self._hear)
            if self._bell.ear in ready:
                self._bell.hear()
            self._desk.serve()
            with self.changed:
                while self._inlet:
                    packets, frame = self._inlet.popleft()
                    for packet in packets:
                        self.seats.add(packet, frame, for_worker=False)
                self._unseat_the_silent()
                self._serve_seats()
                self.changed.notify_all()

    def _take_in(
        self, socket: zmq.Socket[bytes], handle: Callable[[bytes, bytes, FromClient], None]
    ) -> None:
        for error in drain(socket, handle):
            self._refuse(str(error))

    def _refuse(self, why: str) -> None:
        self.refused += 1
        if self.refused <= REFUSALS_TOLD:
            logger.warning("refused: %s", why)

    def _hear(self, identity: bytes, _: bytes, message: FromClient) -> None:
        if isinstance(message, Hello):
            self._welcome(identity, message)
            return
        seat = self.seats.seats.get(identity)
        if seat is None:
            raise BadMessage(f"{type(message).__name__} before hello")
        if not isinstance(message, Ack):
            raise BadMessage(f"{seat.name!r} may not send {type(message).__name__}")
        with self.changed:
            self.seats.ack(seat, message, time.perf_counter_ns())

    def _welcome(self, identity: bytes, hello: Hello) -> None:
        why = objection(hello, self._token, OFFERED)
        if not why and self.seats.is_full(identity):
            why = "too many listeners sit here already"
        if why:
            self._refuse(why)
            transmit(self._stream, identity, encode(Refused(why)))
            return
        with self.changed:
            seat = self.seats.sit(identity, hello, time.perf_counter_ns())
            lost = self.seats.lost(seat)
        transmit(self._stream, identity, self._greeting)
        if lost is not None:
            self.lost += 1
            transmit(self._stream, identity, encode(lost))

    def _obey(self, identity: bytes, _: bytes, message: FromClient) -> None:
        if not isinstance(message, Command):
            raise BadMessage(f"{type(message).__name__} on the control socket")
        if message.token != self._token:
            self._refuse("the token is not this session's")
            transmit(self._control, identity, encode(Refused("the token is not this session's")))
            return
        if why := self._commands.objection(message, time.perf_counter_ns()):
            self._refuse(f"{message.name!r}: {why}")
            reply = Reply(message.name, is_ok=False, text=why)
        else:
            reply = self._on_command(message.name)
        reply = msgspec.structs.replace(reply, id=message.id)
        transmit(self._control, identity, encode(reply))

    def _serve_seats(self) -> None:
        for seat in self.seats.seats.values():
            for packet in self.seats.due(seat):
                if not transmit(self._stream, seat.identity, packet):
                    self._mark_away(seat)
                    break

    def _unseat_the_silent(self) -> None:
        """Free the ring of a lossless listener that left without a word; never of the recorder."""
        now_ns, last_ns = time.perf_counter_ns(), self._turn_ns
        self._turn_ns = now_ns
        if now_ns - last_ns > ASLEEP_S * 1e9:
            self._woke_ns = now_ns
        since_ns = now_ns - int(PATIENCE_S * 1e9)
        if self._woke_ns > since_ns:
            return
        for seat in self.seats.silent(since_ns):
            if seat.name != RECORDER:
                self.seats.leave(seat)
                text = f"{seat.name!r} has said nothing for {PATIENCE_S:.0f} s: it lost its seat"
                transmit(self._stream, seat.identity, encode(Refused(text)))
                notice = Notice("warn", text, time.perf_counter_ns())
                self.seats.add(encode(notice), for_worker=False)

    def _mark_away(self, seat: Seat) -> None:
        seat.is_away = True
        seat.credit = 0
        logger.warning("%s is away", seat.name)
