"""How stage, focus drive and filters behave: how long they swing, and how much play they have."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

Settle = Annotated[float, Field(ge=0, le=60_000)]
Play = Annotated[float, Field(ge=-1000, le=1000)]


class StageHabits(BaseModel, frozen=True, extra="forbid"):
    """What to wait for after a move, and how to come to a place. All defaults are proposed."""

    settle_ms: Settle = 0.0
    """Wait after the stage has stopped, until the sample no longer swings, ms."""
    z_settle_ms: Settle = 0.0
    """The same after the focus drive, ms."""
    filter_settle_ms: Settle = 0.0
    """The same after filters and mirrors, ms."""
    backlash_um: Play = 0.0
    """The stage comes to every place from this far below in x and y (above, if negative), um, so
    that its play does not matter; 0 for none."""
    z_backlash_um: Play = 0.0
    """The same for the focus drive, um; a step in that direction needs no detour."""
    tolerance_um: Annotated[float, Field(ge=0, le=10_000)] = 5.0
    """How far from where it was sent the stage may say that it is, um; 0 does not ask."""
    z_tolerance_um: Annotated[float, Field(ge=0, le=1000)] = 1.0
    """The same for the focus drive, um."""
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 15.0
    """Longest time that a stage, drive or wheel may take before the run ends dark, s."""
