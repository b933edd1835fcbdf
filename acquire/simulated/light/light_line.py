"""One line of the light box: its power, set or stepped by hardware, and the sums of its meter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from acquire.errors import SettingRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acquire.simulated.light.light_words import Gate, Line

MAX_POWERS = 4096  # of a hardware sequence


class LineMeter(msgspec.Struct, frozen=True):
    """What a line really gave since the box was switched on.

    Attributes
    ----------
    dose_j_cm2
        At the centre of the field. Camera-gated light counts in experiment time (the exposure);
        other light, and an exposure that nobody ended, in host time. Of an exposure that runs it is
        the most that it can have been: host time, beyond the end that was meant, too. Only the
        camera knows whether it ended in time, and when it says so, that part is taken back; to
        count it only then would hide the light of a camera that hangs, or whose host is stopped,
        while the gate is on.
    lit_s
        Host time during which the light was on, s.
    exposures
        Exposures of the camera during which the line gave light.
    """

    dose_j_cm2: float
    lit_s: float
    exposures: int


class LineState:
    """Power and sums of one line; `start`, `host` and `late` belong to the running exposure."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.gate: Gate = line.gate
        self.passes = True
        self.power = self.told_power = 0.0
        self.dose = self.lit_s = self.stray = 0.0
        self.start_irradiance = self.host_fluence = self.late_fluence = 0.0
        self.exposures = 0
        self._table: tuple[float, ...] = ()
        self._step = -1  # no sequence runs
        self._before = 0.0

    @property
    def irradiance(self) -> float:
        """At the sample if the light is let out, W/cm2."""
        return self.power * self.line.max_irradiance_w_cm2 if self.passes else 0.0

    @property
    def strongest(self) -> float:
        """The strongest power that it may have without another command."""
        return max(self.power, *self._table) if self._step >= 0 else self.power

    def load(self, powers: Sequence[float]) -> None:
        """Keep a table of powers, fractions of full; a sequence that runs is ended."""
        if not 1 <= len(powers) <= MAX_POWERS:
            raise SettingRefused(
                f"a power sequence of {self.line.name} has 1 to {MAX_POWERS} steps, not "
                f"{len(powers)}"
            )
        for power in powers:
            require_fraction(self.line.name, power)
        self.stop()
        self._table = tuple(powers)

    def start(self) -> None:
        """Let every exposure take the next power of the table, from the first on."""
        if not self._table:
            raise SettingRefused(f"{self.line.name} has no power sequence; load one first")
        if self._step < 0:
            self._before = self.power
        self._step = 0

    def stop(self) -> None:
        """Go back to the power that was set before the sequence began."""
        if self._step >= 0:
            self._step, self.power = -1, self._before

    def set(self, power: float) -> None:
        """Set the power; a sequence that runs is ended."""
        self._step, self.power = -1, power

    def trigger(self) -> None:
        """Take the next power of a running sequence; after the last one comes the first."""
        if self._step >= 0:
            self.power = self._table[self._step % len(self._table)]
            self._step += 1

    def begin(self, *, is_lit: bool) -> None:
        """Note with which light an exposure begins."""
        self.start_irradiance = self.irradiance if is_lit else 0.0
        self.exposures += is_lit

    def shine(self, passed_s: float, late_s: float, *, is_exposing: bool) -> None:
        """Book that it was lit for so long, s; `late_s` of it after the exposure was to be over."""
        fluence = self.irradiance * passed_s
        self.lit_s += passed_s
        if is_exposing:
            self.host_fluence += fluence
            self.late_fluence += self.irradiance * late_s
        else:
            self.stray += fluence
        if self.gate != "camera":
            self.dose += fluence

    def end(self, fluence: float, *, is_booked: bool) -> float:
        """End an exposure; return what was given besides since the last one, J/cm2.

        Parameters
        ----------
        fluence
            What was given in it, J/cm2.
        is_booked
            Host time has booked it already.
        """
        if not is_booked:
            self.dose += fluence
        self.host_fluence = self.late_fluence = 0.0
        stray, self.stray = self.stray, 0.0
        return stray

    def give_up(self) -> None:
        """Book all host time of an exposure whose end nobody reported."""
        if self.gate == "camera":
            self.dose += self.host_fluence
        self.stray += self.host_fluence
        self.host_fluence = self.late_fluence = 0.0

    def meter(self) -> LineMeter:
        """Return what the line gave, a running exposure included."""
        running = self.host_fluence if self.gate == "camera" else 0.0
        return LineMeter(self.dose + running, self.lit_s, self.exposures)


def require_fraction(name: str, fraction: float) -> None:
    """Check that a power is one.

    Raises
    ------
    SettingRefused
        If it is not between 0 and 1.
    """
    if not 0.0 <= fraction <= 1.0:  # NaN too
        raise SettingRefused(f"power of {name} must be 0 to 1 of its maximum, got {fraction}")
