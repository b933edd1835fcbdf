"""A look at the middle of a large field, before time is spent on the whole of it.

Where chance fills a field, all searches for a better explanation fail, and in a large one they
take long. A few hundred cells in its middle say as well whether anything is to be found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.tracker.middle import MEDIAN_MISS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.tracker.assign import Pairs
    from realtime.tracker.links import Expected

_MANY = 1000
"""Cells beyond which the middle is looked at first: to explain noise takes 0.06 ms a cell, and a
shot has 60 ms (measured)."""
_FEW = 400
"""Cells of the middle; `doubts.are_guesses` asks for 20 links (proposed)."""
_STRANGE = 2.0
"""Nearest detection over the usual miss, median of all cells, from which a shot may be one of
chance; where cells move as they did it is 1 at most (proposed)."""


def is_strange(expected: Expected, pairs: Pairs) -> bool:
    """Whether half of the cells of a large field have no detection where one should be."""
    if len(expected.places) <= _MANY or pairs.near is None:
        return False
    usual_px = MEDIAN_MISS[expected.places.shape[1]] * expected.spread_px
    n_off = np.count_nonzero(pairs.near[0][:, 0] > _STRANGE * usual_px)
    return bool(2 * n_off > len(usual_px))


def middle_of(
    places: NDArray[np.float64], found: NDArray[np.float64], reach_px: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which cells are nearest to the middle of the field, and what was found about them.

    Parameters
    ----------
    places, found
        Of the cells and of the detections, px, (N, D) and (M, D).
    reach_px
        How far beyond those cells detections count.
    """
    middle = np.median(places, axis=0)
    away = np.sqrt(np.einsum("ij,ij->i", places - middle, places - middle))
    few = np.sort(np.argpartition(away, _FEW)[:_FEW])
    off = np.sqrt(np.einsum("ij,ij->i", found - middle, found - middle))
    return few, (off <= away[few].max() + reach_px).nonzero()[0]
