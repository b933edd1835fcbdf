"""Who is who: the cheapest one-to-one links between expected places and detections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TINY = 1e-6
"""Added to every cost: scipy takes a stored zero for "no edge" and would lose a cell at rest."""


def gated_lap(
    expected: NDArray[np.float64], found: NDArray[np.float64], gates: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Link expected places to detections at the least sum of squared distances over gates.

    Every expected place has a gate, and beside the detections inside it one private column "not
    seen" at the cost of a link as long as the gate. So a full matching always exists, no crowd
    can stall it (it is polynomial), and a link is never longer than its gate. Detections may stay
    unlinked at no cost.

    Parameters
    ----------
    expected, found
        Places y, x in px, (N, 2) and (M, 2) float64.
    gates
        Longest link of each expected place, px, (N,) float64.

    Returns
    -------
    NDArray
        Pairs (index in `expected`, index in `found`), (K, 2), by ascending first index.

    References
    ----------
    Sparse assignment: Jonker and Volgenant, Computing 38 (1987) 325. The cost of staying alone
    follows Jaqaman et al., Nature Methods 5 (2008) 695, Fig. 1.
    """
    n, m = len(expected), len(found)
    if n == 0 or m == 0:
        return np.empty((0, 2), np.intp)
    near = cKDTree(expected).sparse_distance_matrix(
        cKDTree(found), float(gates.max()), output_type="ndarray"
    )
    near = near[near["v"] <= gates[near["i"]]]
    alone = np.arange(n)
    cost = csr_matrix(
        (
            np.concatenate((near["v"] / gates[near["i"]], np.ones(n))) ** 2 + _TINY,
            (np.concatenate((near["i"], alone)), np.concatenate((near["j"], m + alone))),
        ),
        shape=(n, m + n),
    )
    rows, columns = min_weight_full_bipartite_matching(cost)
    linked = columns < m
    return np.column_stack((rows[linked], columns[linked]))
