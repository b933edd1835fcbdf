"""Make what an image leaves of its measurement look like the camera's noise: without neighbours.

Whatever restores an image follows the noise of the measured pixels a little, so that what is left
of the measurement is anticorrelated from pixel to pixel. Taking back a small share of what each
pixel has of its four neighbours' residuals undoes that. By the rule of orthogonality (an error of
the best estimate holds nothing of the data) it costs only the square of that share: less than
0.05 dB, measured in docs/benchmarks.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.strips import aligned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

ALLOWED = 0.02
"""Anticorrelation that is left alone (proposed): below it the residuals are those of noise."""
MOST = 0.05
"""Largest share of a neighbour's residual that is taken back (proposed)."""
_CLIP = 4.0
"""Residuals beyond this, sd, are hot pixels or structure, and are cut to it."""
_DARK_E = 1e-3
_NEIGHBOURS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32)


class Evener:
    """Evens images out that have ``factor`` x ``factor`` pixels for each measured one.

    Parameters
    ----------
    shape
        Height and width of the measured frames, px.
    pedestal
        3/8 + read noise^2 of the camera, e-.
    factor
        Fine pixels for each measured one along each axis.
    """

    def __init__(self, shape: tuple[int, int], pedestal: float, factor: int) -> None:
        self._pedestal, self._factor = np.float32(pedestal), factor
        self._binned, self._sd, self._z, self._around = (aligned(shape) for _ in range(4))
        self._fine = aligned((factor * shape[0], factor * shape[1]))

    def __call__(self, stabilised: Image, photons: Image) -> float:
        """Even ``photons`` out in place, and return the share that was taken back.

        Parameters
        ----------
        stabilised
            The measured frame, (Y, X), noise of 1.
        photons
            Photo-electrons of the fine pixels, (factor Y, factor X).
        """
        z = self._residuals(stabilised, photons)
        power = float(cv2.norm(z, cv2.NORM_L2SQR)) / z.size
        if power <= 0.0:
            return 0.0
        beside = cv2.multiply(z[:, 1:], z[:, :-1], dst=self._around[:, 1:])
        corr = float(cv2.mean(beside)[0])
        below = cv2.multiply(z[1:], z[:-1], dst=self._around[1:])
        corr = 0.5 * (corr + float(cv2.mean(below)[0])) / power
        # A share s of the neighbours adds 2 s to the correlation with each of them.
        share = float(np.clip(0.5 * (-corr - ALLOWED), 0.0, MOST))
        if share > 0.0:
            self._take_back(share, photons)
        return share

    def _residuals(self, stabilised: Image, photons: Image) -> Image:
        """Write and return what is left of the measurement, in units of its noise, (Y, X)."""
        binned, sd, z, factor = self._binned, self._sd, self._z, self._factor
        cv2.resize(photons, binned.shape[::-1], dst=binned, interpolation=cv2.INTER_AREA)
        np.multiply(binned, np.float32(factor**2), out=binned)  # means become sums
        np.add(binned, self._pedestal, out=sd)
        np.multiply(stabilised, stabilised, out=z)
        np.multiply(z, np.float32(0.25), out=z)  # measured photo-electrons and the pedestal
        np.subtract(z, sd, out=z)
        np.sqrt(sd, out=sd)  # a little above the root of light and read noise^2
        np.divide(z, sd, out=z)
        return np.clip(z, -_CLIP, _CLIP, out=z)

    def _take_back(self, share: float, photons: Image) -> None:
        """Change each measured pixel's light, and so its fine pixels' all by the same factor."""
        binned, around = self._binned, self._around
        cv2.filter2D(self._z, -1, _NEIGHBOURS, dst=around, borderType=cv2.BORDER_REFLECT_101)
        np.multiply(around, self._sd, out=around)
        np.subtract(around, np.float32(cv2.mean(around)[0]), out=around)  # the sum of light stays
        np.multiply(around, np.float32(-share), out=around)
        np.maximum(binned, np.float32(_DARK_E), out=binned)
        np.divide(around, binned, out=around)
        np.add(around, np.float32(1.0), out=around)
        np.clip(around, np.float32(0.0), np.float32(2.0), out=around)
        size = photons.shape[::-1]
        each = cv2.resize(around, size, dst=self._fine, interpolation=cv2.INTER_NEAREST)
        cv2.multiply(photons, each, dst=photons)
