"""Cells over time for tests of the light bench's score: a true forest, and a bad copy of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightloop.bench.light_score import Forest

SIDE_PX = 200.0


def culture(seed: int, n_cells: int = 15, n_shots: int = 40) -> Forest:
    """Return cells that wander and divide."""
    rng = np.random.default_rng(seed)
    shots: list[int] = []
    places: list[NDArray[np.float64]] = []
    before: list[int] = []
    living = [(rng.uniform(0, SIDE_PX, 2), -1) for _ in range(n_cells)]
    for shot in range(n_shots):
        following = []
        for place, mother in living:
            shots.append(shot)
            places.append(place)
            before.append(mother)
            me = len(shots) - 1
            if rng.random() < 0.02:
                way = rng.normal(0, 1, 2)
                way *= 8.0 / np.hypot(*way)
                following += [(place + way, me), (place - way, me)]
            else:
                following.append((place + rng.normal(0, 3, 2), me))
        living = following
    return Forest(np.array(shots), np.array(places), np.array(before))


def distorted(truth: Forest, seed: int) -> Forest:
    """Return the forest as a bad tracker would: nodes lost and invented, links lost and wrong.

    Some divisions come a shot or two too late, as the new daughter was first linked to nobody and
    then to her sister.
    """
    rng = np.random.default_rng(seed + 1000)
    lost = rng.random(len(truth)) < 0.02
    found = truth.without(lost)
    before = found.before.copy()
    before[rng.random(len(before)) < 0.02] = -1
    _delay_divisions(found, before, rng)
    for node in np.flatnonzero(rng.random(len(before)) < 0.02):
        earlier = np.flatnonzero(found.shot == found.shot[node] - 1)
        if len(earlier):
            before[node] = rng.choice(earlier)
    place = found.place_px + rng.normal(0, 1.0, found.place_px.shape)
    return _with_false_ones(Forest(found.shot, place, before), rng)


def _delay_divisions(found: Forest, before: NDArray[np.int64], rng: np.random.Generator) -> None:
    after = found.after()
    for children in after:
        if len(children) < 2 or rng.random() < 0.4:
            continue
        one, other = children[:2]
        delay = int(rng.integers(1, 3))
        for _ in range(delay):
            if not (after[one] and after[other]):
                break
            last, one, other = one, after[one][0], after[other][0]
            before[children[1]] = -1
            before[other] = last


def _with_false_ones(found: Forest, rng: np.random.Generator) -> Forest:
    n = len(found) // 30
    shot = np.concatenate([found.shot, rng.integers(0, found.shot.max() + 1, n)])
    place = np.concatenate([found.place_px, rng.uniform(0, SIDE_PX, (n, 2))])
    before = np.concatenate([found.before, np.full(n, -1)])
    order = np.argsort(shot, kind="stable")
    index = np.empty(len(order), np.int64)
    index[order] = np.arange(len(order))
    return Forest(shot[order], place[order], np.where(before >= 0, index[before], -1)[order])
