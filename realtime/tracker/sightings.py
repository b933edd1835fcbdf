"""What a shot showed of each cell, written into the table of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.tracker.cells import NEVER, NOBODY, pick, put

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.tracker.cells import Cells, Found
    from realtime.tracker.habits import Habits


def write_down(
    cells: Cells, linked: NDArray[np.intp], found: Found, habits: Habits, gap: int
) -> NDArray[np.bool_]:
    """Write what was found into the cells, in place; what was not found is missed.

    Parameters
    ----------
    linked
        Which detection is which cell, (N,); -1 for none.
    habits
        How cells move and look; it learns from each that was found.
    gap
        Shots that are missing before this one.

    Returns
    -------
    Which cells are back, (N,): their end was told, and is to be taken back.
    """
    was_missed = cells["missed"].copy()
    hit = (linked >= 0).nonzero()[0]
    which, seen = linked[hit], pick(cells, hit)
    places = np.zeros_like(seen["place"])
    places[:, : found.places.shape[1]] = found.places[which]
    habits.motion.learn(seen, places, gap)
    habits.learn_looks(seen, found.areas[which], found.signals[which])
    seen["photons"] = found.photons[which]
    seen["sightings"] += 1
    put(cells, hit, seen)
    cells["age"] += 1
    cells["since_division"] = np.minimum(cells["since_division"] + 1, NEVER)
    cells["detection"] = linked
    cells["missed"] = np.where(linked >= 0, 0, was_missed + 1)
    back: NDArray[np.bool_] = (
        (linked >= 0) & (was_missed > 0) & cells["is_sure"] & (cells["host"] == NOBODY)
    )
    return back
