"""Does it look like the same cell? Sizes and brightness speak only where they carry news."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from realtime.tracker.middle import quantiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FADE = 0.98
"""How much of what was learnt stays from one shot to the next (proposed)."""
_LOOK_EVERY = 4
"""What cells look like changes slowly: after the first shots, every fourth is enough."""
_LOOK_FRESH = 0.2
"""Weight of the newest look in what cells look like (proposed)."""
_FEWEST, _MOST = 20.0, 200.0
"""Links that a cell's own change is learnt from before it says anything, and the most that count of
one shot (proposed)."""
_DULL = 0.04
"""Values that differ less than this (natural log) are labels of one size, no sizes (proposed)."""
_FLOOR = 0.03
"""Smallest spread that is believed (proposed)."""
_MOST_SAID = 3.0
"""Most that looks add to the cost of a link, nats (proposed)."""


class Likeness:
    """Learns how much one quantity differs between cells, and how little within a cell.

    The logarithm of the quantity is a double exponential around the cell's own mean, and around
    the mean of all cells for somebody else. Both widths are learnt from the links themselves;
    where cells differ no more than a cell does from itself, nothing is said.
    """

    def __init__(self) -> None:
        self.middle = 0.0
        self._between = self._within = 0.0
        self._seen = self._weight = 0.0
        self._looks = 0

    @property
    def is_telling(self) -> bool:
        """Whether cells differ in it at all."""
        return self._seen > 0 and self._between > _DULL

    @property
    def jitter(self) -> float:
        """Mean absolute change of a cell's log value from shot to shot; inf until seen."""
        return max(self._within, _FLOOR) if self._weight > 0 else math.inf

    @property
    def spread(self) -> float:
        """Mean absolute deviation of log values between cells."""
        return max(self._between, _FLOOR)

    def look(self, values: NDArray[np.float64]) -> None:
        """Take in the values of all detections of a shot."""
        self._looks += 1
        if self._looks > _LOOK_EVERY and self._looks % _LOOK_EVERY:
            return
        if len(values) < 3 or not np.all(values > 0):
            return
        logs = np.log(values)
        low, middle, high = quantiles(logs, 0.1, 0.5, 0.9)
        between = (high - low) / (2 * math.log(5.0))  # of a double exponential
        weight = _LOOK_FRESH if self._seen else 1.0
        self._seen = 1.0
        self.middle += weight * (middle - self.middle)
        self._between += weight * (between - self._between)

    def learn(self, before: NDArray[np.float64], now: NDArray[np.float64]) -> None:
        """Take in values of cells and of the detections that they were linked to."""
        good = (before > 0) & (now > 0)
        if not good.any():
            return
        change = np.abs(np.log(now[good] / before[good]))
        count = min(float(good.sum()), _MOST)
        self._weight = _FADE * self._weight + count
        self._within += count / self._weight * (float(change.mean()) - self._within)

    def cost(
        self, cell: NDArray[np.float64], candidate: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return how much less likely a cell's own look is than anybody's, nats, (K,)."""
        within = max(self._within, _FLOOR)
        if not self.is_telling or self._weight < _FEWEST or within >= self.spread:
            return np.zeros(len(cell))
        good = (cell > 0) & (candidate > 0)
        change = np.log(np.where(good, candidate / np.where(good, cell, 1.0), 1.0))
        told = np.abs(change) / within + math.log(2 * within) + self.anybody(candidate)
        return np.where(good, np.clip(told, -_MOST_SAID, _MOST_SAID), 0.0)

    def anybody(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log density of such a value among all cells, (K,)."""
        logs = np.log(np.maximum(values, 1e-12))
        return np.asarray(-np.abs(logs - self.middle) / self.spread - math.log(2 * self.spread))
