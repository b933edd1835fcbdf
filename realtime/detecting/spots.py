"""Spots: brighter than their surroundings at a width that is told, placed to part of a pixel.

References
----------
Lindeberg, Int. J. Computer Vision 30 (1998) 79: the width at which a scaled blob response peaks.
Crocker and Grier, J. Colloid Interface Sci. 179 (1996) 298: places by the centroid of the light.
Thompson, Larson and Webb, Biophys. J. 82 (2002) 2775, eq. 17: how well a spot can be placed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from realtime.detecting.apart import apart
from realtime.detecting.false_alarms import threshold_sigma
from realtime.detecting.grids import finite, resized, square
from realtime.detections import Detections, snr_of_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.detecting.config import DetectorConfig

_FWHM = 2 * math.sqrt(2 * math.log(2))
"""Full width at half height of a Gaussian, in its sigma."""
_RATIO = 1.6
"""Of both blurs of a difference of Gaussians: it is nearly the Laplacian (Marr and Hildreth,
Proc. R. Soc. Lond. B 207 (1980) 187)."""
_WIDTHS = (1 / 1.5, 1.0, 1.5)
"""Widths that are tried, times the one that was asked for (proposed)."""
_REACH = 2.0
"""The light of a spot is gathered within this many of its sigmas (proposed)."""
_FAIR = 0.56
"""Significance grows with the width; divided by this power of it, a Gaussian of width s answers
most at s: with q = (sigma / s)^2, q/(1+q) + r q/(1+r q) = 1.22 at q = 1, and r = 1.6^2."""
_ROUNDS = 3
"""Rounds of "centre the window on the light in it"; it then stands still."""
_LEAST_BLUR_PX = 0.8
"""A narrower blur than this is no Gaussian on a grid (proposed)."""
_MOST_WINDOWS_PX = 1 << 18
"""Pixels of all windows that are looked at together: memory stays bounded, and near (proposed)."""
_MAD_TO_SIGMA = 1.4826
"""Median absolute deviation to standard deviation of a Gaussian (Huber, Robust Statistics)."""


class SpotDetector:
    """Finds spots by differences of Gaussians, each at the width where it stands out most.

    Parameters
    ----------
    config
        What a spot looks like: `diameter_px` is its full width at half its height.
    read_noise_e
        Read noise of the camera, rms photo-electrons.
    """

    def __init__(self, config: DetectorConfig, read_noise_e: float = 2.0) -> None:
        self._config, self._read_noise_e = config, read_noise_e
        sigma = config.diameter_px / _FWHM
        self._floor_e2 = read_noise_e**2 + 1e-6
        self._sigmas = [max(_LEAST_BLUR_PX, share * sigma) for share in _WIDTHS]

    def __call__(self, photons: NDArray[np.float32]) -> Detections:
        """Find the spots of an image in photo-electrons, (Y, X) float32, restored or raw."""
        image = finite(np.ascontiguousarray(photons, np.float32))
        background = self._background(image)
        noise = np.sqrt(np.maximum(background, np.float32(0.0)) + np.float32(self._floor_e2))
        answers = [self._answer(image, noise, sigma) for sigma in self._sigmas]
        shares = [np.float32(s**-_FAIR) for s in self._sigmas]
        fair = np.stack([a * share for a, share in zip(answers, shares, strict=True)])
        which = np.argmax(fair, axis=0)
        best = np.take_along_axis(np.stack(answers), which[None], 0)[0]
        best = best / np.float32(_excess(answers[0]))
        height, width = image.shape
        allowed = self._config.false_alarms / len(self._sigmas)
        known = threshold_sigma(allowed, (height, width), self._sigmas[0])
        given = self._config.threshold_sigma
        threshold = known if given is None else given
        crest = fair.max(axis=0)
        top = cv2.dilate(crest, square(self._sigmas[1]))
        y, x = np.nonzero((crest >= top) & (best > threshold))
        widths = np.asarray(self._sigmas)[which[y, x]]
        spots = self._measure(image, background, y, x, widths, best[y, x])
        return apart(spots, self._config.diameter_px)

    def _background(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the light between the spots: the median of what coarse pixels show, smoothed."""
        height, width = image.shape
        step = max(1, int(3 * self._sigmas[-1]))
        coarse = resized(image, (height // step, width // step))
        coarse = cv2.blur(cv2.medianBlur(coarse, 5), (3, 3))
        return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))

    def _answer(
        self, image: NDArray[np.float32], noise: NDArray[np.float32], sigma: float
    ) -> NDArray[np.float32]:
        """Return a difference of Gaussians over its own noise, (Y, X): sigmas of significance."""
        narrow = cv2.GaussianBlur(image, (0, 0), sigma)
        wide = cv2.GaussianBlur(image, (0, 0), _RATIO * sigma)
        a, b = sigma**2, (_RATIO * sigma) ** 2
        share = (1 / a + 1 / b - 4 / (a + b)) / (4 * math.pi)  # of a pixel's variance that is left
        return np.asarray((narrow - wide) / (noise * np.float32(math.sqrt(share))))

    def _measure(
        self,
        image: NDArray[np.float32],
        background: NDArray[np.float32],
        y: NDArray[np.intp],
        x: NDArray[np.intp],
        sigma: NDArray[np.float64],
        score: NDArray[np.float32],
    ) -> Detections:
        """Return where each spot is, and what is known of it."""
        reach = math.ceil(_REACH * self._sigmas[-1])
        padded = cv2.copyMakeBorder(image, reach, reach, reach, reach, cv2.BORDER_REFLECT_101)
        behind = background[y, x].astype(np.float64)
        size = max(1, _MOST_WINDOWS_PX // (2 * reach + 1) ** 2)
        parts = [slice(k, k + size) for k in range(0, max(len(y), 1), size)]
        gathered = [_gathered(padded, reach, behind[p], y[p], x[p], sigma[p]) for p in parts]
        cy, cx, photons = (np.concatenate(values) for values in zip(*gathered, strict=True))
        area_px = math.pi * (_FWHM / 2 * sigma) ** 2
        signal_e = photons / area_px / 2  # half the light of a Gaussian lies within its half width
        behind = np.maximum(behind, 0.0)
        return Detections(
            y_px=y + cy,
            x_px=x + cx,
            area_px=area_px,
            photons=photons,
            signal_e=signal_e,
            snr=snr_of_mean(signal_e, behind, area_px, self._read_noise_e),
            background_e=float(np.median(background[::4, ::4])),
            read_noise_e=self._read_noise_e,
            covariance_px2=placing(photons, behind + self._read_noise_e**2, sigma),
            eccentricity=np.zeros(len(y)),
            score=score.astype(np.float64),
        )


def _gathered(
    padded: NDArray[np.float32],
    reach: int,
    behind: NDArray[np.float64],
    y: NDArray[np.intp],
    x: NDArray[np.intp],
    sigma: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Gather the light of each spot under a window of its own width that moves to its place.

    Returns
    -------
    How far each place is from its pixel, down and across, px, and its photo-electrons, (N,) each.
    """
    steps = np.arange(-reach, reach + 1)
    dy, dx = np.meshgrid(steps, steps, indexing="ij")
    patch = padded[y[:, None, None] + dy + reach, x[:, None, None] + dx + reach]
    light = patch.astype(np.float64) - behind[:, None, None]
    cy, cx = np.zeros(len(y)), np.zeros(len(y))
    wide = sigma[:, None, None]
    for _ in range(_ROUNDS):
        away = (dy - cy[:, None, None]) ** 2 + (dx - cx[:, None, None]) ** 2
        window = np.exp(-0.5 * away / wide**2)
        total = np.maximum((window * light).sum((1, 2)), 1e-9)
        # A Gaussian under a Gaussian of its width moves half-way: so the step is doubled.
        cy += np.clip(2 * ((window * light * dy).sum((1, 2)) / total - cy), -1, 1)
        cx += np.clip(2 * ((window * light * dx).sum((1, 2)) / total - cx), -1, 1)
        cy, cx = np.clip(cy, -sigma, sigma), np.clip(cx, -sigma, sigma)
    photons = np.maximum((window * light).sum((1, 2)) * 2, 0.0)  # half lies under the window
    return cy, cx, photons


def _excess(answer: NDArray[np.float32]) -> float:
    """Return how much noisier the image is than its camera, at least 1."""
    some = answer[::2, ::2]
    below = some[some < 0]
    return max(1.0, _MAD_TO_SIGMA * float(np.median(-below))) if below.size else 1.0


def placing(
    photons: NDArray[np.float64], noise_e: NDArray[np.float64], sigma: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the covariance of the places of spots, px^2, (N, 2, 2).

    ``s^2 / N + 8 pi s^4 b^2 / N^2`` with the variance of a pixel, 1/12, in s^2: `noise_e` is b^2,
    the variance of the background's noise in a pixel, e^2.
    """
    many = np.maximum(photons, 1e-9)
    wide = sigma**2 + 1 / 12
    variance = wide / many + 8 * math.pi * wide**2 * noise_e / many**2
    return np.asarray(variance[:, None, None] * np.eye(2))
