"""A child's tie to the supervisor: it says go and stop, and its silence means stop as well."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from acquire.errors import ScopeError
from lightloop.log import configure, unblocked
from lightloop.supervision.console_close import outliving_the_console
from lightloop.supervision.fine_ticks import fine_ticks
from lightloop.supervision.giving_way import POLITE, give_way
from models.errors import ModelError
from realtime.stream.address import Address

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from lightloop.summary import Summary

logger = logging.getLogger(__name__)

NOT_OURS = (
    *("SIGINT", "SIGHUP", "SIGTERM", "SIGQUIT", "SIGBREAK"),  # end
    *("SIGTSTP", "SIGTTIN", "SIGTTOU"),  # stand still, maybe in the light
)
"""What a terminal or a logoff sends to the whole group; only the supervisor acts on it."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """A child is ready to work; the scope says where its sockets and its ring are."""

    address: Address | None = None
    ring: str = ""


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """The worker has answered its first shot: from now on its silence means that it hangs."""


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """A child has done its work.

    `summary` is what the run came to (JSON of `Summary`), from the scope; `cpu_s` is the processor
    time that the work itself took, s.
    """

    summary: bytes = b""
    cpu_s: float = 0.0


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A child could not go on; one sentence for the person, and whether a light may be on."""

    reason: str
    may_be_lit: bool = False


class Go(msgspec.Struct, frozen=True, tag="go"):
    """Everybody is ready: work. Listeners learn here where the session is."""

    address: Address | None = None


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """End in order."""

    reason: str


class Dark(msgspec.Struct, frozen=True, tag="dark"):
    """The scope has switched the light off, read it back, and will give no more."""


class Trouble(msgspec.Struct, frozen=True, tag="trouble"):
    """Another process does not do its work; the supervisor may start it again."""

    name: str
    what: str


FromChild: TypeAlias = Ready | Answered | Finished | Failed | Trouble | Dark
ToChild: TypeAlias = Go | Stop

_ENCODER = msgspec.msgpack.Encoder()
_FROM_CHILD: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)
_TO_CHILD: msgspec.msgpack.Decoder[ToChild] = msgspec.msgpack.Decoder(ToChild)


def pack(message: FromChild | ToChild) -> bytes:
    """Turn a message between supervisor and child into bytes."""
    return _ENCODER.encode(message)


def unpack_from_child(packet: bytes) -> FromChild:
    """Turn a child's bytes back into its message."""
    return _FROM_CHILD.decode(packet)


class StopRequested(Exception):
    """The supervisor wants this process to end before it began to work."""


class Link:
    """The child's end of the pipe to the supervisor.

    Attributes
    ----------
    stop
        Set when the process has to end; `reason` then says why.
    is_orphan
        The supervisor is gone: its pipe has closed.
    """

    def __init__(self, connection: Connection) -> None:
        self.stop = threading.Event()
        self.reason = ""
        self.is_orphan = False
        self.address: Address | None = None
        self._go = threading.Event()
        self._connection = connection
        self._sending = threading.Lock()
        threading.Thread(target=self._listen, name="supervisor", daemon=True).start()

    def ready(self, address: Address | None = None, ring: str = "") -> None:
        """Tell the supervisor that this process is ready."""
        self._send(Ready(address, ring))

    def answered(self) -> None:
        """Tell the supervisor that the first shot is answered."""
        self._send(Answered())

    def finished(self, summary: Summary | None = None, cpu_s: float = 0.0) -> None:
        """Tell the supervisor that the work is done, and what it came to and cost."""
        self._send(Finished(msgspec.json.encode(summary) if summary is not None else b"", cpu_s))

    def failed(self, reason: str, *, may_be_lit: bool = False) -> None:
        """Tell the supervisor why this process cannot go on."""
        self._send(Failed(reason, may_be_lit))

    def dark(self) -> None:
        """Tell the supervisor that the light is off, and that no more will come."""
        self._send(Dark())

    def trouble(self, name: str, what: str) -> None:
        """Tell the supervisor that another process does not do its work."""
        self._send(Trouble(name, what))

    def wait_for_go(self) -> Address | None:
        """Wait until the supervisor says go; return where the session is.

        Raises
        ------
        StopRequested
            If it says stop instead, or is gone.
        """
        self._go.wait()
        self.check()
        return self.address

    def wait_for_address(self) -> Address:
        """Wait like `wait_for_go`; a listener cannot work without an address."""
        address = self.wait_for_go()
        assert address is not None, "the supervisor gives every listener an address"
        return address

    def check(self) -> None:
        """Raise `StopRequested` if the process has to end."""
        if self.stop.is_set():
            raise StopRequested(self.reason)

    def end(self, reason: str) -> None:
        """Stop this process as if the supervisor had said so."""
        self.reason = self.reason or reason
        self.stop.set()
        self._go.set()

    def _listen(self) -> None:
        try:
            while True:
                message = _TO_CHILD.decode(self._connection.recv_bytes())
                if isinstance(message, Go):
                    self.address = message.address
                    self._go.set()
                else:
                    self.reason = message.reason
                    self.end(message.reason)
        except (EOFError, OSError):
            self.is_orphan = True
            self.end("the supervisor is gone")

    def _send(self, message: FromChild) -> None:
        try:
            with self._sending:  # a pipe of Windows takes one message at a time, or raises
                self._connection.send_bytes(pack(message))
        except OSError:
            logger.info("the supervisor is gone; not told: %s", type(message).__name__)


def run_child(connection: Connection, body: Callable[[Link], None], verbose: bool) -> None:
    """Run a child's body; its error becomes one sentence at the supervisor and exit status 1.

    Ctrl-C, a closed terminal and a logoff reach every process of the group; only the supervisor
    acts on them, and a child whose supervisor is gone sees its pipe close.
    """
    for name in NOT_OURS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if multiprocessing.current_process().name in POLITE:
        give_way()
    configure(is_verbose=verbose)
    link = Link(connection)
    with unblocked(), fine_ticks(), outliving_the_console(partial(_console_goes, link)):
        status = _run(link, body)
    # Light is off and files are closed. What remains are destructors of C++ cores and of Qt, which
    # are known to hang or to abort at the interpreter's end.
    os._exit(status)


def _console_goes(link: Link, how: str) -> None:
    """Let the scope go dark at once; the others hear of the run's end as ever, and have time."""
    if multiprocessing.current_process().name == "scope":
        link.end(f"stopped by {how}")


def _run(link: Link, body: Callable[[Link], None]) -> int:
    try:
        body(link)
    except StopRequested as stop:
        logger.info("stopped before work began: %s", stop)
    except (ScopeError, ModelError) as error:
        link.failed(str(error))
        return 1
    except Exception as error:
        logger.exception("unexpected")
        link.failed(f"unexpected {type(error).__name__}: {error}")
        return 1
    return 0
