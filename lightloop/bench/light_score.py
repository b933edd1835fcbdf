"""How well cells were followed: links and divisions of two forests, matched by place.

The numbers are those of traccuracy (edges of `BasicMetrics`, `DivisionMetrics` with a frame
buffer, nodes matched by `PointMatcher`), which a test compares; it needs a hundred megabytes of
packages that nothing else here does.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

FRAME_BUFFER = 2
"""A division may be seen so many shots early or late: the verdict of the tracker takes two."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Cells over time: a node for each cell in each shot, linked to where it came from.

    Attributes
    ----------
    shot
        Number of the shot, ascending, (N,).
    place_px
        y and x, pixels, (N, 2).
    before
        Index of the node that it comes from, a mother's last one for a daughter; -1: none, (N,).
    """

    shot: NDArray[np.int64]
    place_px: NDArray[np.float64]
    before: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.shot)

    def after(self) -> list[list[int]]:
        """Return the nodes that come from each node."""
        after: list[list[int]] = [[] for _ in range(len(self))]
        for node, before in enumerate(self.before.tolist()):
            if before >= 0:
                after[before].append(node)
        return after

    def without(self, dropped: NDArray[np.bool_]) -> Forest:
        """Return the forest without some of its nodes and their links."""
        kept = ~dropped
        new_index = np.where(kept, np.cumsum(kept) - 1, -1)
        before = np.where(self.before >= 0, new_index[self.before], -1)
        return Forest(self.shot[kept], self.place_px[kept], before[kept])


@dataclass(frozen=True, slots=True)
class Count:
    """What was right, what there is, and what was claimed; each (units,)."""

    right: NDArray[np.int64]
    true: NDArray[np.int64]
    claimed: NDArray[np.int64]

    def f1(self, units: NDArray[np.intp] | slice = slice(None)) -> float:
        """Return 2 right / (true + claimed) over some units; NaN if there is nothing at all."""
        total = int(self.true[units].sum() + self.claimed[units].sum())
        return 2.0 * float(self.right[units].sum()) / total if total else float("nan")


def match(truth: Forest, found: Forest, reach_px: float) -> NDArray[np.int64]:
    """Return for each true node the found one, -1 for none: as many as possible, nearest first."""
    partner = np.full(len(truth), -1, np.int64)
    rows, columns = _by_shot(truth), _by_shot(found)
    for shot in rows.keys() & columns.keys():
        true, claimed = rows[shot], columns[shot]
        far = cdist(truth.place_px[true], found.place_px[claimed])
        cost = np.where(far <= reach_px, far, 4.0 * reach_px * (1.0 + len(true)))
        for i, j in zip(*linear_sum_assignment(cost), strict=True):
            if far[i, j] <= reach_px:
                partner[true[i]] = claimed[j]
    return partner


def _by_shot(forest: Forest) -> dict[int, NDArray[np.intp]]:
    """Return the nodes of each shot that has any."""
    shots, starts = np.unique(forest.shot, return_index=True)
    ends = [*starts[1:], len(forest)]
    return {
        int(shot): np.arange(start, end)
        for shot, start, end in zip(shots, starts, ends, strict=False)
    }


def count_links(
    truth: Forest,
    found: Forest,
    partner: NDArray[np.int64],
    units: tuple[NDArray[np.intp], NDArray[np.intp]],
    n_units: int,
) -> Count:
    """Count the links.

    Parameters
    ----------
    partner
        The found node of each true one (`match`).
    units
        The unit (a part of the field) of each true and of each found node, for intervals.
    """
    true, claimed = truth.before >= 0, found.before >= 0
    there = np.flatnonzero(true)
    one, other = partner[truth.before[there]], partner[there]
    right = (one >= 0) & (other >= 0)
    right[right] = found.before[other[right]] == one[right]
    return Count(
        np.bincount(units[0][there[right]], minlength=n_units),
        np.bincount(units[0][true], minlength=n_units),
        np.bincount(units[1][claimed], minlength=n_units),
    )


def count_divisions(
    truth: Forest,
    found: Forest,
    partner: NDArray[np.int64],
    units: tuple[NDArray[np.intp], NDArray[np.intp]],
    n_units: int,
    buffer: int = FRAME_BUFFER,
) -> Count:
    """Count the divisions; one that is up to `buffer` shots early or late is right."""
    match_of = _Match(truth, found, partner)
    true = [node for node, after in enumerate(match_of.after_true) if len(after) > 1]
    claimed = [node for node, after in enumerate(match_of.after_found) if len(after) > 1]
    right = [node for node in true if match_of.is_right(node)]
    taken = {int(partner[node]) for node in true}  # right, or with the wrong daughters
    missed = [n for n in true if partner[n] < 0 or not match_of.divides(int(partner[n]))]
    false = [node for node in claimed if node not in taken]
    right += match_of.shifted(missed, false, buffer)
    return Count(
        np.bincount(units[0][right], minlength=n_units),
        np.bincount(units[0][true], minlength=n_units),
        np.bincount(units[1][claimed], minlength=n_units),
    )


class _Match:
    """Two forests side by side, to walk in."""

    def __init__(self, truth: Forest, found: Forest, partner: NDArray[np.int64]) -> None:
        self._true, self._found = truth, found
        self._partner: list[int] = partner.tolist()
        self._back: defaultdict[int, int] = defaultdict(lambda: -1)
        self._back.update({p: node for node, p in enumerate(self._partner) if p >= 0})
        self.after_true, self.after_found = truth.after(), found.after()

    def divides(self, found: int) -> bool:
        return len(self.after_found[found]) > 1

    def is_right(self, node: int) -> bool:
        """Whether mother and both daughters are where they should be, in the same shot."""
        mother = self._partner[node]
        if mother < 0 or not self.divides(mother):
            return False
        daughters = [self._partner[d] for d in self.after_true[node]]
        return sum(d >= 0 and int(self._found.before[d]) == mother for d in daughters) == 2

    def shifted(self, missed: list[int], false: list[int], buffer: int) -> list[int]:
        """Return the missed divisions that were seen a little early or late, nearest first."""
        right: list[int] = []
        left = list(false)
        for shift in range(1, buffer + 1):
            for node in missed:
                if node in right:
                    continue
                for claim in left:
                    delta = int(self._found.shot[claim] - self._true.shot[node])
                    if abs(delta) == shift and self._is_same(node, claim, delta):
                        right.append(node)
                        left.remove(claim)
                        break
        return right

    def _is_same(self, node: int, claim: int, delta: int) -> bool:
        """Whether a claim that is late by `delta` shots (early: below 0) is this division.

        The mother of the later one, walked back, must be the mother of the earlier one, and both
        daughters of the earlier one must be found below her.
        """
        if delta < 0:
            mother = _up(self._true, node, -delta)
            if mother < 0 or self._partner[mother] != claim:
                return False
            lines = [self._line(self.after_found, d) for d in self.after_found[claim]]
            return sum(self._leads(line, self._back, self._true, mother) for line in lines) == 2
        mother = _up(self._found, claim, delta)
        if mother < 0 or self._partner[node] != mother:
            return False
        lines = [self._line(self.after_true, d) for d in self.after_true[node]]
        return sum(self._leads(line, self._partner, self._found, mother) for line in lines) == 2

    @staticmethod
    def _line(after: list[list[int]], node: int) -> Iterator[int]:
        """Yield a cell's nodes from this one to its own division or end."""
        yield node
        while len(after[node]) == 1:
            node = after[node][0]
            yield node

    @staticmethod
    def _leads(
        line: Iterator[int], partner: list[int] | defaultdict[int, int], other: Forest, mother: int
    ) -> bool:
        """Whether a partner along a line comes from the mother in the other forest."""
        return any(partner[n] >= 0 and _comes_from(other, partner[n], mother) for n in line)


def _up(forest: Forest, node: int, steps: int) -> int:
    for _ in range(steps):
        if node >= 0:
            node = int(forest.before[node])
    return node


def _comes_from(forest: Forest, node: int, ancestor: int) -> bool:
    while node > ancestor:
        node = int(forest.before[node])
    return node == ancestor
