"""Does what an estimate leaves behind look like camera noise? Pure statistics, a few ms a frame.

A right estimate leaves residuals with mean 0, variance 1 and no structure. Copied noise makes them
small and anti-correlated, a wrong offset or inverse shifts blocks, and a structure that the
estimate *added* leaves a hole that a matched filter finds.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite, log, sqrt
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK_PX = 16
_VARIANCE_FLOOR_E2 = 0.05
"""Least variance of a pixel, e-^2: without read noise and light, one stray photon is no alarm."""
_BLOCK_ALARM = 4.0
_MISSED_ALARM = 4.0
_REFERENCE_PIXELS = 512 * 512


@dataclass(frozen=True, slots=True)
class Residuals:
    """What is left after the estimate is taken away, in units of the expected noise.

    Attributes
    ----------
    mean_z, var_z
        Mean (0 is right) and mean square (1 is right) over all pixels.
    corr1
        Correlation of neighbours (0 is right; negative: the estimate copied noise).
    frac_bad
        Share of 16 x 16 px blocks whose mean is beyond 4 sigma (0 is right; else: bias).
    invented
        Highest matched-filter answer to signal that the estimate added, sigma (about 4 is right).
    missed_share
        Share of pixels whose matched-filter answer to lost signal is beyond 4 sigma.
    clipped_share
        Share of pixels at zero or at saturation, which were left out.
    pixels
        Pixels of the image.
    """

    mean_z: float
    var_z: float
    corr1: float
    frac_bad: float
    invented: float
    missed_share: float
    clipped_share: float = 0.0
    pixels: float = float(_REFERENCE_PIXELS)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of residuals that may be trusted; a model package states its own.

    `invented_max` is meant for 512 x 512 px: the maximum over more pixels is higher by chance, and
    `verdict` allows for it.
    """

    mean_z_max: float = 0.1
    var_z_min: float = 0.7
    var_z_max: float = 1.3
    corr1_min: float = -0.05
    corr1_max: float = 0.05
    frac_bad_max: float = 0.02
    invented_max: float = 5.5
    missed_share_max: float = 1.5e-3
    clipped_share_max: float = 0.05


def judge(
    adu: NDArray[Any],
    photons: NDArray[np.float32],
    gain_adu_per_e: float,
    offset_adu: float,
    read_noise_e: float,
    saturation_adu: float = 65535.0,
    psf_sigma_px: float = 1.5,
) -> Residuals:
    """Compare a raw frame with an estimate of its photo-electrons.

    Parameters
    ----------
    adu
        Raw counts, (Y, X), at least 32 x 32 px.
    photons
        The estimate, (Y, X) float32, photo-electrons.
    gain_adu_per_e, offset_adu, read_noise_e, saturation_adu
        The camera's calibration.
    psf_sigma_px
        Size of the smallest structure that the microscope can show, px.
    """
    z, clipped = _normalised(adu, photons, gain_adu_per_e, offset_adu, read_noise_e, saturation_adu)
    pixels = z.size
    count = max(pixels - clipped, 1)
    flat = z.ravel()
    squares = max(float(np.dot(flat, flat)), 1e-12)
    invented, missed_share = _matched_filter(z, psf_sigma_px)
    return Residuals(
        mean_z=float(flat.sum()) / count,
        var_z=squares / count,
        corr1=_neighbours(z) / squares,
        frac_bad=_bad_blocks(z),
        invented=invented,
        missed_share=missed_share,
        clipped_share=clipped / pixels,
        pixels=float(pixels),
    )


def _normalised(
    adu: NDArray[Any], photons: NDArray[np.float32],
    gain: float, offset: float, read_noise_e: float, saturation_adu: float,
) -> tuple[NDArray[np.float32], int]:  # fmt: skip
    """Return residuals over expected noise, (Y, X), zero where clipped, and how many were clipped.

    Counts of zero are clipped only if the camera has an offset: a photon counter really saw none.
    """
    z = np.multiply(adu, np.float32(1.0 / gain), dtype=np.float32)
    z -= np.float32(offset / gain)
    z -= photons
    variance = np.add(photons, np.float32(read_noise_e**2), dtype=np.float32)
    np.maximum(variance, np.float32(_VARIANCE_FLOOR_E2), out=variance)
    np.sqrt(variance, out=variance)
    z /= variance
    low = 0.0 if offset > 0 else -1.0
    lowest, highest = float(adu.min()), float(adu.max())
    if lowest > low and highest < saturation_adu:
        return z, 0
    is_clipped = (adu <= low) | (adu >= saturation_adu)
    z[is_clipped] = 0.0
    return z, int(np.count_nonzero(is_clipped))


def _neighbours(z: NDArray[np.float32]) -> float:
    """Return the mean of the sums of products with the right and the lower neighbour."""
    flat, width = z.ravel(), z.shape[1]
    across = float(np.dot(flat[1:], flat[:-1])) - float(np.dot(z[1:, 0], z[:-1, -1]))
    down = float(np.dot(flat[width:], flat[:-width]))
    return 0.5 * (across + down)


def _bad_blocks(z: NDArray[np.float32]) -> float:
    """Return the share of 16 x 16 blocks whose mean lies beyond 4 sigma."""
    rows, columns = (n // _BLOCK_PX for n in z.shape)
    whole = z[: rows * _BLOCK_PX, : columns * _BLOCK_PX]
    means = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
    return float(np.mean(np.abs(means) * _BLOCK_PX > _BLOCK_ALARM))


def _matched_filter(z: NDArray[np.float32], sigma_px: float) -> tuple[float, float]:
    """Return max(-t) and the share of t > 4; t is N(0, 1) for white residuals.

    North 1943: the filter of the shape that is sought finds it best in white noise.
    """
    reach = max(int(4 * sigma_px + 0.5), 1)
    kernel = cv2.getGaussianKernel(2 * reach + 1, sigma_px, cv2.CV_32F)
    kernel = kernel / np.sqrt((kernel**2).sum())
    t = cv2.sepFilter2D(z, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REFLECT_101)
    inner = t[reach:-reach, reach:-reach]  # the mirrored rim is not N(0, 1)
    missed = cv2.countNonZero(cv2.compare(inner, _MISSED_ALARM, cv2.CMP_GT))
    return -float(cv2.minMaxLoc(inner)[0]), missed / inner.size


def verdict(residuals: Residuals, limits: Limits | None = None) -> tuple[bool, str]:
    """Say whether an estimate may be trusted, and if not, why in one sentence."""
    r, bounds = residuals, limits or Limits()
    broken = [f.name for f in fields(r) if not isfinite(getattr(r, f.name))]
    if broken:
        return False, f"residuals are not numbers: {', '.join(broken)}"
    if r.clipped_share > bounds.clipped_share_max:
        return False, f"{r.clipped_share:.0%} of the pixels are clipped: lower the light"
    if r.frac_bad > bounds.frac_bad_max or abs(r.mean_z) > bounds.mean_z_max:
        return False, (
            f"the estimate is biased (mean {r.mean_z:+.2f} sigma, {r.frac_bad:.1%} of blocks off): "
            "check offset and gain"
        )
    most = _invented_limit(bounds, r.pixels)
    if r.invented > most:
        return False, (
            "the estimate shows a structure that the camera did not see "
            f"({r.invented:.1f} > {most:.1f} sigma)"
        )
    if r.corr1 < bounds.corr1_min or r.var_z < bounds.var_z_min:
        return False, (
            f"the estimate copies noise, or the gain is set too low "
            f"(variance {r.var_z:.2f}, neighbours {r.corr1:+.3f})"
        )
    if r.missed_share > bounds.missed_share_max or r.corr1 > bounds.corr1_max:
        return False, f"the estimate loses structure ({r.missed_share:.2%} of the pixels)"
    if r.var_z > bounds.var_z_max:
        return False, f"more noise than calibrated (variance {r.var_z:.2f}): check the gain"
    return True, "residuals look like camera noise"


def _invented_limit(bounds: Limits, pixels: float) -> float:
    """Raise the bound for frames above 512 x 512: a normal maximum grows by ln(n) / t."""
    extra = max(log(max(pixels, 1.0) / _REFERENCE_PIXELS), 0.0)
    return sqrt(bounds.invented_max**2 + 2.0 * extra)
