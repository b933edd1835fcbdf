"""Camera noise: make it 1 everywhere (generalised Anscombe transform), and guess it from an image.

Everything is counted in photo-electrons, ``e = (adu - offset) / gain``. With read noise ``r`` the
stabilised value is ``d = 2 sqrt(max(e + 3/8 + r^2, 0))`` and its noise is 1 at any exposure above
about 2 e-. One network therefore stays valid while the light moves.

References
----------
Starck, Murtagh & Bijaoui, "Image Processing and Data Analysis", 1998 (generalised Anscombe).
Makitalo & Foi, IEEE Trans. Image Process. 20(1), 2011 and 22(1), 2013 (unbiased inverse).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_D_FLOOR = 0.5
"""Below this the series of the unbiased inverse runs away (Makitalo & Foi)."""


def forward(
    adu: ArrayLike, gain_adu_per_e: ArrayLike, offset_adu: ArrayLike, read_noise_e: ArrayLike
) -> NDArray[np.float64]:
    """Stabilise counts: the answer has noise of standard deviation 1.

    Scalars or per-pixel maps (Y, X) describe the camera alike. This is the plain reference;
    `forward_into` gives the same numbers faster.

    Parameters
    ----------
    adu
        Raw counts, any shape, ADU.
    gain_adu_per_e, offset_adu, read_noise_e
        The camera: ADU per photo-electron, ADU, rms photo-electrons.
    """
    gain, read = np.asarray(gain_adu_per_e, float), np.asarray(read_noise_e, float)
    electrons = (np.asarray(adu, float) - np.asarray(offset_adu, float)) / gain
    stabilised: NDArray[np.float64] = 2.0 * np.sqrt(np.maximum(electrons + 0.375 + read**2, 0.0))
    return stabilised


def forward_into(
    adu: NDArray[Any],
    gain_adu_per_e: float,
    offset_adu: float,
    read_noise_e: float,
    out: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Write `forward` of ``adu`` into ``out``, (Y, X) float32, without a new array."""
    # 2 sqrt(x) = sqrt(4 x): the factor rides on the scale.
    scale = 4.0 / gain_adu_per_e
    shift = 4.0 * (0.375 + read_noise_e**2 - offset_adu / gain_adu_per_e)
    np.multiply(adu, np.float32(scale), out=out, dtype=np.float32)
    np.add(out, np.float32(shift), out=out)
    np.maximum(out, np.float32(0.0), out=out)
    return np.sqrt(out, out=out)


def inverse_algebraic(stabilised: ArrayLike, read_noise_e: ArrayLike) -> NDArray[np.float64]:
    """Undo `forward` exactly, in photo-electrons.

    Right for an estimate of the *clean* stabilised image; 0.25 e- too low for a mean of noisy ones.
    """
    d, read = np.asarray(stabilised, float), np.asarray(read_noise_e, float)
    electrons: NDArray[np.float64] = d * d / 4.0 - 0.375 - read**2
    return electrons


def inverse_unbiased(stabilised: ArrayLike, read_noise_e: ArrayLike) -> NDArray[np.float64]:
    """Return the photo-electrons whose noisy stabilised values have this *mean*.

    Right for networks that learnt from noisy targets. Closed form of Makitalo & Foi, 2013.
    """
    d = np.maximum(np.asarray(stabilised, float), _D_FLOOR)
    root, read = np.sqrt(1.5), np.asarray(read_noise_e, float)
    series = root / (4 * d) - 11 / (8 * d**2) + 5 * root / (8 * d**3)
    electrons: NDArray[np.float64] = d * d / 4.0 + series - 0.125 - read**2
    return electrons


def to_adu(
    electrons: ArrayLike, gain_adu_per_e: ArrayLike, offset_adu: ArrayLike
) -> NDArray[np.float64]:
    """Return photo-electrons as mean counts, ADU."""
    gain, offset = np.asarray(gain_adu_per_e, float), np.asarray(offset_adu, float)
    adu: NDArray[np.float64] = offset + gain * np.asarray(electrons, float)
    return adu


@dataclass(frozen=True, slots=True)
class NoiseEstimate:
    """A blind guess of the camera from images alone: a sanity check, never a calibration.

    The line ``var = gain * mean + intercept`` is what the images show. Where zero light lies they
    do not: ``offset_adu`` assumes that their darkest part got none.

    Attributes
    ----------
    gain_adu_per_e, offset_adu, read_noise_e
        As in a calibration, all estimated.
    intercept_adu2
        Variance of the fitted line at 0 ADU; negative where the offset is not zero.
    is_reliable
        False if the images hold too little contrast to fit a line; the gain is then a guess.
    """

    gain_adu_per_e: float
    offset_adu: float
    read_noise_e: float
    intercept_adu2: float
    is_reliable: bool


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
