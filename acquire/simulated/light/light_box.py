"""The simulated laser box as a process of its own, and the pipes to it.

Each request carries a number, and its answer the same: an answer that comes too late, from a box
that stood still for a while, is not taken for that to a later question.
"""

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

_NUMBER = 8  # bytes
IMPATIENT = 0.1  # of its time is a box given that did not answer before: others are to be asked

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
    number, request = packet[:_NUMBER], packet[_NUMBER:]
    reply = _reply(box, request, sleep)  # what fails here is no owner's end
    if reply is None:
        return
    try:
        owner.send_bytes(number + ENCODER.encode(reply))
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
        self._number = 0
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
            number = self._send(request)
            until_s = time.monotonic() + self._timeout_s * (IMPATIENT if self._is_deaf else 1.0)
            try:
                while self._readiness.wait(max(0.0, until_s - time.monotonic())):
                    packet = self._connection.recv_bytes()
                    if packet[:_NUMBER] == number:
                        self._is_deaf = False
                        return REPLIES.decode(packet[_NUMBER:])
            except (EOFError, OSError) as error:
                raise LightBoxGone(f"the light box has gone ({error}); restart it") from error
            self._is_deaf = True
            raise DeviceMissing(
                f"the light box did not answer within {self._timeout_s} s; restart it"
            )

    def _send(self, request: Request) -> bytes:
        """Send a request, and return its number."""
        self._number += 1
        number = self._number.to_bytes(_NUMBER, "little")
        try:
            self._connection.send_bytes(number + ENCODER.encode(request))
        except (OSError, ValueError) as error:
            raise LightBoxGone(f"the light box has gone ({error}); restart it") from error
        return number
