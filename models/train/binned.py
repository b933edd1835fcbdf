"""Fine and coarse pairs to learn from: a camera with 2 x 2 fine pixels per coarse one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models import noise
from models.train import noisy
from models.train.batch import Sample
from models.train.scenes import oriented_crop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Image = NDArray[np.float32]

UPSCALE = 2


def binned(fine: NDArray[Any]) -> NDArray[np.float64]:
    """Return the sum of each 2 x 2 pixels, as a binning camera collects it: (Y/2, X/2)."""
    height, width = (n // UPSCALE for n in fine.shape)
    parts = np.asarray(fine, np.float64).reshape(height, UPSCALE, width, UPSCALE)
    total: NDArray[np.float64] = parts.sum(axis=(1, 3))
    return total


def enlarged(image: Image) -> Image:
    """Return ``image`` at twice the size, linear, centres aligned: what the network corrects."""
    size = (UPSCALE * image.shape[1], UPSCALE * image.shape[0])
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.float32)


def binned_sample(rng: np.random.Generator, scenes: Sequence[Image], size: int) -> Sample:
    """Return one example: a coarse noisy image (size, size), the clean fine one (2 size, 2 size).

    The fine image is in units of coarse pixels, four times its own photons: so a flat field has
    the same value in both, and the network corrects structure only.
    """
    coarse_light = noisy.light(rng, oriented_crop(rng, scenes, UPSCALE * size))  # e-/coarse pixel
    camera = noisy.random_camera(rng, (size, size))
    electrons = camera.expose(rng, binned(coarse_light) / UPSCALE**2)
    image = noise.forward(electrons, 1.0, 0.0, camera.read_noise_e).astype(np.float32)
    clean = noise.forward(coarse_light / camera.wrong, 1.0, 0.0, camera.read_noise_e)
    return Sample(image[None], enlarged(noisy.smoothed(image)), clean.astype(np.float32))
