"""Stacks of which some planes are skipped, drawn instead, and now and then taken after all.

A plane that was skipped was not seen: what is drawn there is for looking at and decides on no
light. So that it may be believed at all, planes that could have been skipped are taken at times and
compared with what would have been drawn (`models.axial_check`); where that is bad, the stacks are
whole again until it is good. Whether their light can be paid is the guard's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.axial_check import AxialCheck, PlaneError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from models.axial import AxialInterpolator
    from models.electrons import Electrons

    Raw = NDArray[np.uint16]

FLAG = "axial"
"""Where what is drawn is too far from what was taken; it is no vote on light."""
WORST_SHARE = 0.5
"""Error over contrast from which drawn planes are bad: a quarter of what varies is wrong
(proposed)."""
GOOD_STACKS = 3
"""Whole stacks in a row that must be good before planes are skipped again (proposed)."""
MOST_PLANES = 128
"""Planes of a stack that are compared; the raw frames wait in memory until it ends."""
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


@dataclass(slots=True)
class _Field:
    stacks: int = 0
    checks: int = 0
    good: int = 0
    is_whole: bool = True
    why: str = "the first stack is whole"


class SkippedPlanes:
    """Says which planes to take next, field by field.

    Parameters
    ----------
    planes_um
        Heights of the whole stack, um, evenly spaced, lowest first.
    config
        How planes are skipped.

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
                f"skipping to every {config.every}th plane needs {2 * config.every + 1} planes or "
                f"more, the plan has {len(planes_um)}"
            )
        if not np.allclose(steps, steps[0], atol=_SAME_UM) or steps[0] <= 0:
            raise ValueError("skipping needs planes that are evenly spaced, lowest first")
        self.planes_um, self.config = tuple(planes_um), config
        last = len(planes_um) - 1
        # The topmost plane is always taken: nothing is guessed beyond what was seen.
        self.kept = tuple(sorted({*range(0, last + 1, config.every), last}))
        self.skipped = tuple(k for k in range(last + 1) if k not in self.kept)
        self._fields: dict[int, _Field] = {}

    def next(self, position: int) -> tuple[float, ...]:
        """Return the heights of the next stack of a field, um."""
        return tuple(self.planes_um[k] for k in self._indices(position))

    def why(self, position: int) -> str:
        """Say in plain words why these planes are taken."""
        return self._of(position).why

    def saw(self, position: int, error: PlaneError | None) -> str:
        """Take note of a stack that was taken; return the flag that it raises, or "".

        Parameters
        ----------
        error
            What was compared in it (`PlaneWatch`); None if nothing could be.
        """
        field_ = self._of(position)
        field_.stacks += 1
        if error is None:
            return ""
        if error.low > self.config.worst_share:
            field_.is_whole, field_.good = True, 0
            field_.why = (
                f"drawn planes miss {error.share:.0%} of the contrast, at most "
                f"{self.config.worst_share:.0%} is allowed: all planes are taken"
            )
            return FLAG
        field_.good += 1
        if field_.is_whole and field_.good < GOOD_STACKS:
            field_.why = f"{field_.good} of {GOOD_STACKS} whole stacks agree with what is drawn"
            return ""
        field_.is_whole = False
        field_.why = f"drawn planes miss {error.share:.0%} of the contrast"
        return ""

    def _of(self, position: int) -> _Field:
        return self._fields.setdefault(position, _Field())

    def _indices(self, position: int) -> tuple[int, ...]:
        field_ = self._of(position)
        if field_.is_whole or not self.skipped:
            return tuple(range(len(self.planes_um)))
        if field_.stacks % self.config.check_every:
            return self.kept
        extra = self.skipped[field_.stacks // self.config.check_every % len(self.skipped)]
        return tuple(sorted((*self.kept, extra)))


@dataclass(slots=True)
class _Stack:
    shot: int = -1
    frames: dict[int, Raw] = field(default_factory=dict)


class PlaneWatch:
    """Compares planes that were taken with what would have been drawn in their place.

    Parameters
    ----------
    plan
        Which planes are kept, and which could be skipped.
    axial
        The network; its `weight` is set by what is found.
    electrons
        The camera.
    """

    def __init__(self, plan: SkippedPlanes, axial: AxialInterpolator, electrons: Electrons) -> None:
        self._plan, self._axial, self._electrons = plan, axial, electrons
        self._checks: dict[int, AxialCheck] = {}
        self._stack = _Stack()

    def see(self, info: FrameInfo, adu: Raw, plane: int) -> None:
        """Take note of a frame of the followed channel, plane ``plane`` of the whole stack."""
        if self._stack.shot != info.shot.number:
            self._stack = _Stack(info.shot.number)
        if plane not in self._stack.frames and len(self._stack.frames) < MOST_PLANES:
            self._stack.frames[plane] = adu.copy()

    def judge(self, position: int) -> PlaneError | None:
        """Compare what can be compared in the stack that was just seen; None if nothing can.

        A plane that was skipped by the plan, but taken, is drawn from the kept ones around it.
        """
        frames, said = self._stack.frames, None
        check = self._checks.setdefault(position, AxialCheck())
        weight, self._axial.weight = self._axial.weight, 1.0
        try:
            for plane in self._plan.skipped:
                if plane in frames and (around := self._around(plane, frames)) is not None:
                    said = self._compare(check, frames, plane, around)
        finally:
            self._axial.weight = weight if said is None else said.weight
        self._stack = _Stack()
        return said

    def _around(self, plane: int, frames: dict[int, Raw]) -> tuple[int, int] | None:
        below = [k for k in self._plan.kept if k < plane]
        above = [k for k in self._plan.kept if k > plane]
        pair = (below[-1], above[0])
        return pair if all(k in frames for k in pair) else None

    def _compare(
        self, check: AxialCheck, frames: dict[int, Raw], plane: int, around: tuple[int, int]
    ) -> PlaneError:
        low, high = around
        span = high - low
        heights = self._plan.planes_um
        drawn = self._axial(
            frames[low], frames[high], heights[high] - heights[low], (plane - low) / span,
            frames.get(low - span), frames.get(high + span),
        ).photons.copy()  # fmt: skip
        taken = np.empty(drawn.shape, np.float32)
        self._electrons.into(frames[plane], taken)
        return check.add(taken, drawn, self._axial.blend(), self._electrons.read_noise_e)
