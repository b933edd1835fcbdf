"""Photometric bias: whether a restored image counts the photo-electrons that were there."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from models.denoise import Denoiser
from models.noise_table import valid_from_e
from models.train.noisy import expose
from models.train.scenes import make_scene
from models.train.score import GAIN, OFFSET, READ_E, to_adu

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.package import Package

    Values = NDArray[np.float64]

EDGES_E = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
SCENES, SIDE_PX, FLATS = 288, 160, 8
_DRAWS = 300
REGION_PX, OPTICS_PX = 32, 0.7
"""Side of the regions whose light is summed; sigma of a blur that hardly any image shows, px."""
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
    region_percent
        Bias of the light of whole regions, 32 x 32 px, whose mean is of this intensity: what
        somebody measures who sums over a cell. NaN where there is no such region.
    error_percent
        Standard error of `percent`: another choice of specimens gives another number.
    said_percent
        Bias where the *answer* lies in this range. Where light is faint, no estimate of least error
        is free of bias by true and by stated intensity at once: it leans to what is likely.
    blurred_percent
        Bias by pixels, as `percent`, of the *truth* after a Gaussian blur of 0.7 px and no noise:
        what resolution alone would cost.
    """

    low_e: float
    high_e: float
    percent: float
    flat_percent: float
    region_percent: float
    error_percent: float
    said_percent: float
    blurred_percent: float


def score(package: Package, scenes: int = SCENES, *, sabotage: bool = False) -> list[Bin]:
    """Return the bias in each bin; sabotaged, a tenth of every photon is lost."""
    rng = np.random.default_rng(_SEED)
    denoise = Denoiser(package, (SIDE_PX, SIDE_PX), GAIN, OFFSET, READ_E)
    kept = 0.9 if sabotage else 1.0

    def restored(photons: Values) -> Values:
        denoise.forget()
        answer = denoise(to_adu(expose(rng, photons, READ_E).electrons))
        return kept * answer.photons.astype(float)

    truths, answers, blurred = [], [], []
    for peak_e in np.geomspace(1.0, 200.0, scenes):
        scene = np.maximum(make_scene(rng, SIDE_PX), 0.0).astype(float)
        truth = rng.uniform(0.2, 2.0) + peak_e * scene
        truths.append(truth)
        answers.append(restored(truth))
        blurred.append(cv2.GaussianBlur(truth, (0, 0), OPTICS_PX))
    true_e, got_e, soft_e = (np.stack(images) for images in (truths, answers, blurred))
    true_sums, got_sums = _regions(true_e), _regions(got_e)
    bins = []
    for low, high in pairwise(EDGES_E):
        level = np.sqrt(low * high)
        flat = np.mean([restored(np.full((SIDE_PX, SIDE_PX), level)).mean() for _ in range(FLATS)])
        within = _within(low, high, true_e)
        bins.append(
            Bin(
                low, high, within(got_e), 100.0 * (float(flat) / level - 1.0),
                _within(low, high, true_sums)(got_sums), _error(low, high, true_e, got_e),
                _said(low, high, true_e, got_e), within(soft_e),
            )
        )  # fmt: skip
    denoise.close()
    return bins


def _within(low: float, high: float, truth: Values) -> Callable[[Values], float]:
    """Return what tells the bias of an image, %, where the truth lies between two levels."""
    inside = (truth >= low) & (truth < high)

    def bias(image: Values) -> float:
        if not inside.any():
            return float("nan")
        return 100.0 * (float(image[inside].mean()) / float(truth[inside].mean()) - 1.0)

    return bias


def _said(low: float, high: float, truth: Values, got: Values) -> float:
    """Return the bias where the answer lies between two levels, %."""
    inside = (got >= low) & (got < high)
    if not inside.any():
        return float("nan")
    return 100.0 * (float(got[inside].mean()) / float(truth[inside].mean()) - 1.0)


def _error(low: float, high: float, truth: Values, got: Values) -> float:
    """Return the standard error of a bin's bias, %: whole scenes are drawn, with return."""
    inside = (truth >= low) & (truth < high)
    light, wrong = (np.where(inside, e, 0.0).sum(axis=(1, 2)) for e in (truth, got - truth))
    rng = np.random.default_rng(_SEED)
    draws = rng.integers(0, len(truth), (_DRAWS, len(truth)))
    return float(np.std(100.0 * wrong[draws].sum(axis=1) / light[draws].sum(axis=1).clip(1e-9)))


def _regions(images: Values) -> Values:
    """Return the mean light of each region, (N, rows, columns), of images (N, Y, X)."""
    n, height, width = images.shape
    parts = images.reshape(n, height // REGION_PX, REGION_PX, width // REGION_PX, REGION_PX)
    return np.asarray(parts.mean(axis=(2, 4)), np.float64)


def valid_pct(bins: list[Bin]) -> float:
    """Return the worst bias by pixels where the camera's noise is stabilised to 5 %."""
    least_e = valid_from_e(READ_E)
    worst = (max(abs(b.percent), abs(b.flat_percent)) for b in bins if b.low_e >= least_e)
    return float(max(worst))


def table_of(role: str, bins: list[Bin]) -> list[str]:
    """Write what was measured."""
    return [
        "", f"photometric bias of {role}, %", "",
        "| true e- | " + " | ".join(f"{b.low_e:g}-{b.high_e:g}" for b in bins) + " |",
        "| --- |" + " --- |" * len(bins),
        "| specimens | " + " | ".join(f"{b.percent:+.2f}" for b in bins) + " |",
        "| (its standard error) | " + " | ".join(f"{b.error_percent:.2f}" for b in bins) + " |",
        "| where the answer is so | " + " | ".join(f"{b.said_percent:+.2f}" for b in bins) + " |",
        "| even fields | " + " | ".join(f"{b.flat_percent:+.2f}" for b in bins) + " |",
        f"| regions of {REGION_PX} px | "
        + " | ".join(f"{b.region_percent:+.2f}" for b in bins) + " |",
        f"| (the truth, blurred by {OPTICS_PX} px) | "
        + " | ".join(f"{b.blurred_percent:+.2f}" for b in bins) + " |",
        "",
        f"noise is stabilised to 5 % from {valid_from_e(READ_E):.1f} e- on (read noise "
        f"{READ_E:g} e-): there, the worst is {valid_pct(bins):.2f} %",
    ]  # fmt: skip
