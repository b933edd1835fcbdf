"""What is left of a plan that was begun before."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acquire.plan.plan import PlannedShot


def the_rest(shots: Iterator[PlannedShot], done: int) -> Iterator[PlannedShot]:
    """Yield the shots of a plan that were not begun; the first of them is due now."""
    start_s: float | None = None
    for shot in islice(shots, done, None):
        if not done:
            yield shot
            continue
        is_first = start_s is None
        if is_first or shot.resets_timer:
            start_s = shot.min_start_s if is_first else 0.0
        due_s = max(0.0, shot.min_start_s - (start_s or 0.0))
        yield replace(shot, min_start_s=due_s, resets_timer=is_first or shot.resets_timer)
