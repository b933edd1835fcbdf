"""The simulated laser box as a process of its own, and the pipes to it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import msgspec

from acquire.errors import DeviceMissing
from acquire.simulated.light.light_calls import AnyLightBox
from acquire.simulated.light.light_source import LightBox
from acquire.simulated.light.light_wire import (
    ENCODER,
    REPLIES,
    REQUESTS,
    BoxDied,
    BoxHangs,
    Refused,
    Reply,
    Request,
    answer,
)
from acquire.simulated.light.light_words import Line, LineMeter
from acquire.simulated.light.readiness import Readiness

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection

__all__ = ["AnyLightBox", "LightBoxClient", "LightBoxGone", "LineMeter", "serve"]


def serve(
    connections: Sequence[Connection],
    lines: Sequence[Line],
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
    make: Callable[[Sequence[Line], Callable[[], float]], LightBox] = LightBox,
) -> None:
    """Be the light box until the last owner has gone, then go dark.

    An owner that dies takes no light with it: what is on stays on until another owner says dark.

    Parameters
    ----------
    connections
        One end of a duplex pipe for each owner; they are closed here. The other ends must be
        open in the owners' processes only, or a death is not seen.
    sleep
        Waits where the box is broken and slow.
    make
        Makes the box; a bench may want one that can be broken further.
    """
    box = make(lines, clock)
    owners = Readiness(connections)
    try:
        while owners.connections:
            for owner in owners.wait():
                _serve_one(box, owner, owners, sleep)
    except BoxDied:
        for owner in list(owners.connections):
            _forget(owner, owners)
    box.switch_off()


def _serve_one(
    box: LightBox, owner: Connection, owners: Readiness, sleep: Callable[[float], None]
) -> None:
    """Do what one packet asks."""
    try:
        packet = owner.recv_bytes()
    except (EOFError, OSError):  # the owner has closed its end, or died
        _forget(owner, owners)
        return
    reply = _reply(box, packet, sleep)  # what fails here is no owner's end
    if reply is None:
        return
    try:
        owner.send_bytes(ENCODER.encode(reply))
    except OSError:
        _forget(owner, owners)


def _forget(owner: Connection, owners: Readiness) -> None:
    owners.forget(owner)
    owner.close()


def _reply(box: LightBox, packet: bytes, sleep: Callable[[float], None]) -> Reply | None:
    try:
        return answer(box, REQUESTS.decode(packet), sleep)
    except msgspec.MsgspecError as error:
        return Refused(str(error))
    except BoxHangs:
        return None


class LightBoxGone(DeviceMissing):
    """The light box's process has ended, and its light with it: it is dark by construction."""


class LightBoxClient(AnyLightBox):
    """One owner's end of the pipe to a light box; several threads of the owner may share it.

    Parameters
    ----------
    timeout_s
        How long the box may take to answer, s.
    """

    def __init__(self, connection: Connection, timeout_s: float = 1.0) -> None:
        self._connection = connection
        self._readiness = Readiness([connection])
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._is_deaf = False

    def close(self) -> None:
        """Let go of the box; its light stays as it is while others own it too."""
        self._connection.close()

    def tell(self, request: Request) -> None:
        """Send a request that nobody answers."""
        with self._lock:
            self._send(request)

    def ask(self, request: Request) -> Reply:
        """Send a request and return the reply, `Refused` included."""
        with self._lock:
            self._send(request)
            try:
                if not self._readiness.wait(self._timeout_s):
                    # A late reply would answer the next question: this pipe is of no more use.
                    self._connection.close()
                    self._is_deaf = True
                    raise DeviceMissing(
                        f"the light box did not answer within {self._timeout_s} s; restart it"
                    )
                return REPLIES.decode(self._connection.recv_bytes())
            except (EOFError, OSError) as error:
                raise LightBoxGone(f"the light box has gone ({error}); restart it") from error

    def _send(self, request: Request) -> None:
        try:
            self._connection.send_bytes(ENCODER.encode(request))
        except (OSError, ValueError) as error:
            if self._is_deaf:
                raise DeviceMissing("the light box did not answer before; restart it") from error
            raise LightBoxGone(f"the light box has gone ({error}); restart it") from error
