"""Where a session's sockets are: on this machine only."""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
from pathlib import Path

import msgspec
import zmq

from realtime.errors import StreamError

USER, ZAP_DOMAIN = "lightloop", "lightloop"
"""Name that every client says to ZeroMQ's PLAIN mechanism; its password is the session's token."""

_LOCAL = re.compile(r"tcp://127\.0\.0\.1:\d{1,5}|inproc://[\w.-]+")
ADDRESS_FILE = "session.json"
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
    is_ours = _LOCAL.fullmatch(endpoint) is not None
    if endpoint.startswith("ipc://"):  # a name without a folder would be open to every user
        is_ours = Path(endpoint.removeprefix("ipc://")).is_absolute()
    if not is_ours:
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
    if not endpoint.startswith("ipc://"):
        return
    check_private(path.parent)
    if path.exists():
        raise StreamError(
            f"cannot listen at {path}: the path is taken. Another run may be using it; "
            "if not, delete the file."
        )


def check_private(folder: Path) -> None:
    """Refuse a folder that another user could enter: its sockets would be open to them.

    It is enough that it lies within a folder that is the user's alone. On Windows nothing is asked:
    the rights of the user's own temporary folder hold.

    Raises
    ------
    StreamError
        If the folder is not there, or not private.
    """
    if sys.platform == "win32":
        return
    try:
        found = [place.stat() for place in (folder, *folder.absolute().parents)]
    except OSError as error:
        raise StreamError(f"no folder for the sockets at {folder}: {error}") from error
    if not any(s.st_uid == os.geteuid() and not s.st_mode & 0o077 for s in found):
        raise StreamError(
            "the folder for sockets must be its user's alone (mode 700, not "
            f"{stat.S_IMODE(found[0].st_mode):o}): {folder}"
        )


def write_address(folder: Path, address: Address) -> Path:
    """Write where a session is, token and all, for the user's other programs; return the file.

    Raises
    ------
    StreamError
        If the folder is not private, or the file is there already.
    """
    check_private(folder)
    path = folder / ADDRESS_FILE
    try:
        # Private from its first byte on; never somebody else's file that waits there.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "wb") as file:
            file.write(msgspec.json.encode(address))
    except OSError as error:
        raise StreamError(f"cannot write {path}: {error}") from error
    return path


def read_address(path: Path) -> Address:
    """Read where a session is.

    Raises
    ------
    StreamError
        If there is no such file, it is not the user's alone, or it says something else.
    """
    check_private(path.parent)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Address)
    except (OSError, msgspec.MsgspecError) as error:
        raise StreamError(f"no session at {path}: {error}") from error
