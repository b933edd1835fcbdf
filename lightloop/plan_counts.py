"""How much a plan takes: shots, fields, and exposures of each channel in each field."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from acquire.plan.events import plan_events

if TYPE_CHECKING:
    from useq import MDASequence


class PlanCounts(NamedTuple):
    """A whole plan, counted.

    Attributes
    ----------
    times
        Time points.
    shots
        Visits of a field.
    exposures
        For each field, how often each channel is taken there in the whole run.
    searches
        For each field, how often an autofocus is asked for.
    """

    times: int
    shots: int
    exposures: tuple[Counter[str], ...]
    searches: tuple[int, ...]

    @property
    def frames(self) -> int:
        """Frames of the whole plan."""
        return sum(sum(field.values()) for field in self.exposures)


def count_plan(sequence: MDASequence) -> PlanCounts:
    """Count a plan that was checked, without going through all of its time points."""
    times = sum(1 for _ in _times(sequence))
    exposures: dict[tuple[int, int], Counter[str]] = {}
    visits: set[tuple[int, tuple[int, int]]] = set()
    searches: Counter[tuple[int, int]] = Counter()
    few = _with_times(sequence, min(times, 2))
    for event in plan_events(few, (0.0, 0.0, 0.0)):
        field = exposures.setdefault(event.place, Counter())
        is_later = sequence.time_plan is not None and event.t > 0
        if event.focus is not None:  # at every later time point as at the second one
            searches[event.place] += times - 1 if is_later else 1
        if not is_later:
            visits.add((event.t, event.place))
            is_repeated = sequence.time_plan is not None
            field[event.channel] += math.ceil(times / event.every) if is_repeated else 1
    return PlanCounts(
        times,
        len(visits) * times,
        tuple(exposures.values()),
        tuple(searches[place] for place in exposures),
    )


def _times(sequence: MDASequence) -> Any:
    return sequence.time_plan if sequence.time_plan is not None else (0.0,)


def _with_times(sequence: MDASequence, times: int) -> MDASequence:
    """Return the same plan with so many time points, if it has any."""
    if sequence.time_plan is None:
        return sequence
    return sequence.replace(time_plan={"interval": 0, "loops": times})
