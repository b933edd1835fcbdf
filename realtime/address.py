"""Where a session's sockets are: on this machine only."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

import msgspec
import zmq

from realtime.errors import StreamError

USER, ZAP_DOMAIN = "lightloop", "lightloop"
"""Name that every client says to ZeroMQ's PLAIN mechanism; its password is the session's token."""

NAMES = ("stream", "work", "control")
IPC_PATH_LIMIT = 100  # sun_path holds 104 bytes on macOS, 108 on Linux, one of them a NUL


class Address(msgspec.Struct, frozen=True):
    """The sockets of one session, and the secret that its clients say in their `Hello`.

    Attributes
    ----------
    stream
        Frames and documents, for whoever records or looks.
    work
        Frames for the one who answers them with decisions.
    control
        Commands of a person; the only socket through which the light can be stopped.
    """

    stream: str
    work: str
    control: str
    token: str


def local_address(folder: Path, *, use_tcp: bool = sys.platform == "win32") -> Address:
    """Return addresses in a session's private folder; loopback TCP where there is no ``ipc://``.

    A TCP port of 0 is chosen at the bind; `Hub.address` then holds the real one.

    Raises
    ------
    StreamError
        If the folder's path is too long for a socket.
    """
    token = secrets.token_hex(16)
    if use_tcp:
        anywhere = "tcp://127.0.0.1:0"
        return Address(anywhere, anywhere, anywhere, token)
    if len(str(folder)) > IPC_PATH_LIMIT - len("/control"):
        raise StreamError(
            f"the folder for sockets must be shorter than {IPC_PATH_LIMIT - 8} characters, "
            f"got {len(str(folder))}: {folder}. Set TMPDIR to a shorter path."
        )
    stream, work, control = (f"ipc://{folder}/{name}" for name in NAMES)
    return Address(stream, work, control, token)


def check_local(endpoint: str) -> None:
    """Refuse an endpoint that another machine could reach.

    Raises
    ------
    StreamError
        If the endpoint is neither ``ipc://`` nor loopback TCP.
    """
    if not endpoint.startswith(("ipc://", "tcp://127.0.0.1:", "inproc://")):
        raise StreamError(
            f"sockets stay on this machine (ipc:// or tcp://127.0.0.1), got {endpoint}. "
            "Remote viewers need CURVE keys, which this version does not offer."
        )


def show_token(socket: zmq.Socket[bytes], address: Address) -> None:
    """Let a client's socket say the session's token when it connects."""
    socket.setsockopt_string(zmq.PLAIN_USERNAME, USER)
    socket.setsockopt_string(zmq.PLAIN_PASSWORD, address.token)


def check_free(endpoint: str) -> None:
    """Refuse to listen where somebody listens already, or where another machine could connect.

    ZeroMQ would replace a socket file without a word, and steal the other run's clients.

    Raises
    ------
    StreamError
        If the endpoint is not of this machine, or its path is taken.
    """
    check_local(endpoint)
    path = Path(endpoint.removeprefix("ipc://"))
    if endpoint.startswith("ipc://") and path.exists():
        raise StreamError(
            f"cannot listen at {path}: the path is taken. Another run may be using it; "
            "if not, delete the file."
        )
