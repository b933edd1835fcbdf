"""How right links and divisions are, against the truth of a scene.

The score is that of the project's bars: edges between detections, and divisions by their branches.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from lightloop.bench.track_scene import Scene

MAX_GAP = 3
"""Sightings that are farther apart than this, in frames, are no true edge."""
Node: TypeAlias = tuple[int, int]
"""Frame, and index of the detection in it."""
Edges: TypeAlias = set[tuple[Node, Node]]


@dataclass(frozen=True)
class Score:
    """Shares of 1, and how many links and divisions there were to find."""

    edge_precision: float
    edge_recall: float
    division_precision: float
    division_recall: float
    n_true_edges: int
    n_divisions: int

    @property
    def edge_f1(self) -> float:
        """Harmonic mean of the share of right links and the share of links found."""
        return _f1(self.edge_precision, self.edge_recall)

    @property
    def edge_jaccard(self) -> float:
        """Right links over all links, true or told."""
        return self.edge_f1 / (2.0 - self.edge_f1)

    @property
    def lnk(self) -> float:
        """LNK of the Cell Tracking Challenge for given detections.

        One less the edits of links (1.5 to add one, 1 to delete one), over adding all. Edits of a
        link's meaning are not counted.

        References
        ----------
        Matula et al., PLoS ONE 10 (2015) e0144959: the weights of AOGM.
        """
        right = self.edge_recall * self.n_true_edges
        told = right / self.edge_precision if self.edge_precision else 0.0
        edits = 1.5 * (self.n_true_edges - right) + (told - right)
        return max(0.0, 1.0 - edits / (1.5 * max(self.n_true_edges, 1)))

    @property
    def division_f1(self) -> float:
        """The same for divisions."""
        return _f1(self.division_precision, self.division_recall)


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def score(scene: Scene, edges: Edges) -> Score:
    """Score told links.

    A told division is a detection with two links onward. It is right when these lead to two
    different daughters of one mother, when it is itself the mother or one of them, and when it is
    at most `MAX_GAP` frames from the true one. Each mother counts once.
    """
    true = true_edges(scene)
    right = len(true & edges)
    born = births_by_mother(scene)
    onward: dict[Node, list[Node]] = defaultdict(list)
    for before, after in sorted(edges):
        onward[before].append(after)
    told = {node: after for node, after in onward.items() if len(after) >= 2}
    found = set()
    for node, (one, other, *_) in told.items():
        who, a, b = (int(scene.truth[t][i]) for t, i in (node, one, other))
        mother = scene.mothers.get(a, -1)
        if a == b or mother not in born or scene.mothers.get(b, -2) != mother:
            continue
        if who in (mother, a, b) and abs(one[0] - born[mother]) <= MAX_GAP:
            found.add(mother)
    return Score(
        right / max(len(edges), 1),
        right / max(len(true), 1),
        len(found) / max(len(told), 1),
        len(found) / max(len(born), 1),
        len(true),
        len(born),
    )


def true_edges(scene: Scene) -> Edges:
    """Return every pair of successive sightings at most `MAX_GAP` frames apart.

    That is of one cell, or of a mother and each of her daughters.
    """
    seen = _sightings(scene)
    edges = {pair for nodes in seen.values() for pair in pairwise(nodes)}
    for daughter, mother in scene.mothers.items():
        if daughter in seen and mother in seen:
            edges.add((seen[mother][-1], seen[daughter][0]))
    return {(a, b) for a, b in edges if 0 < b[0] - a[0] <= MAX_GAP}


def births_by_mother(scene: Scene) -> dict[int, int]:
    """Return the frame in which the first daughter of each division is seen."""
    seen = _sightings(scene)
    families = defaultdict(list)
    for daughter, mother in scene.mothers.items():
        if daughter in seen and mother in seen:
            families[mother].append(seen[daughter][0][0])
    return {mother: min(frames) for mother, frames in families.items() if len(frames) >= 2}


def _sightings(scene: Scene) -> dict[int, list[Node]]:
    seen: dict[int, list[Node]] = defaultdict(list)
    for t, names in enumerate(scene.truth):
        for index, name in enumerate(names.tolist()):
            if name >= 0:
                seen[name].append((t, index))
    return seen
