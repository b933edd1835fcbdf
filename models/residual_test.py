"""Computes the residual test in buffers of its own: nothing of a frame's size is made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.electrons import Electrons
from models.regions import SHRINK, Regions, shrunk, split_small
from models.residual_numbers import Residuals
from models.residual_sums import Calm, Small, bad_blocks, calm_part, neighbours, shrink_into
from models.strips import aligned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.stabiliser import PixelMaps

    Image = NDArray[np.float32]

_VARIANCE_FLOOR_E2 = 0.05
"""Least variance of a pixel, e-^2: without read noise and light, one stray photon is no alarm."""
_MISSED_ALARM = 4.0
_ASKED = 5.0
"""Answer to added signal, sigma, from which the estimate's own doubt is asked for."""
_HOT, _HOT_VAR = 5.0, 5.0
"""No more than this is believed of a pixel's residual, sigma, and of the mean square of 4 x 4 px:
one of 10^10 blocks of white noise has more."""
_STRIP_PX = 64
"""Rows that are worked on together, a multiple of a block: 128 KiB of float32 at 512 px
a row stay in any processor's second cache."""


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
    small, kept
        What is needed of the last frame on a picture shrunk four times, and the share of the noise
        that its estimate states there.
    brightest_e
        The most of the estimate's photo-electrons.
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
        self._least_read_e2 = float(np.min(self._camera.read_e2))
        self._low_adu = 0.0 if offset_adu > 0 else -1.0
        self._saturation_adu = saturation_adu
        self.rim = max(int(4 * psf_sigma_px + 0.5), 1)
        self.answer = float(np.sqrt(np.pi)) * psf_sigma_px
        kernel = cv2.getGaussianKernel(2 * self.rim + 1, psf_sigma_px, cv2.CV_32F)
        self._kernel = kernel / np.sqrt((kernel**2).sum())
        self.z, self.t, self._work = (aligned(shape) for _ in range(3))
        few = (shape[0] // SHRINK, shape[1] // SHRINK)
        self.small = Small(*(np.zeros(few, np.float32) for _ in Small._fields))
        self.variance_e2, self.kept = (np.zeros((1, 1), np.float32) for _ in range(2))
        self.brightest_e = 0.0
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
        z = self.z
        clipped = self._by_strips(adu, photons, sd_e)
        small = self.small
        count = max(z.size - clipped - self._camera.bad_pixels, 1)
        flat = z.ravel()
        squares = max(float(np.dot(flat, flat)), 1e-12)
        self.regions = split_small(small.photons.copy())  # it is kept by who asked
        kept = self.kept = self._kept(is_stated=sd_e is not None)
        self._filter()
        invented, missed = (float(v) for v in cv2.minMaxLoc(self.inner)[:2])
        above = 0
        if missed > _MISSED_ALARM:
            above = cv2.countNonZero(cv2.compare(self.inner, _MISSED_ALARM, cv2.CMP_GT))
        calm = self._calm(kept) if sd_e is not None else Calm()
        return Residuals(
            mean_z=float(flat.sum()) / count,
            var_z=float(cv2.mean(small.z2)[0]) * z.size / count,
            corr1=neighbours(z) / squares,
            frac_bad=bad_blocks(small.calm),
            invented=self._surprise(-invented, kept),
            missed_share=above / self.inner.size,
            clipped_share=clipped / z.size,
            pixels=float(z.size),
            kept=float(cv2.mean(kept)[0]),
            missed=missed,
            dark_var=self.regions.mean(small.z2 + kept, cells=False) if sd_e is not None else 1.0,
            dark_mean_z=self.regions.mean(small.z, cells=False),
            dark_pixels=SHRINK**2
            * float(self.regions.is_cell.size - cv2.countNonZero(self.regions.is_cell)),
            dark_kept=self.regions.mean(kept, cells=False) if sd_e is not None else 0.0,
            calm_var=calm.power,
            calm_kept=calm.kept,
            calm_pixels=calm.pixels,
            calm_lit=calm.lit,
        )

    def _calm(self, kept: Image) -> Calm:
        return calm_part(self.small, kept, self.regions, self._small_read_e2, self._camera.excess)

    def _by_strips(self, adu: NDArray[Any], photons: Image, sd_e: Image | None) -> int:
        """Write `z`, without hot pixels `_work`, and the small images; return the clipped pixels.

        A strip of rows stays in the processor's cache from its counts to its means: half the time
        of one pass over the frame after another.
        """
        clipped, self.brightest_e = 0, 0.0
        for top in range(0, adu.shape[0], _STRIP_PX):
            rows = slice(top, min(top + _STRIP_PX, adu.shape[0]))
            clipped += self._normalise(adu[rows], photons[rows], rows)
            z, work, small = self.z[rows], self._work[rows], self.small.rows(rows)
            np.multiply(z, z, out=work)
            shrink_into(work, small.z2)
            shrink_into(z, small.z)
            shrink_into(photons[rows], small.photons)
            if sd_e is not None:
                np.multiply(sd_e[rows], sd_e[rows], out=work)
                shrink_into(work, small.variance_e2)
            cv2.min(z, _HOT, dst=work)
            shrink_into(work, small.calm)
        np.minimum(self.small.z2, np.float32(_HOT_VAR), out=self.small.z2)
        return clipped

    def _normalise(self, adu: NDArray[Any], photons: Image, rows: slice) -> int:
        """Write rows of the residual over the expected noise into `z`; count what is clipped.

        Clipped pixels are 0. Counts of zero are clipped only if the camera has an offset: a photon
        counter really saw none.
        """
        z, variance, camera = self.z[rows], self._work[rows], self._camera
        np.copyto(z, adu)  # faster than a product of two kinds of numbers
        camera.into(z, z, rows)
        z -= photons
        camera.noise_into(photons, variance, rows)
        lowest, brightest = cv2.minMaxLoc(photons)[:2]
        self.brightest_e = max(self.brightest_e, brightest)
        if not lowest + self._least_read_e2 >= _VARIANCE_FLOOR_E2:  # nor if it is not a number
            np.maximum(variance, np.float32(_VARIANCE_FLOOR_E2), out=variance)
        np.sqrt(variance, out=variance)
        z /= variance
        if camera.is_bad is not None:
            z[camera.is_bad[rows]] = 0.0
        low = self._low_adu
        if float(adu.min()) > low and float(adu.max()) < self._saturation_adu:
            return 0
        is_clipped = (adu <= low) | (adu >= self._saturation_adu)
        z[is_clipped] = 0.0
        return int(np.count_nonzero(is_clipped))

    def _kept(self, *, is_stated: bool) -> Image:
        """Return the share of the noise that an estimate says is still in it, (Y/4, X/4)."""
        if not is_stated:
            return np.zeros_like(self.small.z2)
        self.variance_e2 = self.small.variance_e2
        noise = self._camera.excess * self.regions.photons + self._small_read_e2
        np.maximum(noise, np.float32(_VARIANCE_FLOOR_E2), out=noise)
        return np.asarray(self.variance_e2 / noise, np.float32)

    def _filter(self) -> None:
        """Write the matched filter's answers into `t`; they are N(0, 1) for white residuals.

        North 1943: the filter of the shape that is sought finds it best in white noise. A hot pixel
        is no structure: it counts for no more than `_HOT` sigma.
        """
        border = cv2.BORDER_REFLECT_101
        cv2.sepFilter2D(
            self._work, cv2.CV_32F, self._kernel, self._kernel, dst=self.t, borderType=border
        )

    def _surprise(self, invented: float, kept: Image) -> float:
        """Return the strongest answer to added signal beside what the estimate doubts there.

        A doubt of sd over a spot answers ``sd / noise * answer`` of its own, and adds to the
        noise's 1. It is weighed only where there is something to explain: that is rare.
        """
        if not invented > _ASKED:
            return invented
        where = cv2.findNonZero(cv2.compare(self.inner, -_ASKED, cv2.CMP_LT))
        columns, rows = np.asarray(where).reshape(-1, 2).T
        y = np.minimum((rows + self.rim) // SHRINK, kept.shape[0] - 1)
        x = np.minimum((columns + self.rim) // SHRINK, kept.shape[1] - 1)
        doubt = np.sqrt(1.0 + self.answer**2 * kept[y, x])
        return max(float((-self.inner[rows, columns] / doubt).max()), _ASKED)

    def products(self) -> Image:
        """Return each pixel times its right and its lower neighbour, mean over 4 x 4 px."""
        z, work = self.z, self._work
        np.multiply(z[:, :-1], z[:, 1:], out=work[:, :-1])
        work[:, -1] = 0.0
        work[:-1] += z[:-1] * z[1:]
        work *= np.float32(0.5)
        return shrunk(work)
