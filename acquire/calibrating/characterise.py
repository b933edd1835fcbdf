"""Brings dark and flat frames together: the camera's numbers, its maps, and the doubts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from acquire.calibrating.camera_numbers import CameraMaps, CameraNumbers
from acquire.calibrating.dark_field import PAIRS_COMPARED
from acquire.calibrating.noise_correlation import mean_correlation
from acquire.calibrating.response import excess_noise, find_saturation, linearity
from acquire.calibrating.transfer_fit import fit_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.calibrating.dark_field import DarkField
    from acquire.calibrating.noise_correlation import Correlation
    from acquire.calibrating.photon_transfer import Level
    from acquire.calibrating.response import Excess, Saturation
    from acquire.calibrating.transfer_fit import FlatField, Line

# From here on noise counts as filtered, and no image vouches for less light. All are proposed: a
# plain camera shows 0.01 or less of each, a 3 x 3 filter 0.3 and more.
MAX_CORRELATION = 0.03
MAX_MISFIT = 0.05
MAX_NONLINEARITY = 0.03
MIN_EXCESS = 1.15
MIN_NOISE_STEPS = 0.24  # read noise, in steps of the counts: EMVA 1288, section 6.4


def characterise(
    dark: DarkField,
    flat: FlatField,
    dark_current_adu_s: float | None = None,
    dark_exposure_s: float = 0.0,
) -> tuple[CameraNumbers, CameraMaps]:
    """Bring dark and flat frames together.

    Parameters
    ----------
    dark_current_adu_s, dark_exposure_s
        Rise of the dark level with exposure, ADU/s (None: not measured), and the exposure of the
        dark frames, s: the offset is the level at no exposure.

    Raises
    ------
    CalibrationRefused
        If the frames do not hold enough light, or too few exposures.
    """
    found = _analysed(dark, flat)
    begun_adu = (dark_current_adu_s or 0.0) * dark_exposure_s
    numbers = _numbers(dark, flat, found, dark_current_adu_s, begun_adu)
    gains = found.gains
    maps = CameraMaps(
        dark.offset - np.float32(begun_adu),
        (np.sqrt(dark.variance) / found.gain).astype(np.float32),
        dark.good,
        None if gains is None else gains * np.float32(found.gain / found.line.slope),
    )
    return msgspec.structs.replace(numbers, doubts=(*found.shared, *_doubts(numbers))), maps


@dataclass(frozen=True, slots=True)
class _Analysed:
    """What the frames say, before it is put into the units of a camera.

    Attributes
    ----------
    gain
        ADU per photo-electron: the slope of the line, without the noise of multiplying.
    gains, gain_spread
        Slope of each pixel, None where all are alike, and how unlike they are.
    shared
        What pixels share, one sentence each.
    """

    end: Saturation
    line: Line
    excess: Excess
    in_light: Correlation
    shared: list[str]
    is_multiplying: bool
    gain: float
    gains: NDArray[np.float32] | None
    gain_spread: float


def _analysed(dark: DarkField, flat: FlatField) -> _Analysed:
    levels = flat.levels
    end = find_saturation(levels, flat.curve(), dark)
    line = fit_line(levels, dark, end.adu)
    excess = excess_noise(levels, dark, end.adu)
    bright = _bright(levels, end.adu - dark.offset_adu)
    in_light = mean_correlation(lv.correlation for lv in bright)
    shared = [
        *_shared("in light", in_light, sum(lv.n_pixels * lv.n_pairs for lv in bright)),
        *_shared("in the dark", dark.correlation, int(dark.good.sum()) * PAIRS_COMPARED),
    ]
    # A filter changes every cumulant, so of filtered noise the skewness says nothing.
    is_skewed = excess.factor - 1.0 > max(MIN_EXCESS - 1.0, 4.0 * excess.error)
    is_multiplying = is_skewed and not shared
    gain = line.slope / (excess.factor if is_multiplying else 1.0)
    gains, spread = flat.gain_map(line.slope)
    return _Analysed(end, line, excess, in_light, shared, is_multiplying, gain, gains, spread)


def _numbers(
    dark: DarkField,
    flat: FlatField,
    found: _Analysed,
    current_adu_s: float | None,
    begun_adu: float,
) -> CameraNumbers:
    """Put what was found into the units of a camera; `begun_adu` is no part of its offset."""
    gain, line, end, good = found.gain, found.line, found.end, dark.good
    bent, drift = linearity(flat.levels, dark, end.adu)
    offset_noise = dark.variance_adu2 / dark.n_frames
    offset_spread = math.sqrt(max(0.0, float(dark.offset[good].var()) - offset_noise))
    return CameraNumbers(
        gain_adu_per_e=gain,
        gain_error=line.slope_error / line.slope,
        offset_adu=dark.offset_adu - begun_adu,
        read_noise_e=math.sqrt(dark.variance_adu2) / gain,
        read_noise_median_e=math.sqrt(float(np.median(dark.variance[good]))) / gain,
        saturation_adu=end.adu,
        saturation_is_measured=end.is_measured,
        saturation_why=end.why,
        full_well_e=(end.adu - dark.offset_adu) / gain,
        excess_noise_factor=found.excess.factor if found.is_multiplying else 1.0,
        excess_noise_error=None if found.shared else _or_none(found.excess.error),
        nonlinearity=_or_none(bent),
        drift=_or_none(drift),
        misfit=line.misfit,
        response_spread=flat.response_spread(),
        gain_spread=found.gain_spread,
        offset_spread_e=offset_spread / gain,
        dark_current_e_s=None if current_adu_s is None else current_adu_s / gain,
        bad_pixels=int(good.size - good.sum()),
        step_adu=dark.step_adu,
        n_dark=dark.n_frames,
        n_flat=sum(2 * lv.n_pairs for lv in flat.levels),
        in_dark=dark.correlation,
        in_light=found.in_light,
    )


def _doubts(numbers: CameraNumbers) -> list[str]:
    """Say what else is not like the noise of light: a reason to trust no network with it."""
    doubts = []
    if numbers.excess_noise_factor > 1.0:
        doubts.append(
            f"the noise is {numbers.excess_noise_factor:.2f} times that of light (an EMCCD at high "
            "gain): networks and their gates are made for plain photon noise"
        )
    if numbers.misfit > MAX_MISFIT:
        doubts.append(
            f"the noise is up to {numbers.misfit:.0%} off a line in light: the camera denoises, or "
            "stretches its counts (gamma); switch that off"
        )
    if numbers.nonlinearity is not None and numbers.nonlinearity > MAX_NONLINEARITY:
        doubts.append(
            f"the signal is up to {numbers.nonlinearity:.1%} off a line in exposure: switch gamma "
            "off, and look whether the lamp is steady"
        )
    steps = numbers.read_noise_e * numbers.gain_adu_per_e / numbers.step_adu
    noise_steps = math.sqrt(max(0.0, steps**2 - 1.0 / 12.0))  # without the rounding itself
    if noise_steps < MIN_NOISE_STEPS:
        doubts.append(
            f"the read noise is only {noise_steps:.2g} of a step of the counts: rounding hides it; "
            "choose more bits or a higher gain"
        )
    return doubts


def _bright(levels: list[Level], full_adu: float) -> list[Level]:
    """Return the levels whose noise is that of light, if anything is: far from dark and from full.

    One at least: the line was fitted to some of them.
    """
    clear = [lv for lv in levels if lv.mean_adu < 0.7 * full_adu]
    top_adu = max(lv.mean_adu for lv in clear)
    return [lv for lv in clear if lv.mean_adu >= 0.25 * top_adu]


def _shared(where: str, seen: Correlation, n: int) -> list[str]:
    """Say what pixels share, where it is more than is allowed and more than n pairs of them err."""
    most = MAX_CORRELATION + 4.0 / math.sqrt(n)
    doubts = []
    near = max(seen.along_x - seen.rows, seen.along_y - seen.columns, seen.diagonal, key=abs)
    if abs(near) > most:
        word = "smooths" if near > 0 else "sharpens"
        doubts.append(
            f"neighbouring pixels share {near:.2f} of their noise {where}: the camera {word} its "
            "images; switch noise filter and pixel correction off"
        )
    for name, value in (("rows", seen.rows), ("columns", seen.columns)):
        if value > most:
            doubts.append(f"whole {name} move together {where} ({value:.2f} of the noise)")
    if abs(seen.in_time) > most:
        doubts.append(
            f"a frame shares {seen.in_time:.2f} of its noise with the next one {where}: the camera "
            "averages in time, or a filter for noise does"
        )
    return doubts


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
