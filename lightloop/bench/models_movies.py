"""Drifting specimens whose truth is known: what a denoiser gains by its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lightloop.bench.models_nets import spoiled
from lightloop.bench.models_score import Interval, db, paired
from models.denoise import Denoiser
from models.train.movies import Motion, moved
from models.train.noisy import expose
from models.train.scenes import make_scene
from models.train.score import GAIN, OFFSET, READ_E, to_adu

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.package import Package

    Values = NDArray[np.float64]

SPEEDS_PX = (0.0, 0.3, 1.0, 3.0)
SLOW_PX = 0.3
PEAKS_E = (5.0, 20.0)
MOVIES, FRAMES, SIDE_PX = 10, 7, 128
_SEED, _MARGIN_PX = 9_001, 48


class Gain(NamedTuple):
    """What all frames gain over the last one alone, at one speed."""

    speed_px: float
    all_over_one: Interval


def gains(package: Package, movies: int = MOVIES, *, sabotage: bool = False) -> list[Gain]:
    """Score the last frame of drifting specimens with all frames and alone."""
    rng = np.random.default_rng(_SEED)
    around = SIDE_PX + 2 * _MARGIN_PX
    scenes = [np.maximum(make_scene(rng, around), 0.0) for _ in range(movies)]
    denoise = Denoiser(package, (SIDE_PX, SIDE_PX), GAIN, OFFSET, READ_E)
    found = []
    for speed in SPEEDS_PX:
        differences, fields = [], []
        for number, scene in enumerate(scenes):
            movie = _drifting(rng, scene, speed)
            for peak_e in PEAKS_E:
                photons = 0.2 + peak_e * movie.astype(float)
                adu = [to_adu(expose(rng, frame, READ_E).electrons) for frame in photons]
                denoise.forget()
                for frame in adu:
                    answer = denoise(frame)
                whole = spoiled(answer.photons, sabotage=sabotage)
                denoise.forget()
                alone = denoise(adu[-1]).photons
                differences.append(db(whole, photons[-1]) - db(alone, photons[-1]))
                fields.append(number)
        found.append(Gain(speed, paired(differences, fields)))
    denoise.close()
    return found


def _drifting(
    rng: np.random.Generator, scene: NDArray[np.float32], speed: float
) -> NDArray[np.float32]:
    turn = rng.uniform(0, 2 * np.pi)
    path = np.arange(1 - FRAMES, 1)[:, None] * speed * np.array([np.sin(turn), np.cos(turn)])
    corner = (_MARGIN_PX, _MARGIN_PX)
    return moved(scene, corner, SIDE_PX, Motion(path.astype(np.float32)))


def table_of(role: str, gains: list[Gain]) -> list[str]:
    """Write what was measured."""
    lines = [
        "", f"memory of {role}: all frames over the last alone, drifting specimens", "",
        "| px/frame | gain, dB |", "| --- | --- |",
    ]  # fmt: skip
    return lines + [f"| {g.speed_px:g} | {g.all_over_one.words()} |" for g in gains]


def values_of(gains: list[Gain]) -> dict[str, float]:
    """Return what the bars ask for."""
    slow = [g.all_over_one.mean for g in gains if g.speed_px <= SLOW_PX]
    return {
        "models_memory_slow_db": min(slow),
        "models_memory_worst_db": min(g.all_over_one.mean for g in gains),
    }
