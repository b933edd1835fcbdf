"""What the whole crowd does: a sheet that flows, a stage that drifts or was moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEIGHBOURS = 16
"""Cells that say how the crowd around a cell moves (measured: 8 and 16, median over mean)."""
_FEWEST = 8
"""Cells without which nobody can tell a jump from a walk (proposed)."""
_VOTES = 12
"""Detections that each cell votes for (proposed)."""
_JUMP_REACH = 2.0
"""How far jumps are looked for, over the distance of neighbours (proposed)."""
_EXPLAINED, _GAIN = 0.5, 1.5
"""Share of the cells that a jump must explain, and how many times as many as no jump does
(proposed)."""
_MOST_ASKED = 2000
"""Ways whose votes are counted: a crowd must not stall the search."""
_MOST_AT_ONCE = 1 << 18
"""Ways that are measured together: memory stays bounded."""


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


def common_jump(
    expected: NDArray[np.float64], found: NDArray[np.float64], sharp_px: float, apart_px: float
) -> NDArray[np.float64] | None:
    """Return how far the whole field jumped between two shots, px, (D,); None: it did not.

    Each cell votes for the ways to its nearest detections; a stage that was bumped gives many
    votes for one way. It must explain at least half of the cells, and half as many again as no
    jump does.

    Parameters
    ----------
    expected, found
        px, (N, D) and (M, D).
    sharp_px
        How well votes for the same way agree.
    apart_px
        Usual distance of neighbours: jumps up to twice as far are looked for.
    """
    n, m = len(expected), len(found)
    if n < _FEWEST or m < _FEWEST:
        return None
    tree = cKDTree(found)
    reach = _JUMP_REACH * apart_px
    away, near = tree.query(expected, range(1, min(_VOTES, m) + 1), distance_upper_bound=reach)
    rows, ranks = np.nonzero(away < reach)
    ways = found[near[rows, ranks]] - expected[rows]
    if len(ways) == 0:
        return None
    votes = cKDTree(ways)
    asked = ways[:: 1 + len(ways) // _MOST_ASKED]
    support = votes.query_ball_point(asked, sharp_px, return_length=True)
    best = asked[np.lexsort((*asked.T, -support))[0]]
    way = np.median(ways[votes.query_ball_point(best, sharp_px)], axis=0)
    explained = int(np.sum(tree.query(expected + way)[0] < sharp_px))
    before = int(np.sum(tree.query(expected)[0] < sharp_px))
    is_real = explained >= _EXPLAINED * n and explained > _GAIN * before
    return np.asarray(way) if is_real else None


def ways_within(
    gone: NDArray[np.float64], free: NDArray[np.float64], reach: float
) -> NDArray[np.float64]:
    """Return the ways from `gone`, (L, D), to `free`, (F, D), that are shorter than `reach`."""
    size, near = max(1, _MOST_AT_ONCE // len(free)), []
    for k in range(0, len(gone), size):
        ways = (free[None] - gone[k : k + size, None]).reshape(-1, free.shape[1])
        near.append(ways[np.einsum("ij,ij->i", ways, ways) < reach**2])
    return np.concatenate(near)
