"""What each possible link costs: how surprising the place and the look would be, in nats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from realtime.tracker.assign import Pairs, cheapest_links
from realtime.tracker.cells import Found

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_NEAREST = 10
"""Detections that are looked at for each cell: a crowd must not stall the search."""
_TAIL = 6.0
"""Degrees of freedom of a miss; to learn them while tracking was tried, and lost divisions
(docs/decisions/030-tracker.md)."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Where cells should be.

    Attributes
    ----------
    places
        px, (N, D).
    spread_px
        Standard deviation on each axis, (N,).
    gates_px
        Longest link, (N,).
    alone
        Probability of each cell to stay unseen, (N,).
    tail
        Degrees of freedom of a miss (`surprise`).
    """

    places: NDArray[np.float64]
    spread_px: NDArray[np.float64]
    gates_px: NDArray[np.float64]
    alone: NDArray[np.float64]
    tail: float = _TAIL


def surprise(
    squared_px: NDArray[np.float64], spread_px: NDArray[np.float64], axes: int, tail: float
) -> NDArray[np.float64]:
    """Return minus the log density of misses, for each px**axes, under Student's t.

    Real steps are rarer in the middle and commoner far off than Gaussian ones.

    Parameters
    ----------
    squared_px
        Squared misses, px**2.
    tail
        Degrees of freedom; few: long steps are common.
    """
    scale = math.lgamma(tail / 2) - math.lgamma((tail + axes) / 2)
    scale += axes / 2 * math.log(tail * math.pi)
    off = np.log1p(squared_px / (tail * spread_px**2))
    return np.asarray(scale + axes * np.log(spread_px) + (tail + axes) / 2 * off)


def possible_links(
    expected: Expected,
    found: Found,
    log_newcomers: NDArray[np.float64],
    look: Callable[[NDArray[np.intp], NDArray[np.intp]], NDArray[np.float64]],
    reach_px: float = 0.0,
) -> Pairs:
    """Return every link inside a gate, at most ten a cell, and what it costs.

    A link costs what it is less likely than "this cell is unseen, and that detection is somebody
    new"; so the two compete on equal terms.

    Parameters
    ----------
    log_newcomers
        Log density of somebody new at each detection, (M,).
    look
        Cost of the looks of pairs (cells, detections), nats.
    reach_px
        How far detections are to be noted as near, beyond the gates (`Pairs.near`).
    """
    n, m = len(expected.places), len(found)
    alone = -np.log(expected.alone)
    if n == 0 or m == 0:
        none = np.empty(0, np.intp)
        return Pairs(none, none, np.empty(0), alone, m)
    count = min(_NEAREST, m)
    reach_px = max(reach_px, float(expected.gates_px.max()))
    away, near = found.tree.query(
        expected.places, range(1, count + 1), distance_upper_bound=reach_px
    )
    rows, ranks = (away <= expected.gates_px[:, None]).nonzero()
    columns, off = near[rows, ranks], away[rows, ranks]
    cost = surprise(off**2, expected.spread_px[rows], found.places.shape[1], expected.tail)
    cost += log_newcomers[columns] - np.log1p(-expected.alone)[rows] + look(rows, columns)
    return Pairs(rows, columns, cost, alone, m, (away, near))


def warm_up() -> None:
    """Link two dummy cells: scipy's first call loads code, and must not cost the first shot."""
    two = np.array([[0.0, 0.0], [9.0, 9.0]])
    ones = np.ones(2)
    expected, found = Expected(two, ones, 3 * ones, 0.1 * ones), Found(two, ones, ones)
    cheapest_links(possible_links(expected, found, -9 * ones, lambda rows, _: np.zeros(len(rows))))
