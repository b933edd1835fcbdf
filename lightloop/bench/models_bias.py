"""Photometric bias: whether a restored image counts the photo-electrons that were there."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.denoise import Denoiser
from models.train.noisy import expose
from models.train.scenes import make_scene
from models.train.score import GAIN, OFFSET, READ_E, to_adu

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.package import Package

EDGES_E = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
SCENES, SIDE_PX, FLATS = 48, 160, 8
_SEED = 9_301


class Bin(NamedTuple):
    """One range of true intensity.

    Attributes
    ----------
    percent
        Bias where specimens have this true intensity, relative to it. What is blurred away, a thin
        bright line for example, counts here too.
    flat_percent
        Bias of an even field of this intensity: of the arithmetic alone.
    """

    low_e: float
    high_e: float
    percent: float
    flat_percent: float


def score(package: Package, scenes: int = SCENES, *, sabotage: bool = False) -> list[Bin]:
    """Return the bias in each bin; sabotaged, a tenth of every photon is lost."""
    rng = np.random.default_rng(_SEED)
    denoise = Denoiser(package, (SIDE_PX, SIDE_PX), GAIN, OFFSET, READ_E)
    kept = 0.9 if sabotage else 1.0

    def restored(photons: NDArray[np.float64]) -> NDArray[np.float64]:
        denoise.forget()
        answer = denoise(to_adu(expose(rng, photons, READ_E).electrons))
        return kept * answer.photons.astype(float)

    truths, answers = [], []
    for peak_e in np.geomspace(1.0, 200.0, scenes):
        scene = np.maximum(make_scene(rng, SIDE_PX), 0.0).astype(float)
        truth = rng.uniform(0.2, 2.0) + peak_e * scene
        truths.append(truth.ravel())
        answers.append(restored(truth).ravel())
    true_e, got_e = np.concatenate(truths), np.concatenate(answers)
    bins = []
    for low, high in pairwise(EDGES_E):
        inside = (true_e >= low) & (true_e < high)
        bias = 100.0 * (float(got_e[inside].mean()) / float(true_e[inside].mean()) - 1.0)
        level = np.sqrt(low * high)
        flat = np.mean([restored(np.full((SIDE_PX, SIDE_PX), level)).mean() for _ in range(FLATS)])
        bins.append(Bin(low, high, bias, 100.0 * (float(flat) / level - 1.0)))
    denoise.close()
    return bins


def table_of(role: str, bins: list[Bin]) -> list[str]:
    """Write what was measured."""
    return [
        "", f"photometric bias of {role}, %", "",
        "| true e- | " + " | ".join(f"{b.low_e:g}-{b.high_e:g}" for b in bins) + " |",
        "| --- |" + " --- |" * len(bins),
        "| specimens | " + " | ".join(f"{b.percent:+.2f}" for b in bins) + " |",
        "| even fields | " + " | ".join(f"{b.flat_percent:+.2f}" for b in bins) + " |",
    ]  # fmt: skip
