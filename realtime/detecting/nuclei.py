"""Which pixels belong to which nucleus: noise, brightness and shape decide, in that order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from realtime.detecting.background import background_of
from realtime.detecting.false_alarms import lifted, noise_of, rim_unrest, threshold_sigma
from realtime.detecting.grids import blurred_wide, resized, shrunk, square, zones_of
from realtime.detecting.peaks import between_pixels
from realtime.detecting.shapes import split

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WORK_DIAMETER_PX = 10.0
"""Nuclei are sought in an image shrunk until they are this wide: enough for shape, and fast."""
_MAD_TO_SIGMA = 1.4826
"""Median absolute deviation to standard deviation of a Gaussian (Huber, Robust Statistics)."""
_SMOOTH = 0.25
"""Blur of what shapes are read from, in radii: more hides waists, less follows texture
(measured)."""
_MATCHED = 0.5
"""Blur of what is tested against noise, in radii: it averages just the area of a nucleus."""
_BODY = 0.15
"""Share of its centre's brightness from which a pixel counts for a nucleus's mean (measured)."""
_STANDS_OUT = 0.7
"""Share of the threshold by which a centre must top its wide surroundings (measured)."""
_HALVE_RADIUS_PX = 4.0
"""Nuclei of this radius are told apart at half the size, where drawing zones costs a quarter."""
_UNSURE = 3.0
"""The image is noisier than its camera if its spread is more by this many of its own errors."""
_CLEAR = 7.0
"""A nucleus this many times above the noise of the fine image shows its own outline (proposed)."""
_BEYOND = 1.5
"""Of that it must have a pixel if it has no tested centre of its own: noise has none (proposed)."""
_LEFT = 0.91
"""Share of the noise that is left where the background follows the image (measured: the same for
all sizes, because all widths here are radii)."""
_ROUGHER = 2.4
"""The field has this many more maxima than a blur alone makes, as its slow waves are taken off
(measured, 6 to 60 px; within a quarter of it)."""
_RESTORED = 0.8
"""An image is restored if it is less noisy than this share of what the matched filter leaves of
the camera's noise; behind `denoise-2d` it is 0.5 to 0.6 (measured), raw it is 2."""
_HIDDEN = 0.85
"""Share of the threshold that a restored image must pass: no more false alarms than 1.4 times what
is stated (measured behind `denoise-2d`, 0.4, 5 and 100 e-)."""
_FIRMER = 1.1
"""The rim of a nucleus in a restored image is at this much more of its brightness: a network fills
the waist between two that touch (measured)."""
_NEAR = 0.9
"""Share of the threshold from which a pixel can be the highest of a maximum that passes."""


class Outlines(NamedTuple):
    """What was found, on the grid of the shrunk image.

    Attributes
    ----------
    labels, most
        Nucleus of each pixel, (Y, X) int32, 0 for none; the highest number.
    light, background
        Photo-electrons a raw pixel above the local background, and of it, (Y, X) float32.
    """

    labels: NDArray[np.int32]
    most: int
    light: NDArray[np.float32]
    background: NDArray[np.float32]


class NucleusFinder:
    """Finds smooth bright nuclei on an uneven background; touching ones are split by shape.

    Noise says what can be one: a raw image is blurred by a matched filter, a restored one is taken
    as it is, and its maxima must pass a threshold that noise alone passes `false_alarms` times a
    frame. Brightness says where its rim
    is: each has a threshold of its own, a fraction of its light. Shape says how many they are: the
    distance to the rim has one peak for each nucleus.

    Parameters
    ----------
    diameter_px, edge_fraction
        A usual nucleus: its diameter in the raw frame, its rim as a fraction of its brightness.
    false_alarms
        Mean number of maxima of noise in a frame that pass for nuclei.
    sigmas
        Threshold in sigma, in place of `false_alarms`; None for none.
    read_noise_e
        Of the camera, rms photo-electrons.
    """

    def __init__(
        self,
        diameter_px: float,
        edge_fraction: float,
        false_alarms: float,
        sigmas: float | None,
        read_noise_e: float,
    ) -> None:
        self.shrink = max(1, int(diameter_px // _WORK_DIAMETER_PX))
        self.radius = diameter_px / self.shrink / 2  # in the shrunk image
        self._edge, self._read_noise_e = edge_fraction, read_noise_e
        self._false_alarms, self._given = false_alarms, sigmas
        self._raw_blur_px = _MATCHED * diameter_px / 2
        self._shape: tuple[int, int] = (0, 0)
        self._sigmas, self._rim = 0.0, np.empty((0, 0), np.float32)
        self._sure = np.empty((0, 0), bool)

    def __call__(self, photons: NDArray[np.float32]) -> Outlines:
        """Outline the nuclei of an image in photo-electrons, (Y, X) float32, restored or raw."""
        small = shrunk(photons, self.shrink)
        background = background_of(small, self.radius)
        # What was shrunk is our own; a fresh image costs more than the subtraction.
        light = np.subtract(small, background, out=small if self.shrink > 1 else None)
        smooth = cv2.GaussianBlur(light, (0, 0), _SMOOTH * self.radius)
        mask = self._mask(smooth, background)
        half = self._half(mask.shape)
        labels, count = split(mask, self.radius, half, self._sure)
        return Outlines(labels, count, light, background)

    def _prepare(self, shape: tuple[int, int], half: int) -> None:
        """Work out what depends on the size of the image alone."""
        self._shape = shape
        raw = (shape[0] * self.shrink, shape[1] * self.shrink)
        known = threshold_sigma(self._false_alarms / _ROUGHER, raw, self._raw_blur_px)
        self._sigmas = known if self._given is None else self._given
        blur = _MATCHED * self.radius / half
        rows, columns = (rim_unrest(max(1, n // half), blur) for n in shape)
        self._rim = np.float32(_LEFT) * (rows[:, None] * columns[None, :])

    def _mask(
        self, smooth: NDArray[np.float32], background: NDArray[np.float32]
    ) -> NDArray[np.uint8]:
        """Return where nuclei are: above a fraction of the nearest centre of light.

        The centres and their brightness are found at half the size where nuclei allow it.
        """
        height, width = smooth.shape
        half = self._half(smooth.shape)
        if self._shape != smooth.shape:
            self._prepare((height, width), half)
        small = (height // half, width // half)
        coarse = resized(smooth, small)
        tested, floor = self._tested(coarse, resized(background, small), half)
        near = _NEAR * floor
        at = self._peaks(tested, floor, near, half)
        self._sure = tested > _BEYOND * floor
        self._sure.reshape(-1)[at] = True
        if len(at) == 0:
            return np.zeros(smooth.shape, np.uint8)
        peaks, light = np.zeros(coarse.shape, bool), coarse.reshape(-1)
        peaks.reshape(-1)[at] = True
        zones = zones_of(peaks).astype(np.intp)  # indexed by often
        whose = zones.reshape(-1)
        tops, tested_tops = np.zeros((2, int(zones.max()) + 1), np.float32)
        tops[whose[at]], tested_tops[whose[at]] = light[at], tested.reshape(-1)[at]
        body = coarse > np.maximum((_BODY * tops).take(zones, mode="clip"), near)
        body = body.reshape(-1).nonzero()[0]
        where = whose[body]
        pixels = np.bincount(where, minlength=len(tops))
        level = np.bincount(where, light[body], len(tops)) / np.maximum(pixels, 1)
        rims = (self._edge * level).astype(np.float32)
        size = (width, height)
        if tested is coarse:
            rims *= np.float32(_FIRMER)
            rim = np.maximum(rims.take(zones, mode="clip"), floor)
            fine = cv2.resize(rim, size, interpolation=cv2.INTER_NEAREST)
            return np.asarray(cv2.compare(smooth, fine, cv2.CMP_GT))
        noise = float(floor.mean()) / self._sigmas * (_MATCHED / _SMOOTH)
        is_clear = level > _CLEAR * noise
        rims = np.where(is_clear, np.maximum(rims, np.float32(noise)), 0.5 * tested_tops)
        fine = cv2.resize(rims.take(zones, mode="clip"), size, interpolation=cv2.INTER_NEAREST)
        if not is_clear[1:].all():
            clear = cv2.resize(
                is_clear[zones].view(np.uint8), size, interpolation=cv2.INTER_NEAREST
            )
            wide = cv2.resize(tested, size, interpolation=cv2.INTER_LINEAR)
            smooth = np.where(clear > 0, smooth, wide)
        return np.asarray(cv2.compare(smooth, fine, cv2.CMP_GT))

    def _tested(
        self, coarse: NDArray[np.float32], background: NDArray[np.float32], half: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what is tested against noise, and the least brightness that is none, (Y, X) e-.

        A raw image is blurred by the matched filter. A restored one has been: where it is as it
        stands less noisy than a raw one after the filter, more blur would only melt neighbours
        together, and it is tested itself.

        The noise is what the camera must have, and more where the image shows more below its
        background. A network may hide its noise; so what the camera must have is the least.
        """
        sd, lean = noise_of(background, self._read_noise_e, self._raw_blur_px)
        usual = sd[::2, ::2] * np.float32(_LEFT)
        sigmas = self._sigmas
        if _spread(coarse[::2, ::2] / usual) < _RESTORED:
            if self._given is None:
                sigmas *= _HIDDEN
            return coarse, lifted(sigmas, sd, lean, self._raw_blur_px) * self._rim
        more = math.sqrt(_MATCHED**2 - _SMOOTH**2) * self.radius / half
        matched: NDArray[np.float32] = np.asarray(cv2.GaussianBlur(coarse, (0, 0), more))
        floor = lifted(sigmas, sd, lean, self._raw_blur_px)
        cells = max(self._shape[0] * self._shape[1] / (np.pi * self.radius**2), 1.0)
        spread = _spread(matched[::2, ::2] / usual)
        if spread > 1.0 + _UNSURE / np.sqrt(cells):
            floor *= np.float32(spread)
        floor *= self._rim
        return matched, floor

    def _peaks(
        self,
        matched: NDArray[np.float32],
        floor: NDArray[np.float32],
        near: NDArray[np.float32],
        half: int,
    ) -> NDArray[np.intp]:
        """Return the centres of light: maxima above noise and surroundings.

        They are counted pixel by pixel, row after row.
        """
        top = cv2.dilate(matched, square(self.radius / half))
        at = ((matched >= top) & (matched > near)).reshape(-1).nonzero()[0]
        here, least = matched.reshape(-1)[at], floor.reshape(-1)[at]
        around = here - blurred_wide(matched, 2 * self.radius / half).reshape(-1)[at]
        height = here + between_pixels(matched, *np.divmod(at, matched.shape[1]))
        stays = (height > least) & (around > _STANDS_OUT * least)
        return np.asarray(at[stays])

    def _half(self, shape: tuple[int, ...]) -> int:
        """Return 2 where nuclei are large enough to be told apart at half the size, else 1."""
        return 2 if self.radius >= _HALVE_RADIUS_PX and min(shape) >= 2 else 1


def _spread(rest: NDArray[np.float32]) -> float:
    """Return the standard deviation of what lies below the background, were it Gaussian."""
    below = int(np.count_nonzero(rest < 0))
    if not below:
        return 0.0
    middle = below // 2  # of some thousand pixels: whichever of the two middle ones
    return _MAD_TO_SIGMA * float(-np.partition(rest.reshape(-1), middle)[middle])
