"""Photon transfer, the counting: what the frames of one exposure say of every pixel.

A pair of frames of the same still scene differs by noise alone. Half the variance of the difference
is the noise of one frame; whatever the pixels or the light have in common falls out.

References
----------
Janesick, Photon Transfer, SPIE Press (2007), chapters 5 and 11; EMVA Standard 1288, release 4.0,
sections 2 and 6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from acquire.calibrating.noise_correlation import (
    Correlation,
    block_gain,
    blockwise,
    correlation_of,
    in_time,
    mean_correlation,
)
from acquire.errors import CalibrationRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.calibrating.dark_field import DarkField

BIN_ADU = 64  # width of a bin of the transfer curve
CLIPPED_SHARE = 1e-3  # of pixels at the very same largest count: clipped; proposed


class Level(msgspec.Struct, frozen=True):
    """Frames of one exposure.

    Attributes
    ----------
    exposure_ms
        As the camera reports it.
    mean_adu, variance_adu2
        Signal above the dark level, and temporal variance, of the good pixels.
    third_adu3
        Third central moment; None where there are fewer than three frames.
    top_adu, top_share
        Largest count, and the share of pixels that have it.
    n_pixels, n_pairs
        Independent differences that the variance is made of: pixels times pairs.
    """

    exposure_ms: float
    mean_adu: float
    variance_adu2: float
    third_adu3: float | None
    correlation: Correlation
    top_adu: float
    top_share: float
    n_pixels: int
    n_pairs: int

    @property
    def error(self) -> float:
        """Relative standard error of the variance (normal noise): sqrt(2 / n)."""
        return float(np.sqrt(2.0 / (self.n_pixels * self.n_pairs)))


def level(
    exposure_ms: float, frames: NDArray[np.uint16], dark: DarkField
) -> tuple[Level, NDArray[np.float32], NDArray[np.float32]]:
    """Count the frames of one exposure.

    Parameters
    ----------
    frames
        Counts of consecutive frames, (n, Y, X), n even.

    Returns
    -------
    tuple
        The level, and of each pixel the signal, ADU, and the variance, ADU2, (Y, X) float32.

    Raises
    ------
    CalibrationRefused
        If the frames are no pairs, or of another shape than the dark ones.
    """
    n = len(frames)
    if n < 2 or n % 2 or frames.shape[1:] != dark.offset.shape:
        raise CalibrationRefused(
            f"flat frames come in pairs of the dark frames' shape {dark.offset.shape}, "
            f"got {frames.shape}"
        )
    even, mean = _steadied(frames.astype(np.float32) - dark.offset, dark.good)
    variance = np.zeros(dark.offset.shape, np.float32)
    pairs = []
    for one, two in zip(even[::2], even[1::2], strict=True):
        noise = blockwise(np.where(dark.good, one - two, np.float32(0.0)))
        variance += noise * noise
        pairs.append(correlation_of(noise))
    variance *= block_gain(variance.shape) / n  # sum / (2 x pairs)
    top = float(frames.max())
    known = msgspec.structs.replace(mean_correlation(pairs), in_time=in_time(even, dark.good))
    found = Level(
        exposure_ms=exposure_ms,
        mean_adu=mean,
        variance_adu2=float(variance[dark.good].mean(dtype=np.float64)),
        third_adu3=_third(even, dark.good),
        correlation=known,
        top_adu=top,
        top_share=float(np.mean(frames[:, dark.good] == top)),
        n_pixels=int(dark.good.sum()),
        n_pairs=n // 2,
    )
    return found, even.mean(axis=0), variance


def _steadied(
    signal: NDArray[np.float32], good: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], float]:
    """Bring all frames to the same light, as lamps flicker; return them, and their mean signal."""
    means = np.array([frame[good].mean(dtype=np.float64) for frame in signal])
    ratios = means.mean() / np.where(means > 0, means, 1.0)
    ratios = np.where(np.abs(ratios - 1.0) < 0.5, ratios, 1.0)  # no light: nothing flickers
    return signal * ratios[:, None, None].astype(np.float32), float(means.mean())


def _third(even: NDArray[np.float32], good: NDArray[np.bool_]) -> float | None:
    """Return the unbiased third central moment of a pixel in time (k-statistic k3), its mean."""
    n = len(even)
    if n < 3:
        return None
    apart = (even - even.mean(axis=0))[:, good]
    return float(np.mean(np.sum(apart**3, axis=0), dtype=np.float64)) * n / ((n - 1) * (n - 2))
