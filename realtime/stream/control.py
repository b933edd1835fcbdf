"""A person's side of the control socket: the only one that can move anything."""

from __future__ import annotations

import time
import uuid

import zmq

from realtime.stream.address import Address, check_local, show_token
from realtime.stream.commands import VALID_S
from realtime.wire import Command, Reply, decode_from_hub, encode


class ControlClient:
    """A person's hand on the run: stop the light, hold, resume, stop."""

    def __init__(self, address: Address) -> None:
        check_local(address.control)
        self._context = zmq.Context()
        self._address = address
        self._socket: zmq.Socket[bytes] | None = None

    def command(self, name: str, timeout_ms: int = 1000) -> Reply | None:
        """Send a command and return what came of it; None if nobody answered in time."""
        self.post(name)
        return self.poll(timeout_ms)

    def post(self, name: str) -> None:
        """Send a command without waiting; `poll` then brings the reply."""
        if self._socket is not None:
            self._socket.close()  # an old, unanswered command must not answer for this one
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 500)
        show_token(self._socket, self._address)
        self._socket.connect(self._address.control)
        expires_t_ns = time.perf_counter_ns() + int(VALID_S * 1e9)
        command = Command(name, self._address.token, uuid.uuid4().hex, expires_t_ns)
        self._socket.send(encode(command))

    def poll(self, timeout_ms: int = 0) -> Reply | None:
        """Return the reply to the last command, if it has come."""
        if self._socket is None or not self._socket.poll(timeout_ms):
            return None
        message = decode_from_hub(self._socket.recv())
        return message if isinstance(message, Reply) else None

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._context.term()
