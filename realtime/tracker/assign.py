"""Who is who: the cheapest one-to-one links, and what each detection is worth to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PASSES = 30
"""Longest chain of cells that make way for each other that a price looks along (proposed)."""
_MOST_PAIRS = 60_000
"""Possible links above which the cheapest pairs are taken one by one: the shot's time is kept
(measured: 20,000 detections of pure noise)."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Possible links of N cells to M detections.

    Attributes
    ----------
    rows, columns
        Cell and detection of each possible link, (K,); sorted by cell.
    cost
        Of each link, nats, (K,), over that of leaving the detection unexplained.
    alone
        Cost of leaving each cell unseen, nats, (N,).
    n_columns
        M.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    cost: NDArray[np.float64]
    alone: NDArray[np.float64]
    n_columns: int

    @property
    def is_too_many(self) -> bool:
        """Whether the best assignment would take too long."""
        return len(self.rows) > _MOST_PAIRS


def cheapest_links(pairs: Pairs) -> NDArray[np.intp]:
    """Return the detection of each cell, (N,), -1 for none, at the least total cost.

    Every cell has, beside the detections in its reach, one private column "not seen". So a full
    matching always exists, and no crowd can stall it (it is polynomial). Detections may stay
    unlinked at no cost. With too many pairs the cheapest are taken one after the other.

    References
    ----------
    Sparse assignment: Jonker and Volgenant, Computing 38 (1987) 325. The cost of staying alone
    follows Jaqaman et al., Nature Methods 5 (2008) 695, Fig. 1.
    """
    n, m = len(pairs.alone), pairs.n_columns
    linked = np.full(n, -1, np.intp)
    if n == 0 or len(pairs.rows) == 0:
        return linked
    if pairs.is_too_many:
        return _one_by_one(pairs)
    worth = pairs.cost < pairs.alone[pairs.rows]  # what costs more is in no best answer
    rows, columns, cost = pairs.rows[worth], pairs.columns[worth], pairs.cost[worth]
    rivals = np.bincount(rows, minlength=n)[rows] + np.bincount(columns, minlength=m)[columns]
    lone = rivals == 2  # nobody else wants it, and it wants nothing else
    linked[rows[lone]] = columns[lone]
    if not lone.all():
        _solve(linked, (rows[~lone], columns[~lone], cost[~lone]), pairs.alone)
    return linked


def total_cost(pairs: Pairs, linked: NDArray[np.intp]) -> float:
    """Return what a shot costs that is linked so, nats."""
    own = pairs.columns == linked[pairs.rows]
    return float(pairs.cost[own].sum() + pairs.alone[linked < 0].sum())


def _solve(
    linked: NDArray[np.intp],
    rivals: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]],
    alone: NDArray[np.float64],
) -> None:
    """Settle who is linked where cells or detections have a choice; changes `linked`."""
    who, i = _number(rivals[0])
    whom, j = _number(rivals[1])
    n, m = len(who), len(whom)
    cost = np.concatenate((rivals[2], alone[who]))
    cost -= cost.min() - 1.0  # a stored zero would be no edge; a shift changes no choice
    order = np.argsort(np.concatenate((i, np.arange(n))), kind="stable")  # a row ends "not seen"
    columns = np.concatenate((j, np.arange(m, m + n)))[order].astype(np.int32)
    ends = np.zeros(n + 1, np.int32)
    np.cumsum(np.bincount(i, minlength=n) + 1, out=ends[1:])
    graph = csr_matrix((cost[order], columns, ends), shape=(n, m + n))
    rows, columns = min_weight_full_bipartite_matching(graph)
    seen = columns < m
    linked[who[rows[seen]]] = whom[columns[seen]]


def _number(names: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the different names, sorted, and for each name its place among them."""
    is_there = np.zeros(int(names.max()) + 1, np.bool_)
    is_there[names] = True
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[names]


def _one_by_one(pairs: Pairs) -> NDArray[np.intp]:
    """Take the cheapest pair, then the next whose two sides are still free."""
    linked = np.full(len(pairs.alone), -1, np.intp)
    taken = np.zeros(pairs.n_columns, np.bool_)
    gain = pairs.cost - pairs.alone[pairs.rows]
    worth = np.flatnonzero(gain < 0)
    rows, columns, gain = pairs.rows[worth], pairs.columns[worth], gain[worth]
    while len(rows):
        best = np.full(len(linked), np.inf)
        wanted = np.full(pairs.n_columns, np.inf)
        np.minimum.at(best, rows, gain)
        np.minimum.at(wanted, columns, gain)
        mutual = np.flatnonzero((gain == best[rows]) & (gain == wanted[columns]))
        _, first = np.unique(rows[mutual], return_index=True)
        _, once = np.unique(columns[mutual[first]], return_index=True)
        chosen = mutual[first[once]]
        linked[rows[chosen]] = columns[chosen]
        taken[columns[chosen]] = True
        open_ = (linked[rows] < 0) & ~taken[columns]
        rows, columns, gain = rows[open_], columns[open_], gain[open_]
    return linked


def prices(
    pairs: Pairs, linked: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what each cell's place in the whole costs, and what each detection is worth, nats.

    The dual variables of the assignment, the largest for cells: minus a detection's worth is what
    the cells would pay more if it were not there, along the chain of those that make way.

    Returns
    -------
    of_cells, of_detections
        (N,) and (M,); of detections <= 0, and 0 for those that are free.
    """
    of_cells = pairs.alone.copy()
    worth = np.zeros(pairs.n_columns)
    if len(pairs.rows) == 0:
        return of_cells, worth
    has = np.flatnonzero(linked >= 0)
    own = pairs.columns == linked[pairs.rows]
    paid = np.zeros(len(pairs.alone))
    paid[pairs.rows[own]] = pairs.cost[own]
    starts = np.flatnonzero(np.concatenate(([True], pairs.rows[1:] != pairs.rows[:-1])))
    whose = pairs.rows[starts]
    for _ in range(_PASSES):
        worth[linked[has]] = np.minimum(paid[has] - of_cells[has], 0.0)
        over = np.where(own, np.inf, pairs.cost - worth[pairs.columns])
        least = np.minimum(np.minimum.reduceat(over, starts), of_cells[whose])
        if np.all(least >= of_cells[whose] - 1e-9):
            break
        of_cells[whose] = least
    return of_cells, worth
