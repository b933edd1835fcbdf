"""How a run keeps its focus: who finds it, who holds it, and what to do when it is lost."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator


class FocusRules(BaseModel, frozen=True, extra="forbid"):
    """Autofocus and focus lock. All defaults are proposed."""

    method: Literal["hardware", "software"] = "hardware"
    """Who does the autofocus that the plan asks for (`autofocus_plan`): a device of its own, which
    needs none of our light, or a search of a few dim images by the light of a channel."""
    device: str = ""
    """Label of the autofocus device; empty for the one in use."""
    lock: bool = False
    """The device holds the focus all the time; its lock is read before each exposure, and let go
    for the planes of a stack."""
    lock_wait_s: Annotated[float, Field(gt=0, le=600)] = 3.0
    """Time that the lock may take to catch the focus again, s."""
    on_lost: Literal["flag", "pause", "stop"] = "flag"
    """When the lock is lost or no focus is found: mark the frames, wait in the dark for a person,
    or end the run."""
    max_shift_um: Annotated[float, Field(gt=0, le=10_000)] = 50.0
    """An autofocus may find the focus of a place this far from the plan's at most, um."""
    channel: str = ""
    """Software search: channel whose light it takes; empty for the first."""
    range_um: Annotated[float, Field(gt=0, le=1000)] = 8.0
    """Software search: height that is searched, half of it above the last focus, um."""
    step_um: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Software search: distance of the images, um."""
    exposure_ms: Annotated[float, Field(gt=0, le=60_000)] = 5.0
    """Software search: exposure of each image, ms."""
    power_fraction: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Software search: power of each image, as a fraction of the light's maximum."""
    contrast: Annotated[float, Field(ge=1, le=1000)] = 1.05
    """Software search: the sharpest image must be so many times as sharp as the median one."""
    budget_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Software search: share of a field's budget that all its searches together may take; then the
    focus stays as it is."""

    @model_validator(mode="after")
    def _is_a_search(self) -> Self:
        if self.step_um > 0.5 * self.range_um:
            raise ValueError(
                f"step_um must be half of range_um or less, got {self.step_um:g} of "
                f"{self.range_um:g}: a search looks at three heights or more"
            )
        return self
