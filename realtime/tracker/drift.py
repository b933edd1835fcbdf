"""What the whole crowd does: a sheet that flows, a stage that drifts or was moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEIGHBOURS = 16
"""Cells that say how the crowd around a cell moves (measured: 8 and 16, median over mean)."""


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
