"""What skipped planes came to in a run, for a person: how many, and how wrong the drawn ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from realtime.policy.observation import StackSeen
    from realtime.wire import Result


class FieldPlanes(msgspec.Struct, frozen=True):
    """One field: the last that planes which were taken said of drawn ones.

    Attributes
    ----------
    compared
        Planes that were compared.
    share, low, high
        Error over contrast of drawn planes, and its 80 % interval.
    trouble
        Why no planes could be drawn any more.
    """

    compared: int
    share: float
    low: float
    high: float
    trouble: str = ""


class PlaneSummary(msgspec.Struct, frozen=True):
    """The stacks of a run of which planes may be skipped.

    Attributes
    ----------
    stacks, planes
        Stacks that were answered, and planes of the followed channel that were taken in them.
    whole
        Planes that they would have had, all of them whole.
    fields
        By field, where a plane was compared or none could be.
    """

    stacks: int
    planes: int
    whole: int
    fields: dict[int, FieldPlanes]


def summarize_planes(results: Iterable[Result]) -> PlaneSummary | None:
    """Return what became of the stacks of a run; None where no planes may be skipped."""
    stacks = planes = most = 0
    fields: dict[int, FieldPlanes] = {}
    for result in results:
        stack = result.observation.stack
        if stack is None:
            continue
        stacks += 1
        planes += len(stack.taken)
        most = max(most, max(stack.taken, default=-1) + 1)  # the last plane is always taken
        if stack.compared or stack.trouble:
            fields[result.position] = _field(fields.get(result.position), stack)
    return PlaneSummary(stacks, planes, stacks * most, fields) if stacks else None


def _field(before: FieldPlanes | None, stack: StackSeen) -> FieldPlanes:
    compared = stack.compared + (before.compared if before is not None else 0)
    if stack.trouble:
        last = before or FieldPlanes(0, 0.0, 0.0, 0.0)
        return msgspec.structs.replace(last, trouble=stack.trouble)
    return FieldPlanes(compared, stack.share, stack.low, stack.high)
