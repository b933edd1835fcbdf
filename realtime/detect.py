"""Finds the nuclei of an image: where they are, how large and how bright."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import cv2
import numpy as np
from pydantic import BaseModel, Field
from scipy.spatial import cKDTree

from realtime.detections import Detections, snr_of_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WORK_DIAMETER_PX = 10.0
"""Nuclei are sought in an image shrunk until they are this wide: enough for shape, and fast."""
_MAD_TO_SIGMA = 1.4826
"""Median absolute deviation to standard deviation of a Gaussian (Huber, Robust Statistics)."""
_SMOOTH = 0.25
"""Blur against noise, in radii: more hides waists, less follows texture (measured)."""
_BACKGROUND_DIAMETERS = 4.0
"""Reach of the local background, in nuclei (proposed)."""
_BODY = 0.15
"""Share of its centre's brightness from which a pixel counts for a nucleus's mean (measured)."""
_STANDS_OUT = 0.8
"""Share of the threshold by which a centre must top its wide surroundings (measured)."""
_HALVE_RADIUS_PX = 4.0
"""Nuclei of this radius are told apart at half the size, where drawing zones costs a quarter."""
_CLIPS = 6
"""Rounds of "what is far above the background is no background"; it then stands still."""
_SADDLE = 0.9
"""Two centres are one nucleus where the way between them is hardly narrower (measured)."""


class DetectorConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """What a nucleus looks like."""

    diameter_px: Annotated[float, Field(ge=3, le=500)] = 20.0
    """Usual diameter of a nucleus, pixels of the raw frame."""

    threshold_sigma: Annotated[float, Field(ge=1, le=100)] = 4.0
    """A nucleus must rise above the background by this many times the noise."""

    edge_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.55
    """The rim of a nucleus, as a fraction of its own brightness: dim ones keep their size."""

    min_area_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Smaller things, as a fraction of a usual nucleus, are not cells."""


class Detector:
    """Finds smooth bright nuclei on an uneven background; touching ones are split by shape.

    Brightness says where cells are: each centre of light gets a threshold of its own, a fraction
    of its brightness and never below the noise. Shape says which they are: the distance to the
    rim has one peak for each nucleus.

    Parameters
    ----------
    config
        What a nucleus looks like.
    read_noise_e
        Read noise of the camera, rms photo-electrons; from its calibration.
    """

    def __init__(self, config: DetectorConfig, read_noise_e: float = 2.0) -> None:
        self._config = config
        self._read_noise_e = read_noise_e
        self._shrink = max(1, int(config.diameter_px // _WORK_DIAMETER_PX))
        self._radius = config.diameter_px / self._shrink / 2  # in the shrunk image, as all below

    def __call__(self, photons: NDArray[np.float32]) -> Detections:
        """Find the nuclei of an image in photo-electrons, (Y, X) float32, restored or raw."""
        small = self._shrunk(photons)
        background = self._background(small)
        light = small - background
        smooth = cv2.GaussianBlur(light, (0, 0), _SMOOTH * self._radius)
        floor = self._floor(smooth, float(np.median(background[::4, ::4])))
        mask = self._mask(smooth, floor)
        labels, count = self._split(mask)
        return self._measure(labels, count, light, background)

    def _shrunk(self, photons: NDArray[np.float32]) -> NDArray[np.float32]:
        image = np.ascontiguousarray(photons, np.float32)
        if self._shrink > 1:
            height, width = image.shape
            size = (max(1, width // self._shrink), max(1, height // self._shrink))
            image = image[: size[1] * self._shrink, : size[0] * self._shrink]
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        if not np.isfinite(image.sum()):
            image = np.nan_to_num(image, nan=0.0, posinf=0.0, neginf=0.0)
        return image

    def _background(self, small: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the smooth background: a wide mean over the pixels that hold no cell."""
        height, width = small.shape
        step = max(1, int(self._radius))
        coarse = _resized(small, (height // step, width // step))
        reach = 2 * int(_BACKGROUND_DIAMETERS * self._radius / step) + 1
        opening = _square(_BACKGROUND_DIAMETERS * self._radius / step)
        level = cv2.morphologyEx(coarse, cv2.MORPH_OPEN, opening)
        level = cv2.blur(level, (reach, reach))
        for _ in range(_CLIPS):
            rest = coarse - level
            below = rest[rest <= 0]
            spread = float(np.sqrt(np.mean(below**2))) if below.size else 0.0
            empty = (rest <= 2.5 * spread).astype(np.float32)
            known = cv2.blur(np.dstack((empty, empty * rest)), (reach, reach))
            level += known[..., 1] / (known[..., 0] + np.float32(1e-3))
        return np.asarray(cv2.resize(level, (width, height), interpolation=cv2.INTER_LINEAR))

    def _floor(self, smooth: NDArray[np.float32], background_e: float) -> float:
        """Return the least brightness that is no noise, photo-electrons a pixel.

        The larger of what the image shows (spread below its background) and what the camera must
        have (photon and read noise of the mean of a nucleus): a network may hide its noise.
        """
        some = smooth[::2, ::2]
        below = some[some < 0]
        spread = _MAD_TO_SIGMA * float(np.median(-below)) if below.size else 0.0
        area_px = np.pi / 4 * self._config.diameter_px**2
        variance = max(background_e, 0.0) + self._read_noise_e**2
        return self._config.threshold_sigma * max(spread, float(np.sqrt(variance / area_px)))

    def _mask(self, smooth: NDArray[np.float32], floor: float) -> NDArray[np.uint8]:
        """Return where nuclei are: above a fraction of the nearest centre of light.

        The centres and their brightness are found at half the size where nuclei allow it.
        """
        height, width = smooth.shape
        half = self._half(smooth.shape)
        coarse = _resized(smooth, (height // half, width // half))
        around = coarse - _blur_wide(coarse, 2 * self._radius / half)
        top = cv2.dilate(coarse, _square(self._radius / half))
        peaks = (coarse >= top) & (around > _STANDS_OUT * floor) & (coarse > floor)
        if not peaks.any():
            return np.zeros(smooth.shape, np.uint8)
        zones = _zones(peaks)
        tops = np.zeros(int(zones.max()) + 1, np.float32)
        tops[zones[peaks]] = coarse[peaks]
        body = coarse > np.maximum((_BODY * tops)[zones], floor)
        where = zones[body]
        pixels = np.bincount(where, minlength=len(tops))
        level = np.bincount(where, coarse[body], len(tops)) / np.maximum(pixels, 1)
        rims = np.maximum(self._config.edge_fraction * level, floor).astype(np.float32)[zones]
        rims = cv2.resize(rims, (width, height), interpolation=cv2.INTER_NEAREST)
        return np.asarray(cv2.compare(smooth, rims, cv2.CMP_GT))

    def _split(self, mask: NDArray[np.uint8]) -> tuple[NDArray[np.int32], int]:
        """Return a label image, 0 for background, and the number of nuclei."""
        if not mask.any():
            return np.zeros(mask.shape, np.int32), 0
        padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
        depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
        depth = cv2.GaussianBlur(depth, (0, 0), max(0.8, self._radius / 5))
        peaks = (depth >= cv2.dilate(depth, _square(self._radius / 2))) & (mask > 0)
        seeds = _distinct(depth, np.argwhere(peaks), 3 * self._radius)
        zones = self._zones_of(seeds, mask.shape)
        _, islands = cv2.connectedComponents(mask, connectivity=4, ltype=cv2.CV_32S)
        home = np.full(int(zones.max()) + 1, -1, np.int32)
        at = (seeds[:, 0], seeds[:, 1])
        home[zones[at]] = islands[at]
        return np.where(home[zones] == islands, zones, 0), int(zones.max())

    def _zones_of(self, seeds: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.int32]:
        """Return the number of each pixel's nearest seed, at half the size if that will do."""
        half = self._half(shape)
        marks = np.zeros((-(-shape[0] // half), -(-shape[1] // half)), bool)
        marks[seeds[:, 0] // half, seeds[:, 1] // half] = True
        zones = _zones(marks)
        if half > 1:
            zones = zones.repeat(half, 0).repeat(half, 1)[: shape[0], : shape[1]]
        return zones

    def _half(self, shape: tuple[int, ...]) -> int:
        """Return 2 where nuclei are large enough to be told apart at half the size, else 1."""
        return 2 if self._radius >= _HALVE_RADIUS_PX and min(shape) >= 2 else 1

    def _measure(
        self,
        labels: NDArray[np.int32],
        count: int,
        light: NDArray[np.float32],
        background: NDArray[np.float32],
    ) -> Detections:
        """Return area, light and centroid of each label, in px of the raw frame."""
        inside = np.flatnonzero(labels)
        names = labels.ravel()[inside]
        bright = light.ravel()[inside].astype(np.float64)
        rows, columns = np.divmod(inside, labels.shape[1])
        weight = np.maximum(bright, 0.0)

        def total(values: NDArray[np.float64] | None) -> NDArray[np.float64]:
            return np.bincount(names, values, count + 1)[1:].astype(np.float64)

        pixels, mass = total(None), total(weight)
        least = self._config.min_area_fraction * np.pi * self._radius**2
        keep = (pixels >= max(least, 1.0)) & (mass > 0)
        pixels, mass = pixels[keep], mass[keep]
        scale, shift = self._shrink, (self._shrink - 1) / 2
        signal_e = total(bright)[keep] / pixels
        area_px = pixels * scale**2
        behind_e = total(background.ravel()[inside].astype(np.float64))[keep] / pixels
        return Detections(
            y_px=total(weight * rows)[keep] / mass * scale + shift,
            x_px=total(weight * columns)[keep] / mass * scale + shift,
            area_px=area_px,
            photons=signal_e * area_px,
            signal_e=signal_e,
            snr=snr_of_mean(signal_e, behind_e, area_px, self._read_noise_e),
            background_e=float(np.median(background[::4, ::4])),
            read_noise_e=self._read_noise_e,
        )


def _resized(image: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return the mean brightness on a coarser grid, at least one pixel wide."""
    height, width = max(1, shape[0]), max(1, shape[1])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))


def _square(reach: float) -> NDArray[np.uint8]:
    """Return a square neighbourhood that reaches `reach` px, and at least to the next pixel."""
    side = 2 * max(1, round(reach)) + 1
    return np.ones((side, side), np.uint8)


def _zones(marks: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return for each pixel the number of its nearest mark, from 1; touching marks are one."""
    away = np.where(marks, 0, 1).astype(np.uint8)
    _, zones = cv2.distanceTransformWithLabels(away, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP)
    return np.asarray(zones)


def _blur_wide(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return a Gaussian blur by `sigma` px, made on a coarse grid where nothing is lost by it."""
    step = max(1, int(sigma / 2))
    height, width = image.shape
    coarse = _resized(image, (height // step, width // step))
    coarse = cv2.GaussianBlur(coarse, (0, 0), sigma / step)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))


def _distinct(depth: NDArray[np.float32], peaks: NDArray[np.intp], near: float) -> NDArray[np.intp]:
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
