"""Who is who: the cheapest one-to-one links, and what each detection is worth to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

_PASSES = 30
"""Longest chain of cells that make way for each other that a price looks along (proposed)."""
_ROUNDS = 6
"""Rounds in which pairs that must be are taken out before the rest is solved (proposed)."""
_SMALL = 2500
"""Cells times detections up to which a plain table of costs is the faster one (measured)."""
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
    near
        How far the nearest detections are from where each cell is expected, px, and which they are
        (M: none), (N, at most 10) each; it may reach farther than the links.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    cost: NDArray[np.float64]
    alone: NDArray[np.float64]
    n_columns: int
    near: tuple[NDArray[np.float64], NDArray[np.intp]] | None = None

    @property
    def is_too_many(self) -> bool:
        """Whether the best assignment would take too long."""
        return len(self.rows) > _MOST_PAIRS


def cheapest_links(pairs: Pairs, *, in_haste: bool = False) -> NDArray[np.intp]:
    """Return the detection of each cell, (N,), -1 for none, at the least total cost.

    Every cell has, beside the detections in its reach, one private column "not seen". So a full
    matching always exists, and no crowd can stall it (it is polynomial). Detections may stay
    unlinked at no cost. With too many pairs, or in haste, the cheapest are taken one after the
    other.

    References
    ----------
    Sparse assignment: Jonker and Volgenant, Computing 38 (1987) 325. The cost of staying alone
    follows Jaqaman et al., Nature Methods 5 (2008) 695, Fig. 1.
    """
    n, m = len(pairs.alone), pairs.n_columns
    linked = np.full(n, -1, np.intp)
    if n == 0 or len(pairs.rows) == 0:
        return linked
    if pairs.is_too_many or in_haste:
        return _one_by_one(pairs)
    gain = pairs.cost - pairs.alone[pairs.rows]
    worth = (gain < 0).nonzero()[0]  # what costs more is in no best answer
    left = (pairs.rows[worth], pairs.columns[worth], gain[worth])
    for _ in range(_ROUNDS):
        if len(left[0]) == 0:
            return linked
        sure = _must_be(left, n, m)
        if not sure.any():
            break
        left = _settle(linked, left, sure, m)
    if len(left[0]):
        _solve(linked, left)
    return linked


def link_again(
    pairs: Pairs, linked: NDArray[np.intp], robbed: NDArray[np.bool_], freed: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return the cheapest links after some cells have lost theirs; all others were cheapest.

    Only those are looked at whom a chain of shared detections joins to the robbed cells, or to the
    detections that were freed: for all others nothing has changed.
    """
    if pairs.is_too_many:
        return cheapest_links(pairs)
    worth = pairs.cost < pairs.alone[pairs.rows]
    rows, columns = pairs.rows[worth], pairs.columns[worth]
    there, wanted = robbed.copy(), np.zeros(pairs.n_columns, np.bool_)
    wanted[freed] = True
    n_wanted = 0
    while True:
        there[rows[wanted[columns]]] = True
        wanted[columns[there[rows]]] = True
        if n_wanted == (n_wanted := int(np.count_nonzero(wanted))):
            break
    inside = there[pairs.rows]
    few = replace(
        pairs, rows=pairs.rows[inside], columns=pairs.columns[inside], cost=pairs.cost[inside]
    )
    return np.where(there, cheapest_links(few), linked)


def total_cost(pairs: Pairs, linked: NDArray[np.intp]) -> float:
    """Return what a shot costs that is linked so, nats."""
    own = pairs.columns == linked[pairs.rows]
    return float(pairs.cost[own].sum() + pairs.alone[linked < 0].sum())


_Rivals: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]
"""Cells, detections and gains of pairs that compete, nats; a gain is below 0."""


def _must_be(left: _Rivals, n: int, m: int) -> NDArray[np.bool_]:
    """Return which pairs are in every best answer.

    Let cell i have detection j in place of whatever it has, and let whoever had j stay unseen. If
    the pair gains more than both can lose by that, it was no best answer before.
    """
    rows, columns, gain = left
    return np.asarray(gain < _best_other(rows, gain, n) + _best_other(columns, gain, m) - 1e-12)


def _best_other(
    names: NDArray[np.intp], gain: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """Return for each pair the best gain among the other pairs of its name, 0 if there is none."""
    best = np.zeros(count)
    np.minimum.at(best, names, gain)
    leads = (gain == best[names]).nonzero()[0]
    leader = np.full(count, -1, np.intp)
    leader[names[leads]] = leads  # of equals, one
    follows = np.ones(len(names), np.bool_)
    follows[leader[leader >= 0]] = False
    second = np.zeros(count)
    np.minimum.at(second, names[follows], gain[follows])
    return np.where(follows, best[names], second[names])


def _settle(linked: NDArray[np.intp], left: _Rivals, sure: NDArray[np.bool_], m: int) -> _Rivals:
    """Write down sure pairs, in `linked`, and return those that still compete."""
    rows, columns, gain = left
    linked[rows[sure]] = columns[sure]
    taken = np.zeros(m, np.bool_)
    taken[columns[sure]] = True
    open_ = ((linked[rows] < 0) & ~taken[columns]).nonzero()[0]
    return rows[open_], columns[open_], gain[open_]


def _solve(linked: NDArray[np.intp], left: _Rivals) -> None:
    """Settle who is linked where cells or detections have a choice; changes `linked`."""
    who, i = _number(left[0])
    whom, j = _number(left[1])
    n, m = len(who), len(whom)
    if n * m <= _SMALL:  # a plain table is solved sooner than a sparse one is built
        table = np.zeros((n, m))
        table[i, j] = left[2]
        rows, columns = linear_sum_assignment(table)
        seen = table[rows, columns] < 0
        linked[who[rows[seen]]] = whom[columns[seen]]
        return
    cost = np.concatenate((left[2], np.zeros(n)))
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
    return is_there.nonzero()[0], (np.cumsum(is_there) - 1)[names]


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
    has = (linked >= 0).nonzero()[0]
    own = pairs.columns == linked[pairs.rows]
    paid = np.zeros(len(pairs.alone))
    paid[pairs.rows[own]] = pairs.cost[own]
    starts = np.concatenate(([0], (pairs.rows[1:] != pairs.rows[:-1]).nonzero()[0] + 1))
    whose = pairs.rows[starts]
    for _ in range(_PASSES):
        worth[linked[has]] = np.minimum(paid[has] - of_cells[has], 0.0)
        over = np.where(own, np.inf, pairs.cost - worth[pairs.columns])
        least = np.minimum(np.minimum.reduceat(over, starts), of_cells[whose])
        if (least >= of_cells[whose] - 1e-9).all():
            break
        of_cells[whose] = least
    return of_cells, worth
