"""Noisy and clean pairs: specimens, exposed by a simulated camera, in the stabilised domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models import noise
from models.denoise import smooth_into

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]


SMOOTH_PX = 1.4
"""The network corrects an image that was blurred this much. A wider blur leaves less noise to
cancel in dim light, a narrower one keeps more of the edges; 1, 1.4 and 2 were tried."""

_FEW_E = 12.0
"""Below this the normal approximation of `counts` is off by more than 1 % of its variance."""


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

    photons: NDArray[np.floating[Any]]
    electrons: NDArray[np.float64]
    read_noise_e: float


def light(rng: np.random.Generator, scene: Image) -> NDArray[np.float64]:
    """Return the photo-electrons of a specimen or movie, (..., Y, X): 0 to 1000 per pixel."""
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
        y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in scene.shape[-2:]), indexing="ij")
        tilt = 1 + rng.uniform(-0.4, 0.4) * y + rng.uniform(-0.4, 0.4) * x
        photons *= np.clip(tilt, 0.2, 2.0)
    return photons


def counts(rng: np.random.Generator, mean: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Draw Poisson numbers; above 12 from a normal one with the same skewness, four times faster.

    The term ``(n^2 - 1) / 6`` is the first of the Cornish-Fisher expansion (Biometrika 1938).
    """
    normal = rng.standard_normal(mean.shape, np.float32)
    drawn = np.round(mean + np.sqrt(mean) * normal + (normal * normal - 1.0) / 6.0)
    few = mean < _FEW_E
    drawn[few] = rng.poisson(mean[few])
    return np.asarray(drawn, np.float64)


def expose(
    rng: np.random.Generator,
    photons: NDArray[np.floating[Any]],
    read_noise_e: float,
    gain_adu_per_e: float | None = None,
) -> Exposure:
    """Take one image: photon noise, read noise and, with a gain, rounding to whole ADU."""
    electrons = counts(rng, photons) + read_noise_e * rng.standard_normal(photons.shape, np.float32)
    if gain_adu_per_e is not None:
        electrons = np.round(electrons * gain_adu_per_e) / gain_adu_per_e
        read_noise_e = float(np.hypot(read_noise_e, 1 / np.sqrt(12) / gain_adu_per_e))
    return Exposure(photons, electrons, read_noise_e)


@dataclass(frozen=True, slots=True)
class Camera:
    """A simulated camera: photon counter, sCMOS, with hot pixels, with a wrong calibration.

    Attributes
    ----------
    read_noise_e
        As its calibration states it, rms e-.
    true_read_noise_e
        As it is, before the rounding to whole ADU.
    gain_adu_per_e
        Of that rounding; None: no rounding.
    hot
        Where pixels are hot, (Y, X) bool; None: nowhere.
    wrong
        True gain over the calibrated one: all that is read out is this much too small.
    """

    read_noise_e: float
    true_read_noise_e: float
    gain_adu_per_e: float | None = None
    hot: NDArray[np.bool_] | None = None
    wrong: float = 1.0

    def expose(
        self, rng: np.random.Generator, photons: NDArray[np.floating[Any]]
    ) -> NDArray[np.float64]:
        """Return photo-electrons as the calibration reads them, for (..., Y, X) photons."""
        read = self.true_read_noise_e
        electrons = expose(rng, photons, read, self.gain_adu_per_e).electrons
        if self.hot is not None:
            extra = rng.exponential(20.0, (*photons.shape[:-2], int(self.hot.sum())))
            electrons[..., self.hot] += extra
        return electrons / self.wrong


def random_camera(rng: np.random.Generator, shape: tuple[int, int]) -> Camera:
    """Draw a camera."""
    read = float(rng.choice([rng.uniform(0.0, 0.3), rng.uniform(0.7, 2.5), rng.uniform(2.5, 4.0)],
                            p=[0.25, 0.65, 0.1]))  # fmt: skip
    gain = float(np.exp(rng.uniform(np.log(0.3), np.log(20.0)))) if rng.random() < 0.3 else None
    rounding = 0.0 if gain is None else 1 / np.sqrt(12) / gain
    hot = rng.random(shape) < 10 ** rng.uniform(-4.5, -3.3) if rng.random() < 0.25 else None
    wrong = float(rng.lognormal(0.0, 0.12)) if rng.random() < 0.25 else 1.0
    return Camera(float(np.hypot(read, rounding)) / wrong, read, gain, hot, wrong)


def stabilised(shot: Exposure) -> tuple[Image, Image]:
    """Return the noisy and the clean image in the stabilised domain, (Y, X) float32."""
    pair = (shot.electrons, shot.photons)
    noisy, clean = (noise.forward(image, 1.0, 0.0, shot.read_noise_e) for image in pair)
    return noisy.astype(np.float32), clean.astype(np.float32)


def smoothed(image: Image) -> Image:
    """Return what the network corrects."""
    return smooth_into(image, SMOOTH_PX, np.empty_like(image))
