"""Guess the camera's noise from images alone, where no calibration exists.

A blind guess is a sanity check and a last resort: it is labelled as one wherever it goes, and what
is counted with it is *relative*, since no image tells where zero light lies.

References
----------
Foi, Trimeche, Katkovnik & Egiazarian, IEEE Trans. Image Process. 17(10), 2008 (noise that is a line
of the mean, with clipping).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class NoiseEstimate:
    """A blind guess of the camera from images alone: a sanity check, never a calibration.

    The line ``var = gain * mean + intercept`` is what the images show. Where zero light lies they
    do not: ``offset_adu`` assumes that their darkest part got none. Stabilising needs the line
    alone, so it is as good as the fit; photo-electrons counted with it are off by a constant.

    Attributes
    ----------
    gain_adu_per_e, offset_adu, read_noise_e
        As in a calibration, all estimated.
    intercept_adu2
        Variance of the fitted line at 0 ADU; negative where the offset is not zero.
    is_reliable
        False if the images hold too little contrast to fit a line; the gain is then a guess.
    source, unit
        What to write beside every number that was counted with it.
    """

    gain_adu_per_e: float
    offset_adu: float
    read_noise_e: float
    intercept_adu2: float
    is_reliable: bool
    source: str = "blind"
    unit: str = "relative photo-electrons"

    @property
    def camera(self) -> tuple[float, float, float]:
        """Gain, offset and read noise: ``(gain read)^2 - gain offset`` is the line's intercept."""
        return self.gain_adu_per_e, self.offset_adu, self.read_noise_e


_HIGH_PASS = np.outer([1.0, -2.0, 1.0], [1.0, -2.0, 1.0]) / 6.0
"""Second difference along both axes: blind to planes and to smooth edges, unit noise gain."""
_MIN_PIXELS = 4096
_BINS = 24


def estimate(adu: NDArray[Any], full_scale_adu: float | None = None) -> NoiseEstimate:
    """Guess gain, offset and read noise from one image or a stack of like images.

    Fits ``var = a * mean + b`` to the local noise (robustly, per intensity bin); pixels at 0 and at
    full scale are left out because clipping hides their noise.

    Parameters
    ----------
    adu
        Counts, (Y, X) or (N, Y, X).
    full_scale_adu
        Clipping level, ADU; the largest value of the integer type when not given.

    Raises
    ------
    ValueError
        If fewer than 4096 pixels are left.
    """
    stack = np.asarray(adu, np.float32).reshape(-1, *adu.shape[-2:])
    top = float(np.iinfo(adu.dtype).max) if full_scale_adu is None else full_scale_adu
    means, noises = zip(*(_local_noise(image, top) for image in stack), strict=True)
    mean, noise = np.concatenate(means), np.concatenate(noises)
    if mean.size < _MIN_PIXELS:
        raise ValueError(
            f"estimating noise needs {_MIN_PIXELS} unclipped pixels, found {mean.size}: "
            "give a larger image, or one that is less saturated"
        )
    slope, intercept, is_reliable = _photon_transfer_line(mean, noise)
    offset = max(-intercept / slope, float(np.quantile(mean, 0.005)))
    read_e = float(np.sqrt(max(intercept + slope * offset, 0.0))) / slope
    return NoiseEstimate(slope, offset, read_e, intercept, is_reliable)


def _local_noise(
    image: NDArray[np.float32], top: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return local mean and high-passed noise of the pixels far from any clipped one."""
    clipped = ((image <= 0) | (image >= top)).astype(np.uint8)
    near_clipped = cv2.dilate(clipped, np.ones((5, 5), np.uint8))
    keep = near_clipped[2:-2, 2:-2] == 0
    mean = cv2.blur(image, (5, 5))[2:-2, 2:-2]
    noise = cv2.filter2D(image, cv2.CV_32F, _HIGH_PASS)[2:-2, 2:-2]
    return mean[keep], noise[keep]


def _photon_transfer_line(
    mean: NDArray[np.float32], noise: NDArray[np.float32]
) -> tuple[float, float, bool]:
    """Fit variance against mean over intensity bins; return slope, intercept, is_reliable."""
    edges = np.unique(np.quantile(mean, np.linspace(0.0, 0.995, _BINS + 1)))
    which = np.clip(np.searchsorted(edges, mean, "right") - 1, 0, max(len(edges) - 2, 0))
    rows = []
    for index in range(max(len(edges) - 1, 1)):
        inside = which == index
        if np.count_nonzero(inside) >= 50:
            rows.append((float(mean[inside].mean()), _robust_variance(noise[inside])))
    x, y = np.array(rows).T
    overall = max(_robust_variance(noise), 1e-6)
    if len(x) >= 3 and np.ptp(x) > 1e-3 * max(abs(float(x.mean())), 1.0):
        slope, intercept = _weighted_line(x, y)
        if slope > 0:
            return slope, intercept, True
    # No contrast: a line through zero light is all that can be said.
    slope = overall / max(float(mean.mean()), 1e-6)
    return slope, 0.0, False


def _weighted_line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Fit a line; a variance's own error grows with the variance, and texture only adds to it."""
    keep = np.ones(len(x), bool)
    slope, intercept = 0.0, 0.0
    for _ in range(4):
        weight = 1.0 / np.maximum(y[keep], 1e-3 * float(y.max()) + 1e-9)
        slope, intercept = (float(v) for v in np.polyfit(x[keep], y[keep], 1, w=weight))
        excess = (y - (slope * x + intercept)) / np.maximum(y, 1e-9)
        kept = excess < max(3.0 * float(np.median(np.abs(excess[keep]))), 0.02)
        if kept.sum() < 3 or bool((kept == keep).all()):
            break
        keep = kept
    return slope, intercept


def _robust_variance(noise: NDArray[np.float32]) -> float:
    """Variance from the median absolute deviation (1.4826: normal distribution)."""
    return float((1.4826 * np.median(np.abs(noise - np.median(noise)))) ** 2)
