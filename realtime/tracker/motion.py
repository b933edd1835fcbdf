"""Where a cell will be, and how far from there it may be found: both learnt while tracking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.tracker.cells import Cells

_FRESH = 0.4
"""Weight of the newest step in a cell's velocity (alpha-beta filter; measured, proposed)."""
_FADE = 0.8
"""How much of a cell's motion memory stays from one sighting to the next (proposed)."""
_SHARED = 2.0
"""Weight of all cells' habit against a cell's own, in sightings (proposed)."""
_FIRST_KEEP = 0.4
"""Share of the velocity that is believed before anything was learnt (proposed)."""
_FRESH_ALL = 0.1
"""Weight of the newest shot in the habit of all cells (proposed)."""
_UNREST_FRESH = 0.15
"""Weight of the newest miss in a cell's unrest (proposed)."""
_MOST_UNREST = 3.0
"""Bounds of a cell's own spread over the usual one: from 1 / 3 to 3 (proposed)."""


class Motion:
    """Predicts by a velocity that each cell must earn.

    A cell's next step is regressed on its velocity: ``keep = <step, velocity> / <velocity,
    velocity>``, as a running mean for each cell, drawn towards that of all cells. A wanderer
    (Brownian) ends near 0 and is expected where it was; a migrating cell ends near 1.
    """

    def __init__(self) -> None:
        self._along, self._squared = 0.0, 0.0

    def expect(self, cells: Cells, ahead: int) -> NDArray[np.float64]:
        """Return where each cell should be, px, (N, 3), from its last place: y, x, divided height.

        `ahead` is 0 for the shot that the cells were last updated at, and 1 for the next one.
        """
        gap = cells["missed"] + ahead
        return np.asarray(cells["place"] + gap[:, None] * self.course(cells))

    def course(self, cells: Cells) -> NDArray[np.float64]:
        """Return how far each cell should go in a shot, px, (N, 3): what it keeps of its speed."""
        habit = self._along / self._squared if self._squared > 0 else _FIRST_KEEP
        prior = _SHARED * max(self._squared, 1e-9)
        keep = (cells["along"] + prior * habit) / (cells["squared"] + prior)
        return np.asarray(np.clip(keep, 0.0, 1.0)[:, None] * cells["velocity"])

    def learn(self, cells: Cells, found: NDArray[np.float64], gap: int = 0) -> None:
        """Take in where each of `cells` was found; changes their motion, in place.

        Parameters
        ----------
        cells
            The cells that were found; their `missed` still counts the gap.
        found
            y, x and divided height, px, (N, 3).
        gap
            Shots that nobody saw since the last one.
        """
        step = (found - cells["place"]) / (cells["missed"] + 1 + gap)[:, None]
        along = np.einsum("ij,ij->i", step, cells["velocity"])
        squared = np.einsum("ij,ij->i", cells["velocity"], cells["velocity"])
        cells["along"] = _FADE * cells["along"] + (1 - _FADE) * along
        cells["squared"] = _FADE * cells["squared"] + (1 - _FADE) * squared
        moving = squared > 0
        if moving.any():
            stays = 1 - _FRESH_ALL
            self._along = stays * self._along + _FRESH_ALL * float(along[moving].mean())
            self._squared = stays * self._squared + _FRESH_ALL * float(squared[moving].mean())
        fresh = np.where(cells["sightings"] < 2, 1.0, _FRESH)[:, None]
        cells["velocity"] = (1 - fresh) * cells["velocity"] + fresh * step
        cells["step"], cells["place"] = step, found

    @staticmethod
    def spread(cells: Cells, usual_px: float, ahead: int) -> NDArray[np.float64]:
        """Return the standard deviation of each cell's place on each axis, px, (N,).

        A random walk: the variance grows with the shots since the cell was seen.
        """
        gap = np.maximum(cells["missed"] + ahead, 1)
        return np.asarray(usual_px * np.sqrt(cells["unrest"] * gap))

    @staticmethod
    def unrest(unrest: NDArray[np.float64], surprise: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the unrest after squared misses over what was usual, (N,)."""
        limit = _MOST_UNREST**2
        fresh = np.minimum(surprise, limit)
        return np.clip(unrest + _UNREST_FRESH * (fresh - unrest), 1 / limit, limit)
