"""What a light box and its owners say to each other: lines, states, faults, and light given."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from acquire.simulated.light.light_line import LineMeter

__all__ = ["BoxFaults", "BoxState", "Exposed", "Gate", "Line", "LineMeter"]

Gate: TypeAlias = Literal["camera", "software", "always-on"]


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
    gate: Gate = "camera"


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


class BoxFaults(msgspec.Struct, frozen=True):
    """What is broken in the box. The camera's trigger line and the meter never break.

    Attributes
    ----------
    refuses
        Every command is answered with an error, and not done.
    ignores
        Every command is answered as if it were done, and not done.
    refuses_dark
        The same, for commands that would lessen the light only.
    lies
        The read-back repeats the command instead of the truth.
    hangs
        No command and no question is answered any more.
    delay_s
        Every command is done, and every answer given, so much later, s of host time.
    """

    refuses: bool = False
    ignores: bool = False
    refuses_dark: bool = False
    lies: bool = False
    hangs: bool = False
    delay_s: float = 0.0


class Exposed(msgspec.Struct, frozen=True):
    """Light that the sample took, J/cm2 by line: in an exposure, and besides since the last one."""

    fluence_j_cm2: dict[str, float]
    stray_j_cm2: dict[str, float]
