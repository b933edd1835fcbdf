"""The simulated laser box as a process of its own, and the pipes to it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

import msgspec

from acquire.errors import DeviceMissing, SettingRefused
from acquire.simulated.light_source import BoxState, Exposed, LightBox, Line, LineMeter
from acquire.simulated.readiness import Readiness

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection


class AnyLightBox(Protocol):
    """What the scope, the keeper and the supervisor can do with a light box, near or far."""

    def set_power(self, line: str, fraction: float) -> BoxState:
        """Set the power of a line, 0 to 1, and return the read-back."""
        ...

    def set_open(self, is_open: bool) -> BoxState:
        """Open or close the shutter and return the read-back."""
        ...

    def dark(self) -> BoxState:
        """Close the shutter, take all power away, and return the read-back."""
        ...

    def state(self) -> BoxState:
        """Read the box back."""
        ...

    def meter(self) -> dict[str, LineMeter]:
        """Return what each line really gave so far."""
        ...

    def gate_on(self, exposure_s: float, is_paced: bool) -> None:
        """Tell the box that a camera exposure begins."""
        ...

    def gate_off(self, exposed_s: float) -> Exposed:
        """Tell the box that it ended, and return the light that the sample took."""
        ...

    def set_faults(self, refuses_dark: bool, lies: bool) -> None:
        """Break the box, or mend it."""
        ...


class _SetPower(msgspec.Struct, frozen=True, tag="power"):
    line: str
    fraction: float


class _SetOpen(msgspec.Struct, frozen=True, tag="open"):
    is_open: bool


class _Dark(msgspec.Struct, frozen=True, tag="dark"):
    pass


class _AskState(msgspec.Struct, frozen=True, tag="state"):
    pass


class _AskMeter(msgspec.Struct, frozen=True, tag="meter"):
    pass


class _GateOn(msgspec.Struct, frozen=True, tag="gate_on"):
    exposure_s: float
    is_paced: bool


class _GateOff(msgspec.Struct, frozen=True, tag="gate_off"):
    exposed_s: float


class _SetFaults(msgspec.Struct, frozen=True, tag="faults"):
    refuses_dark: bool
    lies: bool


class _State(msgspec.Struct, frozen=True, tag="is"):
    state: BoxState


class _Meter(msgspec.Struct, frozen=True, tag="metered"):
    lines: dict[str, LineMeter]


class _Exposed(msgspec.Struct, frozen=True, tag="exposed"):
    exposed: Exposed


class _Refused(msgspec.Struct, frozen=True, tag="refused"):
    why: str


_Request: TypeAlias = (
    _SetPower | _SetOpen | _Dark | _AskState | _AskMeter | _GateOn | _GateOff | _SetFaults
)
_Reply: TypeAlias = _State | _Meter | _Exposed | _Refused

_ENCODER = msgspec.msgpack.Encoder()
_REQUESTS: msgspec.msgpack.Decoder[_Request] = msgspec.msgpack.Decoder(_Request)
_REPLIES: msgspec.msgpack.Decoder[_Reply] = msgspec.msgpack.Decoder(_Reply)


def serve(
    connections: Sequence[Connection],
    lines: Sequence[Line],
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Be the light box until the last owner has gone, then go dark.

    An owner that dies takes no light with it: what is on stays on until another owner says dark.

    Parameters
    ----------
    connections
        One end of a duplex pipe for each owner; they are closed here. The other ends must be
        open in the owners' processes only, or a death is not seen.
    """
    box = LightBox(lines, clock)
    owners = Readiness(connections)
    while owners.connections:
        for owner in owners.wait():
            try:
                reply = _answer(box, owner.recv_bytes())
                if reply is not None:
                    owner.send_bytes(_ENCODER.encode(reply))
            except (EOFError, OSError):  # the owner has closed its end, or died
                owners.forget(owner)
                owner.close()
    box.dark()


def _answer(box: LightBox, packet: bytes) -> _Reply | None:
    """Do what one packet asks; None where no reply is expected."""
    try:
        match _REQUESTS.decode(packet):
            case _GateOn(exposure_s, is_paced):
                box.gate_on(exposure_s, is_paced)
                return None
            case _GateOff(exposed_s):
                return _Exposed(box.gate_off(exposed_s))
            case _SetPower(line, fraction):
                return _State(box.set_power(line, fraction))
            case _SetOpen(is_open):
                return _State(box.set_open(is_open))
            case _Dark():
                return _State(box.dark())
            case _AskMeter():
                return _Meter(box.meter())
            case _SetFaults(refuses_dark, lies):
                box.refuses_dark, box.lies = refuses_dark, lies
        return _State(box.state())
    except (SettingRefused, msgspec.MsgspecError) as error:
        return _Refused(str(error))


class LightBoxGone(DeviceMissing):
    """The light box's process has ended, and its light with it: it is dark by construction."""


class LightBoxClient:
    """One owner's end of the pipe to a light box; several threads of the owner may share it.

    Every method raises `DeviceMissing` if the box has gone or does not answer in time.

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

    def set_power(self, line: str, fraction: float) -> BoxState:
        """Set the power of a line, 0 to 1, and return the read-back."""
        return self._ask_state(_SetPower(line, float(fraction)))

    def set_open(self, is_open: bool) -> BoxState:
        """Open or close the shutter and return the read-back."""
        return self._ask_state(_SetOpen(is_open))

    def dark(self) -> BoxState:
        """Close the shutter, take all power away, and return the read-back."""
        return self._ask_state(_Dark())

    def state(self) -> BoxState:
        """Read the box back."""
        return self._ask_state(_AskState())

    def meter(self) -> dict[str, LineMeter]:
        """Return what each line really gave so far."""
        return cast("_Meter", self._ask(_AskMeter())).lines

    def gate_on(self, exposure_s: float, is_paced: bool) -> None:
        """Tell the box that a camera exposure begins; nobody waits for an answer."""
        with self._lock:
            self._send(_GateOn(exposure_s, is_paced))

    def gate_off(self, exposed_s: float) -> Exposed:
        """Tell the box that it ended, and return the light that the sample took."""
        return cast("_Exposed", self._ask(_GateOff(exposed_s))).exposed

    def set_faults(self, refuses_dark: bool, lies: bool) -> None:
        """Break the box, or mend it."""
        self._ask(_SetFaults(refuses_dark, lies))

    def close(self) -> None:
        """Let go of the box; its light stays as it is while others own it too."""
        self._connection.close()

    def _ask_state(self, request: _Request) -> BoxState:
        return cast("_State", self._ask(request)).state

    def _ask(self, request: _Request) -> _Reply:
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
                reply = _REPLIES.decode(self._connection.recv_bytes())
            except (EOFError, OSError) as error:
                raise LightBoxGone(f"the light box has gone ({error}); restart it") from error
        if isinstance(reply, _Refused):
            raise SettingRefused(reply.why)
        return reply

    def _send(self, request: _Request) -> None:
        try:
            self._connection.send_bytes(_ENCODER.encode(request))
        except (OSError, ValueError) as error:
            if self._is_deaf:
                raise DeviceMissing("the light box did not answer before; restart it") from error
            raise LightBoxGone(f"the light box has gone ({error}); restart it") from error
