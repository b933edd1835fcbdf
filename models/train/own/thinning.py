"""Less light than there was: what the same camera would have shown of the same photons.

Cutting counts at random (binomial thinning) keeps photon noise right, but the read noise is in both
parts, so that they are alike. Here noise is *added* until the parts know nothing of each other.

With ``y`` of mean x and variance ``x + r^2`` (photo-electrons, read noise r), and n of variance
``p (1 - p) (x + r^2)``:

- ``a = p y + n`` and ``b = (1 - p) y - n`` add up to y and have covariance
  ``p (1 - p) (x + r^2) - var n = 0``; a looks like light ``p x`` on read noise ``sqrt(p) r``;
- ``p y + n'`` with variance ``p (1 - p) x + (1 - p^2) r^2`` looks like light ``p x`` on the same
  read noise r: what a shorter exposure would have given.

The identity is elementary; that ``x + r^2`` may be replaced by an estimate from the pixel itself is
tested (correlation < 0.01). With it the third moments nearly vanish, too.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.special import gammaln, ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

_LEVEL_PX = 8.0
"""Blur by which the level around a pixel is known well enough to correct its cut (proposed)."""
_DARK_E = 30.0
"""Above this no pixel is cut: it is 5 sigma from zero."""


def noise_variance(electrons: Image, read_noise_e: float) -> Image:
    """Estimate the variance of each pixel from itself, (Y, X) photo-electrons squared.

    ``y + r^2`` has the right mean, ``x + r^2``, but may be negative. Cutting it off at zero adds a
    little in the dark, by an amount that is known for each level of light; that is divided out.
    """
    read = np.float32(read_noise_e**2)
    cut = np.maximum(electrons + read, np.float32(0.0))
    if read_noise_e < 0.05:  # a photon counter: nothing is negative
        return np.asarray(cut, np.float32)
    level = cv2.GaussianBlur(electrons, (0, 0), _LEVEL_PX, borderType=cv2.BORDER_REFLECT_101)
    known, excess = _excess_of_the_cut(round(read_noise_e, 2))
    right = np.maximum(level + read, 0.0)
    return np.asarray(cut * (right / (right + np.interp(level, known, excess))), np.float32)


@lru_cache(maxsize=32)
def _excess_of_the_cut(read_noise_e: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return levels of light, and the mean that cutting ``y + r^2`` at zero adds at each.

    A sum over Poisson counts n of ``r (phi(z) - z (1 - Phi(z)))``, ``z = (n + r^2) / r``: the mean
    of the cut part of a normal distribution.
    """
    level = np.linspace(0.0, np.sqrt(_DARK_E), 100) ** 2
    counts = np.arange(80)
    mean = np.maximum(level, 1e-12)[:, None]
    chance = np.exp(counts * np.log(mean) - mean - gammaln(counts + 1.0))
    z = (counts + read_noise_e**2) / read_noise_e
    cut = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi) - z * ndtr(-z)
    return level, chance @ (read_noise_e * cut)


def split(
    rng: np.random.Generator, electrons: Image, read_noise_e: float, share: float
) -> tuple[Image, Image]:
    """Cut an image into two whose noise is independent, and which add up to it.

    Returns
    -------
    tuple
        Images of ``share`` and of ``1 - share`` of the light; their read noise is
        ``sqrt(share) * read_noise_e`` and ``sqrt(1 - share) * read_noise_e``.
    """
    _check_share(share)
    extra = _noise(rng, share * (1.0 - share) * noise_variance(electrons, read_noise_e))
    first = np.asarray(share * electrons + extra, np.float32)
    return first, np.asarray(electrons - first, np.float32)


def dim(
    rng: np.random.Generator,
    electrons: Image,
    read_noise_e: float,
    share: float,
    left_over: float = 1.0,
) -> Image:
    """Return an image with only ``share`` of the light, on the same read noise.

    Parameters
    ----------
    left_over
        What a blur before left of the variance, 0 to 1.
    """
    _check_share(share)
    variance, read = noise_variance(electrons, read_noise_e), np.float32(read_noise_e**2)
    # share * x + r^2 is wanted, share^2 * left_over * (x + r^2) is there.
    missing = (share - share**2 * left_over) * variance + (1.0 - share) * read
    return np.asarray(share * electrons + _noise(rng, missing), np.float32)


def _noise(rng: np.random.Generator, variance: Image) -> Image:
    sd = np.sqrt(np.maximum(variance, 0.0))
    return np.asarray(sd * rng.standard_normal(variance.shape, np.float32), np.float32)


def _check_share(share: float) -> None:
    if not 0.0 < share <= 1.0:
        raise ValueError(f"a share of the light is above 0 and at most 1, got {share}")
