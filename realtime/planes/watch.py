"""Compares planes that were taken with what would have been drawn in their place.

One plane of a stack, each time another one: that bounds the time that the decision waits for it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from models.axial_check import AxialCheck, PlaneError
from realtime.policy.observation import StackSeen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from models.axial import AxialInterpolator
    from models.electrons import Electrons
    from realtime.planes.skipped import SkippedPlanes

    Raw = NDArray[np.uint16]

logger = logging.getLogger(__name__)

MOST_PLANES = 128
"""Planes of a stack that can be compared; the raw frames wait in memory until it ends."""


class PlaneWatch:
    """Sees the stacks of all fields, and says how wrong drawn planes would have been.

    Parameters
    ----------
    plan
        Which planes are kept, and which could be skipped.
    axial
        The network.
    electrons
        The camera.
    """

    def __init__(self, plan: SkippedPlanes, axial: AxialInterpolator, electrons: Electrons) -> None:
        self._plan, self._axial, self._electrons = plan, axial, electrons
        self._checks: dict[int, AxialCheck] = {}
        self._said: dict[int, PlaneError] = {}
        self._turns: dict[int, int] = {}
        self._is_bad: dict[int, bool] = {}
        self._frames: dict[int, Raw] = {}
        self._spare: list[Raw] = []
        self._taken: set[int] = set()
        self._trouble = ""

    def warm_up(self, shape: tuple[int, int]) -> None:
        """Draw a plane from empty frames, so that the first stack does not wait longer.

        Raises
        ------
        ModelError
            If the network does not run.
        """
        empty = np.zeros(shape, np.uint16)
        self._axial(empty, empty, 1.0)

    def see(self, info: FrameInfo, adu: Raw) -> None:
        """Take note of a raw frame of the followed channel; it is copied."""
        plane = info.index.z
        self._taken.add(plane)
        if plane in self._frames or len(self._frames) >= MOST_PLANES or self._trouble:
            return
        copy = self._spare.pop() if self._spare else np.empty(adu.shape, np.uint16)
        np.copyto(copy, adu)
        self._frames[plane] = copy

    def forget(self) -> None:
        """Make ready for the next stack."""
        self._spare += self._frames.values()
        self._frames.clear()
        self._taken.clear()

    def said(self, position: int) -> PlaneError | None:
        """Return what was found in a field: how much network and line count; None: nothing."""
        return self._said.get(position)

    def judge(self, position: int) -> StackSeen:
        """Say what was taken of the stack that was just seen, and compare one plane of it.

        A plane that could have been skipped, but was taken, is drawn from the kept ones around it.
        """
        taken = tuple(sorted(self._taken))
        could = [k for k in self._plan.skipped if k in self._frames and self._around(k)]
        if self._trouble or not could:
            return StackSeen(taken, trouble=self._trouble)
        turn = self._turns[position] = self._turns.get(position, -1) + 1
        try:
            said = self._compare(position, could[turn % len(could)])
        except RuntimeError as error:  # ModelError, and what an engine's own library raises
            self._trouble = f"planes cannot be drawn any more: {error}"
            logger.error("%s; all planes are taken", self._trouble)
            return StackSeen(taken, trouble=self._trouble)
        self._said[position] = said
        seen = StackSeen(
            taken, 1, said.share, said.low, said.high, said.weight, said.error, said.blend_error
        )
        self._tell(position, seen)
        return seen

    def _around(self, plane: int) -> tuple[int, int] | None:
        """Return the kept planes that a skipped one lies between; None if one is missing."""
        below = max(k for k in self._plan.kept if k < plane)
        above = min(k for k in self._plan.kept if k > plane)
        return (below, above) if {below, above} <= self._frames.keys() else None

    def _compare(self, position: int, plane: int) -> PlaneError:
        around = self._around(plane)
        assert around is not None
        low, high = around
        heights_um, frames, axial = self._plan.planes_um, self._frames, self._axial
        axial.believe(None)  # it is the whole correction that is compared
        axial(
            frames[low],
            frames[high],
            abs(heights_um[high] - heights_um[low]),
            (plane - low) / (high - low),
            self._kept(low - (high - low)),
            self._kept(high + (high - low)),
        )
        drawn = axial.candidates()
        taken = np.empty(drawn.blend.shape, np.float32)
        self._electrons.into(frames[plane], taken)
        check = self._checks.setdefault(position, AxialCheck())
        read_noise_e = self._electrons.read_noise_e
        return check.add(taken, drawn.network, drawn.blend, read_noise_e, drawn.line)

    def _kept(self, plane: int) -> Raw | None:
        """Return a plane that is there for a stack without the skipped ones, too."""
        return self._frames.get(plane) if plane in self._plan.kept else None

    def _tell(self, position: int, seen: StackSeen) -> None:
        """Say it once where drawn planes become bad, and where they are good again."""
        is_bad = self._plan.config.is_bad(seen)
        if is_bad != self._is_bad.get(position, False):
            verdict = "all planes are taken" if is_bad else "good again"
            logger.warning(
                "field %d: drawn planes miss %.0f %% of the contrast: %s",
                position, 100 * seen.share, verdict,
            )  # fmt: skip
        self._is_bad[position] = is_bad

    def close(self) -> None:
        """Free the network."""
        self._axial.close()
