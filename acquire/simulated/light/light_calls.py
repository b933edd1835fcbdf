"""What the scope, the keeper and the supervisor can do with a light box, near or far."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, cast

from acquire.errors import SettingRefused
from acquire.simulated.light import light_wire as wire

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from acquire.simulated.light.light_words import BoxFaults, BoxState, Exposed, Gate, LineMeter


class AnyLightBox(ABC):
    """A light box, wherever it is.

    Every method raises `SettingRefused` if the box refuses, and `DeviceMissing` if it has gone or
    does not answer in time.
    """

    @abstractmethod
    def ask(self, request: wire.Request) -> wire.Reply:
        """Send a request and return the reply, `Refused` included."""

    @abstractmethod
    def tell(self, request: wire.Request) -> None:
        """Send a request that nobody answers."""

    def set_power(self, line: str, fraction: float) -> BoxState:
        """Set the power of a line, 0 to 1, and return the read-back; a power sequence ends."""
        return self._state(wire.SetPower(line, float(fraction)))

    def load_powers(self, line: str, fractions: Sequence[float]) -> BoxState:
        """Keep a table of powers, 0 to 1, that a line will take one after the other."""
        return self._state(wire.LoadPowers(line, tuple(map(float, fractions))))

    def run_powers(self, line: str, runs: bool) -> BoxState:
        """Let every exposure take the next power of the table, from the first on; or no longer."""
        return self._state(wire.RunPowers(line, runs))

    def set_open(self, is_open: bool) -> BoxState:
        """Open or close the shutter and return the read-back."""
        return self._state(wire.SetOpen(is_open))

    def set_delays(self, open_s: float, close_s: float) -> BoxState:
        """Make the shutter so slow, s of host time from the command to the movement."""
        return self._state(wire.SetDelays(float(open_s), float(close_s)))

    def set_gate(self, line: str, gate: Gate) -> BoxState:
        """Say what lets the light of a line out."""
        return self._state(wire.SetGate(line, gate))

    def set_passing(self, lines: Collection[str] | None) -> BoxState:
        """Let a filter in front of the box pass these lines only; None: all of them."""
        return self._state(wire.SetPassing(None if lines is None else tuple(lines)))

    def dark(self) -> BoxState:
        """Close the shutter, take all power away, and return the read-back."""
        return self._state(wire.Dark())

    def state(self) -> BoxState:
        """Read the box back."""
        return self._state(wire.AskState())

    def meter(self) -> dict[str, LineMeter]:
        """Return what each line really gave so far."""
        return cast("wire.Metered", self._ask(wire.AskMeter())).lines

    def gate_on(self, exposure_s: float, is_paced: bool) -> None:
        """Tell the box that a camera exposure begins; nobody waits for an answer."""
        self.tell(wire.GateOn(exposure_s, is_paced))

    def gate_off(self, exposed_s: float) -> Exposed:
        """Tell the box that it ended, and return the light that the sample took."""
        return cast("wire.Gave", self._ask(wire.GateOff(exposed_s))).exposed

    def flash(self, exposure_s: float) -> Exposed:
        """Tell the box that an exposure is over that took no host time: both gates in one packet.

        A packet and the waking of the box's process cost 0.05 ms each time.
        """
        return cast("wire.Gave", self._ask(wire.Flash(exposure_s))).exposed

    def gates(self) -> dict[str, Gate]:
        """Return what lets the light of each line out."""
        return cast("wire.HasGates", self._ask(wire.AskGates())).gates

    def faults(self) -> BoxFaults:
        """Return what is broken."""
        return cast("wire.HasFaults", self._ask(wire.AskFaults())).faults

    def set_faults(self, faults: BoxFaults) -> None:
        """Break the box, or mend it."""
        self._ask(wire.SetFaults(faults))

    def die(self) -> None:
        """Let the box end like a crash: its light goes out, and nobody ever answers again."""
        self.tell(wire.Die())

    def _state(self, request: wire.Request) -> BoxState:
        return cast("wire.IsState", self._ask(request)).state

    def _ask(self, request: wire.Request) -> wire.Reply:
        reply = self.ask(request)
        if isinstance(reply, wire.Refused):
            raise SettingRefused(reply.why)
        return reply
