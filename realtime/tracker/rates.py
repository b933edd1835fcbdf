"""How often cells are missed, appear and divide here: learnt while tracking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.tracker.cells import Found

_FADE = 0.97
"""How much of the counts stays from one shot to the next (proposed)."""
_FADE_FALSE = 0.9
"""The same for births that were judged (proposed)."""
_LOST_AGAIN = 0.5
"""Probability that a cell that was just missed is missed again (proposed)."""
_MISSED, _NEW, _NEW_AT_RIM = 0.03, 0.01, 0.05
"""Shares that are believed before anything was learnt: of cells that are missed, and of detections
that are new, inside and at the rim (proposed)."""
_MISSED_WEIGHT, _NEW_WEIGHT, _NEW_AT_RIM_WEIGHT = 100.0, 100.0, 50.0
"""How many cells these opinions are worth (proposed)."""
_FALSE, _FALSE_WEIGHT = 0.2, 1.0
"""First opinion of the share of births that are false, and its weight in births (proposed)."""
_DIVIDED, _DIVIDED_WEIGHT = 0.04, 500.0
"""First opinion of the share of cells that divide between two shots, and its weight in cells
(tuned: docs/decisions/030-tracker.md)."""
_FROM_NOTHING = 0.4
"""How much a newcomer inside the field who stays counts against one who was false (tuned)."""
_FEW = 12
"""Fewer cells than these do not show where the field ends (proposed)."""
_RIM_STEPS = 1.0
"""Width of the rim through which cells come and go, in gates (proposed)."""


class _Share:
    """A share that is counted, and begins with an opinion worth `weight` counts."""

    def __init__(self, share: float, weight: float, fade: float = _FADE) -> None:
        self._hits0, self._all0, self._fade = share * weight, weight, fade
        self._hits = self._all = 0.0

    def add(self, hits: float, of: float) -> None:
        self._hits = self._fade * self._hits + hits
        self._all = self._fade * self._all + of

    @property
    def value(self) -> float:
        return (self._hits0 + self._hits) / (self._all0 + self._all)


class Rates:
    """Shares of cells that are missed, new inside the field, new at its rim, or dividing.

    The field is the box that all detections so far lie in; near its rim cells come and go, and
    somebody new there is no daughter.
    """

    def __init__(self) -> None:
        self._missed = _Share(_MISSED, _MISSED_WEIGHT)
        self._new_inside = _Share(_NEW, _NEW_WEIGHT)
        self._new_at_rim = _Share(_NEW_AT_RIM, _NEW_AT_RIM_WEIGHT)
        self._divided = _Share(_DIVIDED, _DIVIDED_WEIGHT)
        self._false = _Share(_FALSE, _FALSE_WEIGHT, _FADE_FALSE)
        self._rim_share, self._most = 0.0, 0
        self._low: NDArray[np.float64] | None = None
        self._high: NDArray[np.float64] | None = None

    @property
    def missed(self) -> float:
        """Probability that a cell is not found although it was at the last shot."""
        return self._missed.value

    @property
    def divided(self) -> float:
        """Probability that a cell divides between two shots."""
        return self._divided.value

    @property
    def false(self) -> float:
        """Share of births that were taken back lately."""
        return self._false.value

    def look(self, places: NDArray[np.float64]) -> None:
        """Widen the field to what was found."""
        if len(places) == 0:
            return
        self._most = max(self._most, len(places))
        low, high = places.min(axis=0), places.max(axis=0)
        self._low = low if self._low is None else np.minimum(self._low, low)
        self._high = high if self._high is None else np.maximum(self._high, high)

    def rescale_heights(self, factor: float) -> None:
        """Multiply the divided heights of the field, if it has any."""
        for bound in (self._low, self._high):
            if bound is not None and len(bound) > 2:
                bound[2] *= factor

    def is_at_rim(self, places: NDArray[np.float64], gate_px: float) -> NDArray[np.bool_]:
        """Return which places, (M, D), are so near the rim that a cell may have come in."""
        if self._low is None or self._high is None or self._most < _FEW:
            return np.zeros(len(places), np.bool_)
        off = np.minimum(places - self._low, self._high - places)[:, :2]
        return np.asarray(off.min(axis=1) < _RIM_STEPS * gate_px)

    def cover(self, found: Found) -> float:
        """Return the share of the field that cells cover."""
        if self._low is None or self._high is None:
            return 1.0
        room = np.prod(np.maximum(self._high - self._low, 1.0)[:2])
        return float(found.areas.sum() / room)

    def log_newcomers(self, places: NDArray[np.float64], gate_px: float) -> NDArray[np.float64]:
        """Return the log density of newcomers at each place, for each px (or voxel), (M,)."""
        if self._low is None or self._high is None:
            return np.zeros(len(places))
        room = float(np.prod(np.maximum(self._high - self._low, 1.0)))
        density = max(len(places), 1) / room
        rim = self.is_at_rim(places, gate_px)
        self._rim_share = float(rim.mean()) if len(rim) else 0.0
        inside = self._new_inside.value
        share = np.where(rim, max(self._new_at_rim.value, inside), inside)
        return np.asarray(np.log(density * share))

    def alone(
        self, missed: NDArray[np.int64], sightings: NDArray[np.int64], sure: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Return the probability of each cell to stay unseen at this shot, (N,)."""
        usual = np.where(missed > 0, max(_LOST_AGAIN, self.missed), self.missed)
        doubtful = ~sure & (sightings < 2)
        return np.where(doubtful, self.false + (1 - self.false) * usual, usual)

    def count_missed(self, n_missed: int, n_cells: int) -> None:
        """Take in how many of the cells that were found before were not found now."""
        self._missed.add(n_missed, n_cells)

    def count_new(
        self,
        n_cells: int,
        false: NDArray[np.float64],
        true: NDArray[np.float64],
        gate_px: float,
    ) -> None:
        """Take in newcomers that were judged: places of false and of true ones, (K, D).

        Inside the field cells do not come from nothing: somebody who stays was more likely born of
        a mother who was not seen to divide, so he counts little.
        """
        false_rim, true_rim = self.is_at_rim(false, gate_px), self.is_at_rim(true, gate_px)
        n_rim = int(false_rim.sum() + true_rim.sum())
        n_inside = float((~false_rim).sum() + _FROM_NOTHING * (~true_rim).sum())
        self._new_at_rim.add(n_rim, n_cells * self._rim_share)
        self._new_inside.add(n_inside, n_cells * (1 - self._rim_share))

    def count_divisions(self, n_final: int, n_cells: int) -> None:
        """Take in how many divisions became final."""
        self._divided.add(n_final, n_cells)

    def count_verdicts(self, n_true: int, n_false: int) -> None:
        """Take in how many births became final, and how many were taken back."""
        if n_true + n_false:
            self._false.add(n_false, n_true + n_false)
