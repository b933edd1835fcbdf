"""Leave the stabilised domain: a mean and a log-variance become photo-electrons and their error."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.strips import aligned, strip_rows, strips

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.manifest import Manifest

_D_FLOOR = 0.5
"""Below this the series of the unbiased inverse runs away (`models.noise.inverse_unbiased`)."""
_ROOT = sqrt(1.5)


@dataclass(frozen=True, slots=True)
class Denoised:
    """A restored image; both arrays belong to their maker and are written over by its next call.

    Attributes
    ----------
    photons
        Photo-electrons, (Y, X) float32, never below 0.
    sd_e
        Their standard error as the network sees it, (Y, X) float32; None without a network.
    """

    photons: NDArray[np.float32]
    sd_e: NDArray[np.float32] | None


class ReadOut:
    """Reads images out, each into the same two arrays.

    Parameters
    ----------
    manifest
        States what the network has learnt from, which decides what its mean is a mean of.
    pedestal
        3/8 + read noise^2 of the camera, e-.
    shape
        Height and width of the answer, px.
    share
        Photo-electrons of an answer's pixel for one of the stabilised scale: 1, or 1/4 where a
        camera pixel becomes four.
    """

    def __init__(
        self, manifest: Manifest, pedestal: float, shape: tuple[int, int], share: float = 1.0
    ) -> None:
        self._is_clean = manifest.target == "clean"
        self._pedestal, self._share = pedestal, share
        low, high = manifest.log_variance_min, manifest.log_variance_max
        self._bounds = np.float32(low), np.float32(high)
        self._variances = np.float32(np.exp(low)), np.float32(np.exp(high))
        self._answer = Denoised(aligned(shape), aligned(shape))
        few = (min(strip_rows(shape[1]), shape[0]), shape[1])
        self._mean, self._variance = aligned(few), aligned(few)

    def __call__(
        self,
        base: NDArray[np.float32],
        correction: NDArray[np.float32],
        log_variance: NDArray[np.float32],
    ) -> Denoised:
        """Return the image whose stabilised mean is ``base + correction``."""
        for rows in strips(*self._answer.photons.shape):
            few = rows.stop - rows.start
            mean = np.add(base[rows], correction[rows], out=self._mean[:few])
            logs, variance = log_variance[rows], self._variance[:few]
            low, high = self._bounds
            least, most = cv2.minMaxLoc(logs)[:2]
            if least < low or most > high:  # a look costs a quarter of a cut
                logs = np.clip(logs, low, high, out=variance)
            self._read(mean, np.exp(logs, out=variance), rows)
        return self._answer

    def of_several(
        self, base: NDArray[np.float32], first: NDArray[np.float32], second: NDArray[np.float32]
    ) -> Denoised:
        """Return the image of several answers together.

        Parameters
        ----------
        first, second
            Mean of their corrections, and of their variances with the corrections' squares.
        """
        for rows in strips(*self._answer.photons.shape):
            few = rows.stop - rows.start
            variance = np.multiply(first[rows], first[rows], out=self._variance[:few])
            np.subtract(second[rows], variance, out=variance)
            np.clip(variance, *self._variances, out=variance)
            self._read(np.add(base[rows], first[rows], out=self._mean[:few]), variance, rows)
        return self._answer

    def _read(self, mean: NDArray[np.float32], variance: NDArray[np.float32], rows: slice) -> None:
        """Read some rows out; `mean` and `variance` are used up."""
        assert self._answer.sd_e is not None
        photons, sd_e = self._answer.photons[rows], self._answer.sd_e[rows]
        if self._is_clean:
            np.multiply(mean, mean, out=mean)
            self._posterior_mean(mean, variance, photons)
        else:
            # The target's own noise, 1, is in what the network says of its distance to it.
            np.subtract(variance, np.float32(1.0), out=variance)
            np.maximum(variance, self._variances[0], out=variance)
            self._unbiased(mean, photons, sd_e)
            np.multiply(mean, mean, out=mean)
        if cv2.minMaxLoc(photons)[0] < 0.0:
            np.maximum(photons, np.float32(0.0), out=photons)
        # The variance of d^2 / 4 for a normal d is v (2 m^2 + v) / 8.
        np.multiply(mean, np.float32(2.0), out=mean)
        np.add(mean, variance, out=mean)
        np.multiply(mean, variance, out=mean)
        np.multiply(mean, np.float32(0.125 * self._share**2), out=mean)
        np.sqrt(mean, out=sd_e)

    def _posterior_mean(
        self,
        squared: NDArray[np.float32],
        variance: NDArray[np.float32],
        photons: NDArray[np.float32],
    ) -> None:
        """Write ``(m^2 + v)/4 - 3/8 - r^2``, since E[d^2] = m^2 + v."""
        np.add(squared, variance, out=photons)
        np.multiply(photons, np.float32(0.25 * self._share), out=photons)
        np.subtract(photons, np.float32(self._pedestal * self._share), out=photons)

    def _unbiased(
        self, mean: NDArray[np.float32], photons: NDArray[np.float32], work: NDArray[np.float32]
    ) -> None:
        """Write `models.noise.inverse_unbiased`: the light whose noisy values have this mean."""
        np.maximum(mean, np.float32(_D_FLOOR), out=mean)
        np.reciprocal(mean, out=work)
        np.multiply(work, np.float32(5 * _ROOT / 8), out=photons)
        np.add(photons, np.float32(-11 / 8), out=photons)
        np.multiply(photons, work, out=photons)
        np.add(photons, np.float32(_ROOT / 4), out=photons)
        np.multiply(photons, work, out=photons)  # the series in 1/d, by Horner's scheme
        np.multiply(mean, mean, out=work)
        np.multiply(work, np.float32(0.25), out=work)
        np.add(photons, work, out=photons)
        # 1/8 + r^2 is the pedestal less a quarter.
        np.subtract(photons, np.float32(self._pedestal - 0.25), out=photons)
        np.multiply(photons, np.float32(self._share), out=photons)
