"""The simulated laser box as a state machine: lines, shutter, gate, and a meter that cannot lie."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from acquire.errors import SettingRefused
from acquire.simulated.light.blade import Blade
from acquire.simulated.light.light_exposure import Exposure
from acquire.simulated.light.light_line import LineState, require_fraction
from acquire.simulated.light.light_words import BoxFaults, BoxState, Exposed, Gate, Line, LineMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

__all__ = ["BoxFaults", "BoxState", "Exposed", "Gate", "LightBox", "Line", "LineMeter"]

logger = logging.getLogger(__name__)


class LightBox:
    """Several lines behind one shutter.

    A box knows nothing of scopes and leases. It does what it is told last, by whomever, and goes
    on giving light when its owner dies in the middle of an exposure, as a real one does.

    Parameters
    ----------
    clock
        Host time, s.

    Attributes
    ----------
    faults
        What is broken. The meter never is.
    """

    def __init__(
        self, lines: Sequence[Line], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.faults = BoxFaults()
        self._lines = {line.name: LineState(line) for line in lines}
        self._clock = clock
        self._blade = Blade()
        self._since_s = clock()
        self._exposure = Exposure(0.0, self._since_s, is_paced=False, runs=False)

    def set_power(self, name: str, fraction: float) -> BoxState:
        """Set the power of a line and return the read-back.

        Raises
        ------
        SettingRefused
            If the box has no such line or the fraction is not between 0 and 1.
        """
        state = self._of(name)
        require_fraction(name, fraction)
        if self._obeys(f"setting {name} to {fraction:g}"):
            lessens = fraction < state.strongest
            if not (self.faults.refuses_dark and lessens):
                self._exposure.is_disturbed |= state.power != fraction
                state.set(fraction)
        state.told_power = fraction
        return self.state()

    def load_powers(self, name: str, fractions: Sequence[float]) -> BoxState:
        """Keep a table of powers that a line will take one after the other.

        Raises
        ------
        SettingRefused
            If the box has no such line, or a fraction is not between 0 and 1.
        """
        state = self._of(name)
        if self._obeys(f"loading powers of {name}"):
            state.load(fractions)
        return self.state()

    def run_powers(self, name: str, runs: bool) -> BoxState:
        """Let every exposure take the next power of the table, from the first on; or no longer.

        Raises
        ------
        SettingRefused
            If the box has no such line, or nothing was loaded.
        """
        state = self._of(name)
        if self._obeys(f"{'starting' if runs else 'ending'} the powers of {name}"):
            if runs:
                state.start()
            elif not self.faults.refuses_dark:
                self._exposure.is_disturbed = True
                state.stop()
        return self.state()

    def set_open(self, is_open: bool) -> BoxState:
        """Open or close the shutter and return the read-back."""
        obeys = self._obeys("opening" if is_open else "closing")
        if obeys and (is_open or not self.faults.refuses_dark):
            self._exposure.is_disturbed |= self._blade.command(is_open, self._since_s)
        self._blade.told_open = is_open
        return self.state()

    def set_delays(self, open_s: float, close_s: float) -> BoxState:
        """Make the shutter so slow, s of host time from the command to the movement."""
        if not (0.0 <= open_s <= 60.0 and 0.0 <= close_s <= 60.0):  # NaN too
            raise SettingRefused(f"shutter delays must be 0 to 60 s, got {open_s} and {close_s}")
        self._blade.open_delay_s, self._blade.close_delay_s = open_s, close_s
        return self.state()

    def set_gate(self, name: str, gate: Gate) -> BoxState:
        """Say what lets the light of a line out."""
        state = self._of(name)
        if self._obeys(f"gating {name} by {gate}"):
            self._exposure.is_disturbed |= state.gate != gate
            state.gate = gate
        return self.state()

    def gates(self) -> dict[str, Gate]:
        """Return what lets the light of each line out."""
        return {name: state.gate for name, state in self._lines.items()}

    def set_passing(self, names: Collection[str] | None) -> BoxState:
        """Let a filter in front of the box pass these lines only; None: all of them."""
        self._settle()
        for name, state in self._lines.items():
            passes = names is None or name in names
            self._exposure.is_disturbed |= state.passes != passes
            state.passes = passes
        return self.state()

    def dark(self) -> BoxState:
        """Close the shutter, take all power away, and return the read-back."""
        self.set_open(False)
        for name in self._lines:
            self.set_power(name, 0.0)
        return self.state()

    def switch_off(self) -> None:
        """End: without mains no fault keeps the light on."""
        self.faults = BoxFaults()
        self.dark()

    def state(self) -> BoxState:
        """Read the box back (the command, if it lies)."""
        self._settle()
        lies, blade = self.faults.lies, self._blade
        is_open = blade.told_open if lies else blade.is_open
        will_open = is_open or (not lies and blade.due_s is not None)
        power = {n: s.told_power if lies else s.power for n, s in self._lines.items()}
        armed, lit = [], []
        for name, line in self._lines.items():
            strongest = power[name] if lies else line.strongest
            if strongest > 0 and (will_open or line.gate == "always-on"):
                armed.append(name)
                if self._lets_out(line, is_open) and power[name] > 0:
                    lit.append(name)
        return BoxState(is_open, self._exposure.runs, power, tuple(lit), tuple(armed))

    def gate_on(self, exposure_s: float, is_paced: bool) -> None:
        """Let camera-gated light out: an exposure begins.

        Parameters
        ----------
        exposure_s
            How long the camera means to expose, s.
        is_paced
            The exposure takes host time; else it is over at once, and light that changes while
            the gate is on came too late to spare the sample.
        """
        if not exposure_s > 0:  # NaN too; towards less light
            logger.warning("the light box got an exposure of %s s and stays gated", exposure_s)
            return
        self._settle()
        self._give_up_exposure()
        self._exposure = Exposure(exposure_s, self._since_s + exposure_s, is_paced)
        for state in self._lines.values():
            state.trigger()
            state.begin(is_lit=self._is_lit(state))

    def gate_off(self, exposed_s: float) -> Exposed:
        """End the exposure, book it, and return the light that the sample took.

        A real camera's trigger line ends it by itself: what a busy host adds until it says so is
        no light, if the camera says that it exposed no longer than it meant to.

        Parameters
        ----------
        exposed_s
            How long the camera really exposed, s.
        """
        self._settle()
        fluence: dict[str, float] = {}
        stray: dict[str, float] = {}
        for name, state in self._lines.items():
            fluence[name] = self._exposure.fluence(state, exposed_s)
            is_booked = state.gate != "camera" and self._exposure.is_paced
            stray[name] = state.end(fluence[name], is_booked=is_booked)
        self._exposure.runs = False
        return Exposed(fluence, stray)

    def meter(self) -> dict[str, LineMeter]:
        """Return what each line really gave, a running exposure included: at its most."""
        self._settle()
        return {name: state.meter() for name, state in self._lines.items()}

    def _of(self, name: str) -> LineState:
        if name not in self._lines:
            raise SettingRefused(f"the light box has no line {name!r}, only {sorted(self._lines)}")
        return self._lines[name]

    def _obeys(self, what: str) -> bool:
        """Book what was until now, and return whether the box does what it is told."""
        self._settle()
        if self.faults.refuses:
            raise SettingRefused(f"the light box refuses: {what}")
        return not self.faults.ignores

    def _lets_out(self, state: LineState, is_open: bool) -> bool:
        if state.gate == "always-on":
            return True
        return is_open and (state.gate == "software" or self._exposure.runs)

    def _is_lit(self, state: LineState) -> bool:
        return state.irradiance > 0.0 and self._lets_out(state, self._blade.is_open)

    def _settle(self) -> None:
        """Book the host time since the last change to the lines that were lit in it."""
        now_s, due_s = self._clock(), self._blade.due_s
        if due_s is not None and due_s <= now_s:
            self._book_until(due_s)
            self._blade.move()
            self._exposure.is_disturbed = True
        self._book_until(now_s)

    def _book_until(self, now_s: float) -> None:
        passed_s, self._since_s = now_s - self._since_s, now_s
        late_s = self._exposure.late_s(passed_s, now_s)
        for state in self._lines.values():
            if self._is_lit(state):
                state.shine(passed_s, late_s, is_exposing=self._exposure.runs)

    def _give_up_exposure(self) -> None:
        """Book an exposure whose end nobody reported, such as that of a scope that was killed."""
        for state in self._lines.values():
            state.give_up()
        self._exposure.runs = False
