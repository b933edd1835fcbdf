"""What the SNR policy can be told: how clear the cells shall be, how fast the light may follow."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from realtime.policy.light import LightRange


class SnrConfig(LightRange, frozen=True, extra="forbid"):
    """How clear the cells shall be, and how fast the light may follow."""

    kind: Literal["snr"] = "snr"
    """Name of this policy."""

    target_snr: Annotated[float, Field(gt=0, le=1_000)] = 8.0
    """Signal over noise of the mean signal in a cell that shall be kept."""

    gain: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Least weight of a shot in what is known of the cells' need, which all shots tell together."""

    damping: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Share of the computed change that is made at once."""

    deadband: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    """Relative distance from the light that the target needs, within which it is left alone."""

    max_step_down: Annotated[float, Field(gt=0, lt=1)] = 0.7
    """Least light of a shot in doubt, as a factor of the shot before."""

    max_leap_down: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Least light of a shot after one whose cells are believed and clearer than wanted, or whose
    pixels are clipped, as a factor of that shot. What is given on the way down is given for
    nothing, and the photon model knows the way."""

    max_step_up: Annotated[float, Field(gt=1, le=10)] = 1.25
    """Most light of a shot, as a factor of the shot before."""

    hold_shots: Annotated[int, Field(ge=0, le=1_000)] = 5
    """Shots in doubt for which the light is held, before it is lowered."""

    max_saturated_fraction: Annotated[float, Field(ge=0, le=1)] = 0.001
    """Share of clipped pixels from which an image is not believed."""

    channel: str = ""
    """Channel that is steered; left out, the first. The others keep their ratio to it."""
