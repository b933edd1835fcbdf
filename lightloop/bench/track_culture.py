"""Simulated cells for the tracking bench: they wander, migrate, divide, die, and are missed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightloop.bench.track_scene import Scene

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Culture:
    """How simulated cells live and how badly they are detected (lengths px, times frames).

    Half the cells are Brownian; the others also migrate at 0.3 to 1 times `speed`, with a heading
    that turns by 0.25 rad a frame. Cells older than 20 frames divide with probability 0.003 a
    frame into daughters of 0.55 (sd 0.04) the area each, which grow by 2 % of what is missing to
    150 px; cells die with 0.001; those that leave are replaced at the border. 5 % of the
    detections are missed, 2 % are false with areas around 100 px, areas err by 5 %.
    """

    spacing: float = 40.0
    wander: float = 1.5
    speed: float = 3.0
    apart: float = 8.0
    division: float = 0.003
    death: float = 0.001
    missed: float = 0.05
    false: float = 0.02
    blur: float = 0.5

    def scene(self, name: str, n_cells: int, n_frames: int, seed: int) -> Scene:
        """Return `n_frames` of detections that began with `n_cells` cells."""
        return _Life(self, name, n_cells, seed).run(n_frames)


HARD = Culture(spacing=20.0, wander=2.0, speed=4.0, apart=5.0)
"""Packed twice as close, faster, with daughters nearer each other."""
_FULL_AREA = 150.0


class _Life:
    def __init__(self, culture: Culture, name: str, n_cells: int, seed: int) -> None:
        self._is, self._rng = culture, np.random.default_rng(seed)
        self._side = culture.spacing * np.sqrt(n_cells)
        self._scene, self._next = Scene(name), 0
        self._age = self._rng.integers(0, 40, n_cells)
        self._area = np.full(n_cells, _FULL_AREA)
        self._place = self._rng.uniform(0, self._side, (n_cells, 2))
        self._name, self._speed, self._heading = self._new(n_cells)

    def run(self, n_frames: int) -> Scene:
        for _ in range(n_frames):
            self._detect()
            self._live()
        return self._scene

    def _new(self, n: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        rng, self._next = self._rng, self._next + n
        speed = self._is.speed * rng.uniform(0.3, 1.0, n) * (rng.random(n) < 0.5)
        return np.arange(self._next - n, self._next), speed, rng.uniform(0, 2 * np.pi, n)

    def _live(self) -> None:
        rng, n = self._rng, len(self._name)
        self._heading += rng.normal(0, 0.25, n)
        way = np.column_stack((np.sin(self._heading), np.cos(self._heading)))
        self._place += rng.normal(0, self._is.wander, (n, 2)) + self._speed[:, None] * way
        self._area += 0.02 * (_FULL_AREA - self._area)
        self._age += 1
        fate = rng.random(n)
        left = np.any((self._place < 0) | (self._place > self._side), axis=1)
        splits = ~left & (self._age > 20) & (fate < self._is.division)
        stays = ~left & ~splits & (fate < 1.0 - self._is.death)
        places, areas, mothers = self._daughters(splits)
        border = rng.uniform(0, self._side, (int(left.sum()), 2))
        edge = rng.integers(2, size=(len(border), 2))
        border[np.arange(len(border)), edge[:, 0]] = self._side * edge[:, 1]
        names, speed, heading = self._new(len(places) + len(border))
        self._scene.mothers.update(zip(names.tolist(), mothers, strict=False))
        self._place = np.concatenate((self._place[stays], places, border))
        self._area = np.concatenate((self._area[stays], areas, np.full(len(border), _FULL_AREA)))
        self._age = np.concatenate((self._age[stays], np.zeros(len(names), np.int64)))
        self._name = np.concatenate((self._name[stays], names))
        self._speed = np.concatenate((self._speed[stays], speed))
        self._heading = np.concatenate((self._heading[stays], heading))

    def _daughters(
        self, splits: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], list[int]]:
        n = int(splits.sum())
        angle = self._rng.uniform(0, 2 * np.pi, n)
        way = self._is.apart * np.column_stack((np.sin(angle), np.cos(angle)))
        at, area = self._place[splits], self._area[splits]
        share = self._rng.normal(0.55, 0.04, 2 * n)
        names = self._name[splits].tolist()
        return np.concatenate((at - way, at + way)), np.tile(area, 2) * share, names + names

    def _detect(self) -> None:
        rng = self._rng
        seen = rng.random(len(self._name)) >= self._is.missed
        n_false = int(rng.poisson(self._is.false * len(self._name)))
        places = self._place[seen] + rng.normal(0, self._is.blur, (int(seen.sum()), 2))
        places = np.concatenate((places, rng.uniform(0, self._side, (n_false, 2))))
        areas = self._area[seen] * rng.normal(1, 0.05, int(seen.sum()))
        areas = np.concatenate((areas, np.maximum(rng.normal(100, 40, n_false), 20)))
        truth = np.concatenate((self._name[seen], np.full(n_false, -1)))
        order = rng.permutation(len(places))
        self._scene.places.append(places[order])
        self._scene.areas.append(areas[order])
        self._scene.truth.append(truth[order])
