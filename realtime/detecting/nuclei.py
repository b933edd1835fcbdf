"""Which pixels belong to which nucleus: noise, brightness and shape decide, in that order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from scipy.spatial import cKDTree

from realtime.detecting.background import background_of
from realtime.detecting.false_alarms import level_of, rim_unrest, threshold_sigma
from realtime.detecting.grids import blurred_wide, resized, shrunk, square, zones_of

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
_SADDLE = 0.9
"""Two centres are one nucleus where the way between them is hardly narrower (measured)."""
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

    Noise says what can be one: the image is blurred by a matched filter, and its maxima must pass
    a threshold that noise alone passes `false_alarms` times a frame. Brightness says where its rim
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
        light = small - background
        smooth = cv2.GaussianBlur(light, (0, 0), _SMOOTH * self.radius)
        labels, count = self._split(self._mask(smooth, background))
        return Outlines(labels, count, light, background)

    def _prepare(self, shape: tuple[int, int], half: int) -> None:
        """Work out what depends on the size of the image alone."""
        self._shape = shape
        raw = (shape[0] * self.shrink, shape[1] * self.shrink)
        known = threshold_sigma(self._false_alarms / _ROUGHER, raw, self._raw_blur_px)
        self._sigmas = known if self._given is None else self._given
        blur = _MATCHED * self.radius / half
        rows, columns = (rim_unrest(max(1, n // half), blur) for n in shape)
        self._rim = rows[:, None] * columns[None, :]

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
        more = np.sqrt(_MATCHED**2 - _SMOOTH**2) * self.radius / half
        matched = cv2.GaussianBlur(coarse, (0, 0), more)
        floor = self._floor(matched, resized(background, small))
        peaks = self._peaks(matched, floor, half)
        if not peaks.any():
            return np.zeros(smooth.shape, np.uint8)
        zones = zones_of(peaks)
        tops, wide_tops = np.zeros((2, int(zones.max()) + 1), np.float32)
        tops[zones[peaks]], wide_tops[zones[peaks]] = coarse[peaks], matched[peaks]
        body = coarse > np.maximum((_BODY * tops)[zones], _NEAR * floor)
        where = zones[body]
        pixels = np.bincount(where, minlength=len(tops))
        level = np.bincount(where, coarse[body], len(tops)) / np.maximum(pixels, 1)
        noise = float(floor.mean()) / self._sigmas * (_MATCHED / _SMOOTH)
        is_clear = (level > _CLEAR * noise)[zones]
        rims = (self._edge * level).astype(np.float32)[zones]
        rims = np.where(is_clear, np.maximum(rims, noise), 0.5 * wide_tops[zones])
        size = (width, height)
        rims = cv2.resize(rims, size, interpolation=cv2.INTER_NEAREST)
        if not is_clear.all():
            clear = cv2.resize(is_clear.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
            wide = cv2.resize(matched, size, interpolation=cv2.INTER_LINEAR)
            smooth = np.where(clear > 0, smooth, wide)
        mask = cv2.compare(smooth, rims, cv2.CMP_GT)
        self._sure = peaks | (matched > _BEYOND * floor)
        return np.asarray(mask)

    def _floor(
        self, matched: NDArray[np.float32], background: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the least brightness that is no noise, photo-electrons a pixel, (Y, X).

        What the camera must have, and more where the image itself shows more below its background.
        A network may hide its noise; so what the camera must have is the least.
        """
        floor = level_of(self._sigmas, background, self._read_noise_e, self._raw_blur_px)
        usual = level_of(1.0, background[::2, ::2], self._read_noise_e, self._raw_blur_px)
        some = matched[::2, ::2] / (np.float32(_LEFT) * usual)
        below = some[some < 0]
        cells = max(self._shape[0] * self._shape[1] / (np.pi * self.radius**2), 1.0)
        if below.size:
            spread = _MAD_TO_SIGMA * float(np.median(-below))
            if spread > 1.0 + _UNSURE / np.sqrt(cells):
                floor *= np.float32(spread)
        return np.asarray(floor * (np.float32(_LEFT) * self._rim))

    def _peaks(
        self, matched: NDArray[np.float32], floor: NDArray[np.float32], half: int
    ) -> NDArray[np.bool_]:
        """Return the centres of light, (Y, X) bool: maxima above noise and surroundings."""
        top = cv2.dilate(matched, square(self.radius / half))
        peaks = (matched >= top) & (matched > _NEAR * floor)
        y, x = np.nonzero(peaks)
        around = matched[y, x] - blurred_wide(matched, 2 * self.radius / half)[y, x]
        height = matched[y, x] + _between_pixels(matched, y, x)
        low = (height <= floor[y, x]) | (around <= _STANDS_OUT * floor[y, x])
        peaks[y[low], x[low]] = False
        return np.asarray(peaks)

    def _split(self, mask: NDArray[np.uint8]) -> tuple[NDArray[np.int32], int]:
        """Return a label image, 0 for background, and the number of nuclei."""
        if not mask.any():
            return np.zeros(mask.shape, np.int32), 0
        padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
        depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
        depth = cv2.GaussianBlur(depth, (0, 0), max(0.8, self.radius / 5))
        peaks = (depth >= cv2.dilate(depth, square(self.radius / 2))) & (mask > 0)
        seeds = distinct(depth, np.argwhere(peaks), 3 * self.radius)
        zones = self._zones_of(seeds, mask.shape)
        _, islands = cv2.connectedComponents(mask, connectivity=4, ltype=cv2.CV_32S)
        count = int(zones.max())
        home = np.full(count + 1, -1, np.int32)
        at = (seeds[:, 0], seeds[:, 1])
        home[zones[at]] = islands[at]
        labels = np.where(home[zones] == islands, zones, 0)
        return self._only_sure(labels, count), count

    def _only_sure(self, labels: NDArray[np.int32], count: int) -> NDArray[np.int32]:
        """Take out what has no tested centre, and is not so bright that it needs none."""
        half = self._half(labels.shape)
        rows, columns = self._sure.shape
        at = labels[: half * rows : half, : half * columns : half]
        is_sure = np.zeros(count + 1, bool)
        is_sure[at[self._sure]] = True
        if not is_sure[1:].all():
            labels[~is_sure[labels]] = 0
        return labels

    def _zones_of(self, seeds: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.int32]:
        """Return the number of each pixel's nearest seed, at half the size if that will do."""
        half = self._half(shape)
        marks = np.zeros((-(-shape[0] // half), -(-shape[1] // half)), bool)
        marks[seeds[:, 0] // half, seeds[:, 1] // half] = True
        zones = zones_of(marks)
        if half > 1:
            zones = zones.repeat(half, 0).repeat(half, 1)[: shape[0], : shape[1]]
        return zones

    def _half(self, shape: tuple[int, ...]) -> int:
        """Return 2 where nuclei are large enough to be told apart at half the size, else 1."""
        return 2 if self.radius >= _HALVE_RADIUS_PX and min(shape) >= 2 else 1


def _between_pixels(
    image: NDArray[np.float32], y: NDArray[np.intp], x: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return how much higher the top of a parabola is than the pixels (y, x), (N,)."""
    more = np.zeros(len(y), np.float32)
    here = image[y, x]
    for down, right in ((1, 0), (0, 1)):
        before = image[np.maximum(y - down, 0), np.maximum(x - right, 0)]
        after = image[
            np.minimum(y + down, image.shape[0] - 1), np.minimum(x + right, image.shape[1] - 1)
        ]
        bend = np.minimum(before - 2 * here + after, -1e-12)
        more -= (after - before) ** 2 / (8 * bend)
    return np.asarray(np.minimum(more, 0.1 * np.abs(here)))


def distinct(depth: NDArray[np.float32], peaks: NDArray[np.intp], near: float) -> NDArray[np.intp]:
    """Return the peaks that are nuclei of their own, deepest first.

    Of two peaks nearer than `near`, the shallower is dropped where the depth half-way between
    them is hardly less than its own: there is no waist, so they are one nucleus.
    """
    if len(peaks) < 2:
        return peaks
    height = depth[peaks[:, 0], peaks[:, 1]]
    peaks = peaks[np.argsort(-height, kind="stable")]
    pairs = cKDTree(peaks).query_pairs(near, output_type="ndarray")
    if len(pairs) == 0:
        return peaks
    pairs = np.sort(pairs, axis=1)
    a, b = peaks[pairs[:, 0]], peaks[pairs[:, 1]]
    part = np.linspace(0.0, 1.0, 9)[None, :, None]
    way = np.rint(a[:, None] + part * (b - a)[:, None]).astype(np.intp)
    waist = depth[way[..., 0], way[..., 1]].min(axis=1)
    is_one = waist >= _SADDLE * depth[b[:, 0], b[:, 1]]
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    dropped = np.zeros(len(peaks), bool)
    for first, second in pairs[order][is_one[order]].tolist():
        if not dropped[first]:
            dropped[second] = True
    return peaks[~dropped]
