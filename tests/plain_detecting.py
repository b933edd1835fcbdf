"""Detection, step by step, as plainly as it can be written: what the fast steps must equal."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.detecting import background as of_background
from realtime.detecting import measure as of_measure
from realtime.detecting import nuclei as of_nuclei
from realtime.detecting.grids import blurred_wide, grown, resized, square, zones_of
from realtime.detecting.measure import eccentricity_of
from realtime.detecting.peaks import distinct
from realtime.detections import Detections, snr_of_mean


class PlainFinder(of_nuclei.NucleusFinder):
    """Which pixels are tested, and which are above a rim, by whole images and masks."""

    def _mask(
        self, smooth: NDArray[np.float32], background: NDArray[np.float32]
    ) -> NDArray[np.uint8]:
        height, width = smooth.shape
        half = self._half(smooth.shape)
        if self._shape != smooth.shape:
            self._prepare((height, width), half)
        small = (height // half, width // half)
        coarse = resized(smooth, small)
        tested, floor = self._tested(coarse, resized(background, small), half)
        peaks = self._plain_peaks(tested, floor, half)
        self._sure = peaks | (tested > of_nuclei._BEYOND * floor)
        if not peaks.any():
            return np.zeros(smooth.shape, np.uint8)
        zones = zones_of(peaks).astype(np.intp)  # indexed by often
        tops, tested_tops = np.zeros((2, int(zones.max()) + 1), np.float32)
        tops[zones[peaks]], tested_tops[zones[peaks]] = coarse[peaks], tested[peaks]
        body = coarse > np.maximum((of_nuclei._BODY * tops)[zones], of_nuclei._NEAR * floor)
        where = zones[body]
        pixels = np.bincount(where, minlength=len(tops))
        mean = np.bincount(where, coarse[body], len(tops)) / np.maximum(pixels, 1)
        rims = (self._edge * mean).astype(np.float32)
        size = (width, height)
        if tested is coarse:
            rims *= np.float32(of_nuclei._FIRMER)
            fine = cv2.resize(np.maximum(rims[zones], floor), size, interpolation=cv2.INTER_NEAREST)
            return np.asarray(cv2.compare(smooth, fine, cv2.CMP_GT))
        noise = float(floor.mean()) / self._sigmas * (of_nuclei._MATCHED / of_nuclei._SMOOTH)
        is_clear = mean > of_nuclei._CLEAR * noise
        rims = np.where(is_clear, np.maximum(rims, np.float32(noise)), 0.5 * tested_tops)
        fine = cv2.resize(rims[zones], size, interpolation=cv2.INTER_NEAREST)
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
        usual = level(1.0, background[::2, ::2], self._read_noise_e, self._raw_blur_px)
        usual *= np.float32(of_nuclei._LEFT)
        sigmas = self._sigmas
        if below_spread(coarse[::2, ::2] / usual) < of_nuclei._RESTORED:
            if self._given is None:
                sigmas *= of_nuclei._HIDDEN
            floor = level(sigmas, background, self._read_noise_e, self._raw_blur_px)
            return coarse, np.asarray(floor * self._rim)
        more = math.sqrt(of_nuclei._MATCHED**2 - of_nuclei._SMOOTH**2) * self.radius / half
        matched: NDArray[np.float32] = np.asarray(cv2.GaussianBlur(coarse, (0, 0), more))
        floor = level(sigmas, background, self._read_noise_e, self._raw_blur_px)
        cells = max(self._shape[0] * self._shape[1] / (np.pi * self.radius**2), 1.0)
        spread = below_spread(matched[::2, ::2] / usual)
        if spread > 1.0 + of_nuclei._UNSURE / np.sqrt(cells):
            floor *= np.float32(spread)
        return matched, np.asarray(floor * self._rim)

    def _plain_peaks(
        self, matched: NDArray[np.float32], floor: NDArray[np.float32], half: int
    ) -> NDArray[np.bool_]:
        top = cv2.dilate(matched, square(self.radius / half))
        peaks = (matched >= top) & (matched > of_nuclei._NEAR * floor)
        y, x = np.nonzero(peaks)
        around = matched[y, x] - blurred_wide(matched, 2 * self.radius / half)[y, x]
        height = matched[y, x] + between(matched, y, x)
        low = (height <= floor[y, x]) | (around <= of_nuclei._STANDS_OUT * floor[y, x])
        peaks[y[low], x[low]] = False
        return np.asarray(peaks)


def below_spread(rest: NDArray[np.float32]) -> float:
    below = rest[rest < 0]
    if not below.size:
        return 0.0
    middle = below.size // 2
    return of_nuclei._MAD_TO_SIGMA * float(-np.partition(below, middle)[middle])


def background(small: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    height, width = small.shape
    step = max(1, int(radius))
    coarse = resized(small, (height // step, width // step))
    reach = 2 * round(of_background._DIAMETERS * radius / step / 2**0.5) + 1
    level = cv2.morphologyEx(
        coarse, cv2.MORPH_OPEN, square(of_background._DIAMETERS * radius / step)
    )
    tilt = plane(level)
    coarse, level = coarse - tilt, of_background._mean(level - tilt, reach)
    for _ in range(of_background._CLIPS):
        rest = coarse - level
        below = rest[rest <= 0]
        spread = math.sqrt(float(below @ below) / below.size) if below.size else 0.0
        empty = (np.abs(rest) <= np.float32(of_background._FAR * spread)).astype(np.float32)
        known = of_background._mean(cv2.merge((empty, empty * rest)), reach)
        level += known[..., 1] / (known[..., 0] + np.float32(1e-3))
    level += tilt
    return np.asarray(cv2.resize(level, (width, height), interpolation=cv2.INTER_LINEAR))


def plane(image: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = image.shape
    y = np.arange(height, dtype=np.float32) - np.float32((height - 1) / 2)
    x = np.arange(width, dtype=np.float32) - np.float32((width - 1) / 2)
    down = float(y @ image.mean(axis=1)) / max(float(y @ y), 1.0)
    right = float(x @ image.mean(axis=0)) / max(float(x @ x), 1.0)
    return np.asarray(np.float32(down) * y[:, None] + np.float32(right) * x[None, :])


def level(
    sigmas: float, background_e: NDArray[np.float32], read_noise_e: float, blur_px: float
) -> NDArray[np.float32]:
    mean = np.maximum(background_e, np.float32(0.0))
    variance = mean + np.float32(read_noise_e**2 + 1e-6)
    sd = np.sqrt(variance / np.float32(4 * math.pi * blur_px**2))
    lopsided = mean / variance * np.float32((sigmas**2 - 1) / (18 * math.pi * blur_px**2))
    return np.asarray(np.float32(sigmas) * sd + lopsided, np.float32)


def between(
    image: NDArray[np.float32], y: NDArray[np.intp], x: NDArray[np.intp]
) -> NDArray[np.float32]:
    more = np.zeros(len(y), np.float32)
    here = image[y, x]
    for down, right in ((1, 0), (0, 1)):
        before = image[np.maximum(y - down, 0), np.maximum(x - right, 0)]
        after = image[
            np.minimum(y + down, image.shape[0] - 1), np.minimum(x + right, image.shape[1] - 1)
        ]
        more -= (after - before) ** 2 / (8 * np.minimum(before - 2 * here + after, -1e-12))
    return np.asarray(np.minimum(more, 0.1 * np.abs(here)))


def areas(
    mask: NDArray[np.uint8], radius: float, half: int, sure: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], int]:
    if not mask.any():
        return np.zeros(mask.shape, np.int32), 0
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    depth = cv2.GaussianBlur(depth, (0, 0), max(0.8, radius / 5))
    peaks = (depth >= cv2.dilate(depth, square(radius / 2))) & (mask > 0)
    places = np.column_stack(np.divmod(np.flatnonzero(peaks), peaks.shape[1]))
    seeds = distinct(np.asarray(depth), places, 3 * radius)
    marks = np.zeros((-(-mask.shape[0] // half), -(-mask.shape[1] // half)), bool)
    at = (seeds[:, 0] // half, seeds[:, 1] // half)
    marks[at] = True
    zones = zones_of(marks)
    _, islands = cv2.connectedComponents(mask, connectivity=4, ltype=cv2.CV_32S)
    count = int(zones.max())
    home = np.full(count + 1, -1, np.int32)
    home[zones[at]] = islands[seeds[:, 0], seeds[:, 1]]
    is_home = np.equal(grown(home[zones], half, mask.shape), islands)
    labels = np.multiply(grown(zones, half, mask.shape), is_home)
    return only_sure(labels, count, half, sure), count


def only_sure(
    labels: NDArray[np.int32], count: int, half: int, sure: NDArray[np.bool_]
) -> NDArray[np.int32]:
    rows, columns = sure.shape
    at = labels[: half * rows : half, : half * columns : half]
    is_sure = np.zeros(count + 1, bool)
    is_sure[at[sure]] = is_sure[0] = True
    labels[~is_sure[labels]] = 0
    return labels


def numbers(
    labels: NDArray[np.int32],
    count: int,
    light: NDArray[np.float32],
    background: NDArray[np.float32],
    *,
    shrink: int,
    read_noise_e: float,
    least_px: float,
    least_score: float = 0.0,
) -> Detections:
    inside = np.flatnonzero(labels != 0)
    names = labels.ravel()[inside]
    order = np.argsort(names, kind="stable")
    inside, names = inside[order], names[order]
    here, starts = np.unique(names, return_index=True)
    bright = light.ravel()[inside].astype(np.float64)
    behind = background.ravel()[inside].astype(np.float64)
    y, x = np.divmod(inside, labels.shape[1])
    weight = np.maximum(bright, 0.0)

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.zeros(count + 1)
        if len(here):
            sums[here] = np.add.reduceat(values, starts)
        return sums

    pixels, mass = np.bincount(names, minlength=count + 1).astype(np.float64), total(weight)
    whole = np.maximum(mass, 1e-12)
    cy, cx = total(weight * y) / whole, total(weight * x) / whole
    dy, dx = y - cy[names], x - cx[names]
    noise = (weight + np.maximum(behind, 0.0) + read_noise_e**2) * (1.0 / shrink**2)
    squares = (dy * dy, dy * dx, dx * dx)
    second = [total(weight * square) / whole for square in squares]
    spread = [total(noise * square) / whole**2 for square in squares]
    signal_e = total(bright) / np.maximum(pixels, 1.0)
    behind_e = total(behind) / np.maximum(pixels, 1.0)
    area_px = pixels * shrink**2
    floor = np.sqrt(np.maximum(behind_e, 0.0) + read_noise_e**2 + 1e-12)
    score = signal_e * np.sqrt(area_px) / floor
    keep = (pixels >= max(least_px, 1.0)) & (mass > 0) & (score >= least_score)
    keep[0] = False
    covariance = of_measure._matrices([s[keep] * shrink**2 for s in spread])
    covariance[:, (0, 1), (0, 1)] += of_measure._GRID * shrink**2 / pixels[keep][:, None]
    shift = (shrink - 1) / 2
    return Detections(
        y_px=cy[keep] * shrink + shift,
        x_px=cx[keep] * shrink + shift,
        area_px=area_px[keep],
        photons=signal_e[keep] * area_px[keep],
        signal_e=signal_e[keep],
        snr=snr_of_mean(signal_e[keep], behind_e[keep], area_px[keep], read_noise_e),
        background_e=float(np.median(background[::4, ::4])),
        read_noise_e=read_noise_e,
        covariance_px2=covariance,
        eccentricity=eccentricity_of(of_measure._matrices([s[keep] for s in second])),
        score=score[keep],
    )
