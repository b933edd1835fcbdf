"""What each possible link costs: how surprising the place and the look would be, in nats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from realtime.tracker.assign import Pairs

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_NEAREST = 10
"""Detections that are looked at for each cell: a crowd must not stall the search."""


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
    tail: float = 6.0


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
        Degrees of freedom; few: long steps are common (`realtime.tracker.gate`).
    """
    scale = math.lgamma(tail / 2) - math.lgamma((tail + axes) / 2)
    scale += axes / 2 * math.log(tail * math.pi)
    off = np.log1p(squared_px / (tail * spread_px**2))
    return np.asarray(scale + axes * np.log(spread_px) + (tail + axes) / 2 * off)


def possible_links(
    expected: Expected,
    places: NDArray[np.float64],
    log_newcomers: NDArray[np.float64],
    look: Callable[[NDArray[np.intp], NDArray[np.intp]], NDArray[np.float64]],
) -> Pairs:
    """Return every link inside a gate, at most ten a cell, and what it costs.

    A link costs what it is less likely than "this cell is unseen, and that detection is somebody
    new"; so the two compete on equal terms.

    Parameters
    ----------
    places
        Of the detections, px, (M, D).
    log_newcomers
        Log density of somebody new at each detection, (M,).
    look
        Cost of the looks of pairs (cells, detections), nats.
    """
    n, m = len(expected.places), len(places)
    alone = -np.log(expected.alone)
    if n == 0 or m == 0:
        none = np.empty(0, np.intp)
        return Pairs(none, none, np.empty(0), alone, m)
    count = min(_NEAREST, m)
    away, near = cKDTree(places).query(
        expected.places, range(1, count + 1), distance_upper_bound=float(expected.gates_px.max())
    )
    rows, ranks = np.nonzero(away <= expected.gates_px[:, None])
    columns = near[rows, ranks]
    cost = surprise(
        away[rows, ranks] ** 2, expected.spread_px[rows], places.shape[1], expected.tail
    )
    cost += log_newcomers[columns] - np.log1p(-expected.alone)[rows] + look(rows, columns)
    return Pairs(rows, columns, cost, alone, m)
