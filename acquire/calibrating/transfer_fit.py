"""Photon transfer, the fit: variance against signal is a line, and its slope is the gain.

``variance = F gain signal + read_noise^2``, in ADU and ADU2, with F the excess noise factor: 1 for
CCD and sCMOS, about 2 for an EMCCD at high gain.

References
----------
Janesick, Photon Transfer, SPIE Press (2007), chapter 5; EMVA Standard 1288, release 4.0, section 6.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from acquire.calibrating.photon_transfer import BIN_ADU, CLIPPED_SHARE, Level, level
from acquire.errors import CalibrationRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from acquire.calibrating.dark_field import DarkField

FIT_UP_TO = 0.7  # of saturation: EMVA 1288, section 6.6
FLOOR = 1e-3  # no level's variance is believed to better than this; proposed
LEAST_SHOT_NOISE = 4.0  # times the dark variance, at the brightest level; proposed
LEAST_LEVELS = 3
LEAST_SPREAD = 0.02  # gains more alike than this need no map; proposed
BINS, LEAST_IN_BIN = 1024, 500


class Line(msgspec.Struct, frozen=True):
    """The photon transfer line, its standard error, and how far the levels lie from it.

    Attributes
    ----------
    slope, intercept
        ADU, and ADU2.
    slope_error
        Standard error of the slope, ADU.
    misfit
        Largest relative distance of a level's variance from the line, where light makes most of it.
    """

    slope: float
    intercept: float
    slope_error: float
    misfit: float
    up_to_adu: float


class FlatField:
    """Takes flat frames, one exposure at a time, and keeps sums of them.

    Parameters
    ----------
    dark
        The same camera, in the same mode, without light.
    """

    def __init__(self, dark: DarkField) -> None:
        self._dark = dark
        self.levels: list[Level] = []
        self._weighted = np.zeros(dark.offset.shape, np.float64)
        self._weights = np.zeros(dark.offset.shape, np.float64)
        self._curve = np.zeros((3, BINS))
        self._brightest: tuple[float, NDArray[np.float32]] | None = None

    def add(self, exposure_ms: float, frames: NDArray[np.uint16]) -> Level:
        """Take consecutive frames of one exposure, (n, Y, X), n even, and return their numbers."""
        dark = self._dark
        found, signal, variance = level(exposure_ms, frames, dark)
        self.levels.append(found)
        self._add_to_curve(signal, variance, found.n_pairs)
        if found.top_share < CLIPPED_SHARE and found.variance_adu2 > 0:
            weight = found.n_pairs / found.variance_adu2**2
            self._weighted += weight * signal * (variance - dark.variance)
            self._weights += weight * signal**2
            if self._brightest is None or found.mean_adu > self._brightest[0]:
                self._brightest = (found.mean_adu, signal)
        return found

    def _add_to_curve(
        self, signal: NDArray[np.float32], variance: NDArray[np.float32], pairs: int
    ) -> None:
        good = self._dark.good
        raw = (signal + self._dark.offset)[good]
        which = np.clip(raw / BIN_ADU, 0, BINS - 1).astype(np.intp)
        for row, weight in enumerate((np.ones_like(raw), signal[good], variance[good])):
            self._curve[row] += pairs * np.bincount(which, weight, BINS)

    def curve(self) -> NDArray[np.float64]:
        """Return raw counts (lower edge), signal and variance, (3, n), of all pixels by brightness.

        Pixels of one brightness are put together whatever their exposure, so that a field that is
        not evenly lit shows the whole curve.
        """
        n, signal, variance = self._curve
        full = np.flatnonzero(n >= LEAST_IN_BIN)
        return np.stack([full * float(BIN_ADU), signal[full] / n[full], variance[full] / n[full]])

    def response_spread(self) -> float:
        """Return how unlike the pixels are in light, as a fraction (PRNU), without the noise.

        The light's own shape is taken out by comparing a pixel with the two beside it.
        """
        if self._brightest is None:
            return 0.0
        mean, image = self._brightest
        if mean <= 0:
            return 0.0
        flat = image[:, 1:-1] - 0.5 * (image[:, :-2] + image[:, 2:])
        good = self._dark.good
        triple = good[:, 1:-1] & good[:, :-2] & good[:, 2:]
        frames = [lv for lv in self.levels if lv.mean_adu == mean]
        noise = frames[0].variance_adu2 / (2 * frames[0].n_pairs)
        seen = float(np.mean(flat[triple] ** 2, dtype=np.float64)) / 1.5  # 1 + 1/4 + 1/4
        return math.sqrt(max(0.0, seen - noise)) / mean

    def gain_map(self, gain: float) -> tuple[NDArray[np.float32] | None, float]:
        """Return each pixel's gain, and how much the gains really differ, as a fraction.

        A pixel's own gain is uncertain by sqrt(2 / pairs), some ten per cent. So it is drawn to the
        mean by as much as chance explains the spread (James-Stein, the variances known); where
        chance explains all of it, there is no map.

        References
        ----------
        Efron & Morris, J. Am. Stat. Assoc. 70, 311 (1975).
        """
        good = self._dark.good & (self._weights > 0)
        own = np.divide(self._weighted, self._weights, out=np.full_like(self._weights, gain),
                        where=good)  # fmt: skip
        error2 = np.divide(2.0, self._weights, out=np.ones_like(self._weights), where=good)
        chance = float(error2[good].mean())
        real = float(own[good].var()) - chance
        surely = 8.0 * chance * math.sqrt(2.0 / max(1, int(good.sum())))
        spread = math.sqrt(max(0.0, real)) / gain
        if real < surely or spread < LEAST_SPREAD:
            return None, spread if real > surely else 0.0
        drawn = gain + (own - own[good].mean()) * real / (real + error2)
        return np.where(good, drawn, gain).astype(np.float32), spread


def fit_line(levels: Sequence[Level], dark: DarkField, saturation_adu: float) -> Line:
    """Fit variance against signal, weighted, with the read noise as a term and the dark as a point.

    Weights are those of the fitted variances, not of the measured ones: else levels that chance
    made quiet would count more, and the slope came out too small.

    Raises
    ------
    CalibrationRefused
        If there are too few levels, or too little light in them.
    """
    brightest = max((lv.mean_adu for lv in levels), default=0.0)
    if brightest < math.sqrt(dark.variance_adu2):
        raise CalibrationRefused(
            f"no light came to the camera: the frames are {brightest:.2g} ADU brighter than dark "
            "ones at most. See whether the slide is in place, the light path is open, and the "
            "camera shows what it sees and no test pattern"
        )
    top_adu = FIT_UP_TO * (saturation_adu - dark.offset_adu)
    used = [
        lv
        for lv in levels
        if 0 < lv.mean_adu < top_adu
        and not (lv.top_adu >= saturation_adu and lv.top_share >= CLIPPED_SHARE)
    ]
    if len({lv.exposure_ms for lv in used}) < LEAST_LEVELS:
        raise CalibrationRefused(
            f"only {len(used)} exposures are neither dark nor saturated, and {LEAST_LEVELS} are "
            "needed: use weaker light, or allow shorter exposures (min_exposure_ms)"
        )
    shots = max(lv.variance_adu2 for lv in used) / dark.variance_adu2 - 1.0
    if shots < LEAST_SHOT_NOISE:
        raise CalibrationRefused(
            f"the light makes only {shots:.2g} times the noise of the dark, and at least "
            f"{LEAST_SHOT_NOISE:g} times are needed: use more power, longer exposures "
            "(max_exposure_ms), or a brighter slide"
        )
    x = np.array([0.0, *(lv.mean_adu for lv in used)])
    y = np.array([dark.variance_adu2, *(lv.variance_adu2 for lv in used)])
    dark_error = math.sqrt(2.0 / (dark.good.sum() * (dark.n_frames - 1)))
    error = np.hypot(np.array([dark_error, *(lv.error for lv in used)]), FLOOR)
    slope, intercept, covariance = _weighted_line(x, y, error)
    line = slope * x + intercept
    shot = slope * x > 0.5 * line
    misfit = np.abs(y[shot] / line[shot] - 1.0).max(initial=0.0)
    return Line(slope, intercept, float(np.sqrt(covariance)), float(misfit), float(x.max()))


def _weighted_line(
    x: NDArray[np.float64], y: NDArray[np.float64], relative: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return slope, intercept and the slope's variance; errors are relative to the fitted line."""
    fitted = y
    for _ in range(6):
        weight = 1.0 / (relative * fitted) ** 2
        whole, mx, my = weight.sum(), np.average(x, weights=weight), np.average(y, weights=weight)
        sxx = float(np.sum(weight * (x - mx) ** 2))
        slope = float(np.sum(weight * (x - mx) * (y - my))) / sxx
        intercept = float(my - slope * mx)
        fitted = np.maximum(slope * x + intercept, 1e-3 * y)
    assert whole > 0
    return slope, intercept, 1.0 / sxx
