"""Cells of known fate for the tracker, and the score of what it made of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

MAX_GAP = 3
"""Two sightings of a cell that are farther apart in time are no true edge."""

Node = tuple[int, int]  # shot, index of the detection


@dataclass(frozen=True)
class Scene:
    """What a detector finds in each shot, and who it really was.

    `places` y, x px (M, 2), `areas` px (M,) and `truth` (M,), the true identity or -1 for a false
    detection, one of each for every shot; `mothers` maps a daughter to her mother.
    """

    places: list[NDArray[np.float64]] = field(default_factory=list)
    areas: list[NDArray[np.float64]] = field(default_factory=list)
    truth: list[NDArray[np.int64]] = field(default_factory=list)
    mothers: dict[int, int] = field(default_factory=dict)


@dataclass
class _Cell:
    name: int
    place: NDArray[np.float64]
    area: float
    age: int
    speed: float
    heading: float


class CellCulture:
    """Wandering and migrating cells that divide, die, leave, and are detected badly.

    Half of the cells are Brownian (sd 1.5 px for each axis); the others also migrate at 0.3 to 1
    times `speed_px`, with a heading that turns (sd 0.25 rad). Cells older than 20 shots divide
    with probability 0.003 a shot, and die with 0.001. 5 % of the detections are missed, 2 % are
    false, places err by 0.5 px and areas by 5 %.
    """

    def __init__(self, n_cells: int, seed: int, speed_px: float = 3.0) -> None:
        self._rng = np.random.default_rng(seed)
        self._side_px = 40.0 * np.sqrt(n_cells)
        self._speed_px, self._names = speed_px, 0
        self._cells = [self._new(self._rng.uniform(0, self._side_px, 2)) for _ in range(n_cells)]
        for cell in self._cells:
            cell.age = int(self._rng.integers(0, 40))
        self.scene = Scene()

    def run(self, n_shots: int) -> Scene:
        for _ in range(n_shots):
            self._detect()
            self._live()
        return self.scene

    def _new(self, place: NDArray[np.float64], area: float = 150.0) -> _Cell:
        rng = self._rng
        speed = self._speed_px * rng.uniform(0.3, 1.0) * (rng.random() < 0.5)
        self._names += 1
        return _Cell(self._names - 1, place, area, 0, speed, rng.uniform(0, 2 * np.pi))

    def _live(self) -> None:
        rng, next_cells = self._rng, []
        for cell in self._cells:
            cell.heading += rng.normal(0, 0.25)
            way = np.array([np.sin(cell.heading), np.cos(cell.heading)])
            cell.place = cell.place + rng.normal(0, 1.5, 2) + cell.speed * way
            cell.area += 0.02 * (150.0 - cell.area)
            cell.age += 1
            fate = rng.random()
            if not np.all((cell.place >= 0) & (cell.place <= self._side_px)):
                next_cells.append(self._at_border())
            elif cell.age > 20 and fate < 0.003:
                next_cells += self._divide(cell)
            elif fate < 0.999:
                next_cells.append(cell)
        self._cells = next_cells

    def _at_border(self) -> _Cell:
        place = self._rng.uniform(0, self._side_px, 2)
        place[self._rng.integers(2)] = self._side_px * self._rng.integers(2)
        return self._new(place)

    def _divide(self, mother: _Cell) -> list[_Cell]:
        angle = self._rng.uniform(0, 2 * np.pi)
        way = 8.0 * np.array([np.sin(angle), np.cos(angle)])
        daughters = []
        for sign in (-1, 1):
            share = self._rng.normal(0.55, 0.04)
            daughter = self._new(mother.place + sign * way, mother.area * share)
            self.scene.mothers[daughter.name] = mother.name
            daughters.append(daughter)
        return daughters

    def _detect(self) -> None:
        rng = self._rng
        seen = [cell for cell in self._cells if rng.random() >= 0.05]
        n_false = int(rng.poisson(0.02 * len(self._cells)))
        false_places = rng.uniform(0, self._side_px, (n_false, 2))
        places = np.array([cell.place for cell in seen]).reshape(-1, 2)
        places = np.concatenate((places + rng.normal(0, 0.5, places.shape), false_places))
        areas = np.array([cell.area for cell in seen]) * rng.normal(1, 0.05, len(seen))
        areas = np.concatenate((areas, np.maximum(rng.normal(100, 40, n_false), 20)))
        truth = np.array([cell.name for cell in seen] + [-1] * n_false, np.int64)
        order = rng.permutation(len(places))
        self.scene.places.append(places[order])
        self.scene.areas.append(areas[order])
        self.scene.truth.append(truth[order])


@dataclass(frozen=True)
class Score:
    edge_f1: float
    division_f1: float
    division_precision: float
    division_recall: float


def score(scene: Scene, labels: list[NDArray[np.int64]], mothers: dict[int, int]) -> Score:
    """Score identities (one array for each shot) and final divisions (daughter to mother).

    True edges join sightings of one cell, and a mother's last sighting to the first of each
    daughter, at most 3 shots apart. A division is right when its two branches are different
    daughters of one mother, within 3 shots; each mother counts once.
    """
    true_edges, _ = _edges(scene.truth, scene.mothers, MAX_GAP)
    edges, children = _edges(labels, mothers, None)
    right = len(true_edges & edges)
    edge_f1 = 2 * right / max(len(true_edges) + len(edges), 1)
    first: dict[int, int] = {}
    for t, names in enumerate(scene.truth):
        for name in names.tolist():
            first.setdefault(name, t)
    families = defaultdict(list)
    for daughter, mother in scene.mothers.items():
        if daughter in first and mother in first:
            families[mother].append(daughter)
    born = {m: min(first[d] for d in ds) for m, ds in families.items() if len(ds) >= 2}
    found = set()
    predicted = [(node, nodes) for node, nodes in children.items() if len(nodes) >= 2]
    for node, (one, other, *_) in predicted:
        who, a, b = (int(scene.truth[t][i]) for t, i in (node, one, other))
        mother = scene.mothers.get(a, -1)
        is_right = a != b and mother in born and scene.mothers.get(b, -2) == mother
        if is_right and who in (mother, a, b) and abs(node[0] + 1 - born[mother]) <= MAX_GAP:
            found.add(mother)
    precision = len(found) / max(len(predicted), 1)
    recall = len(found) / max(len(born), 1)
    division_f1 = 2 * len(found) / max(len(predicted) + len(born), 1)
    return Score(edge_f1, division_f1, precision, recall)


def _edges(
    names: list[NDArray[np.int64]], mothers: dict[int, int], max_gap: int | None
) -> tuple[set[tuple[Node, Node]], dict[Node, list[Node]]]:
    seen: dict[int, list[Node]] = defaultdict(list)
    for t, row in enumerate(names):
        for index, name in enumerate(row.tolist()):
            if name >= 0:
                seen[name].append((t, index))
    pairs = [(a, b) for nodes in seen.values() for a, b in pairwise(nodes)]
    for daughter, mother in mothers.items():
        if daughter not in seen:
            continue
        first = seen[daughter][0]
        earlier = [node for node in seen.get(mother, []) if node[0] < first[0]]
        if earlier:
            pairs.append((earlier[-1], first))
    edges = {(a, b) for a, b in pairs if max_gap is None or b[0] - a[0] <= max_gap}
    children: dict[Node, list[Node]] = defaultdict(list)
    for a, b in sorted(edges):
        children[a].append(b)
    return edges, children
