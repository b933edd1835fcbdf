"""A listener of the stream. The recorder, the worker, the window and a user's script all use it."""

from __future__ import annotations

import multiprocessing
import time
from typing import TYPE_CHECKING

import numpy as np
import xxhash
import zmq

from realtime.errors import FrameLapped, StreamError
from realtime.ring import KEEPS_STORE_ORDER, Ring
from realtime.stream.address import Address, check_local, show_token
from realtime.wire import (
    PROTOCOL,
    Ack,
    DecisionMessage,
    FrameMessage,
    FromHub,
    Hello,
    Notice,
    Refused,
    RestoredSlot,
    Result,
    RingInfo,
    Start,
    decode_from_hub,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from numpy.typing import NDArray


class StreamClient:
    """One seat at the hub.

    Parameters
    ----------
    name
        Who this is. "recorder" and "worker" are single seats: a newcomer takes over.
    policy, credit, resume_from
        See `realtime.wire.Hello`.
    shares_tracker
        See `realtime.ring.Ring.attach`; by default only children of `multiprocessing` do.
    """

    def __init__(
        self,
        address: Address,
        name: str,
        policy: str,
        credit: int,
        resume_from: int = -1,
        shares_tracker: bool | None = None,
    ) -> None:
        endpoint = address.work if policy == "shots" else address.stream
        check_local(endpoint)
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 500)
        self._socket.setsockopt(zmq.IDENTITY, name.encode())
        self._socket.setsockopt(zmq.SNDTIMEO, 1000)
        show_token(self._socket, address)
        self._socket.setsockopt(zmq.RCVHWM, 10_000)
        self._patience_ms = -1  # zmq's own: for ever
        self._socket.connect(endpoint)
        self._hello = Hello(name, policy, credit, resume_from, address.token)
        is_child = multiprocessing.parent_process() is not None
        self._shares_tracker = is_child if shares_tracker is None else shares_tracker
        self._rings: dict[str, Ring] = {}
        self._start: Start | None = None

    def start(
        self, timeout_s: float = 10.0, keep_waiting: Callable[[], object] | None = None
    ) -> Start:
        """Say hello, and return the session's first document.

        Parameters
        ----------
        keep_waiting
            Called between tries; an exception in it ends the wait.

        Raises
        ------
        StreamError
            If the hub refuses, or does not answer in time.
        """
        self._send(self._hello)
        until = time.perf_counter() + timeout_s
        while (left_s := until - time.perf_counter()) > 0:
            if keep_waiting is not None:
                keep_waiting()
            got = self.receive(int(min(left_s, 0.2) * 1000))
            if got is not None and isinstance(got[1], Start):
                return got[1]
        raise StreamError(
            f"{self._hello.name}: no session answered within {timeout_s:.1f} s "
            "(nobody answers who says a wrong token)"
        )

    def receive(self, timeout_ms: int = 0) -> tuple[bytes, FromHub] | None:
        """Return the next message, raw and decoded; None if none came in time.

        Raises
        ------
        StreamError
            If the hub refuses this client.
        BadMessage
            If the bytes are no message.
        """
        if timeout_ms != self._patience_ms:
            self._socket.setsockopt(zmq.RCVTIMEO, timeout_ms)
            self._patience_ms = timeout_ms
        try:
            packet = self._socket.recv()
        except zmq.Again:
            return None
        message = decode_from_hub(packet)
        if isinstance(message, Refused):
            raise StreamError(f"the hub refuses {self._hello.name!r}: {message.reason}")
        if isinstance(message, Start):
            if message.protocol[0] != PROTOCOL[0]:
                raise StreamError(
                    f"protocol {message.protocol[0]} is spoken there, {PROTOCOL[0]} here: "
                    "use the lightloop that started the run"
                )
            self._start = message
            self._attach(message.ring)
        return packet, message

    def pixels(self, message: FrameMessage) -> NDArray[np.uint16]:
        """Return a frame's pixels, (Y, X) uint16, a read-only view into the ring.

        Use them, then call `check`; keep nothing of them after `ack`.
        """
        assert self._start is not None, "start() comes first"
        ring = self._rings[self._start.ring.name]
        return ring.view(message.slot, (message.info.height, message.info.width), np.uint16)

    def check(self, message: FrameMessage, *, with_sum: bool = False) -> None:
        """Say whether the pixels that were just read are whole.

        Parameters
        ----------
        with_sum
            Also compare the xxh3-64 of the bytes, which sees damage of any kind; always done on
            processors that may show the stamps before the pixels (ARM, see `realtime.ring`).

        Raises
        ------
        FrameLapped
            If they are not.
        """
        assert self._start is not None, "start() comes first"
        ring = self._rings[self._start.ring.name]
        with_sum = with_sum or not KEEPS_STORE_ORDER
        if with_sum and xxhash.xxh3_64_intdigest(self.pixels(message).data) != message.xxh3:
            ring.check(message.slot, message.generation)
            raise FrameLapped(f"frame {message.info.seq}: its bytes do not match its checksum")
        ring.check(message.slot, message.generation)

    def restored(self, slot: RestoredSlot) -> NDArray[np.float32] | None:
        """Return a copy of a restored image, (Y, X) float32 photo-electrons; None if it is gone."""
        try:
            ring = self._attach(slot.ring)
            image = ring.view(slot.slot, (slot.height, slot.width), np.float32).copy()
            ring.check(slot.slot, slot.generation)
        except (FrameLapped, StreamError):
            return None  # a viewer shows the next one
        if slot.xxh3 and xxhash.xxh3_64_intdigest(image.data) != slot.xxh3:
            return None  # overwritten meanwhile, on a processor that does not keep stores in order
        return image

    def ack(self, upto: int, credit: int) -> None:
        """Say that everything up to a frame is done with, and ask for `credit` more."""
        self._send(Ack(upto, credit))

    def send(self, *messages: Result | DecisionMessage | Notice) -> None:
        """Send documents to the hub, which passes them on to everybody."""
        self._send(*messages)

    def close(self) -> None:
        """Leave. May be called twice."""
        for ring in self._rings.values():
            ring.close()
        self._rings.clear()
        self._socket.close()
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _attach(self, info: RingInfo) -> Ring:
        ring = self._rings.get(info.name)
        if ring is None:
            ring = Ring.attach(info, shares_tracker=self._shares_tracker)
            self._rings[info.name] = ring
        return ring

    def _send(self, *messages: Hello | Ack | Result | DecisionMessage | Notice) -> None:
        packets = [encode(message) for message in messages]  # then they go in one wake-up
        try:
            for packet in packets:
                self._socket.send(packet)
        except zmq.Again as error:
            raise StreamError(f"{self._hello.name}: the hub does not take messages") from error
