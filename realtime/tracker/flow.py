"""A part of the field that is carried off: cells go where a neighbour of theirs went.

A clump that is washed along moves as nobody in it has moved before, and no other clump does. It is
found from its lost cells: by the way that most of them could have gone, and then from cell to
neighbour, as far as it reaches.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from realtime.tracker.assign import Pairs, cheapest_links, total_cost
from realtime.tracker.drift import ways_within
from realtime.tracker.links import Expected
from realtime.tracker.middle import median

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_ROUNDS = 8
"""Rounds of "link, see where neighbours went, link again" (proposed)."""
_LEAST_GAIN = 2.0
"""What a round must have won, nats, for another one to be worth its time (proposed)."""
_NEIGHBOURS = 6
"""Neighbours whose ways a cell may have gone (proposed)."""
_AROUND = 8
"""Cells around a lost one whose links are looked at again (proposed)."""
_SHEAR = 0.1
"""How far two cells that are carried along part, over their distance (tuned: yeast 3, 4, 5, 7)."""
_PRIOR = math.log(2.0 * _NEIGHBOURS)
"""What it costs a cell, nats, to have gone a neighbour's way: half of a clump's cells go their own
way, and any neighbour may be the one (proposed)."""
_GATE_SPREADS = 4.0
"""Gate of a cell that is carried along, in spreads (proposed)."""
_FEWEST_TOGETHER = 3
"""Fewer cells than these that are lost together are no clump (proposed)."""
_SEEDS, _SEED_VOTES = 6, 4
"""Ways that are tried as the first, and the fewest cells that must want one
(proposed)."""
_SEED_SDS = 3.0
"""How far, in standard deviations, the votes for such a way must be beyond chance (proposed)."""
_SEED_REACH, _SEED_SHARP = 4.0, 0.2
"""How far such a way may lead, and how well votes for it agree, over the distance of neighbours
(proposed)."""
_MOST_VOTES = 3000
"""Votes that are counted: a crowd must not stall the search."""
_MOST_ASKED = 600
"""Cells whose links are looked at again, at most: the shot's time is kept."""


class Ways(NamedTuple):
    """Ways that cells may have gone: whose, (H,), from where it is expected, px, (H, D); spread."""

    whose: NDArray[np.intp]
    by: NDArray[np.float64]
    spread_px: NDArray[np.float64]


def is_clump(places: NDArray[np.float64], lost: NDArray[np.intp], reach_px: float) -> bool:
    """Whether more lost cells have another one so near than if any cell were as likely lost."""
    gone = places[lost]
    away = cKDTree(gone).query(gone, 2)[0][:, 1]
    room = float(np.prod(np.ptp(places, axis=0) + 1.0))
    axes = places.shape[1]
    ball = (math.pi if axes == 2 else 4 / 3 * math.pi) * reach_px**axes
    by_chance = len(lost) * -math.expm1(-len(lost) * ball / room)
    n_together = int(np.count_nonzero(away < reach_px))
    return n_together >= max(_FEWEST_TOGETHER, by_chance + 2 * math.sqrt(by_chance))


def flowed(
    expected: Expected,
    home: Pairs,
    linked: NDArray[np.intp],
    lost: NDArray[np.intp],
    found: NDArray[np.float64],
    apart_px: float,
    possible: Callable[[Expected, NDArray[np.intp]], Pairs],
) -> tuple[Expected, float] | None:
    """Return where cells are expected if parts of the field were carried off, and what that costs.

    Parameters
    ----------
    home, linked
        The usual possible links and the best of them, (N,).
    lost
        Cells that are missing unexpectedly, (L,).
    found
        Places of the detections, px, (M, D).
    apart_px
        Usual distance of neighbours; 0: no way is tried but those of neighbours.
    possible
        Possible links of given expectations, each of the cell of that row.

    Returns
    -------
    tuple or None
        Expectations and the total cost of the best links, nats, with what the ways themselves
        cost; None if nobody could have gone anywhere.
    """
    seeds = _seeds(expected.places, linked, lost, found, apart_px)
    starts = [seeds, *seeds[:, None]] if len(seeds) > 1 else [seeds]
    best, cost = None, total_cost(home, linked)
    for start in starts:
        there, paid = _spread(expected, home, linked, lost, found, start, possible)
        if there is not None and paid < cost:
            best, cost = there, paid
    return None if best is None else (best, cost)


def _spread(
    expected: Expected,
    home: Pairs,
    linked: NDArray[np.intp],
    lost: NDArray[np.intp],
    found: NDArray[np.float64],
    seeds: NDArray[np.float64],
    possible: Callable[[Expected, NDArray[np.intp]], Pairs],
) -> tuple[Expected | None, float]:
    """Let ways spread from cell to neighbour as long as that explains more."""
    best, cost = None, total_cost(home, linked)
    for _ in range(_ROUNDS):
        ways = _neighbours_ways(expected, linked, lost, found, seeds)
        if len(ways.whose) == 0:
            break
        pairs, way_of = _with_ways(expected, home, ways, possible)
        linked = cheapest_links(pairs)
        now = total_cost(pairs, linked)
        if now >= cost:
            break
        gain, cost, best = cost - now, now, _gone(expected, pairs, linked, ways, way_of)
        if gain < _LEAST_GAIN:
            break
    return best, cost


def _seeds(
    places: NDArray[np.float64],
    linked: NDArray[np.intp],
    lost: NDArray[np.intp],
    found: NDArray[np.float64],
    apart_px: float,
) -> NDArray[np.float64]:
    """Return ways that several lost cells could have gone to detections that are free, (S, D)."""
    is_free = np.ones(len(found), np.bool_)
    is_free[linked[linked >= 0]] = False
    free, none = found[is_free], np.empty((0, found.shape[1]))
    if apart_px == 0 or len(free) < _SEED_VOTES or len(lost) < _SEED_VOTES:
        return none
    reach, sharp = _SEED_REACH * apart_px, _SEED_SHARP * apart_px
    ways = ways_within(places[lost], free, reach)
    ways = ways[:: 1 + len(ways) // _MOST_VOTES]
    by_chance = len(ways) * (_SEED_SHARP / _SEED_REACH) ** found.shape[1]
    least = max(_SEED_VOTES, by_chance + _SEED_SDS * math.sqrt(by_chance))
    seeds: list[NDArray[np.float64]] = []
    while len(seeds) < _SEEDS and len(ways) >= _SEED_VOTES:
        tree = cKDTree(ways)
        support = tree.query_ball_point(ways, sharp, return_length=True)
        top = int(np.lexsort((*ways.T, -support))[0])
        if support[top] < least:
            break
        near = tree.query_ball_point(ways[top], sharp)
        seeds.append(np.median(ways[near], axis=0))
        off = ways - seeds[-1]
        ways = ways[np.einsum("ij,ij->i", off, off) > (2 * sharp) ** 2]
    return np.array(seeds) if seeds else none


def _neighbours_ways(
    expected: Expected,
    linked: NDArray[np.intp],
    lost: NDArray[np.intp],
    found: NDArray[np.float64],
    seeds: NDArray[np.float64],
) -> Ways:
    """Return the ways that lost cells and those around them may have gone."""
    places = expected.places
    whose, by = np.repeat(lost, len(seeds)), np.tile(seeds, (len(lost), 1))
    apart_px = np.zeros(len(whose))
    hit = (linked >= 0).nonzero()[0]
    if len(hit) > _NEIGHBOURS:
        around = cKDTree(places).query(places[lost], range(1, 1 + min(_AROUND, len(places))))[1]
        asked = np.unique(around)[:_MOST_ASKED]
        away, who = cKDTree(places[hit]).query(places[asked], _NEIGHBOURS + 1)
        rows, ranks = (hit[who] != asked[:, None]).nonzero()
        went = found[linked[hit]] - places[hit]
        usual_px = median(away[rows, ranks])
        whose = np.concatenate((whose, asked[rows]))
        by = np.concatenate((by, went[who[rows, ranks]]))
        apart_px = np.concatenate((apart_px + usual_px, away[rows, ranks]))
    return Ways(whose, by, np.hypot(expected.spread_px[whose], _SHEAR * apart_px))


def _with_ways(
    expected: Expected,
    home: Pairs,
    ways: Ways,
    possible: Callable[[Expected, NDArray[np.intp]], Pairs],
) -> tuple[Pairs, NDArray[np.intp]]:
    """Return the possible links with those along the ways, and the way of each; -1: none."""
    gone = Expected(
        expected.places[ways.whose] + ways.by,
        ways.spread_px,
        _GATE_SPREADS * ways.spread_px,
        expected.alone[ways.whose],
        expected.tail,
    )
    away = possible(gone, ways.whose)
    rows = np.concatenate((home.rows, ways.whose[away.rows]))
    columns = np.concatenate((home.columns, away.columns))
    cost = np.concatenate((home.cost, away.cost + _PRIOR))
    way_of = np.concatenate((np.full(len(home.rows), -1), away.rows))
    order = np.lexsort((cost, columns, rows))
    rows, columns = rows[order], columns[order]
    first = np.ones(len(rows), np.bool_)
    first[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
    order = order[first]
    pairs = replace(home, rows=rows[first], columns=columns[first], cost=cost[order], near=None)
    return pairs, way_of[order]


def _gone(
    expected: Expected,
    pairs: Pairs,
    linked: NDArray[np.intp],
    ways: Ways,
    way_of: NDArray[np.intp],
) -> Expected:
    """Return where the cells are expected after each has gone the way that its link went."""
    own = (pairs.columns == linked[pairs.rows]) & (way_of >= 0)
    rows, way = pairs.rows[own], way_of[own]
    places, spread = expected.places.copy(), expected.spread_px.copy()
    gates = expected.gates_px.copy()
    places[rows] += ways.by[way]
    spread[rows] = ways.spread_px[way]
    gates[rows] = np.maximum(_GATE_SPREADS * spread[rows], gates[rows])
    return replace(expected, places=places, spread_px=spread, gates_px=gates)
