"""The sockets of a session: who does not say its token is turned away before the first message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import zmq
from zmq.auth.thread import ThreadAuthenticator

from realtime.errors import BadMessage, StreamError
from realtime.stream.address import USER, ZAP_DOMAIN, Address, check_free
from realtime.wire import PROTOCOL, FromClient, Hello, decode_from_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Socket: TypeAlias = zmq.Socket[bytes]

MAX_MESSAGE_BYTES = 4 << 20  # a result with some ten thousand tracks; more is no client of ours
MESSAGES_A_TURN = 64  # a flood must not keep anybody waiting
LINGER_MS = 1000
NOW, MORE_NOW, READABLE = int(zmq.NOBLOCK), int(zmq.NOBLOCK | zmq.SNDMORE), int(zmq.POLLIN)
HANDSHAKE_MS = 2000  # who connects and does not say the token by then is cut off; proposed


class Sockets:
    """The three ROUTERs of a session.

    Attributes
    ----------
    stream, work, control
        Each belongs to one thread at a time.
    address
        Where they are really bound (a TCP port of 0 was chosen at the bind).

    Raises
    ------
    StreamError
        If an endpoint is taken, or another machine could reach it.
    """

    def __init__(self, address: Address) -> None:
        endpoints = (address.stream, address.work, address.control)
        for endpoint in endpoints:
            check_free(endpoint)
        self.context = zmq.Context()
        self._gate = ThreadAuthenticator(self.context)
        self._gate.start()
        self._gate.configure_plain(domain=ZAP_DOMAIN, passwords={USER: address.token})
        try:
            self.stream, self.work, self.control = map(self._listen, endpoints)
        except zmq.ZMQError as error:
            self.close()
            raise StreamError(
                f"cannot listen at {address.stream}: {error}. Is another run using this session?"
            ) from error
        stream, work, control = map(_endpoint, (self.stream, self.work, self.control))
        self.address = Address(stream, work, control, address.token)

    def _listen(self, endpoint: str) -> Socket:
        socket = self.context.socket(zmq.ROUTER)
        socket.setsockopt(zmq.ROUTER_HANDOVER, 1)  # who comes back under its name takes its seat
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)  # sending to nobody is noticed
        socket.setsockopt(zmq.SNDHWM, 10_000)
        socket.setsockopt(zmq.PLAIN_SERVER, 1)
        socket.setsockopt_string(zmq.ZAP_DOMAIN, ZAP_DOMAIN)
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        socket.setsockopt(zmq.LINGER, LINGER_MS)
        socket.bind(endpoint)
        return socket

    def close(self) -> None:
        """Close everything; called when no thread uses a socket any more."""
        self._gate.stop()
        self.context.destroy(linger=LINGER_MS)


def _endpoint(socket: Socket) -> str:
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)


def objection(hello: Hello, token: str, offered: tuple[str, ...]) -> str:
    """Say why a newcomer gets no seat; empty if it gets one."""
    if hello.token != token:
        return "the token is not this session's"
    if hello.protocol[0] != PROTOCOL[0]:
        return f"protocol {hello.protocol[0]} is spoken there, {PROTOCOL[0]} here"
    if hello.policy not in offered:
        return f"policy must be one of {', '.join(offered)} at this socket, got {hello.policy!r}"
    return ""


def drain(
    socket: Socket, handle: Callable[[bytes, bytes, FromClient], None]
) -> Iterator[BadMessage]:
    """Hand on what has come, a turn's worth at most; yield what was no message of ours."""
    for _ in range(MESSAGES_A_TURN):
        if not int(socket.getsockopt(zmq.EVENTS)) & READABLE:
            return
        identity, *parts = socket.recv_multipart(NOW)
        try:
            if len(parts) != 1:
                raise BadMessage(f"a message has one part, got {len(parts)}")
            handle(identity, parts[0], decode_from_client(parts[0]))
        except BadMessage as error:
            yield error


def transmit(socket: Socket, identity: bytes, packet: bytes) -> bool:
    """Send to one client without waiting; return whether it could be sent."""
    try:
        socket.send(identity, MORE_NOW)
        socket.send(packet, NOW)
    except zmq.ZMQError:  # nobody there, or somebody who stopped reading
        return False
    return True
