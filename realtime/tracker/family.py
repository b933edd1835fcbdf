"""What mothers and daughters look like here: distance and sizes, learnt from sure divisions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.tracker.likeness import Likeness

_WEIGHT = 6.0
"""How many sure divisions outweigh the first opinion (proposed)."""
_APART, _APART_SD = 2.0, 0.2
"""First opinion of the daughters' distance over the mean radius, and of its spread (log): they just
touch (tuned)."""
_SUM, _SUM_SD, _PAIR_SD = 0.1, 0.22, 0.3
"""First opinion of log(both daughters' area / the mother's) and its spread, and of the spread of
log(one's / the other's) (tuned)."""
_ODD = 8.0
"""Most that an odd distance or size costs, nats: some divisions are like no other (proposed)."""
_SHARPEST = 0.08
"""Smallest spread that is believed (proposed)."""
_MOST = 100.0
"""Divisions that are remembered, about."""
_OFF_RADII = 0.1
"""How far the daughters' midpoint strays from the mother, over her radius (proposed)."""
_MOST_SAID = 5.0
"""Most that odd sizes add to or take from the cost of a division, nats (proposed)."""


class _Normal:
    """A mean and a spread that are learnt, from a first opinion of both."""

    def __init__(self, mean: float, spread: float) -> None:
        self.mean, self._square, self._weight = mean, spread**2, _WEIGHT

    @property
    def spread(self) -> float:
        return max(math.sqrt(self._square), _SHARPEST)

    def learn(self, value: float) -> None:
        self._weight = min(self._weight + 1.0, _MOST)
        off = value - self.mean
        self.mean += off / self._weight
        self._square += (off * (value - self.mean) - self._square) / self._weight

    def cost(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return minus the log density."""
        off = np.minimum(0.5 * ((values - self.mean) / self.spread) ** 2, _ODD)
        return np.asarray(off + math.log(self.spread * math.sqrt(2 * math.pi)))


class Family:
    """Learns from final divisions how far daughters are apart, and how large they are.

    Attributes
    ----------
    radius_px
        Mean radius of the cells.
    z_ratio
        What heights are divided by in the places of cells.
    """

    def __init__(self, sizes: Likeness, *, use_area: bool, reach_px: float | None = None) -> None:
        self._sizes, self._use_area, self._reach_px = sizes, use_area, reach_px
        self.radius_px, self.z_ratio = 0.0, 1.0
        self._apart = _Normal(math.log(_APART), _APART_SD)
        self._sum, self._pair = _Normal(_SUM, _SUM_SD), _Normal(0.0, _PAIR_SD)

    @property
    def says_sizes(self) -> bool:
        """Whether sizes are believed."""
        return self._use_area and self._sizes.is_telling

    def off_px(self, spread_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the spread of daughters' midpoints around the expected mother, px."""
        return np.asarray(np.hypot(spread_px, _OFF_RADII * self.radius_px))

    def reach_px(self, spread_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far from the expected mother a daughter may be, heights divided, px."""
        if self._reach_px is not None:
            return np.full(len(spread_px), self._reach_px)
        half = 0.5 * self.radius_px * math.exp(self._apart.mean + 3 * self._apart.spread)
        return np.asarray(half * max(1.0, 1 / self.z_ratio) + 4 * self.off_px(spread_px))

    def apart_cost(self, apart_px: NDArray[np.float64], axes: int) -> NDArray[np.float64]:
        """Return the cost of such a distance of daughters, in any direction, nats."""
        apart = np.maximum(apart_px, 1e-3)
        logs = np.log(apart / max(self.radius_px, 1e-3))
        sphere = math.log(2 * math.pi) if axes == 2 else math.log(4 * math.pi)
        sphere -= math.log(self.z_ratio)  # a divided px is larger, and holds more
        return np.asarray(self._apart.cost(logs) + sphere + axes * np.log(apart))

    def size_cost(
        self,
        mother: NDArray[np.float64],
        one: NDArray[np.float64],
        other: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the cost of such sizes over those of any two cells, nats."""
        if not self.says_sizes:
            return np.zeros(len(mother))
        good = (mother > 0) & (one > 0) & (other > 0)
        mother, one, other = (np.where(good, x, 1.0) for x in (mother, one, other))
        cost = self._sum.cost(np.log((one + other) / mother)) + self._pair.cost(np.log(one / other))
        cost += self._sizes.anybody(one) + self._sizes.anybody(other)
        return np.where(good, np.clip(cost, -_MOST_SAID, _MOST_SAID), 0.0)

    def learn(self, apart_px: float, mother: float, one: float, other: float) -> None:
        """Take in a final division: distance of the daughters, px, and the three areas."""
        if apart_px > 0 and self.radius_px > 0:
            self._apart.learn(math.log(apart_px / self.radius_px))
        if min(mother, one, other) > 0:
            self._sum.learn(math.log((one + other) / mother))
            self._pair.learn(math.log(one / other))
            self._pair.mean = 0.0
