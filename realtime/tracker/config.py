"""What a user may set about how cells are followed."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field


class TrackerConfig(BaseModel, frozen=True, extra="forbid"):
    """How cells are followed from shot to shot."""

    max_step_px: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """Longest step of a cell between two shots, pixels; left out, it is learnt from the cells."""

    max_missed: Annotated[int, Field(ge=0, le=20)] = 2
    """Shots in a row for which a cell may go unseen before its track ends."""

    verdict_shots: Annotated[int, Field(ge=1, le=10)] = 2
    """Shots after which a birth or a division becomes final, or is withdrawn."""

    use_area: bool = True
    """Let the sizes of mother and daughters speak in a division; off where areas mean nothing."""

    division_reach_px: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """Longest way from a mother to a new daughter, pixels; left out, three radii or a step."""

    z_spread: Annotated[float, Field(ge=0.1, le=20)] | None = None
    """In stacks: how many times less surely a height is known than a place in the plane; left out,
    it is learnt from the cells."""

    max_cells: Annotated[int, Field(ge=100, le=1_000_000)] = 8_000
    """Detections in a shot above which nobody is born or divides, so that the shot's time is kept;
    the run says so. Known cells are followed on."""
