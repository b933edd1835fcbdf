"""What the networks are measured against, each with the best setting that there is for it."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from scipy import fft

from models import noise
from models.train.binned import binned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lightloop.bench.models_sets import Camera

    Image = NDArray[np.float64]

SIGMAS_PX = (0.7, 1.0, 1.4, 1.8, 2.2, 2.7, 3.3, 4.0)
MEDIANS_PX = (3, 5, 7, 9)
BM3D_SIGMA = 1.15
"""Noise that BM3D is told, where 1 is right: of 0.85, 1, 1.15 and 1.3 the best on six images of w2s
(27.59, 28.57, 28.65, 28.61 dB)."""
_RIM_PX = 16
_RL_STEPS = (1, 2, 3, 5, 8, 13, 20, 30)
_SIEVES_PX = (1.2, 1.8, 2.6, 3.6)


def gauss(image: NDArray[Any], sigma_px: float) -> Image:
    """Return the image after a Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(image.astype(float), (0, 0), sigma_px), np.float64)


def median(image: NDArray[Any], size_px: int) -> Image:
    """Return the image after a median filter."""
    from scipy import ndimage

    return np.asarray(ndimage.median_filter(image.astype(np.float32), size_px), np.float64)


def has_bm3d() -> bool:
    """Whether the package of that name is installed (`pip install -e ".[bench-models]"`)."""
    return find_spec("bm3d") is not None


def bm3d_all(jobs: Sequence[tuple[NDArray[Any], Camera]], processes: int = 2) -> list[Image]:
    """Return VST + BM3D + exact unbiased inverse of each image, photo-electrons.

    References
    ----------
    Makitalo & Foi, IEEE Trans. Image Process. 22(1), 2013.
    """
    if not jobs:
        return []
    workers = min(processes, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        return list(pool.map(_bm3d, *zip(*jobs, strict=True)))


def _bm3d(adu: NDArray[Any], camera: Camera) -> Image:
    import bm3d

    smooth = bm3d.bm3d(noise.forward(adu, *camera), sigma_psd=BM3D_SIGMA)
    return noise.inverse_unbiased(smooth, camera[2])


def finer(electrons: Image, psf_px: float) -> Iterator[tuple[str, Image]]:
    """Yield every setting of every filter that makes four pixels from one of a binned camera.

    Each knows the binning and the PSF (a Gaussian of sigma ``psf_px``, fine pixels) exactly, keeps
    the centres aligned, and gives photo-electrons of the fine pixels, (2 Y, 2 X).
    """
    cubic = enlarged(electrons)
    for sigma in (0.5, 0.8, 1.2, 1.7, 2.4, 3.4):
        yield "Gaussian", gauss(cubic, sigma)
    yield from (("Wiener", image) for image in _wiener(cubic, psf_px))
    for sigma in (psf_px, *_SIEVES_PX):
        yield from (("Richardson-Lucy", image) for image in _richardson_lucy(electrons, sigma))


def enlarged(coarse: Image) -> Image:
    """Return the image at twice the size, cubic, centres aligned, in light per fine pixel."""
    size = (2 * coarse.shape[1], 2 * coarse.shape[0])
    return np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), np.float64) / 4.0


def _wiener(cubic: Image, psf_px: float) -> Iterator[Image]:
    """Undo the collecting of two pixels as one, for signals whose spectrum falls more or less.

    What is wanted is the image on the fine pixels, so the PSF is part of the signal's spectrum.
    """
    rim = slice(_RIM_PX, -_RIM_PX)  # the transform wraps round; mirrored rims hide it
    cubic = np.pad(cubic, _RIM_PX, mode="symmetric")
    ky, kx = (fft.fftfreq(n) for n in cubic.shape)
    seen = np.outer(np.cos(np.pi * ky), np.cos(np.pi * kx))
    frequency = np.hypot.outer(ky, kx) + 1e-3
    optics = np.exp(-4 * np.pi**2 * psf_px**2 * frequency**2)  # its transfer function, squared
    spectrum = fft.fft2(cubic)
    for power in (2.0, 3.0, 4.0):
        for strength in np.geomspace(1e-6, 1e2, 24):
            signal = strength * optics * frequency**-power
            filtered = spectrum * seen * signal / (seen**2 * signal + 1.0)
            filtered[0, 0] = spectrum[0, 0]  # the total light is known
            yield np.maximum(fft.ifft2(filtered).real[rim, rim], 0.0)


def _richardson_lucy(
    electrons: Image, sigma_px: float, background_e: float = 2.0
) -> Iterator[Image]:
    """Undo it by Richardson & Lucy's steps, with the read noise's variance as background.

    ``sigma_px`` is the PSF, or a wider sieve that keeps noise from becoming points; the answer has
    it too, for what is wanted is the image on the fine pixels.

    References
    ----------
    Lucy, Astron. J. 79, 1974; Snyder, Hammoud & White, J. Opt. Soc. Am. A 10, 1993 (read noise);
    Snyder & Miller, IEEE Trans. Nucl. Sci. 32, 1985 (sieves).
    """
    seen = np.maximum(electrons + background_e, 0.0)
    light = np.full([2 * n for n in electrons.shape], max(float(electrons.mean()), 0.1) / 4.0)
    for step in range(1, max(_RL_STEPS) + 1):
        ratio = seen / (binned(gauss(light, sigma_px)) + background_e)
        light = light * gauss(np.kron(ratio, np.ones((2, 2))), sigma_px)
        if step in _RL_STEPS:
            yield gauss(light, sigma_px)


def between(planes: dict[int, Image]) -> list[Image]:
    """Return the linear and the cubic middle of a stack (linear again where planes are missing).

    Parameters
    ----------
    planes
        Restored planes at -3, -1, +1, +3 steps from the wanted one; the outer two may be missing.

    References
    ----------
    Keys, IEEE Trans. Acoust. 29(6), 1981 (weights -1, 9, 9, -1 over 16 at the middle).
    """
    linear = 0.5 * (planes[-1] + planes[1])
    if -3 in planes and 3 in planes:
        cubic = (9 * (planes[-1] + planes[1]) - planes[-3] - planes[3]) / 16
        return [linear, np.maximum(cubic, 0.0)]
    return [linear, linear]
