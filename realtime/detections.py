"""What a detector found in one image: where, how large, how bright, and how sure it can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Detections:
    """The nuclei of one image, as columns of equal length.

    Attributes
    ----------
    y_px, x_px
        Centroids weighted by brightness, px of the raw frame, (N,) float64.
    area_px
        Areas, px of the raw frame, (N,) float64.
    photons
        Photo-electrons above the local background, summed over the nucleus, (N,) float64.
    signal_e
        Photo-electrons a pixel above the local background, mean over the nucleus, (N,) float64.
    snr
        Signal over noise of that mean, as one raw camera exposure would give it (`snr_of_mean`).
    background_e
        Median background, photo-electrons a pixel.
    read_noise_e
        Read noise that `snr` counts with, rms photo-electrons a pixel.
    z_px
        In a stack: height in px of the plane (planes times their distance over the pixel), (N,).
    z_sd_px
        Standard deviation of that height, px, (N,).
    covariance_px2
        Covariance of each place, y before x, from photon and read noise, (N, 2, 2) px^2; None
        where the detector does not know it, as the two below.
    eccentricity
        Shape from the second moments of the light: 0 is round, near 1 a line, (N,).
    score
        How far the cell stands above its background, in sigma of the mean over its area, (N,).
    classes
        Probability of each of K kinds, (N, K), where there is a classifier (`realtime.classify`);
        a row of NaN: nothing is known.
    """

    y_px: NDArray[np.float64]
    x_px: NDArray[np.float64]
    area_px: NDArray[np.float64]
    photons: NDArray[np.float64]
    signal_e: NDArray[np.float64]
    snr: NDArray[np.float64]
    background_e: float = 0.0
    read_noise_e: float = 0.0
    z_px: NDArray[np.float64] | None = None
    covariance_px2: NDArray[np.float64] | None = None
    eccentricity: NDArray[np.float64] | None = None
    score: NDArray[np.float64] | None = None
    classes: NDArray[np.float64] | None = None
    z_sd_px: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.y_px)


def snr_of_mean(
    signal_e: NDArray[np.float64],
    background_e: NDArray[np.float64] | float,
    area_px: NDArray[np.float64],
    read_noise_e: float,
) -> NDArray[np.float64]:
    """Return signal over noise of the mean signal in a cell, under raw camera noise.

    ``signal * area / sqrt((signal + background) * area + read_noise**2 * area)``: shot noise of
    all light that falls on the cell, and read noise of all its pixels. It says what the exposure
    gave, however well a network restores it.

    Parameters
    ----------
    signal_e, background_e
        Photo-electrons a pixel, above the background and of the background.
    area_px
        Pixels of the cell.
    read_noise_e
        Read noise, rms photo-electrons a pixel.

    References
    ----------
    The "CCD equation": Mortara and Fowler, Proc. SPIE 290 (1981) 28.
    """
    signal = np.maximum(signal_e, 0.0)
    variance = signal + np.maximum(background_e, 0.0) + read_noise_e**2
    return np.asarray(signal * np.sqrt(area_px / np.maximum(variance, 1e-12)))
