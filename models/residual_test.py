"""Computes the residual test in buffers of its own: nothing of a frame's size is made anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.electrons import Electrons
from models.regions import SHRINK, Regions, shrunk, split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.stabiliser import PixelMaps

    Image = NDArray[np.float32]

_BLOCK_PX = 16
_VARIANCE_FLOOR_E2 = 0.05
"""Least variance of a pixel, e-^2: without read noise and light, one stray photon is no alarm."""
_BLOCK_ALARM = 4.0
_MISSED_ALARM = 4.0
_HOT, _HOT_VAR = 5.0, 5.0
"""No more than this is believed of a pixel's residual, sigma, and of the mean square of 4 x 4 px:
one of 10^10 blocks of white noise has more."""
TILES = 4
"""A frame has this many tiles along each side (proposed)."""
REFERENCE_PIXELS = 512 * 512


@dataclass(frozen=True, slots=True)
class Residuals:
    """What is left after the estimate is taken away, in units of the expected noise.

    Attributes
    ----------
    mean_z, var_z
        Mean (0 is right) and mean square (1 - `kept` is right) over all pixels.
    corr1
        Correlation of neighbours (a little below 0 is right; far below: the estimate copied noise).
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
    kept
        Share of the noise power that the estimate itself says is still in it; 0 if it does not say.
    missed
        Highest matched-filter answer to signal that the estimate lost, sigma.
    dark_var
        ``var_z + kept`` of the background alone (1 is right, whatever the estimate).
    dark_mean_z
        Mean of the residual there.
    dark_pixels
        Pixels of the background.
    """

    mean_z: float
    var_z: float
    corr1: float
    frac_bad: float
    invented: float
    missed_share: float
    clipped_share: float = 0.0
    pixels: float = float(REFERENCE_PIXELS)
    kept: float = 0.0
    missed: float = 0.0
    dark_var: float = 1.0
    dark_mean_z: float = 0.0
    dark_pixels: float = 0.0


@dataclass(frozen=True, slots=True)
class Tiles:
    """The same test in each of 4 x 4 tiles of a frame, (4, 4) float32 each.

    Attributes
    ----------
    mean_z, var_z
        Mean and mean square of the residual, as in `Residuals`.
    invented, missed
        Highest matched-filter answer to signal that was added, or lost, sigma.
    """

    mean_z: Image
    var_z: Image
    invented: Image
    missed: Image


class ResidualTest:
    """Compares raw frames of one camera with estimates of their photo-electrons.

    Parameters
    ----------
    shape
        Height and width of the frames, px, at least 32 each.
    gain_adu_per_e, offset_adu, read_noise_e, saturation_adu
        The camera's calibration.
    psf_sigma_px
        Size of the smallest structure that the microscope can show, px.
    maps, excess_noise_factor
        Each pixel's own numbers, and how much noisier than light the camera is
        (`models.electrons`). A bad pixel is left out.

    Attributes
    ----------
    z, t
        The last frame's residuals over their noise, and the matched filter's answers, (Y, X).
    regions
        Its cells and background.
    variance_e2
        What the estimate states of itself, shrunk four times; only where it does.
    rim
        Pixels along each edge whose answers are no use.
    answer
        What the filter answers to a spot of that size with a peak of 1 sigma.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        gain_adu_per_e: float,
        offset_adu: float,
        read_noise_e: float,
        saturation_adu: float = 65535.0,
        psf_sigma_px: float = 1.5,
        maps: PixelMaps | None = None,
        excess_noise_factor: float = 1.0,
    ) -> None:
        numbers = (gain_adu_per_e, offset_adu, read_noise_e)
        self._camera = Electrons(*numbers, maps, excess_noise_factor)
        self._small_read_e2 = shrunk(np.broadcast_to(self._camera.read_e2, shape).copy())
        self._low_adu = 0.0 if offset_adu > 0 else -1.0
        self._saturation_adu = saturation_adu
        self.rim = max(int(4 * psf_sigma_px + 0.5), 1)
        self.answer = float(np.sqrt(np.pi)) * psf_sigma_px
        kernel = cv2.getGaussianKernel(2 * self.rim + 1, psf_sigma_px, cv2.CV_32F)
        self._kernel = kernel / np.sqrt((kernel**2).sum())
        self.z, self.t, self._work = (np.zeros(shape, np.float32) for _ in range(3))
        self.variance_e2 = np.zeros((1, 1), np.float32)
        self.regions = Regions(*(np.zeros((1, 1), kind) for kind in (np.float32, np.uint8)))

    @property
    def inner(self) -> Image:
        """The matched filter's answers without the mirrored rim, which is not N(0, 1)."""
        return self.t[self.rim : -self.rim, self.rim : -self.rim]

    def __call__(self, adu: NDArray[Any], photons: Image, sd_e: Image | None = None) -> Residuals:
        """Return what an estimate leaves behind; `z`, `t` and `regions` stay until the next call.

        Parameters
        ----------
        adu
            Raw counts, (Y, X).
        photons, sd_e
            The estimate and its standard error, (Y, X) float32, photo-electrons.
        """
        clipped = self._normalise(adu, photons)
        z = self.z
        count = max(z.size - clipped - self._camera.bad_pixels, 1)
        flat = z.ravel()
        squares = max(float(np.dot(flat, flat)), 1e-12)
        self.regions = split(photons)
        np.multiply(z, z, out=self._work)
        z2 = np.minimum(shrunk(self._work), np.float32(_HOT_VAR))
        kept = np.zeros_like(z2) if sd_e is None else self._kept(sd_e)
        both = z2 + kept
        self._filter()
        invented, missed = (float(v) for v in cv2.minMaxLoc(self.inner)[:2])
        above = cv2.countNonZero(cv2.compare(self.inner, _MISSED_ALARM, cv2.CMP_GT))
        return Residuals(
            mean_z=float(flat.sum()) / count,
            var_z=float(cv2.mean(z2)[0]) * z.size / count,
            corr1=_neighbours(z) / squares,
            frac_bad=_bad_blocks(self._work),  # where no hot pixel counts for more than `_HOT`
            invented=-invented,
            missed_share=above / self.inner.size,
            clipped_share=clipped / z.size,
            pixels=float(z.size),
            kept=float(cv2.mean(kept)[0]),
            missed=missed,
            dark_var=self.regions.mean(both, cells=False) if sd_e is not None else 1.0,
            dark_mean_z=self.regions.mean(shrunk(z), cells=False),
            dark_pixels=SHRINK**2 * float(both.size - cv2.countNonZero(self.regions.is_cell)),
        )

    def _normalise(self, adu: NDArray[Any], photons: Image) -> int:
        """Write the residual over the expected noise into `z`; return how many pixels are clipped.

        Clipped pixels are 0. Counts of zero are clipped only if the camera has an offset: a photon
        counter really saw none.
        """
        z, variance = self.z, self._work
        self._camera.into(adu, out=z)
        z -= photons
        self._camera.noise_into(photons, out=variance)
        np.maximum(variance, np.float32(_VARIANCE_FLOOR_E2), out=variance)
        np.sqrt(variance, out=variance)
        z /= variance
        if self._camera.is_bad is not None:
            z[self._camera.is_bad] = 0.0
        low = self._low_adu
        if float(adu.min()) > low and float(adu.max()) < self._saturation_adu:
            return 0
        is_clipped = (adu <= low) | (adu >= self._saturation_adu)
        z[is_clipped] = 0.0
        return int(np.count_nonzero(is_clipped))

    def _kept(self, sd_e: Image) -> Image:
        """Return the share of the noise that an estimate says is still in it, (Y/4, X/4)."""
        np.multiply(sd_e, sd_e, out=self._work)
        self.variance_e2 = shrunk(self._work)
        noise = self._camera.excess * self.regions.photons + self._small_read_e2
        noise = np.maximum(noise, _VARIANCE_FLOOR_E2)
        return np.asarray(self.variance_e2 / noise, np.float32)

    def _filter(self) -> None:
        """Write the matched filter's answers into `t`; they are N(0, 1) for white residuals.

        North 1943: the filter of the shape that is sought finds it best in white noise. A hot pixel
        is no structure: it counts for no more than `_HOT` sigma.
        """
        border = cv2.BORDER_REFLECT_101
        cv2.min(self.z, _HOT, dst=self._work)
        cv2.sepFilter2D(
            self._work, cv2.CV_32F, self._kernel, self._kernel, dst=self.t, borderType=border
        )

    def tiles(self) -> Tiles:
        """Return the last frame's test tile by tile."""
        np.multiply(self.z, self.z, out=self._work)
        low, high = (_by_tile(self.t, reach) for reach in (np.min, np.max))
        mean, square = (_by_tile(image, np.mean) for image in (self.z, self._work))
        return Tiles(mean, square, -low, high)


def _by_tile(image: Image, reach: Any) -> Image:
    rows, columns = (n // TILES for n in image.shape)
    whole = image[: rows * TILES, : columns * TILES]
    grid = whole.reshape(TILES, rows, TILES, columns)
    return np.asarray(reach(grid, axis=(1, 3)), np.float32)


def _neighbours(z: Image) -> float:
    """Return the mean of the sums of products with the right and the lower neighbour."""
    flat, width = z.ravel(), z.shape[1]
    across = float(np.dot(flat[1:], flat[:-1])) - float(np.dot(z[1:, 0], z[:-1, -1]))
    down = float(np.dot(flat[width:], flat[:-width]))
    return 0.5 * (across + down)


def _bad_blocks(z: Image) -> float:
    """Return the share of 16 x 16 blocks whose mean lies beyond 4 sigma."""
    rows, columns = (n // _BLOCK_PX for n in z.shape)
    whole = z[: rows * _BLOCK_PX, : columns * _BLOCK_PX]
    means = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
    return float(np.mean(np.abs(means) * _BLOCK_PX > _BLOCK_ALARM))
