"""Light as one number: how much of it settings give, and which settings give it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from acquire.settings import ChannelSettings

if TYPE_CHECKING:
    from acquire.settings import Applied


class LightRange(BaseModel, frozen=True, extra="forbid"):
    """What a policy may ask for; the limits of the light guard lie outside of it."""

    min_exposure_ms: Annotated[float, Field(gt=0, le=60_000)] = 1.0
    """Shortest exposure, ms."""

    max_exposure_ms: Annotated[float, Field(gt=0, le=60_000)] = 200.0
    """Longest exposure, ms."""

    min_power_fraction: Annotated[float, Field(gt=0, le=1)] = 0.01
    """Lowest power of the light source, as a fraction of its maximum."""

    max_power_fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Highest power of the light source, as a fraction of its maximum."""

    move_first: Literal["exposure", "power"] = "exposure"
    """What changes first; the other follows where the first is at its bound."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.min_exposure_ms > self.max_exposure_ms:
            raise ValueError("min_exposure_ms must not exceed max_exposure_ms")
        if self.min_power_fraction > self.max_power_fraction:
            raise ValueError("min_power_fraction must not exceed max_power_fraction")
        return self

    @property
    def least(self) -> float:
        """Least light, ms at full power."""
        return self.min_exposure_ms * self.min_power_fraction

    @property
    def most(self) -> float:
        """Most light, ms at full power."""
        return self.max_exposure_ms * self.max_power_fraction

    def allows(self, entry: ChannelSettings) -> bool:
        """Whether settings are within the upper bounds."""
        is_short = entry.exposure_ms <= self.max_exposure_ms
        return is_short and entry.power_fraction <= self.max_power_fraction

    def settings(self, light: float, start: ChannelSettings) -> ChannelSettings:
        """Return the settings of a channel that give `light` (ms at full power), never more.

        What moves first starts from the other's value in `start`. The lower bounds give way
        where they would add light: a policy that may not raise must be able to hold anything.
        """
        if self.move_first == "exposure":
            power = min(max(start.power_fraction, self.min_power_fraction), self.max_power_fraction)
            exposure = _between(light / power, self.min_exposure_ms, self.max_exposure_ms)
            power = min(light / exposure, self.max_power_fraction)
        else:
            exposure = _between(start.exposure_ms, self.min_exposure_ms, self.max_exposure_ms)
            power = _between(light / exposure, self.min_power_fraction, self.max_power_fraction)
            exposure = min(light / power, self.max_exposure_ms)
        return ChannelSettings(start.channel, exposure, power)


def light_of(entry: ChannelSettings | Applied) -> float:
    """Return exposure x power, ms at full power: what a policy steers."""
    return entry.exposure_ms * entry.power_fraction


def _between(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
