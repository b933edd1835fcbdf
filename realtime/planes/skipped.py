"""Which planes of a stack to take next, where the others are drawn instead.

A plane that was skipped was not seen: what is drawn there is for looking at and decides on no
light. So that it may be believed at all, planes that could have been skipped are taken at times and
compared with what would have been drawn (`realtime.planes.watch`); where that is bad, the stacks
are whole again until it is good. Whether their light can be paid is the guard's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from realtime.policy.observation import StackSeen

FLAG = "axial"
"""Where what is drawn is too far from what was taken; it is no vote on light."""
WORST_SHARE = 0.5
"""Error over contrast from which drawn planes are bad: a quarter of what varies is wrong
(proposed)."""
GOOD_STACKS = 3
"""Whole stacks in a row that must be good before planes are skipped again (proposed)."""
_SAME_UM = 1e-3


class SkipConfig(NamedTuple):
    """How planes are skipped.

    Attributes
    ----------
    every
        2 takes every other plane, 3 one of three; 1 skips none.
    check_every
        Stacks of a field after which one skipped plane is taken, each time another one.
    worst_share
        As `WORST_SHARE`.
    """

    every: int = 1
    check_every: int = 10
    worst_share: float = WORST_SHARE

    def is_bad(self, stack: StackSeen) -> bool:
        """Whether what was compared in a stack is surely worse than is allowed."""
        return bool(stack.trouble) or (stack.compared > 0 and stack.low > self.worst_share)


@dataclass(slots=True)
class _Field:
    stacks: int = 0
    good: int = 0
    is_whole: bool = True
    is_owed: bool = False
    why: str = "the first stacks are whole"


class SkippedPlanes:
    """Says which planes to take next, field by field; the same stacks give the same answers.

    Parameters
    ----------
    planes_um
        Heights of the whole stack, um, evenly spaced, in the plan's order: upwards or downwards.
    config
        How planes are skipped.

    Attributes
    ----------
    kept, skipped
        Numbers of the planes that are always taken, among them the first and the last, and of those
        that may be skipped.

    Raises
    ------
    ValueError
        If there are too few planes, or they are not evenly spaced.
    """

    def __init__(self, planes_um: Sequence[float], config: SkipConfig) -> None:
        steps = np.diff(np.asarray(planes_um, float))
        if not 1 <= config.every <= 3 or config.check_every < 1:
            raise ValueError(f"every must be 1 to 3 and check_every at least 1, got {config}")
        if len(planes_um) < 2 * config.every + 1:
            raise ValueError(
                f"skipping planes so that one of {config.every} is taken needs "
                f"{2 * config.every + 1} planes or more, and the plan has {len(planes_um)}"
            )
        if not np.allclose(steps, steps[0], atol=_SAME_UM) or abs(steps[0]) <= _SAME_UM:
            raise ValueError("skipping needs planes that are evenly spaced, upwards or downwards")
        # Plans add steps up: 0.1 + 0.2 is not 0.3, and a decision shall read as the plan does.
        self.planes_um = tuple(round(float(height), 6) + 0.0 for height in planes_um)
        self.config = config
        last = len(planes_um) - 1
        # The last plane is always taken: nothing is guessed beyond what was seen.
        self.kept = tuple(sorted({*range(0, last + 1, config.every), last}))
        self.skipped = tuple(k for k in range(last + 1) if k not in self.kept)
        self._fields: dict[int, _Field] = {}

    def next(self, position: int) -> tuple[int, ...]:
        """Return the numbers of the planes of a field's next stack."""
        field_ = self._of(position)
        if field_.is_whole or not self.skipped:
            return tuple(range(len(self.planes_um)))
        if not self._is_due(field_):
            return self.kept
        extra = self.skipped[field_.stacks // self.config.check_every % len(self.skipped)]
        return tuple(sorted((*self.kept, extra)))

    def heights_um(self, planes: Sequence[int]) -> tuple[float, ...]:
        """Return the heights of some planes as settings name them; empty for all of them."""
        is_whole = len(planes) == len(self.planes_um)
        return () if is_whole else tuple(self.planes_um[k] for k in planes)

    def why(self, position: int) -> str:
        """Say in plain words why these planes are taken."""
        return self._of(position).why

    def saw(self, position: int, stack: StackSeen) -> None:
        """Take note of a stack that was taken, and of what was compared in it."""
        field_ = self._of(position)
        field_.is_owed = self._is_due(field_) and not (field_.is_whole or stack.compared)
        field_.stacks += 1
        if self.config.is_bad(stack):
            field_.is_whole, field_.good = True, 0
            field_.why = stack.trouble or (
                f"drawn planes miss {stack.share:.0%} of the contrast, at most "
                f"{self.config.worst_share:.0%} is allowed"
            )
            return
        if not stack.compared:
            return
        field_.good += 1
        if field_.is_whole and field_.good < GOOD_STACKS:
            field_.why = f"{field_.good} of {GOOD_STACKS} whole stacks agree with what is drawn"
            return
        field_.is_whole = False
        field_.why = f"drawn planes miss {stack.share:.0%} of the contrast"

    def most_left_out(self, stacks: int) -> int:
        """Return how many exposures of so many stacks of a field are left out at most.

        The first ones are whole, and every check takes one plane more.
        """
        skipping = max(stacks - GOOD_STACKS, 0)
        checks = _multiples(stacks, self.config.check_every)
        checks -= _multiples(min(GOOD_STACKS, stacks), self.config.check_every)
        return skipping * len(self.skipped) - (checks if self.skipped else 0)

    def _is_due(self, field_: _Field) -> bool:
        """Whether a check is; one that could not be taken, for want of light, stays so."""
        return field_.is_owed or field_.stacks % self.config.check_every == 0

    def _of(self, position: int) -> _Field:
        return self._fields.setdefault(position, _Field())


def _multiples(below: int, of: int) -> int:
    """Return how many of the numbers 0, 1, ... below a bound are multiples."""
    return -(-below // of)
