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
_DIM_SHARE = 0.5
_DIMMEST_E, _BRIGHTEST_E = 1.0, 60.0
"""Half of the examples have a brightest structure of this much light, e-/coarse pixel, and little
behind it: what a camera is binned for (proposed)."""


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
    coarse_light = _light(rng, oriented_crop(rng, scenes, UPSCALE * size))
    camera = noisy.random_camera(rng, (size, size))
    electrons = camera.expose(rng, binned(coarse_light) / UPSCALE**2)
    image = noise.forward(electrons, 1.0, 0.0, camera.read_noise_e).astype(np.float32)
    clean = noise.forward(coarse_light / camera.wrong, 1.0, 0.0, camera.read_noise_e)
    return Sample(image[None], enlarged(noisy.smoothed(image)), clean.astype(np.float32))


def _light(rng: np.random.Generator, scene: Image) -> NDArray[np.float64]:
    """Return the photo-electrons per coarse pixel of a specimen, (Y, X)."""
    if rng.random() > _DIM_SHARE:
        return noisy.light(rng, scene)
    peak = np.exp(rng.uniform(np.log(_DIMMEST_E), np.log(_BRIGHTEST_E)))
    behind = np.exp(rng.uniform(np.log(0.05), np.log(3.0)))
    return np.asarray(behind + peak * np.maximum(scene, 0.0).astype(np.float64))
