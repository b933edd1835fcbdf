"""Defocus by one depth of field, on the simulated microscope: told within ten frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.optics.optics import Optics, Window
from acquire.simulated.presets import preset
from acquire.simulated.sensor.sensor import Sensor
from acquire.simulated.specimen.specimen import Specimen
from lightloop.bench.trust_frames import FRAMES
from lightloop.bench.trust_score import Counted
from models.focus import SharpnessMeter
from realtime.judging.focus import FocusGate
from realtime.policy.observation import Trust

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.config import SimulatedScopeConfig

SHARP_FRAMES = 20
DIAMETER_PX = 20.0
DOSES_J_CM2 = (0.002, 0.02)
"""Some 12 to 120 photo-electrons a pixel in a young nucleus."""
_SEED = 7_000
_TRUSTED = Trust(is_trusted=True, why="")


def depth_of_field_um(wavelength_nm: float, aperture: float, pixel_um: float) -> float:
    """Return the depth of field of an objective in air, wave and pixel taken together, um.

    References
    ----------
    Inoue & Spring, Video Microscopy (1997) eq. 2.6: ``lambda n / NA^2 + n e / NA``, with the
    camera's pixel e at the sample.
    """
    return wavelength_nm * 1e-3 / aperture**2 + pixel_um / aperture


def count_defocus(scenes: int, first: int = 0) -> Counted:
    """Let fields, from number `first` on, lose one depth of field after twenty sharp frames."""
    found, early = 0, 0
    for number in range(first, first + scenes):
        sharp, blurred = _frames(number)
        gate = FocusGate(_meter())
        before = [gate(0, 0, adu, _TRUSTED) for adu in sharp]
        after = [gate(0, 0, adu, _TRUSTED) for adu in blurred]
        early += sum(not trust.is_trusted for trust in before)
        found += any("out-of-focus" in trust.flags for trust in after)
    return Counted("defocus", scenes, found, {"out-of-focus": found, "while sharp": early})


def _meter() -> SharpnessMeter:
    config = preset("nuclei-2d")
    numbers = (config.gain_adu_per_e, config.offset_adu, config.read_noise_e)
    return SharpnessMeter(*numbers, DIAMETER_PX)


def _frames(number: int) -> tuple[list[NDArray[np.uint16]], list[NDArray[np.uint16]]]:
    """Return sharp frames of a specimen and ones out of focus, photo-electrons with their noise."""
    config = preset("nuclei-2d", seed=_SEED + number)
    nuclei, optics = Specimen(config).truth(), Optics(config)
    window = Window(0, 0, config.width, config.height)
    dose = DOSES_J_CM2[number % len(DOSES_J_CM2)]
    depth_um = depth_of_field_um(config.emission_nm, config.numerical_aperture, config.pixel_um)
    series = []
    for defocus_um, frames in ((0.0, SHARP_FRAMES), (depth_um, FRAMES)):
        mean_e = optics.expected(nuclei, nuclei.dye, dose, (0.0, 0.0), defocus_um, window)
        mean_e = mean_e + np.float32(config.background_e)
        series.append([_noisy(config, mean_e, seed) for seed in range(frames)])
    return series[0], series[1]


def _noisy(
    config: SimulatedScopeConfig, mean_e: NDArray[np.float32], seed: int
) -> NDArray[np.uint16]:
    out = np.empty(mean_e.shape, np.uint16)
    Sensor(config).read_out(mean_e, seed, out)
    return out
