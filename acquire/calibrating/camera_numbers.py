"""What a photon-transfer measurement comes to: the camera's numbers, and its maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from acquire.calibrating.noise_correlation import Correlation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class CameraNumbers(msgspec.Struct, frozen=True):
    """Numbers of one camera in one mode; `nan` becomes None where something was not measured.

    Attributes
    ----------
    gain_error
        Relative standard error of the gain.
    read_noise_e
        Root mean square over the pixels, with the rounding of the counts; vendors like to quote
        the median, `read_noise_median_e`, which is smaller.
    saturation_is_measured, saturation_why
        Whether the light reached it, and how it was seen.
    full_well_e
        Saturation in photo-electrons, above the dark level.
    excess_noise_factor, excess_noise_error
        Variance over that of Poisson light, and its standard error.
    nonlinearity
        Largest relative distance from a line in exposure, within 5 to 90 % of saturation.
    drift
        Change of the light from the way up to the way down, as a fraction.
    misfit
        Largest relative distance of a variance from the photon transfer line.
    response_spread
        How unlike the pixels are in light, as a fraction (PRNU).
    gain_spread
        How unlike the pixels' own gains are, as a fraction; 0 where chance explains all of it.
    offset_spread_e
        How unlike the pixels are in the dark, rms photo-electrons (DSNU).
    bad_pixels
        Hot, dead and noisy ones; they were left out.
    in_dark, in_light
        What the noise of neighbours has in common.
    doubts
        Why no image of this camera may vouch for less light, one sentence each.
    """

    gain_adu_per_e: float
    gain_error: float
    offset_adu: float
    read_noise_e: float
    read_noise_median_e: float
    saturation_adu: float
    saturation_is_measured: bool
    saturation_why: str
    full_well_e: float
    excess_noise_factor: float
    excess_noise_error: float | None
    nonlinearity: float | None
    drift: float | None
    misfit: float
    response_spread: float
    gain_spread: float
    offset_spread_e: float
    dark_current_e_s: float | None
    bad_pixels: int
    step_adu: int
    n_dark: int
    n_flat: int
    in_dark: Correlation
    in_light: Correlation
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CameraMaps:
    """Each pixel's own numbers, (Y, X) float32; `gain_adu_per_e` is None where all are alike."""

    offset_adu: NDArray[np.float32]
    read_noise_e: NDArray[np.float32]
    is_good: NDArray[np.bool_]
    gain_adu_per_e: NDArray[np.float32] | None = None
