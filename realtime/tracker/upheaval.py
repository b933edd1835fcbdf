"""A shot in which the whole field moved as it never does: a bumped stage, a stirred colony."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from realtime.tracker.assign import cheapest_links, total_cost
from realtime.tracker.certainty import certainty, link_odds
from realtime.tracker.doubts import are_guesses
from realtime.tracker.drift import common_drift, common_jump
from realtime.tracker.flow import flowed, is_clump
from realtime.tracker.middle import MEDIAN_MISS, median

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from realtime.tracker.assign import Pairs
    from realtime.tracker.gate import Gate
    from realtime.tracker.links import Expected

_LOST = 0.1
"""Share of the cells that must be missing before a jump of the whole field is looked for
(proposed)."""
_LOST_SDS = 3.0
"""How far, in standard deviations, that must be beyond what is usually missed (proposed)."""
_SHARP = 2.0
"""How well cells agree on a jump, in spreads of a cell (proposed)."""
_PRICE = 20.0
"""How much likelier, nats, the shot must be with an upheaval than without: some thousand ways to
jump are tried (log 2000 = 7.6), and it is rare (proposed)."""
_STIRRED = 2.0
"""Median miss over the usual one from which cells may have been stirred (proposed)."""
_FEWEST = 20
"""Links that tell the median miss of one shot well enough (proposed)."""
_FLOW_SDS = 0.5
"""The same from which it is asked whether a part of the field was carried off (proposed)."""
_TOGETHER = 2.0
"""How near lost cells are to be lost together, over the distance of neighbours (proposed)."""
_FEWEST_LOST = 3
"""Cells that must be missing before a part of the field is thought to be carried off (proposed)."""
_ROUNDS = 4
"""Rounds of "link, see how far cells went, link again" in a stirred shot (measured: 2 to 8)."""
_REACH_SPREADS = 4.0
"""Gate of a stirred cell, in spreads (proposed)."""


@dataclass(frozen=True, slots=True)
class Linking:
    """One way to link a shot: where cells were expected, and what follows.

    Attributes
    ----------
    is_upheaval
        Whether cells went where only an upheaval takes them.
    jump
        How far a jump took all cells, px, (D,).
    ways
        How far each cell was carried beyond that, px, (N, D): no motion of its own.
    """

    expected: Expected
    pairs: Pairs
    linked: NDArray[np.intp]
    is_upheaval: bool = False
    jump: NDArray[np.float64] | None = None
    ways: NDArray[np.float64] | None = None


def with_upheaval(
    usual: Linking,
    found: NDArray[np.float64],
    is_here: NDArray[np.bool_],
    gate: Gate,
    missed: float,
    possible: Callable[..., Pairs],
    carried: NDArray[np.float64] | None = None,
) -> Linking:
    """Return the likeliest linking: the usual one, or one with an upheaval.

    Parameters
    ----------
    found
        Places of the detections, px, (M, D).
    is_here
        Cells that were seen at the last shot, (N,).
    missed
        Usual share of cells that are missed.
    possible
        Possible links of cells that are expected somewhere.
    carried
        How far the stage is said to have taken all cells, px, (D,); they are expected there.
    """
    if carried is not None:
        usual = _likelier_of(usual, _moved(usual, -carried, possible))
    n_here = int(np.count_nonzero(is_here))
    n_lost = int(np.count_nonzero((usual.linked < 0) & is_here))
    by_chance = missed * n_here + _LOST_SDS * np.sqrt(missed * n_here)
    others = []
    if n_lost >= max(_LOST * n_here, by_chance, 1):
        others.append(_jumped(usual, found, is_here, gate, possible))
    if _stir(usual, found) > _STIRRED:
        others.append(_stirred(usual, found, gate, possible))
    best, cost = usual, total_cost(usual.pairs, usual.linked) - _PRICE
    for other in others:
        if other is not None and total_cost(other.pairs, other.linked) < cost:
            best, cost = other, total_cost(other.pairs, other.linked)
    return best


def with_flow(
    usual: Linking,
    found: NDArray[np.float64],
    is_sure: NDArray[np.bool_],
    gate: Gate,
    missed: float,
    possible: Callable[..., Pairs],
) -> Linking:
    """Return the linking with parts of the field carried off, if that is likelier.

    `is_sure`, (N,), are the cells that were seen at the last shot and are no false detections; the
    others are as in `with_upheaval`.
    """
    lost = ((usual.linked < 0) & is_sure).nonzero()[0]
    by_chance = missed * np.count_nonzero(is_sure)
    if len(lost) < max(_FEWEST_LOST, by_chance + _FLOW_SDS * np.sqrt(by_chance)):
        return usual
    is_many = len(lost) > by_chance + _LOST_SDS * np.sqrt(by_chance)
    if not is_many and not is_clump(usual.expected.places, lost, _TOGETHER * gate.apart_px):
        return usual
    if is_many and are_guesses(usual.linked, certainty(link_odds(usual.pairs, usual.linked))):
        return usual  # where all is noise, no part of it was carried off
    apart_px = gate.apart_px if is_many else 0.0
    told = flowed(usual.expected, usual.pairs, usual.linked, lost, found, apart_px, possible)
    if told is None:
        return usual
    expected, cost = told
    if cost > total_cost(usual.pairs, usual.linked) - _PRICE:
        return usual
    pairs = possible(expected)
    linked = cheapest_links(pairs)
    ways = expected.places - usual.expected.places
    if usual.ways is not None:
        ways += usual.ways
    return Linking(expected, pairs, linked, is_upheaval=True, jump=usual.jump, ways=ways)


def _jumped(
    usual: Linking,
    found: NDArray[np.float64],
    is_here: NDArray[np.bool_],
    gate: Gate,
    possible: Callable[..., Pairs],
) -> Linking | None:
    """Return the linking if all cells went the same way at once; None: no such way is seen."""
    places = usual.expected.places
    jump = common_jump(places[is_here], found, _SHARP * gate.spread_px, gate.apart_px)
    if jump is None:
        return None
    way = jump if usual.jump is None else usual.jump + jump
    return replace(_moved(usual, jump, possible), is_upheaval=True, jump=way)


def _moved(usual: Linking, way: NDArray[np.float64], possible: Callable[..., Pairs]) -> Linking:
    """Return the linking if all cells are `way` from where they were expected."""
    expected = replace(usual.expected, places=usual.expected.places + way)
    pairs = possible(expected)
    return Linking(expected, pairs, cheapest_links(pairs), jump=way)


def _likelier_of(one: Linking, other: Linking) -> Linking:
    """Return the likelier linking, the first if they are equal.

    Whoever moves the stage may do it to keep the cells in view: then they are where they were.
    """
    costs = [total_cost(way.pairs, way.linked) for way in (one, other)]
    return one if costs[0] <= costs[1] else other


def _stirred(
    usual: Linking,
    found: NDArray[np.float64],
    gate: Gate,
    possible: Callable[..., Pairs],
) -> Linking:
    """Return the linking if cells went much farther than they do, each with its neighbours.

    How far is estimated from the links, and the links from it, in turn.
    """
    now, was = usual, usual.expected
    for _ in range(_ROUNDS):
        hit = np.flatnonzero(now.linked >= 0)
        links = np.column_stack((hit, now.linked[hit]))
        drift = common_drift(was.places, found, links)
        places = was.places + drift
        wide = max(_stir(replace(now, expected=replace(was, places=places)), found), 1.0)
        spread_px = wide * was.spread_px
        reach_px = np.clip(_REACH_SPREADS * spread_px, was.gates_px, 2 * gate.apart_px)
        gates_px = np.maximum(reach_px, was.gates_px)
        expected = replace(was, places=places, spread_px=spread_px, gates_px=gates_px)
        pairs = possible(expected)
        linked = cheapest_links(pairs)
        now = Linking(expected, pairs, linked, True, usual.jump, places - was.places)
    return now


def _stir(linking: Linking, found: NDArray[np.float64]) -> float:
    """Return how far from where they were expected cells were found; 1 is usual."""
    hit = (linking.linked >= 0).nonzero()[0]
    if len(hit) < _FEWEST:
        return 1.0
    off = found[linking.linked[hit]] - linking.expected.places[hit]
    miss = np.sqrt(np.einsum("ij,ij->i", off, off)) / linking.expected.spread_px[hit]
    return median(miss) / MEDIAN_MISS[found.shape[1]]
