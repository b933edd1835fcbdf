"""How far from its expected place a cell may be found: learnt from the cells themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.tracker.middle import MEDIAN_MISS, median

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.tracker.cells import Found

_STEPS = 2048
"""Newest misses between expectation and finding that the gate is estimated from."""
_LOOK_EVERY = 4
"""Size and distance of cells change slowly: after the first shots, every fourth is enough."""
_MIN_STEPS = 40
"""Fewer than these say nothing about a 99th percentile."""
_LOOK_FRESH = 0.3
"""Weight of the newest look in their size and distance (proposed)."""
_GATE_MARGIN = 1.4
"""Gate over the 99th percentile of misses (measured: 1.2 to 1.5)."""
_CROWDED = 0.6
"""Gate over the distance of neighbours from which cells can be mistaken for each other."""
_NARROWEST, _WIDEST = 0.5, 1.5
"""Bounds of the gate: over the distance of neighbours, and over the first gate (measured)."""
_FIRST_RADII = 3.0
"""First gate, in mean radii (see the reference of `Gate`)."""
_LEAST_PX = 1.0
"""Narrowest gate of all, px (proposed)."""
_FIRST_SPREAD = 6.0
"""First gate over the spread that is believed before anything was learnt (proposed)."""
_SHARPEST_PX = 0.1
"""Smallest spread, px: no detector is better (proposed)."""


class Gate:
    """How far from its expected place a cell may be found, px.

    Until enough was seen it is the larger of three mean radii and the median distance of nearest
    neighbours; then 1.4 times the 99th percentile of the newest misses. It never falls below half
    the distance of neighbours: a gate hides the steps that are longer, and would close for good.

    Parameters
    ----------
    fixed_px
        A gate that never changes; None estimates it.

    References
    ----------
    First gate: rule of the ByoTrack entry to the Cell Tracking Challenge's linking benchmark.
    """

    def __init__(self, fixed_px: float | None) -> None:
        self._fixed_px = fixed_px
        self._misses = np.zeros(_STEPS)
        self._count = self._looks = 0
        self._axes = 2
        self._reach_px, self._spread_px = fixed_px or 1.0, 0.0
        self._radius_px, self._apart_px = 0.0, 0.0

    @property
    def radius_px(self) -> float:
        """Running mean radius of the cells, px."""
        return self._radius_px

    def look(self, found: Found) -> None:
        """Take in the size of the cells and their distance from each other."""
        places = found.places
        self._looks, self._axes = self._looks + 1, places.shape[1]
        if len(places) == 0 or (self._looks > _LOOK_EVERY and self._looks % _LOOK_EVERY):
            return
        radius_px = float(np.sqrt(found.areas.mean() / np.pi))
        apart_px = 3 * radius_px
        if len(places) > 1:
            apart_px = median(found.tree.query(places, 2)[0][:, 1])
        weight = _LOOK_FRESH if self._radius_px > 0 else 1.0
        self._radius_px += weight * (radius_px - self._radius_px)
        self._apart_px += weight * (apart_px - self._apart_px)
        self._settle()

    def learn(self, misses_px: NDArray[np.float64]) -> None:
        """Take in how far from their expected places cells were found, px."""
        newest = np.sort(misses_px)[:: 1 + len(misses_px) // _STEPS]  # whatever their order
        self._misses[(self._count + np.arange(len(newest))) % _STEPS] = newest
        self._count += len(newest)
        self._settle()

    def _settle(self) -> None:
        """Work out the gate from all that was taken in."""
        first = max(_FIRST_RADII * self._radius_px, self._apart_px, _LEAST_PX)
        reach_px, self._spread_px = first, first / _FIRST_SPREAD
        if self._count >= _MIN_STEPS:
            seen = self._misses[: min(self._count, _STEPS)]
            rank, middle = (int(q * (len(seen) - 1)) for q in (0.99, 0.5))
            part = np.partition(seen, (middle, rank))
            usual = _GATE_MARGIN * float(part[rank])
            reach_px = max(min(usual, _WIDEST * first), _NARROWEST * self._apart_px, _LEAST_PX)
            self._spread_px = max(float(part[middle]) / MEDIAN_MISS[self._axes], _SHARPEST_PX)
        self._reach_px = self._fixed_px or reach_px

    @property
    def apart_px(self) -> float:
        """Running median distance of nearest neighbours, px."""
        return self._apart_px

    @property
    def spread_px(self) -> float:
        """Usual standard deviation of a miss on each axis, px."""
        return self._spread_px

    @property
    def is_crowded(self) -> bool:
        """Whether a cell's gate reaches its neighbours."""
        return self._reach_px > _CROWDED * self._apart_px

    @property
    def reach_px(self) -> float:
        """Gate of a cell that was seen at the last shot, px."""
        return self._reach_px
