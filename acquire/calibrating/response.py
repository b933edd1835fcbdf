"""A camera's answer to light, beside its gain: where counts end, how straight, how noisy."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from acquire.calibrating.photon_transfer import BIN_ADU, CLIPPED_SHARE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from acquire.calibrating.dark_field import DarkField
    from acquire.calibrating.photon_transfer import Level

LEAST_LEVELS = 3
LINEAR_FROM, LINEAR_TO = 0.05, 0.90  # of saturation; EMVA 1288 (section 6.7) goes to 0.95
KNEE = 0.7  # of the line's variance: light beyond it no longer counts; proposed


class Saturation(msgspec.Struct, frozen=True):
    """Where counts end: as a raw count, ADU, and whether it was reached."""

    adu: float
    is_measured: bool
    why: str


class Excess(msgspec.Struct, frozen=True):
    """Excess noise factor F (variance over that of plain Poisson light), and its standard error."""

    factor: float
    error: float


def find_saturation(
    levels: Iterable[Level], curve: NDArray[np.float64], dark: DarkField
) -> Saturation:
    """Find where counts end: many pixels at the very same count, or noise that falls off."""
    levels = list(levels)
    top = max(lv.top_adu for lv in levels)
    clipped = [lv for lv in levels if lv.top_adu == top and lv.top_share >= CLIPPED_SHARE]
    clip = top if clipped else math.inf
    knee = _knee(curve, dark)
    if knee < clip:
        noise = math.sqrt(float(curve[2].max()))
        if clip - knee > 6.0 * noise + 2 * BIN_ADU:  # not the clip's own shadow
            return Saturation(knee, is_measured=True, why="noise falls off: the pixels are full")
    if clipped:
        return Saturation(clip, is_measured=True, why="many pixels give this very count")
    return Saturation(top, is_measured=False, why="not reached: the largest count that was seen")


def _knee(curve: NDArray[np.float64], dark: DarkField) -> float:
    """Return the raw count from which on the variance stays below the line of the darker half."""
    edges, signal, variance = curve
    lower = (signal > 0) & (signal < 0.5 * signal[np.argmax(variance)])
    if np.count_nonzero(lower) < 2:
        return math.inf
    slope = float(np.median((variance[lower] - dark.variance_adu2) / signal[lower]))
    is_low = variance < KNEE * (dark.variance_adu2 + slope * signal)
    if not is_low[-1]:
        return math.inf
    first = len(is_low) - int(np.argmin(is_low[::-1])) if not is_low.all() else 0
    return float(edges[first])


def linearity(
    levels: Sequence[Level], dark: DarkField, saturation_adu: float
) -> tuple[float, float]:
    """Return the largest relative distance of a signal from a line in exposure, and the drift.

    Each exposure is taken on the way up and on the way down, so a lamp that drifts evenly cancels;
    what it drifted is the second number, as a fraction. NaN where there are too few exposures.
    """
    full = saturation_adu - dark.offset_adu
    ordered = sorted(levels, key=lambda lv: lv.exposure_ms)
    times, means, drifts = [], [], []
    for exposure_ms, group in groupby(ordered, key=lambda lv: lv.exposure_ms):
        signals = [lv.mean_adu for lv in group]
        mean = float(np.mean(signals))
        if LINEAR_FROM * full <= mean <= LINEAR_TO * full:
            times.append(exposure_ms)
            means.append(mean)
            drifts.append((max(signals) - min(signals)) / mean)
    if len(times) < LEAST_LEVELS:
        return math.nan, math.nan
    t, s = np.array(times), np.array(means)
    slope, offset = np.polyfit(t, s, 1, w=1.0 / s)
    return float(np.abs(s / (slope * t + offset) - 1.0).max()), max(drifts)


def excess_noise(levels: Iterable[Level], dark: DarkField, saturation_adu: float) -> Excess:
    """Tell a multiplying camera from a plain one by the skewness of its noise.

    Of plain Poisson light all cumulants are alike, so ``k3 k1 / k2^2 = 1``. Where each electron is
    multiplied by a random number with a gamma distribution (an EMCCD at high gain: exponential),
    it is ``2 - 1/F``. The camera's own noise, independent of the light, is taken off each cumulant.

    References
    ----------
    Hirsch et al., PLoS ONE 8, e53671 (2013), for the gamma model; Feller, An Introduction to
    Probability Theory, vol. 1, section XII.2, for the moments of a compound Poisson sum.
    """
    full = saturation_adu - dark.offset_adu
    usable = [
        lv
        for lv in levels
        if lv.third_adu3 is not None
        and lv.mean_adu < 0.5 * full
        and lv.variance_adu2 > 1.5 * dark.variance_adu2
    ]
    if not usable:
        return Excess(1.0, math.inf)
    second = np.array([lv.variance_adu2 for lv in usable])
    light = second - dark.variance_adu2
    third = np.array([lv.third_adu3 for lv in usable], float) - dark.third_adu3
    scale = np.array([lv.mean_adu for lv in usable]) / light**2
    n = np.array([lv.n_pixels * 2 * lv.n_pairs for lv in usable])
    found, weight = 0.0, np.ones(len(usable))
    for _ in range(3):  # weights by the third moment that is expected: the measured one would bias
        weight = n / (scale**2 * _variance_of_third(second, found / scale))
        found = float(np.average(third * scale, weights=weight))
    factor = 1.0 / (2.0 - min(found, 1.9))
    return Excess(factor, factor**2 / math.sqrt(float(weight.sum())))


def _variance_of_third(
    second: NDArray[np.float64], third: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the variance of k3 from one value: k6 + 9 k2 k4 + 9 k3^2 + 6 k2^3.

    The higher cumulants are taken from a gamma distribution of the same second and third:
    k4 = 1.5 k3^2 / k2 and k6 = 7.5 k3^4 / k2^3; of light with multiplication they are nearly these,
    of light without smaller.

    References
    ----------
    Kendall & Stuart, The Advanced Theory of Statistics, vol. 1, section 12.16.
    """
    variance: NDArray[np.float64] = 6.0 * second**3 + 22.5 * third**2 + 7.5 * third**4 / second**3
    return variance
