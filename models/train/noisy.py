"""Noisy and clean pairs: specimens, exposed by a simulated camera, in the stabilised domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models import noise
from models.denoise import smooth_into

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Image = NDArray[np.float32]


SMOOTH_PX = 1.4
"""The network corrects an image that was blurred this much. A wider blur leaves less noise to
cancel in dim light, a narrower one keeps more of the edges; 1, 1.4 and 2 were tried."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """One simulated image.

    Attributes
    ----------
    photons
        What the camera should have seen, (Y, X) photo-electrons.
    electrons
        What it saw, read noise and rounding included, offset removed.
    read_noise_e
        Read noise as a calibration would state it (rounding included), rms e-.
    """

    photons: NDArray[np.float64]
    electrons: NDArray[np.float64]
    read_noise_e: float


def light(rng: np.random.Generator, scene: Image) -> NDArray[np.float64]:
    """Return the photo-electrons of a specimen: 0.3 to 1000 per pixel, dark frames among them."""
    kind = rng.random()
    if kind < 0.04:  # shutter closed, or an empty field
        return np.full(scene.shape, rng.choice([0.0, rng.uniform(0.0, 30.0)]))
    brightest = 600.0 if rng.random() < 0.6 else 30.0  # dim frames are what we are here for
    peak = float(np.exp(rng.uniform(np.log(0.7), np.log(brightest))))
    background = float(np.exp(rng.uniform(np.log(0.1), np.log(10.0))))
    if kind < 0.2:
        background = float(rng.uniform(0.0, 0.2))
    photons = background + peak * np.maximum(scene, 0.0).astype(np.float64)
    if rng.random() < 0.3:  # uneven illumination
        y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in scene.shape), indexing="ij")
        tilt = 1 + rng.uniform(-0.4, 0.4) * y + rng.uniform(-0.4, 0.4) * x
        photons *= np.clip(tilt, 0.2, 2.0)
    return photons


def expose(
    rng: np.random.Generator,
    photons: NDArray[np.float64],
    read_noise_e: float,
    gain_adu_per_e: float | None = None,
) -> Exposure:
    """Take one image: photon noise, read noise and, with a gain, rounding to whole ADU."""
    electrons = rng.poisson(photons) + read_noise_e * rng.standard_normal(photons.shape)
    if gain_adu_per_e is not None:
        electrons = np.round(electrons * gain_adu_per_e) / gain_adu_per_e
        read_noise_e = float(np.hypot(read_noise_e, 1 / np.sqrt(12) / gain_adu_per_e))
    return Exposure(photons, electrons, read_noise_e)


def random_exposure(rng: np.random.Generator, scene: Image) -> Exposure:
    """Expose a specimen with a random camera: photon counters, sCMOS, hot pixels, wrong gain."""
    read = float(rng.choice([rng.uniform(0.0, 0.3), rng.uniform(0.7, 2.0), rng.uniform(2.0, 4.0)],
                            p=[0.25, 0.65, 0.1]))  # fmt: skip
    gain = float(np.exp(rng.uniform(np.log(0.3), np.log(20.0)))) if rng.random() < 0.3 else None
    shot = expose(rng, light(rng, scene), read, gain)
    if rng.random() < 0.25:  # hot pixels
        hot = rng.random(scene.shape) < 10 ** rng.uniform(-4.5, -3.3)
        shot.electrons[hot] += rng.exponential(20.0, int(hot.sum()))
    if rng.random() < 0.25:  # a calibration that is a little off
        wrong = float(rng.lognormal(0.0, 0.12))
        return Exposure(shot.photons / wrong, shot.electrons / wrong, shot.read_noise_e / wrong)
    return shot


def stabilised(shot: Exposure) -> tuple[Image, Image]:
    """Return the noisy and the clean image in the stabilised domain, (Y, X) float32."""
    pair = (shot.electrons, shot.photons)
    noisy, clean = (noise.forward(image, 1.0, 0.0, shot.read_noise_e) for image in pair)
    return noisy.astype(np.float32), clean.astype(np.float32)


def smoothed(image: Image) -> Image:
    """Return what the network corrects."""
    return smooth_into(image, SMOOTH_PX, np.empty_like(image))


def crop(rng: np.random.Generator, scene: Image, size: int) -> Image:
    """Cut a random square out of a specimen, turned and mirrored at random."""
    y, x = (int(rng.integers(0, n - size + 1)) for n in scene.shape)
    piece = np.rot90(scene[y : y + size, x : x + size], int(rng.integers(4)))
    return piece[:, ::-1] if rng.random() < 0.5 else piece


def batch(
    rng: np.random.Generator, scenes: Sequence[Image], count: int, size: int
) -> NDArray[np.float32]:
    """Return ``count`` stabilised crops: noisy, smoothed, clean, (3, N, 1, size, size) float32."""
    out = np.empty((3, count, 1, size, size), np.float32)
    for index in range(count):
        scene = crop(rng, scenes[int(rng.integers(len(scenes)))], size)
        noisy, clean = stabilised(random_exposure(rng, scene))
        out[:, index, 0] = noisy, smoothed(noisy), clean
    return out
