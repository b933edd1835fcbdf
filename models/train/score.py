"""Held-out scores of a model package, with engines as users run them. Needs no torch."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import cv2
import numpy as np

from models import noise
from models.denoise import Denoiser
from models.residuals import judge
from models.train.noisy import expose
from models.train.scenes import make_scene

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.package import Package


Scores: TypeAlias = dict[str, float]
PEAKS_E = (1.0, 3.0, 10.0, 30.0, 100.0)
NUCLEI_PEAKS_E = (2.0, 5.0, 10.0, 20.0)
"""What a sparing live run gives."""
CELLS_PEAKS_E = (2.0, 10.0, 50.0, 200.0)
GAIN, OFFSET, READ_E = 2.0, 100.0, 1.4
_SIGMAS_PX = (0.7, 1.0, 1.5, 2.0, 3.0, 4.0)
_SIZE = 256
_SCENES = 12
_HELD_OUT_SEED = 777


def score_simulated(
    package: Package, peaks_e: Sequence[float] = PEAKS_E, kind: str = ""
) -> list[Scores]:
    """Score held-out simulated specimens, one row per peak brightness.

    The Gaussian filter gets the best width for every single image: more than anybody has.
    """
    rng = np.random.default_rng(_HELD_OUT_SEED)
    scenes = [np.maximum(make_scene(rng, _SIZE, kind), 0.0) for _ in range(_SCENES)]
    denoiser = Denoiser(package, (_SIZE, _SIZE), GAIN, OFFSET, READ_E)
    rows = []
    for peak_e in peaks_e:
        parts = [_score_one(rng, denoiser, 0.2 + peak_e * scene) for scene in scenes]
        means = {key: float(np.mean([part[key] for part in parts])) for key in parts[0]}
        rows.append({"peak_e": peak_e} | means)
    denoiser.close()
    return rows


def _score_one(
    rng: np.random.Generator, denoiser: Denoiser, truth: NDArray[np.floating[Any]]
) -> Scores:
    adu = to_adu(expose(rng, truth.astype(np.float64), READ_E).electrons)
    noisy = (adu.astype(np.float64) - OFFSET) / GAIN
    denoiser.forget()  # each is a specimen of its own
    answer = denoiser(adu)
    assert answer.sd_e is not None
    error = answer.photons - truth
    left = judge(adu, answer.photons, GAIN, OFFSET, READ_E)
    return {
        "noisy_db": psnr_db(noisy, truth),
        "gaussian_db": max(psnr_db(gauss(noisy, s), truth) for s in _SIGMAS_PX),
        "network_db": psnr_db(answer.photons, truth),
        "within_1sd": float(np.mean(np.abs(error) < answer.sd_e)),
        "bias_e": float(error.mean()),
        "mean_z": left.mean_z,
        "var_z": left.var_z,
        "corr1": left.corr1,
        "invented": left.invented,
        "missed_share": left.missed_share,
    }


def to_adu(electrons: NDArray[np.float64]) -> NDArray[np.uint16]:
    """Return what the simulated camera reads out."""
    return np.clip(np.round(OFFSET + GAIN * electrons), 0, 65535).astype(np.uint16)


def gauss(image: NDArray[Any], sigma_px: float) -> NDArray[np.float64]:
    """Return the image after a Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.float64)


def psnr_db(estimate: NDArray[Any], truth: NDArray[Any]) -> float:
    """Return the peak signal-to-noise ratio, dB; the range is the 0.1 to 99.9 percentile."""
    low, high = np.quantile(truth, [0.001, 0.999])
    error = float(np.mean((np.asarray(estimate, np.float64) - truth) ** 2))
    return float(20 * np.log10(max(high - low, 1e-9)) - 10 * np.log10(max(error, 1e-12)))


def score_bias(package: Package) -> list[Scores]:
    """Return the photometric bias per true intensity, e-, over nuclei on a faint background."""
    rng = np.random.default_rng(_HELD_OUT_SEED + 1)
    denoiser = Denoiser(package, (_SIZE, _SIZE), GAIN, OFFSET, READ_E)
    truths, answers = [], []
    for peak_e in np.geomspace(0.5, 300.0, 40):
        truth = (0.1 + peak_e * np.maximum(make_scene(rng, _SIZE), 0.0)).astype(np.float64)
        adu = to_adu(expose(rng, truth, READ_E).electrons)
        denoiser.forget()
        answers.append(denoiser(adu).photons.ravel().copy())
        truths.append(truth.ravel())
    denoiser.close()
    true_e, got_e = np.concatenate(truths), np.concatenate(answers)
    edges = [0.0, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0]
    rows = []
    for low, high in pairwise(edges):
        inside = (true_e >= low) & (true_e < high)
        rows.append(
            {
                "from_e": low,
                "to_e": high,
                "mean_true_e": float(true_e[inside].mean()),
                "bias_e": float((got_e - true_e)[inside].mean()),
            }
        )
    return rows


def score_real(package: Package, folder: Path) -> list[dict[str, float | str]]:
    """Score real pairs that never trained: after a gain and offset fit per image, dB.

    Where no calibration exists, the noise is estimated blindly from the noisy image itself.
    """
    import h5py  # training only

    rows: list[dict[str, float | str]] = []
    for name in ("denoise_fmd_confocal", "denoise_w2s_pairs"):
        with h5py.File(folder / f"{name}.h5", "r") as file:
            noisy, clean = np.asarray(file["noisy"]), np.asarray(file["clean"])
        rows.append(_score_pairs(package, name, noisy, clean))
    with h5py.File(folder / "repeat_photons_hazelnut.h5", "r") as file:
        frames = np.asarray(file["frames"])
    others = np.stack([np.delete(frames, k, axis=0).mean(axis=0) for k in range(len(frames))])
    rows.append(_score_pairs(package, "repeat_photons_hazelnut", frames, others, counts=True))
    return rows


def _score_pairs(
    package: Package, name: str, noisy: NDArray[Any], clean: NDArray[Any], *, counts: bool = False
) -> dict[str, float | str]:
    parts = []
    for raw, truth in zip(noisy, clean, strict=True):
        camera = (1.0, 0.0, 0.0)
        if not counts:
            guess = noise.estimate(raw)
            camera = (guess.gain_adu_per_e, guess.offset_adu, guess.read_noise_e)
        denoiser = Denoiser(package, raw.shape, *camera)
        restored = denoiser(raw).photons.astype(np.float64)
        denoiser.close()
        image = raw.astype(np.float64)
        filtered = [_fitted_db(gauss(image, s), truth) for s in _SIGMAS_PX]
        parts.append((_fitted_db(image, truth), max(filtered), _fitted_db(restored, truth)))
    mean = np.mean(parts, axis=0)
    return {
        "set": name,
        "images": float(len(parts)),
        "noisy_db": float(mean[0]),
        "gaussian_db": float(mean[1]),
        "network_db": float(mean[2]),
    }


def _fitted_db(image: NDArray[np.float64], truth: NDArray[Any]) -> float:
    """PSNR after the gain and offset that fit the image best to the truth."""
    slope, shift = np.polyfit(image.ravel(), truth.ravel().astype(np.float64), 1)
    return psnr_db(slope * image + shift, truth.astype(np.float64))
