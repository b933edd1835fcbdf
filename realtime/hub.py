"""The hub: frames go out to everybody, decisions come back. It runs beside the loop, in one thread.

The loop's thread copies pixels into the ring and hands over bytes; the hub's thread owns every
socket. So a person's STOP LIGHT is heard while the loop waits inside the microscope.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

import xxhash
import zmq
from zmq.auth.thread import ThreadAuthenticator

from realtime.address import USER, ZAP_DOMAIN, Address, check_free
from realtime.errors import BadMessage, StreamError
from realtime.seats import POLICIES, Seats
from realtime.wire import (
    PROTOCOL,
    Ack,
    Command,
    DecisionMessage,
    Document,
    End,
    FrameDue,
    FrameMessage,
    FromClient,
    FromHub,
    Gap,
    Hello,
    Notice,
    Refused,
    Reply,
    Result,
    Start,
    decode_from_client,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from realtime.policy.decision import Decision
    from realtime.ring import Ring
    from realtime.seats import Seat

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 4 << 20  # a result with some ten thousand tracks; more is no client of ours
STALL_S = 10.0  # then the frame is declared lost rather than waited for
TICK_MS = 200
MESSAGES_A_TURN = 64
REFUSALS_TOLD = 20  # the count goes on, the log does not
DUE = encode(FrameDue())
SILENT_S = 2.0  # a recorder is heard every half second


class Hub:
    """Serves one session.

    Parameters
    ----------
    ring
        Where frames go; the hub writes it and does not close it.
    on_command
        Called in the hub's thread with a command's name; its reply goes back to the person.
    stall_s
        How long `publish` waits for a lossless listener that is a whole ring behind.

    Attributes
    ----------
    frames, gaps, refused
        Frames that were published, losses that were declared, messages that were turned away.
    cpu_s
        Processor time of the hub's thread so far, s.
    """

    def __init__(
        self,
        address: Address,
        start: Start,
        ring: Ring,
        on_command: Callable[[str], Reply] | None = None,
        stall_s: float = STALL_S,
    ) -> None:
        self.refused = 0
        self.cpu_s = 0.0
        self.gaps = 0
        self.frames = 0
        self._start = encode(start)
        self._ring = ring
        self._stall_s = stall_s
        self._on_command = on_command or (lambda name: Reply(name, is_ok=False, text="not offered"))
        self._seats = Seats(ring.info.slots, start.mode)
        self._inlet: deque[tuple[bytes, FrameMessage | None, bool]] = deque()
        self._decisions: queue.SimpleQueue[tuple[Result, Decision]] = queue.SimpleQueue()
        self._result: Result | None = None
        self._changed = threading.Condition()
        self._wake_lock = threading.Lock()
        self._stopping = self._is_due = False
        for endpoint in (address.stream, address.control):
            check_free(endpoint)
        self._context = zmq.Context()
        self._open(address)
        self._thread = threading.Thread(target=self._serve, name="hub", daemon=True)
        self._thread.start()

    def _open(self, address: Address) -> None:
        self._stream = self._context.socket(zmq.ROUTER)
        self._stream.setsockopt(zmq.ROUTER_HANDOVER, 1)
        self._stream.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._stream.setsockopt(zmq.SNDHWM, 10_000)
        self._control = self._context.socket(zmq.ROUTER)
        # Who does not say the session's token is turned away before its first message.
        self._gate = ThreadAuthenticator(self._context)
        self._gate.start()
        self._gate.configure_plain(domain=ZAP_DOMAIN, passwords={USER: address.token})
        for socket in (self._stream, self._control):
            socket.setsockopt(zmq.PLAIN_SERVER, 1)
            socket.setsockopt_string(zmq.ZAP_DOMAIN, ZAP_DOMAIN)
            socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
            socket.setsockopt(zmq.LINGER, 1000)
        self._wake_out = self._context.socket(zmq.PAIR)
        self._wake_in = self._context.socket(zmq.PAIR)
        try:
            self._stream.bind(address.stream)
            self._control.bind(address.control)
        except zmq.ZMQError as error:
            self._gate.stop()
            self._context.destroy(linger=0)
            raise StreamError(
                f"cannot listen at {address.stream}: {error}. Is another run using this session?"
            ) from error
        wake = f"inproc://wake-{id(self)}"
        self._wake_in.bind(wake)
        self._wake_out.connect(wake)
        self.address = Address(
            self._stream.getsockopt_string(zmq.LAST_ENDPOINT),
            self._control.getsockopt_string(zmq.LAST_ENDPOINT),
            address.token,
        )
        self._token = address.token

    # ---------------------------------------------------------------- called by the loop's thread

    def publish(self, info: FrameInfo, pixels: NDArray[Any]) -> FrameMessage | None:
        """Copy a frame into the ring and tell everybody; None if it had to be declared lost."""
        if not self._wait_for_room(info.seq):
            self.lose(info.seq, info.seq, "the recorder was a whole ring behind")
            return None
        slot, generation = self._ring.write(info.seq, pixels)
        digest = xxhash.xxh3_64_intdigest(pixels.data)
        message = FrameMessage(info, slot, generation, pixels.nbytes, digest)
        self.frames += 1
        self._post(encode(message), message, for_worker=True)
        return message

    def lose(self, seq_from: int, seq_to: int, reason: str) -> None:
        """Declare frames lost; the gap takes their sequence numbers."""
        self.gaps += 1
        logger.warning("frames %d to %d are lost: %s", seq_from, seq_to, reason)
        self._post(encode(Gap(seq_from, seq_to, reason)), None, for_worker=True)

    def send(self, document: Document) -> None:
        """Send a document to every listener, and to the journal."""
        self._post(encode(document), None, for_worker=isinstance(document, Gap | End))

    def heads_up(self) -> None:
        """Wake the worker, and our own thread: a frame is due any moment."""
        self._is_due = True
        with self._wake_lock, contextlib.suppress(zmq.Again):
            self._wake_out.send(b"", zmq.NOBLOCK)  # light is on: nothing here may wait

    def next_decision(self, timeout_s: float) -> tuple[Result, Decision] | None:
        """Return the worker's next answer; None if it is late.

        Raises
        ------
        StreamError
            If the hub's thread is no more: nobody would hear a STOP LIGHT either.
        """
        if not self._thread.is_alive():
            raise StreamError("the hub's thread died; why is in the log above")
        try:
            return self._decisions.get(timeout=max(timeout_s, 0.0))
        except queue.Empty:
            return None

    def wait_for(
        self, names: set[str], timeout_s: float, keep_waiting: Callable[[], object] = lambda: None
    ) -> bool:
        """Wait until these listeners have taken their seats."""
        until = time.perf_counter() + timeout_s
        with self._changed:
            while not names <= {s.name for s in self._seats.seats.values() if not s.is_away}:
                left_s = until - time.perf_counter()
                if left_s <= 0:
                    return False
                self._changed.wait(min(left_s, 0.1))
                keep_waiting()
        return True

    def recorder_trouble(self) -> str:
        """Say why no light should be given now: the record would not keep up; empty if it does."""
        with self._changed:
            lossless = [s for s in self._seats.seats.values() if s.policy == "lossless"]
            if self._seats.unacked() > self._ring.info.slots // 2:
                return "unsaved frames fill half the ring"
            silent_ns = time.perf_counter_ns() - min(
                (s.heard_ns for s in lossless), default=1 << 62
            )
        if silent_ns > SILENT_S * 1e9:
            return f"the recorder has been silent for {silent_ns * 1e-9:.1f} s"
        return ""

    def finish(self, end: End, timeout_s: float = 10.0) -> bool:
        """Send the last document; return whether every lossless listener took everything."""
        self._seats.is_over = True
        self.send(end)
        until = time.perf_counter() + timeout_s
        with self._changed:
            while self._inlet or not self._seats.has_caught_up():
                left_s = until - time.perf_counter()
                if left_s <= 0:
                    return False
                self._changed.wait(min(left_s, 0.1))
        return True

    def close(self) -> None:
        """Stop the thread and close every socket. May be called twice."""
        if self._thread.is_alive():
            self._stopping = True
            self._wake_out.send(b"")
            self._thread.join()
            self._wake_out.close()
            self._gate.stop()
            self._context.destroy(linger=1000)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wait_for_room(self, seq: int) -> bool:
        with self._changed:
            if seq - self._seats.pinned_from() < self._ring.info.slots:
                return True
            until = time.perf_counter() + self._stall_s
            while seq - self._seats.pinned_from() >= self._ring.info.slots:
                left_s = until - time.perf_counter()
                if left_s <= 0:
                    return False
                self._changed.wait(min(left_s, 0.1))
        return True

    def _post(self, packet: bytes, frame: FrameMessage | None, *, for_worker: bool) -> None:
        self._inlet.append((packet, frame, for_worker))
        if threading.current_thread() is not self._thread:
            with self._wake_lock:  # a socket belongs to one thread at a time
                self._wake_out.send(b"")

    # ---------------------------------------------------------------- the hub's own thread

    def _serve(self) -> None:
        poller = zmq.Poller()
        for socket in (self._stream, self._control, self._wake_in):
            poller.register(socket, zmq.POLLIN)
        while not self._stopping:
            self.cpu_s = time.thread_time()
            ready = dict(poller.poll(TICK_MS))
            if self._control in ready:  # first: it may be STOP LIGHT
                self._drain(self._control, self._obey)
            if self._stream in ready:
                self._drain(self._stream, self._hear)
            if self._wake_in in ready:
                self._drain_wakes()
            if self._is_due:
                self._is_due = False
                self._wake_workers()
            with self._changed:
                while self._inlet:
                    packet, frame, for_worker = self._inlet.popleft()
                    self._seats.add(packet, frame, for_worker=for_worker)
                self._serve_seats()
                self._changed.notify_all()
        self._wake_in.close()

    def _wake_workers(self) -> None:
        for seat in self._seats.seats.values():
            if seat.policy == "shots" and not seat.is_away:
                self._transmit(seat.identity, DUE)

    def _drain_wakes(self) -> None:
        while self._wake_in.poll(0):
            self._wake_in.recv()

    def _drain(
        self, socket: zmq.Socket[bytes], handle: Callable[[bytes, bytes, FromClient], None]
    ) -> None:
        for _ in range(MESSAGES_A_TURN):  # a flood must not keep anybody waiting
            if not socket.poll(0):
                return
            identity, *parts = socket.recv_multipart()
            try:
                if len(parts) != 1:
                    raise BadMessage(f"a message has one part, got {len(parts)}")
                handle(identity, parts[0], decode_from_client(parts[0]))
            except BadMessage as error:
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
            with self._changed:
                self._seats.ack(seat, message, time.perf_counter_ns())
        elif seat.policy != "shots":
            raise BadMessage(f"{seat.name!r} may not send {type(message).__name__}")
        elif isinstance(message, Result):
            self._result = message
            self._seats.add(packet, for_worker=False)
        elif isinstance(message, DecisionMessage):
            self._take_decision(packet, message)
        elif isinstance(message, Notice):
            self._seats.add(packet, for_worker=False)

    def _take_decision(self, packet: bytes, message: DecisionMessage) -> None:
        result = self._result
        if result is None or result.shot != message.decision.id:
            raise BadMessage(f"decision {message.decision.id} without the result that it follows")
        self._decisions.put((result, message.decision))  # first: the light is waiting for it
        self._seats.add(packet, for_worker=False)

    def _welcome(self, identity: bytes, hello: Hello) -> None:
        why = ""
        if hello.token != self._token:
            why = "the token is not this session's"
        elif hello.protocol[0] != PROTOCOL[0]:
            why = f"protocol {hello.protocol[0]} is spoken there, {PROTOCOL[0]} here"
        elif hello.policy not in POLICIES:
            why = f"policy must be one of {', '.join(POLICIES)}, got {hello.policy!r}"
        if why:
            self.refused += 1
            self._transmit(identity, encode(Refused(why)))
            return
        with self._changed:
            seat = self._seats.sit(identity, hello, time.perf_counter_ns())
            lost = self._seats.lost(seat)
        self._transmit(identity, self._start)
        if lost is not None:
            self.gaps += 1
            self._transmit(identity, encode(lost))

    def _obey(self, identity: bytes, _: bytes, message: FromClient) -> None:
        if not isinstance(message, Command):
            raise BadMessage(f"{type(message).__name__} on the control socket")
        if message.token != self._token:
            reply: FromHub = Refused("the token is not this session's")
        else:
            reply = self._on_command(message.name)
        self._control.send_multipart([identity, encode(reply)])

    def _serve_seats(self) -> None:
        for seat in self._seats.seats.values():
            for packet in self._seats.due(seat):
                if not self._transmit(seat.identity, packet):
                    self._mark_away(seat)
                    break

    def _mark_away(self, seat: Seat) -> None:
        seat.is_away = True
        seat.credit = 0
        logger.warning("%s is away", seat.name)

    def _transmit(self, identity: bytes, packet: bytes) -> bool:
        try:
            self._stream.send_multipart([identity, packet], flags=zmq.NOBLOCK)
        except zmq.ZMQError:  # nobody there, or a viewer that stopped reading: both are "away"
            return False
        return True
