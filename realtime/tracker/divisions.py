"""One cell becomes two: mother before and two daughters now, against a link and somebody new."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from realtime.tracker.assign import link_again
from realtime.tracker.cells import NOBODY, SAME
from realtime.tracker.links import surprise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.tracker.assign import Pairs
    from realtime.tracker.cells import Cells
    from realtime.tracker.family import Family
    from realtime.tracker.habits import Habits
    from realtime.tracker.links import Expected

_NEAREST = 6
"""Detections that are looked at for each mother: a crowd must not stall the search."""
_PAIRS = np.array(list(combinations(range(_NEAREST), 2)), np.intp)
_FIRM = 8.0
"""A detection that its cell would miss by more than this, nats, is nobody's daughter (proposed)."""
_MOST = 200_000
"""Possible families that are looked at in a shot (proposed)."""
_TOO_SOON_SHOTS = 4
"""A cell that divided so few shots ago hardly divides again (proposed)."""
_TOO_SOON = 0.02
"""What then remains of its probability (proposed)."""
_SEEN_ONCE = 0.25
"""The same of a cell that was seen only once, and may be false (proposed)."""


@dataclass(frozen=True, slots=True)
class Split:
    """A division: the mother's row, the detections that are her daughters, and its log odds.

    Attributes
    ----------
    kept
        The daughter that the mother's track goes on as.
    new
        The daughter that starts a track.
    """

    mother: int
    kept: int
    new: int
    odds: float


@dataclass(frozen=True, slots=True)
class Scene:
    """All that the search for divisions looks at, at one shot.

    Attributes
    ----------
    expected
        Where the mothers should be.
    willing
        Log probability of each cell to divide now, (N,); -inf: it cannot.
    sizes
        Area of each cell before, (N,), and of each detection, (M,), px.
    places, px
        Of the detections, px, (M, D): heights divided, and as they are.
    log_newcomers
        Log density of somebody new at each, (M,).
    of_cells, of_detections
        What each costs in the links without divisions (`assign.prices`).
    near
        The nearest detections of each cell (`assign.Pairs.near`).
    """

    expected: Expected
    willing: NDArray[np.float64]
    sizes: tuple[NDArray[np.float64], NDArray[np.float64]]
    places: NDArray[np.float64]
    px: NDArray[np.float64]
    log_newcomers: NDArray[np.float64]
    of_cells: NDArray[np.float64]
    of_detections: NDArray[np.float64]
    near: tuple[NDArray[np.float64], NDArray[np.intp]]


def find_splits(scene: Scene, family: Family) -> list[Split]:
    """Return divisions that explain the shot better than links do, best first.

    A division takes its mother and both detections out of the links. What that saves and what it
    costs, along the chain of cells that make way, are their prices; it is taken when the balance
    is in its favour. Each mother and each detection is used once.

    References
    ----------
    Pricing of hypotheses that are not yet in a linear program by its dual variables: Gilmore and
    Gomory, Operations Research 9 (1961) 849.
    """
    mothers, one, other = _candidates(scene, family)
    if len(mothers) == 0:
        return []
    cost = _cost(scene, family, (mothers, one, other))
    cost -= scene.of_cells[mothers] + scene.of_detections[one] + scene.of_detections[other]
    good = (cost < 0).nonzero()[0]
    order = good[np.lexsort((other[good], one[good], mothers[good], cost[good]))]
    busy: set[int] = set()
    daughters: set[int] = set()
    chosen = []
    for row in order.tolist():
        mother, pair = int(mothers[row]), (int(one[row]), int(other[row]))
        if mother in busy or daughters & set(pair):
            continue
        busy.add(mother)
        daughters |= set(pair)
        off = [float(np.sum((scene.places[d] - scene.expected.places[mother]) ** 2)) for d in pair]
        kept, new = pair if off[0] <= off[1] else pair[::-1]
        chosen.append(Split(mother, kept, new, -float(cost[row])))
    return chosen


def _candidates(
    scene: Scene, family: Family
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return mothers and pairs of near detections, one of which at least is easily had."""
    none = np.empty(0, np.intp)
    away, near = scene.near
    m, count = len(scene.places), min(near.shape[1], _NEAREST)
    if count < 2 or len(near) == 0:
        return none, none, none
    easy = np.append(scene.of_detections > -_FIRM, False)
    reach = family.reach_px(scene.expected.spread_px)
    near = np.where(away[:, :count] <= reach[:, None], near[:, :count], m)
    able = (easy[near].any(axis=1) & (near[:, 1] < m) & np.isfinite(scene.willing)).nonzero()[0]
    near = near[able]
    is_easy, is_there = easy[near], near < m
    one, other = _PAIRS[_PAIRS[:, 1] < count].T
    rows, ranks = ((is_easy[:, one] | is_easy[:, other]) & is_there[:, other]).nonzero()
    rows, ranks = rows[:_MOST], ranks[:_MOST]
    return able[rows], near[rows, one[ranks]], near[rows, other[ranks]]


def _cost(scene: Scene, family: Family, trio: tuple[NDArray[np.intp], ...]) -> NDArray[np.float64]:
    """Return minus the log likelihood of each division, over "unseen, and two newcomers"."""
    mothers, one, other = trio
    axes = scene.places.shape[1]
    between = scene.px[one] - scene.px[other]
    middle = (scene.places[one] + scene.places[other]) / 2 - scene.expected.places[mothers]
    spread = family.off_px(scene.expected.spread_px[mothers])
    cost = surprise(np.einsum("ij,ij->i", middle, middle), spread, axes, scene.expected.tail)
    apart = np.sqrt(np.einsum("ij,ij->i", between, between))
    of_mothers, of_detections = scene.sizes
    least = np.minimum(of_detections[one], of_detections[other]).clip(0)
    cost += np.where(apart < SAME * np.sqrt(least / np.pi), np.inf, family.apart_cost(apart, axes))
    cost += family.size_cost(of_mothers[mothers], of_detections[one], of_detections[other])
    cost -= scene.willing[mothers] + math.log(2.0)  # either daughter may be called the first
    return np.asarray(cost + scene.log_newcomers[one] + scene.log_newcomers[other])


def willingness(cells: Cells, habits: Habits, is_settled: bool) -> NDArray[np.float64]:
    """Return the log probability of each cell to divide now."""
    rates = habits.rates
    share = np.full(len(cells), rates.divided)
    share = np.where(cells["since_division"] < _TOO_SOON_SHOTS, _TOO_SOON * share, share)
    is_doubtful = ~cells["is_sure"] & (cells["sightings"] < 2) & is_settled
    share = np.where(is_doubtful, _SEEN_ONCE * share * (1 - rates.false), share)
    two_as_one = cells["hides"] | (cells["host"] != NOBODY)  # they come apart, they do not divide
    return np.where(two_as_one, -np.inf, np.log(share))


def make_room(
    pairs: Pairs, linked: NDArray[np.intp], splits: list[Split]
) -> tuple[Pairs, NDArray[np.intp]]:
    """Take mothers and daughters out of the links; who lost a detection to them looks again."""
    pairs = _without(pairs, splits)
    robbed = np.isin(linked, [d for s in splits for d in (s.kept, s.new)])
    mothers = [s.mother for s in splits]
    freed = linked[mothers]
    robbed[mothers] = False
    linked = linked.copy()
    linked[robbed] = linked[mothers] = -1
    if not robbed.any():
        return pairs, linked
    return pairs, link_again(pairs, linked, robbed, freed[freed >= 0])


def _without(pairs: Pairs, splits: list[Split]) -> Pairs:
    """Return the possible links of all others than mothers and daughters."""
    n, m = len(pairs.alone), pairs.n_columns
    is_mother, is_daughter = np.zeros(n, np.bool_), np.zeros(m, np.bool_)
    for split in splits:
        is_mother[split.mother] = is_daughter[[split.kept, split.new]] = True
    left = ~is_mother[pairs.rows] & ~is_daughter[pairs.columns]
    return replace(pairs, rows=pairs.rows[left], columns=pairs.columns[left], cost=pairs.cost[left])
