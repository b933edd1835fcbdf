"""How much less surely heights are known than places in the plane: learnt while tracking."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FADE = 0.98
"""How much of what was seen stays from one shot to the next (proposed)."""
_FIRST_WEIGHT = 20.0
"""Links that outweigh the first opinion, that heights are as sure as places (proposed)."""
_SHARPEST_PX = 0.1
"""Smallest miss that is believed, px: no detector is better (proposed)."""
_BOUNDS = 0.1, 20.0
"""Of the ratio (proposed)."""


class Heights:
    """The spread of misses in height over that in the plane.

    The tracker divides heights by this ratio, and then knows one spread for all axes.

    Parameters
    ----------
    fixed
        A ratio that never changes; None learns it.

    Attributes
    ----------
    ratio
        Spread of a height over that of y and x; 1 before anything was learnt.
    """

    def __init__(self, fixed: float | None) -> None:
        self._fixed = fixed
        self.ratio = fixed or 1.0
        self._count = self._plane = self._height = 0.0

    def learn(self, off: NDArray[np.float64]) -> None:
        """Take in misses, y, x and divided height, px, (K, 3); `ratio` stays as it is."""
        if off.shape[1] < 3 or len(off) == 0:
            return
        plane, height = abs(off[:, :2]).mean(axis=1), abs(off[:, 2]) * self.ratio
        self._count = _FADE * self._count + len(off)
        self._plane = _FADE * self._plane + float((plane + _SHARPEST_PX).sum())
        self._height = _FADE * self._height + float((height + _SHARPEST_PX).sum())

    def settle(self) -> float:
        """Put in force what was learnt; return what divided heights are now to be multiplied by."""
        if self._fixed is not None or self._count == 0:
            return 1.0
        seen = self._count / (self._count + _FIRST_WEIGHT) * math.log(self._height / self._plane)
        was, self.ratio = self.ratio, min(max(math.exp(seen), _BOUNDS[0]), _BOUNDS[1])
        return was / self.ratio
