"""One cell becomes two: who could have, and whether it did."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from realtime.tracker.cells import Cells, Found

MIN_SIGHTINGS = 3
"""A cell must have been seen this often before it may divide: a false detection rarely is."""
_NEAREST = 4
"""New detections that are looked at for each mother: a crowd must not stall the search."""
_SUM_SPREAD = 0.6
"""Spread of log(area of both daughters / area of the mother); soft (proposed)."""
_PAIR_SPREAD = 0.8
"""Spread of log(area of one daughter / area of the other); soft (proposed)."""


@dataclass(frozen=True, slots=True)
class Split:
    """A possible division: the mother's row, and the detections that are her daughters.

    Attributes
    ----------
    kept
        The daughter that the mother's track goes on as.
    new
        The daughter that starts a track.
    cost
        0 is perfect, 1 is the worst that is believed.
    """

    cost: float
    mother: int
    kept: int
    new: int


@dataclass(slots=True)
class Pending:
    """A provisional division, until its verdict."""

    mother_id: int
    daughter_id: int
    sightings: int
    shots: int = 0
    hits_mother: int = 0
    hits_daughter: int = 0

    @property
    def is_believed(self) -> bool:
        """Whether both daughters were seen again, missed once between them at most."""
        hits = self.hits_mother + self.hits_daughter
        return min(self.hits_mother, self.hits_daughter) > 0 and hits >= 2 * self.shots - 1


@dataclass(frozen=True, slots=True)
class Scene:
    """All that the search for divisions looks at, at one shot.

    Attributes
    ----------
    cells
        The mothers as they were before this shot.
    linked
        Detection of each cell, -1 where it was not found, (N,).
    free
        Detections that nobody is linked to, (K,).
    found
        All detections, linked and free.
    """

    cells: Cells
    linked: NDArray[np.intp]
    free: NDArray[np.intp]
    found: Found


@dataclass(frozen=True, slots=True)
class Rules:
    """What is believed to be a division.

    Attributes
    ----------
    reach_px
        Longest way from the mother to a new daughter, px.
    off_px
        Farthest midpoint of the daughters from the mother, px.
    area_say
        Most that odd sizes add to the cost. 0: sizes mean nothing (points, markers); 1 or more:
        sizes alone can speak against a division.
    """

    reach_px: float
    off_px: float
    area_say: float


def find_splits(scene: Scene, rules: Rules) -> list[Split]:
    """Return believable divisions; each mother and each detection is used once, best first.

    The daughters' midpoint must be where the mother was. Daughters of equal size that together
    have the mother's size cost less; this is soft, as a mother rounds up before she divides and a
    detector errs.
    """
    splits = sorted(_candidates(scene, rules), key=lambda split: split.cost)
    mothers: set[int] = set()
    daughters: set[int] = set()
    chosen = []
    for split in splits:
        if split.mother in mothers or daughters & {split.kept, split.new}:
            continue
        mothers.add(split.mother)
        daughters |= {split.kept, split.new}
        chosen.append(split)
    return chosen


def _candidates(scene: Scene, rules: Rules) -> Iterator[Split]:
    able = np.flatnonzero(scene.cells["sightings"] >= MIN_SIGHTINGS)
    if len(able) == 0 or len(scene.free) == 0:
        return
    tree = cKDTree(scene.found.places[scene.free])
    count = min(_NEAREST, len(scene.free))
    _, near = tree.query(
        scene.cells["place"][able], range(1, count + 1), distance_upper_bound=rules.reach_px
    )
    has_news = near[:, 0] < len(scene.free)
    for mother, places in zip(able[has_news].tolist(), near[has_news], strict=True):
        news = scene.free[places[places < len(scene.free)]].tolist()
        link = int(scene.linked[mother])
        pairs = ((link, new) for new in news) if link >= 0 else combinations(news, 2)
        for kept, new in pairs:
            cost = _cost(scene, mother, (kept, new), rules)
            if cost < 1.0:
                yield Split(cost, mother, kept, new)


def _cost(scene: Scene, mother: int, pair: tuple[int, int], rules: Rules) -> float:
    kept, new = pair
    middle = (scene.found.places[kept] + scene.found.places[new]) / 2
    off = middle - scene.cells["place"][mother]
    cost = float(off @ off) / rules.off_px**2
    one, other = float(scene.found.areas[kept]), float(scene.found.areas[new])
    whole = float(scene.cells["area"][mother])
    if min(one, other, whole) <= 0:
        return cost
    odd = (math.log((one + other) / whole) / _SUM_SPREAD) ** 2
    odd += (math.log(one / other) / _PAIR_SPREAD) ** 2
    return cost + min(odd, rules.area_say)
