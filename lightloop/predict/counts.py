"""How much a plan takes: shots, fields, and exposures of each channel in each field."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from acquire.plan.events import plan_events

if TYPE_CHECKING:
    from useq import MDASequence

    from acquire.plan.events import PlanEvent


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
    again
        Those of them that are second looks, for audits.
    searches
        For each field, how often an autofocus is asked for.
    """

    times: int
    shots: int
    exposures: tuple[Counter[str], ...]
    searches: tuple[int, ...]
    again: tuple[Counter[str], ...] = ()

    @property
    def frames(self) -> int:
        """Frames of the whole plan."""
        return sum(sum(field.values()) for field in self.exposures)


def count_plan(sequence: MDASequence, audit_every: int = 0) -> PlanCounts:
    """Count a plan that was checked, without going through all of its time points.

    Parameters
    ----------
    audit_every
        As in `acquire.plan.plan.plan_shots`.
    """
    times = sum(1 for _ in _times(sequence))
    exposures: dict[tuple[int, int], Counter[str]] = {}
    again: dict[tuple[int, int], Counter[str]] = {}
    visits: set[tuple[int, tuple[int, int]]] = set()
    searches: Counter[tuple[int, int]] = Counter()
    few = _with_times(sequence, min(times, 2))
    for event in plan_events(few, (0.0, 0.0, 0.0)):
        field = exposures.setdefault(event.place, Counter())
        twice = again.setdefault(event.place, Counter())
        is_later = sequence.time_plan is not None and event.t > 0
        if event.focus is not None:  # at every later time point as at the second one
            searches[event.place] += times - 1 if is_later else 1
        if not is_later:
            visits.add((event.t, event.place))
            is_repeated = sequence.time_plan is not None
            looks = _second_looks(event, times if is_repeated else 0, audit_every)
            field[event.channel] += math.ceil(times / event.every) if is_repeated else 1
            field[event.channel] += looks
            twice[event.channel] += looks
    return PlanCounts(
        times,
        len(visits) * times,
        tuple(exposures.values()),
        tuple(searches[place] for place in exposures),
        tuple(again.values()),
    )


def _second_looks(event: PlanEvent, times: int, audit_every: int) -> int:
    """Return how often an exposure is taken once more; `times` is 0 where its place has its own."""
    if not audit_every or event.c != 0:
        return 0
    return times // audit_every if times else int(event.t % audit_every == audit_every - 1)


def _times(sequence: MDASequence) -> Any:
    return sequence.time_plan if sequence.time_plan is not None else (0.0,)


def _with_times(sequence: MDASequence, times: int) -> MDASequence:
    """Return the same plan with so many time points, if it has any."""
    if sequence.time_plan is None:
        return sequence
    return sequence.replace(time_plan={"interval": 0, "loops": times})
