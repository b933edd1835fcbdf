"""Which cell of a result is which cell of the truth, time point by time point."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from realtime.errors import RunFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightloop.scoring.sides import Side

COVERED = 0.5
"""A cell is found where more than this share of its true mask is covered (Matula et al., PLoS ONE
10 (2015) e0144959)."""
APART = 0.25
"""Reach between points whose size nobody knows, in distances between neighbours (proposed)."""


@dataclass(slots=True)
class Match:
    """Pairs of nodes of truth and result.

    Attributes
    ----------
    how
        By what rule, for a person.
    pairs
        (n, 2): node of the truth, node of the result. A node of the result may stand for several.
    weight
        How well each pair fits: larger is better.
    """

    how: str
    pairs: NDArray[np.int64]
    weight: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def one_to_one(self) -> NDArray[np.int64]:
        """Return the pairs, of each node of the result only the best."""
        order = np.lexsort((self.pairs[:, 0], -self.weight))
        _, first = np.unique(self.pairs[order, 1], return_index=True)
        return self.pairs[order[np.sort(first)]]


def match(truth: Side, result: Side) -> Match:
    """Match by masks where both have some, else by the distance of places."""
    if truth.mask is not None and result.mask is not None:
        return _by_masks(truth, result)
    return _by_places(truth, result, reach_px(truth, result))


def reach_px(truth: Side, result: Side) -> float:
    """Return how far a cell may lie from its truth, px: a radius of a usual cell."""
    known = np.concatenate([side.areas_px[side.areas_px > 0] for side in (result, truth)])
    if len(known):
        return float(np.sqrt(np.median(known) / np.pi))
    apart = [
        cKDTree(truth.places[at]).query(truth.places[at], 2)[0][:, 1]
        for t in np.unique(truth.t)
        if np.count_nonzero(at := truth.t == t) > 1
    ]
    return APART * float(np.median(np.concatenate(apart))) if apart else np.inf


def _by_masks(truth: Side, result: Side) -> Match:
    assert truth.mask is not None
    assert result.mask is not None
    pairs, weights = [], []
    nodes, others = _by_time(truth), _by_time(result)
    for t in sorted(nodes.keys() & others.keys()):
        true, told = truth.mask(t), result.mask(t)
        if true.shape != told.shape:
            raise RunFileError(
                f"the masks of {truth.what} are {true.shape} px and those of {result.what} "
                f"{told.shape}: they are not of the same film"
            )
        both = (true > 0) & (told > 0)
        met, count = np.unique(
            np.column_stack((true[both], told[both])).astype(np.int64), axis=0, return_counts=True
        )
        for (a, b), n in zip(met.tolist(), count.tolist(), strict=True):
            one, other = nodes[t].get(a), others[t].get(b)
            if one is None or other is None or n <= COVERED * truth.areas_px[one]:
                continue
            pairs.append((one, other))
            weights.append(n / truth.areas_px[one])
    how = "masks that cover more than half of the true one"
    return Match(how, np.array(pairs, np.int64).reshape(-1, 2), np.array(weights))


def _by_places(truth: Side, result: Side, reach: float) -> Match:
    pairs: list[tuple[int, int]] = []
    for t in np.intersect1d(truth.t, result.t):
        here, there = np.flatnonzero(truth.t == t), np.flatnonzero(result.t == t)
        away = np.linalg.norm(truth.places[here][:, None] - result.places[there], axis=-1)
        cost = np.where(away <= reach, away, 1e3 * (reach if np.isfinite(reach) else 1e9))
        rows, columns = linear_sum_assignment(cost)
        near = away[rows, columns] <= reach
        pairs += zip(here[rows[near]].tolist(), there[columns[near]].tolist(), strict=True)
    how = f"places that are at most {reach:.1f} px apart"
    return Match(how, np.array(pairs, np.int64).reshape(-1, 2), np.ones(len(pairs)))


def _by_time(side: Side) -> dict[int, dict[int, int]]:
    """Return the node of each label at each time point."""
    found: dict[int, dict[int, int]] = {}
    for node, (t, label) in enumerate(zip(side.t.tolist(), side.labels.tolist(), strict=True)):
        found.setdefault(t, {})[label] = node
    return found
