"""The hard bounds of a light: `[light.limits]` of the run config. Nothing passes them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from acquire.settings import Limits


class LightLimits(BaseModel, frozen=True, extra="forbid"):
    """Hard bounds on one light line. No policy can pass them."""

    min_exposure_ms: Annotated[float, Field(gt=0, le=60_000)] = 1.0
    """Shortest single exposure, ms."""
    max_exposure_ms: Annotated[float, Field(gt=0, le=60_000)] = 200.0
    """Longest single exposure, ms."""
    max_power_fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Strongest command of the source, as a fraction of its maximum."""
    max_irradiance_w_cm2: Annotated[float, Field(gt=0, le=1e9)] | None = None
    """Strongest light anywhere in the lit area, W/cm2; leave out for none, or if not calibrated."""
    max_step_up: Annotated[float, Field(ge=1, le=1000)] = 2.0
    """Largest factor by which a shot's dose may exceed that of the field's shot before."""
    budget_j_cm2: Annotated[float, Field(gt=0, le=1e9)]
    """Dose that each field may take in the whole run, J/cm2 (relative if not calibrated); the mean
    over the lit area, of all runs on the same sample together."""
    highest_j_cm2: Annotated[float, Field(gt=0, le=1e9)] | None = None
    """The same for the strongest spot, where the light is uneven or fields overlap; leave out for
    none."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_exposure_ms > self.max_exposure_ms:
            raise ValueError(
                "min_exposure_ms must not be above max_exposure_ms, "
                f"got {self.min_exposure_ms} > {self.max_exposure_ms}"
            )
        return self

    def limits(self) -> Limits:
        """Return the same bounds as the guard reads them."""
        return Limits(
            min_exposure_ms=self.min_exposure_ms,
            max_exposure_ms=self.max_exposure_ms,
            max_power_fraction=self.max_power_fraction,
            budget_j_cm2=self.budget_j_cm2,
            max_irradiance_w_cm2=(
                float("inf") if self.max_irradiance_w_cm2 is None else self.max_irradiance_w_cm2
            ),
            max_step_up=self.max_step_up,
        )
