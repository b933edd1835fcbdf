"""The simulated laser box as a state machine: lines, shutter, gate, and a meter that cannot lie."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Literal

import msgspec

from acquire.errors import SettingRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

logger = logging.getLogger(__name__)


class Line(msgspec.Struct, frozen=True):
    """One line of the box.

    Attributes
    ----------
    max_irradiance_w_cm2
        At the centre of the field at full power, W/cm2.
    gate
        What lets the light out: "camera" (only while the camera exposes), "software" (while the
        shutter is open), "always-on" (whenever there is power; the shutter does nothing).
    """

    name: str
    wavelength_nm: float
    max_irradiance_w_cm2: float
    gate: Literal["camera", "software", "always-on"] = "camera"


class BoxState(msgspec.Struct, frozen=True):
    """What the box says of itself.

    Attributes
    ----------
    power_fraction
        Power of each line as a fraction of its maximum, 0 to 1.
    lit
        Lines that give light at this moment.
    armed
        Lines that give light now or would as soon as the camera exposes.
    """

    is_open: bool
    is_exposing: bool
    power_fraction: dict[str, float]
    lit: tuple[str, ...]
    armed: tuple[str, ...]

    @property
    def is_dark(self) -> bool:
        """Whether no line can give light, whatever the camera does."""
        return not self.armed


class LineMeter(msgspec.Struct, frozen=True):
    """What a line really gave since the box was switched on.

    Attributes
    ----------
    dose_j_cm2
        At the centre of the field. Camera-gated light counts in experiment time (the exposure);
        other light, and an exposure that nobody ended, in host time.
    lit_s
        Host time during which the light was on, s.
    exposures
        Exposures of the camera during which the line gave light.
    """

    dose_j_cm2: float
    lit_s: float
    exposures: int


class Exposed(msgspec.Struct, frozen=True):
    """Light that the sample took, J/cm2 by line: in an exposure, and besides since the last one."""

    fluence_j_cm2: dict[str, float]
    stray_j_cm2: dict[str, float]


class _LineState:
    """Power and sums of one line; `start` and `host` belong to the running exposure."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.power = self.told_power = 0.0
        self.dose = self.lit_s = self.stray = 0.0
        self.start_irradiance = self.host_fluence = 0.0
        self.exposures = 0

    @property
    def irradiance(self) -> float:
        return self.power * self.line.max_irradiance_w_cm2


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
    refuses_dark
        Fault: the box ignores every command that would lessen its light.
    lies
        Fault: the read-back repeats the command instead of the truth. The meter never lies.
    """

    def __init__(
        self, lines: Sequence[Line], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.refuses_dark = self.lies = False
        self._lines = {line.name: _LineState(line) for line in lines}
        self._clock = clock
        self._open = self._told_open = False
        self._exposing = self._is_paced = self._disturbed = False
        self._since_s = clock()

    def set_power(self, name: str, fraction: float) -> BoxState:
        """Set the power of a line and return the read-back.

        Raises
        ------
        SettingRefused
            If the box has no such line or the fraction is not between 0 and 1.
        """
        if name not in self._lines:
            raise SettingRefused(f"the light box has no line {name!r}, only {sorted(self._lines)}")
        if not 0.0 <= fraction <= 1.0:  # NaN too
            raise SettingRefused(f"power of {name} must be 0 to 1 of its maximum, got {fraction}")
        self._settle()
        state = self._lines[name]
        state.told_power = fraction
        if not (self.refuses_dark and fraction < state.power):
            self._disturbed |= state.power != fraction
            state.power = fraction
        return self.state()

    def set_open(self, is_open: bool) -> BoxState:
        """Open or close the shutter and return the read-back."""
        self._settle()
        self._told_open = is_open
        if is_open or not self.refuses_dark:
            self._disturbed |= self._open != is_open
            self._open = is_open
        return self.state()

    def dark(self) -> BoxState:
        """Close the shutter, take all power away, and return the read-back."""
        self.set_open(False)
        for name in self._lines:
            self.set_power(name, 0.0)
        return self.state()

    def state(self) -> BoxState:
        """Read the box back (the command, if it lies)."""
        is_open = self._told_open if self.lies else self._open
        power = {n: s.told_power if self.lies else s.power for n, s in self._lines.items()}
        gates = {n: s.line.gate for n, s in self._lines.items()}
        armed = [n for n, p in power.items() if p > 0 and (is_open or gates[n] == "always-on")]
        lit = [n for n in armed if gates[n] != "camera" or self._exposing]
        return BoxState(is_open, self._exposing, power, tuple(lit), tuple(armed))

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
        self._exposing, self._is_paced, self._disturbed = True, is_paced, False
        for state in self._lines.values():
            lit = self._is_lit(state)
            state.start_irradiance = state.irradiance if lit else 0.0
            state.exposures += lit

    def gate_off(self, exposed_s: float) -> Exposed:
        """End the exposure, book it, and return the light that the sample took.

        Parameters
        ----------
        exposed_s
            How long the camera really exposed, s.
        """
        self._settle()
        fluence: dict[str, float] = {}
        for name, state in self._lines.items():
            fluence[name] = self._fluence(state, exposed_s) if self._exposing else 0.0
            if state.line.gate == "camera" or not self._is_paced:
                state.dose += fluence[name]
            state.host_fluence = 0.0
        self._exposing = False
        stray = {name: state.stray for name, state in self._lines.items()}
        for state in self._lines.values():
            state.stray = 0.0
        return Exposed(fluence, stray)

    def meter(self) -> dict[str, LineMeter]:
        """Return what each line really gave, a running exposure included."""
        self._settle()
        return {
            n: LineMeter(
                s.dose + (s.host_fluence if s.line.gate == "camera" else 0.0), s.lit_s, s.exposures
            )
            for n, s in self._lines.items()
        }

    def _is_lit(self, state: _LineState) -> bool:
        gate = state.line.gate
        if state.power <= 0 or not (self._open or gate == "always-on"):
            return False
        return gate != "camera" or self._exposing

    def _settle(self) -> None:
        """Book the host time since the last change to the lines that were lit in it."""
        now_s = self._clock()
        passed_s, self._since_s = now_s - self._since_s, now_s
        for state in self._lines.values():
            if not self._is_lit(state):
                continue
            state.lit_s += passed_s
            fluence = state.irradiance * passed_s
            if self._exposing:
                state.host_fluence += fluence
            else:
                state.stray += fluence
            if state.line.gate != "camera":
                state.dose += fluence

    def _fluence(self, state: _LineState, exposed_s: float) -> float:
        planned = state.start_irradiance * exposed_s
        if not self._disturbed:
            return planned
        # The light changed while the gate was on: what host time says, and never less than an
        # exposure that was already over.
        return state.host_fluence if self._is_paced else max(planned, state.host_fluence)

    def _give_up_exposure(self) -> None:
        """Book an exposure whose end nobody reported, such as that of a scope that was killed."""
        for state in self._lines.values():
            if state.line.gate == "camera":
                state.dose += state.host_fluence
            state.stray += state.host_fluence
            state.host_fluence = 0.0
        self._exposing = False
