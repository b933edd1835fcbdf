"""How sharp is an image? The power of its edges over that of its bodies, without camera noise.

An image shrunk until a cell is four pixels wide is split by two Gaussians into a band of edges and
a band of bodies. Blur takes the edges first. Both powers go with the square of the light, so that
their ratio does not change with exposure, bleaching or gain; the camera's noise is subtracted from
each, because it is known: ``(mean + read_noise^2)`` a pixel, times the energy of the filter.

References
----------
Power in bands as a measure of focus: Groen, Young & Ligthart, Cytometry 6 (1985) 81. The bands,
the subtraction of the noise and the ratio are our own.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from models.electrons import Electrons

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.stabiliser import PixelMaps

_WORK_DIAMETER_PX = 4.0
"""Cells are this wide in the shrunk image: enough for the blur of two micrometres, and most of the
noise is gone (measured)."""
_EDGES, _BODIES = 0.5, 1.6
"""Standard deviations of the two Gaussians, in radii of a cell (measured)."""
_LEAST_RATIO = 1e-3
_UNKNOWN_NOISE = 0.01
"""Share of the noise power that a calibration may be wrong by: pixel maps, a drifting offset."""
TILES = 6
"""Tiles along each side of an image whose sharpness is told apart (proposed)."""
_TILE_SEEN = 3.0
"""Power of the bodies in a tile over that of its noise from which it is told (measured)."""
_SEEN = 4.0
"""Standard errors above the noise from which there is a body at all."""


class Sharpness(NamedTuple):
    """How sharp an image is.

    Attributes
    ----------
    ratio
        Power of the edges over that of the bodies; 0 if neither rises above the noise.
    error
        Its standard error from camera noise; infinite where there is nothing to measure.
    """

    ratio: float
    error: float


class SharpnessMeter:
    """Measures frames of one camera and one size of cell.

    Parameters
    ----------
    gain_adu_per_e, offset_adu, read_noise_e
        The camera's calibration.
    diameter_px
        Usual diameter of a cell, pixels of the raw frame.
    maps, excess_noise_factor
        Each pixel's own numbers, and how much noisier than light the camera is
        (`models.electrons`): a fixed pattern has edges, too.

    Attributes
    ----------
    tiles
        Logarithm of the last frame's ratio in each of 6 x 6 tiles; NaN where nothing is to be seen.
    """

    def __init__(
        self,
        gain_adu_per_e: float,
        offset_adu: float,
        read_noise_e: float,
        diameter_px: float,
        maps: PixelMaps | None = None,
        excess_noise_factor: float = 1.0,
    ) -> None:
        numbers = (gain_adu_per_e, offset_adu, read_noise_e)
        self._camera = Electrons(*numbers, maps, excess_noise_factor)
        self._electrons = np.empty((0, 0), np.float32)
        self._shrink = max(1, int(diameter_px // _WORK_DIAMETER_PX))
        self._excess = excess_noise_factor / self._shrink**2
        self._read_e2 = self._camera.read_noise_e**2 / self._shrink**2
        radius = diameter_px / self._shrink / 2
        self._sigmas = (_EDGES * radius, _BODIES * radius)
        self._energies = _energies(*self._sigmas)
        self.tiles = np.full((TILES, TILES), np.nan, np.float32)

    def __call__(self, adu: NDArray[Any]) -> Sharpness:
        """Return the sharpness of a raw frame, (Y, X) counts."""
        shrink = self._shrink
        height, width = (max(1, n // shrink) for n in adu.shape)
        image = cv2.resize(
            self._in_electrons(adu)[: height * shrink, : width * shrink],
            (width, height), interpolation=cv2.INTER_AREA,
        )  # fmt: skip
        noise = self._excess * max(float(image.mean()), 0.0) + self._read_e2  # of a shrunk pixel
        soft, softest = (cv2.GaussianBlur(image, (0, 0), sigma) for sigma in self._sigmas)
        of_edges, of_bodies = (noise * energy for energy in self._energies)
        fine, coarse = image - soft, soft - softest
        edges, bodies = _power(fine) - of_edges, _power(coarse) - of_bodies
        self.tiles = self._by_tile(image, fine, coarse)
        n_edges, n_bodies = (image.size * energy for energy in self._energies)
        if bodies <= _SEEN * _error(0.0, of_bodies, n_bodies):
            return Sharpness(0.0, float("inf"))
        ratio = max(edges, 0.0) / bodies
        wrong_edges = _error(edges, of_edges, n_edges)
        wrong_bodies = _error(bodies, of_bodies, n_bodies)
        return Sharpness(ratio, (wrong_edges + ratio * wrong_bodies) / bodies)

    def _in_electrons(self, adu: NDArray[Any]) -> NDArray[np.float32]:
        """Return a frame in photo-electrons; a bad pixel takes the median of its neighbours."""
        if self._electrons.shape != adu.shape:
            self._electrons = np.empty(adu.shape, np.float32)
        electrons, is_bad = self._camera.into(adu, self._electrons), self._camera.is_bad
        if is_bad is not None:
            np.copyto(electrons, cv2.medianBlur(electrons, 3), where=is_bad)
        return electrons

    def _by_tile(
        self, image: NDArray[np.float32], fine: NDArray[np.float32], coarse: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the logarithm of each tile's ratio, (6, 6); NaN where there is no body to see."""
        light, edges, bodies = (_shrunk(part) for part in (image, fine * fine, coarse * coarse))
        noise = np.float32(self._excess) * np.maximum(light, 0.0) + np.float32(self._read_e2)
        of_edges, of_bodies = (noise * energy for energy in self._energies)
        fine_e2, coarse_e2 = np.maximum(edges - of_edges, 0.0), bodies - of_bodies
        seen = coarse_e2 > _TILE_SEEN * of_bodies
        ratio = np.divide(fine_e2, coarse_e2, out=np.ones_like(coarse_e2), where=seen)
        told = np.where(seen, np.log(np.maximum(ratio, _LEAST_RATIO)), np.nan)
        return np.asarray(told, np.float32)


def _shrunk(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means over 6 x 6 tiles."""
    small = cv2.resize(image, (TILES, TILES), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _error(power: float, noise: float, n: float) -> float:
    """Return the standard error of a band's power under so much noise, of n free numbers.

    ``var(mean((s + w)^2)) = (2 noise^2 + 4 noise power) / n`` for white normal w, by its moments.
    """
    chance = sqrt((2.0 * noise + 4.0 * max(power, 0.0)) * noise / n)
    return chance + _UNKNOWN_NOISE * noise


def _power(image: NDArray[np.float32]) -> float:
    """Return the mean square."""
    flat = image.ravel()
    return float(np.dot(flat, flat)) / flat.size


def _energies(edges: float, bodies: float) -> tuple[float, float]:
    """Return the power that both bands make of white noise of variance 1."""
    reach = int(6 * bodies) + 2
    point = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    point[reach, reach] = 1.0
    soft, softest = (cv2.GaussianBlur(point, (0, 0), sigma) for sigma in (edges, bodies))
    return float(((point - soft) ** 2).sum()), float(((soft - softest) ** 2).sum())
