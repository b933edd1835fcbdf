"""Where a cell will be, and how far from there it may be found: both learnt while tracking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.tracker.cells import Cells, Found

_FRESH = 0.4
"""Weight of the newest step in a cell's velocity (alpha-beta filter; measured, proposed)."""
_FADE = 0.8
"""How much of a cell's motion memory stays from one sighting to the next (proposed)."""
_SHARED = 2.0
"""Weight of all cells' habit against a cell's own, in sightings (proposed)."""
_FIRST_KEEP = 0.4
"""Share of the velocity that is believed before anything was learnt (proposed)."""
_STEPS = 2048
"""Newest misses between expectation and finding that the gate is estimated from."""
_LOOK_EVERY = 4
"""Size and distance of cells change slowly: after the first shots, every fourth is enough."""
_MIN_STEPS = 40
"""Fewer than these say nothing about a 99th percentile."""
_GATE_MARGIN = 1.4
"""Gate over the 99th percentile of misses (measured: 1.2 to 1.5)."""

_NEIGHBOURS = 16
"""Cells that say how the crowd around a cell moves (measured: 8 and 16, median over mean)."""
_CROWDED = 0.6
"""Gate over the distance of neighbours from which cells can be mistaken for each other."""
_NARROWEST, _WIDEST = 0.5, 1.5
"""Bounds of the gate: over the distance of neighbours, and over the first gate (measured)."""


class Motion:
    """Predicts by a velocity that each cell must earn.

    A cell's next step is regressed on its velocity: ``keep = <step, velocity> / <velocity,
    velocity>``, as a running mean for each cell, drawn towards that of all cells. A wanderer
    (Brownian) ends near 0 and is expected where it was; a migrating cell ends near 1.
    """

    def __init__(self) -> None:
        self._along, self._squared = 0.0, 0.0

    def expect(self, cells: Cells, ahead: int) -> NDArray[np.float64]:
        """Return where each cell should be, y, x px, (N, 2), from its last observed place.

        `ahead` is 0 for the shot that the cells were last updated at, and 1 for the next one.
        """
        habit = self._along / self._squared if self._squared > 0 else _FIRST_KEEP
        prior = _SHARED * max(self._squared, 1e-9)
        keep = (cells["along"] + prior * habit) / (cells["squared"] + prior)
        gap = cells["missed"] + ahead
        return np.asarray(
            cells["place"] + (np.clip(keep, 0.0, 1.0) * gap)[:, None] * cells["velocity"]
        )

    def learn(self, cells: Cells, found: NDArray[np.float64]) -> None:
        """Take in where each of `cells` was found; changes their motion, in place.

        Parameters
        ----------
        cells
            The cells that were found; their `missed` still counts the gap.
        found
            y, x in px, (N, 2).
        """
        step = (found - cells["place"]) / (cells["missed"] + 1)[:, None]
        along = np.einsum("ij,ij->i", step, cells["velocity"])
        squared = np.einsum("ij,ij->i", cells["velocity"], cells["velocity"])
        cells["along"] = _FADE * cells["along"] + (1 - _FADE) * along
        cells["squared"] = _FADE * cells["squared"] + (1 - _FADE) * squared
        moving = squared > 0
        if moving.any():
            self._along = 0.9 * self._along + 0.1 * float(along[moving].mean())
            self._squared = 0.9 * self._squared + 0.1 * float(squared[moving].mean())
        fresh = np.where(cells["sightings"] < 2, 1.0, _FRESH)[:, None]
        cells["velocity"] = (1 - fresh) * cells["velocity"] + fresh * step
        cells["step"], cells["place"] = step, found


def common_drift(
    expected: NDArray[np.float64], found: NDArray[np.float64], pairs: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return how far the neighbours of each cell were found from where they were expected.

    In a crowd that moves together (a sheet, a stage that drifts) a cell goes where its neighbours
    go; the median forgives wrong links.

    Parameters
    ----------
    expected, found
        y, x in px, (N, 2) and (M, 2).
    pairs
        Links between them, (K, 2).

    Returns
    -------
    NDArray
        y, x in px, (N, 2); 0 with fewer links than neighbours.
    """
    if len(pairs) < _NEIGHBOURS:
        return np.zeros_like(expected)
    at = expected[pairs[:, 0]]
    _, near = cKDTree(at).query(expected, _NEIGHBOURS)
    return np.asarray(np.median((found[pairs[:, 1]] - at)[near], axis=1))


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
        self._misses = np.empty(_STEPS)
        self._count = self._looks = 0
        self._reach_px = fixed_px or 1.0
        self._radius_px, self._apart_px = 0.0, 0.0

    @property
    def radius_px(self) -> float:
        """Running mean radius of the cells, px."""
        return self._radius_px

    def look(self, found: Found) -> None:
        """Take in the size of the cells and their distance from each other."""
        places = found.places
        self._looks += 1
        if len(places) == 0 or (self._looks > _LOOK_EVERY and self._looks % _LOOK_EVERY):
            return
        radius_px = float(np.sqrt(found.areas.mean() / np.pi))
        apart_px = 3 * radius_px
        if len(places) > 1:
            apart_px = float(np.median(cKDTree(places).query(places, 2)[0][:, 1]))
        weight = 0.3 if self._radius_px > 0 else 1.0
        self._radius_px += weight * (radius_px - self._radius_px)
        self._apart_px += weight * (apart_px - self._apart_px)
        self._settle()

    def learn(self, misses_px: NDArray[np.float64]) -> None:
        """Take in how far from their expected places cells were found, px."""
        newest = misses_px[-_STEPS:]
        self._misses[(self._count + np.arange(len(newest))) % _STEPS] = newest
        self._count += len(newest)
        self._settle()

    def _settle(self) -> None:
        """Work out the gate from all that was taken in."""
        if self._fixed_px is not None:
            return
        first = max(3 * self._radius_px, self._apart_px, 1.0)
        self._reach_px = first
        if self._count >= _MIN_STEPS:
            seen = self._misses[: min(self._count, _STEPS)]
            rank = int(0.99 * (len(seen) - 1))
            usual = _GATE_MARGIN * float(np.partition(seen, rank)[rank])
            self._reach_px = max(min(usual, _WIDEST * first), _NARROWEST * self._apart_px, 1.0)

    @property
    def is_crowded(self) -> bool:
        """Whether a cell's gate reaches its neighbours."""
        return self._reach_px > _CROWDED * self._apart_px

    @property
    def reach_px(self) -> float:
        """Gate of a cell that was seen at the last shot, px."""
        return self._reach_px
