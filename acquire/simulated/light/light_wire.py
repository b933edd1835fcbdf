"""The packets between a light box and its owners, and what the box does about each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from acquire.errors import SettingRefused
from acquire.simulated.light.light_words import BoxFaults, BoxState, Exposed, Gate, LineMeter

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.simulated.light.light_source import LightBox


class SetPower(msgspec.Struct, frozen=True, tag="power"):
    """Set the power of a line."""

    line: str
    fraction: float


class LoadPowers(msgspec.Struct, frozen=True, tag="load_powers"):
    """Keep a table of powers for a line."""

    line: str
    fractions: tuple[float, ...]


class RunPowers(msgspec.Struct, frozen=True, tag="run_powers"):
    """Step through the table, or no longer."""

    line: str
    runs: bool


class SetOpen(msgspec.Struct, frozen=True, tag="open"):
    """Open or close the shutter."""

    is_open: bool


class SetDelays(msgspec.Struct, frozen=True, tag="delays"):
    """Make the shutter slow."""

    open_s: float
    close_s: float


class SetGate(msgspec.Struct, frozen=True, tag="gate"):
    """Say what lets a line's light out."""

    line: str
    gate: Gate


class SetPassing(msgspec.Struct, frozen=True, tag="passing"):
    """Turn the filter in front of the box."""

    lines: tuple[str, ...] | None


class Dark(msgspec.Struct, frozen=True, tag="dark"):
    """Shutter closed, all power away."""


class AskState(msgspec.Struct, frozen=True, tag="state"):
    """Read the box back."""


class AskMeter(msgspec.Struct, frozen=True, tag="meter"):
    """Read the meter."""


class GateOn(msgspec.Struct, frozen=True, tag="gate_on"):
    """The camera begins an exposure."""

    exposure_s: float
    is_paced: bool


class GateOff(msgspec.Struct, frozen=True, tag="gate_off"):
    """The camera has ended it."""

    exposed_s: float


class Flash(msgspec.Struct, frozen=True, tag="flash"):
    """The camera's exposure took no host time."""

    exposure_s: float


class SetFaults(msgspec.Struct, frozen=True, tag="faults"):
    """Break the box, or mend it."""

    faults: BoxFaults


class AskFaults(msgspec.Struct, frozen=True, tag="ask_faults"):
    """Ask what is broken."""


class AskGates(msgspec.Struct, frozen=True, tag="ask_gates"):
    """Ask what lets the light of each line out."""


class Die(msgspec.Struct, frozen=True, tag="die"):
    """End like a crash."""


class IsState(msgspec.Struct, frozen=True, tag="is"):
    """What the box says of itself."""

    state: BoxState


class Metered(msgspec.Struct, frozen=True, tag="metered"):
    """What each line gave."""

    lines: dict[str, LineMeter]


class Gave(msgspec.Struct, frozen=True, tag="exposed"):
    """What the sample took in an exposure."""

    exposed: Exposed


class HasFaults(msgspec.Struct, frozen=True, tag="has_faults"):
    """What is broken."""

    faults: BoxFaults


class HasGates(msgspec.Struct, frozen=True, tag="has_gates"):
    """What lets the light of each line out."""

    gates: dict[str, Gate]


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Not done, and why."""

    why: str


Command: TypeAlias = SetPower | LoadPowers | RunPowers | SetOpen | SetDelays | SetGate | Dark
Request: TypeAlias = (
    Command
    | SetPassing
    | AskState
    | AskMeter
    | GateOn
    | GateOff
    | Flash
    | SetFaults
    | AskFaults
    | AskGates
    | Die
)
Reply: TypeAlias = IsState | Metered | Gave | HasFaults | HasGates | Refused

ENCODER = msgspec.msgpack.Encoder()
REQUESTS: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
REPLIES: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


class BoxHangs(Exception):
    """The box is broken so that it does not answer."""


class BoxDied(Exception):
    """The box was told to die; its light has gone with it."""


def answer(
    box: LightBox, request: Request, sleep: Callable[[float], None] = time.sleep
) -> Reply | None:
    """Do what a request asks; None where no reply is expected.

    The camera's gate, the filter before the box, the meter and the faults themselves are no matter
    of the box's electronics: they go on when it is refusing, hanging or slow.

    Raises
    ------
    BoxHangs
        If the box does not answer any more.
    BoxDied
        If it was told to.
    """
    match request:
        case Flash(exposure_s):
            box.gate_on(exposure_s, is_paced=False)
            return Gave(box.gate_off(exposure_s))
        case GateOn(exposure_s, is_paced):
            box.gate_on(exposure_s, is_paced)
            return None
        case GateOff(exposed_s):
            return Gave(box.gate_off(exposed_s))
        case AskMeter():
            return Metered(box.meter())
        case SetPassing(lines):
            return IsState(box.set_passing(lines))
        case SetFaults(faults):
            box.faults = faults
            return HasFaults(faults)
        case AskFaults():
            return HasFaults(box.faults)
        case AskGates():
            return HasGates(box.gates())
        case Die():
            box.switch_off()
            raise BoxDied("the light box was told to die")
        case _:
            return _command(box, request, sleep)


def _command(
    box: LightBox, request: Command | AskState, sleep: Callable[[float], None]
) -> IsState | Refused:
    if box.faults.hangs:
        raise BoxHangs("the light box did not answer")
    if box.faults.delay_s > 0.0:
        sleep(box.faults.delay_s)
    try:
        match request:
            case SetPower(line, fraction):
                return IsState(box.set_power(line, fraction))
            case SetOpen(is_open):
                return IsState(box.set_open(is_open))
            case Dark():
                return IsState(box.dark())
            case LoadPowers(line, fractions):
                return IsState(box.load_powers(line, fractions))
            case RunPowers(line, runs):
                return IsState(box.run_powers(line, runs))
            case SetDelays(open_s, close_s):
                return IsState(box.set_delays(open_s, close_s))
            case SetGate(line, gate):
                return IsState(box.set_gate(line, gate))
            case AskState():
                return IsState(box.state())
    except SettingRefused as error:
        return Refused(str(error))
