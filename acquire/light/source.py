"""What a light is: one `[[light]]` of the run config, how it is switched, and its irradiance."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from acquire.calibrating.power_curve import check_table, curve_of
from acquire.dose.footprint import peak_of
from acquire.errors import CalibrationRefused

Name = Annotated[str, Field(min_length=1, max_length=64)]
Delay = Annotated[float, Field(ge=0, le=10_000)]


_SIX_DIGITS = 5e-6  # a number written with six digits is off by so much of itself at most


class LightSource(BaseModel, frozen=True, extra="forbid"):
    """One line of light, how to switch it, and how strong it is at the sample."""

    name: Name
    """What the light is called everywhere, such as "488"."""
    wavelength_nm: Annotated[float, Field(ge=200, le=2500)]
    """Wavelength of the light, nm."""
    power_device: str = ""
    """Label of the Micro-Manager device that sets the power; empty where the power is fixed."""
    power_property: str = ""
    """Property of that device, such as "Power"."""
    power_kind: Literal["continuous", "on-off"] = "continuous"
    """Whether the property takes any power up to the maximum, or only on and off."""
    maximum: Annotated[float, Field(gt=0, le=1e6)] = 100.0
    """What the property is set to for full power, in the device's own units."""
    off_value: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.0
    """What the property is set to for no light, in the device's own units."""
    on_text: str = ""
    """Text for on, where an on-off property wants a word, such as "On"."""
    off_text: str = ""
    """Text for off, where an on-off property wants a word, such as "Off"."""
    power_step: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    """The device only takes multiples of this, in its own units; 0 for any value."""
    power_tolerance: Annotated[float, Field(ge=0, le=0.5)] = 0.02
    """How far the power read back may be from the one set, as a fraction of it."""
    dark_below: Annotated[float, Field(ge=0, le=0.1)] = 0.0
    """Power read back that still counts as dark, as a fraction of the maximum: the noise of a
    device that measures."""
    shutter_device: str = ""
    """Label of the shutter; empty where the power itself is the switch."""
    open_delay_ms: Delay = 0.0
    """Time from the command to open until the light is full, ms."""
    close_delay_ms: Delay = 0.0
    """Time from the command to close until the light is gone, ms."""
    settle_ms: Delay = 0.0
    """Time that the power needs to settle after a change, ms."""
    gate: Literal["camera", "sequencer", "software", "always-on"] = "software"
    """Who blanks the light between exposures: the camera's trigger line, a hardware sequencer,
    our own commands, or nobody."""
    readout_ms: Delay = 0.0
    """Light beyond the exposure of each frame, ms: readout of a rolling shutter."""
    read_back: Literal["real", "cached"] = "real"
    """Whether the device measures what it reports, or only repeats what it was told."""
    power_mw_at_maximum: Annotated[float, Field(gt=0, le=1e5)] | None = None
    """Power at the sample at full power, mW, from a power meter; leave out if not calibrated."""
    lit_area_um2: Annotated[float, Field(gt=0, le=1e10)] | None = None
    """Area of the sample that is lit, um2; leave out if not calibrated."""
    lit_shape: Literal["rectangle", "ellipse"] = "rectangle"
    """Shape of the lit area: a field stop, or a round beam."""
    lit_aspect: Annotated[float, Field(ge=0.01, le=100)] = 1.0
    """Width of the lit area over its height."""
    lit_rim: Annotated[float, Field(ge=0.01, le=1)] = 1.0
    """Irradiance in the corners of a rectangle, or at the rim of an ellipse, over that in the
    centre; between them it falls as a Gaussian beam's does. 1 is flat."""
    power_table: tuple[tuple[float, float], ...] = ()
    """Power at the sample by command, [[command, mW], ...], rising from off_value to maximum, where
    it is not in proportion; in place of power_mw_at_maximum. A power is then a share of the light
    at maximum, and the device is set to the command that gives it."""
    calibration: str = ""
    """Name of a power calibration, made by `lightloop calibrate power`; in place of
    power_mw_at_maximum, power_table and lit_area_um2."""

    @model_validator(mode="after")
    def _must_be_switchable(self) -> Self:
        who = f"light {self.name!r}"
        if bool(self.power_device) != bool(self.power_property):
            raise ValueError(f"{who}: power_device and power_property belong together")
        has_switch = bool(self.power_device or self.shutter_device)
        if self.gate == "always-on" and has_switch:
            raise ValueError(f"{who}: has a switch, so its gate is not always-on")
        if self.gate != "always-on" and not has_switch:
            raise ValueError(f"{who}: needs a shutter_device or a power_device to switch it off by")
        self._check_calibration(who)
        if self.maximum <= self.off_value:
            raise ValueError(f"{who}: maximum {self.maximum} must be above off_value")
        if bool(self.on_text) != bool(self.off_text) or (self.on_text and self.is_dimmable):
            raise ValueError(f"{who}: on_text and off_text belong together, to an on-off power")
        return self

    def _check_calibration(self, who: str) -> None:
        has_power = self.power_mw_at_maximum is not None or bool(self.power_table)
        if self.calibration and (has_power or self.lit_area_um2 is not None):
            raise ValueError(
                f"{who}: calibration names a file with power and lit area in it: take out "
                "power_mw_at_maximum, power_table and lit_area_um2"
            )
        if has_power != (self.lit_area_um2 is not None):
            raise ValueError(f"{who}: power_mw_at_maximum and lit_area_um2 belong together")
        if not self.power_table:
            return
        if self.power_mw_at_maximum is not None:
            raise ValueError(f"{who}: give power_mw_at_maximum or power_table, not both")
        if not self.is_dimmable:
            raise ValueError(f"{who}: a power_table needs a power_device with continuous power")
        try:
            check_table(self.power_table)
        except CalibrationRefused as error:
            raise ValueError(f"{who}: power_table: {error}") from error
        ends = (self.power_table[0][0], self.power_table[-1][0])
        if not all(map(math.isclose, ends, (self.off_value, self.maximum))):
            raise ValueError(
                f"{who}: power_table goes from {ends[0]:g} to {ends[1]:g}, and must go from "
                f"off_value {self.off_value:g} to maximum {self.maximum:g}"
            )

    @property
    def is_dimmable(self) -> bool:
        """Whether the light can be made weaker, not only shorter."""
        return bool(self.power_device) and self.power_kind == "continuous"

    @property
    def is_calibrated(self) -> bool:
        """Whether irradiance and dose have units; else they are relative."""
        return self.full_power_mw is not None

    @property
    def full_power_mw(self) -> float | None:
        """Power at the sample at the maximum, mW; None where nobody measured it."""
        if self.power_table:
            return self.power_table[-1][1]
        return self.power_mw_at_maximum

    def command(self, power_fraction: float) -> float:
        """Return what the device is set to for a power, in its own units."""
        if self.power_table and 0 < power_fraction <= 1:
            return curve_of(self.power_table).command(power_fraction)
        return self.off_value + power_fraction * (self.maximum - self.off_value)

    def fraction(self, command: float) -> float:
        """Return the power that a command gives, as a fraction of that at the maximum."""
        fraction = self.command_fraction(command)
        if self.power_table and 0 <= fraction <= 1:  # beyond the table nothing is made to look well
            return curve_of(self.power_table).fraction(command)
        return fraction

    def command_fraction(self, command: float) -> float:
        """Return how far a command is from off, as a fraction of the way to the maximum."""
        return (command - self.off_value) / (self.maximum - self.off_value)

    @property
    def dose_unit(self) -> str:
        """Unit of its doses, in words."""
        return "J/cm2" if self.is_calibrated else "(relative)"

    @property
    def is_switchable(self) -> bool:
        """Whether any device of ours can make it dark."""
        return self.gate != "always-on"

    @property
    def switch(self) -> tuple[str, str]:
        """The device (and property) that switches it; lights with the same one share a shutter."""
        if self.shutter_device:
            return (self.shutter_device, "")
        return (self.power_device, self.power_property)

    @property
    def devices(self) -> frozenset[str]:
        """Labels of the devices that only the guard may touch."""
        return frozenset({self.power_device, self.shutter_device} - {""})

    def takes(self, power_fraction: float) -> float:
        """Return the strongest power that the device can be set to and that is not above this."""
        if not (self.is_dimmable and self.power_step):
            return power_fraction
        if self.power_table:
            above_off = self.command(power_fraction) - self.off_value
            steps = math.floor(above_off / self.power_step + 1e-9)
            return self.fraction(self.off_value + steps * self.power_step)
        step = self.power_step / (self.maximum - self.off_value)
        return math.floor(power_fraction / step + 1e-9) * step

    def is_power(self, found: float, asked: float) -> bool:
        """Whether a power read back is the one that was set.

        Beside the tolerance it may differ by half a step of the device, and by what writing a power
        with six digits takes away (`acquire.light.port`).
        """
        span = self.maximum - self.off_value
        rounding = (self.power_step / 2 + _SIX_DIGITS * max(self.maximum, -self.off_value)) / span
        if self.power_table:  # what a device is true to is its command
            found, asked = (self.command_fraction(self.command(p)) for p in (found, asked))
        return abs(found - asked) <= self.power_tolerance * asked + rounding

    def irradiance_w_cm2(self, power_fraction: float) -> float:
        """Return the irradiance at the sample, W/cm2, or relative (1 is the maximum)."""
        full_mw = self.full_power_mw
        if full_mw is None or self.lit_area_um2 is None:
            return power_fraction
        return irradiance_w_cm2(power_fraction * full_mw, self.lit_area_um2)

    def highest_w_cm2(self, power_fraction: float) -> float:
        """Return the irradiance of the strongest spot of the lit area, W/cm2 or relative."""
        peak = peak_of(self.lit_shape, self.lit_aspect, self.lit_rim)
        return self.irradiance_w_cm2(power_fraction) * peak

    def on_ms(self, exposure_ms: float) -> float:
        """Return how long one exposure lights the sample if the gate is exact, ms."""
        return exposure_ms + self.readout_ms

    def dose_j_cm2(self, power_fraction: float, exposure_ms: float) -> float:
        """Return the dose of one exposure, J/cm2 or relative (1 is 1 s at the maximum)."""
        return self.irradiance_w_cm2(power_fraction) * self.on_ms(exposure_ms) * 1e-3


class Channel(BaseModel, frozen=True, extra="forbid"):
    """A channel of the plan: which light excites it, and which preset sets the filters."""

    name: Name
    """The channel's name in the plan."""
    light: Name
    """Name of its light source."""
    group: str = "Channel"
    """Micro-Manager configuration group of the preset."""
    preset: str = ""
    """Preset for filters and mirrors; empty for none. Its light devices are left out."""


def irradiance_w_cm2(power_mw: float, lit_area_um2: float) -> float:
    """Return the irradiance of a power spread evenly over an area, W/cm2.

    E = P / A; 1 mW is 1e-3 W and 1 um2 is 1e-8 cm2, hence the factor 1e5.
    """
    return power_mw / lit_area_um2 * 1e5
