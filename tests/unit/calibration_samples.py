"""Calibrations for tests: a light of 488 nm behind a 20x, and a plain camera."""

from __future__ import annotations

from functools import cache

from acquire.calibrating.calibration_records import CameraCalibration, PowerCalibration
from acquire.calibrating.camera_numbers import CameraMaps
from acquire.calibration import CameraKey
from tests.camera_series import SeriesCamera

KEY = CameraKey("SimulatedCamera", "", "", 0, "", 1)
POWER = PowerCalibration(
    light="488",
    wavelength_nm=488.0,
    objective="20x/0.75",
    date="2026-11-22T20:00:00+00:00",
    lit_area_um2=27690.0,
    device="Laser488",
    property="Power",
    off_value=0.0,
    maximum=100.0,
    table=((0.0, 0.0), (50.0, 0.4), (100.0, 1.4)),
    measured=((50.0, 0.41), (100.0, 1.4)),
    zero_mw=0.001,
    meter="read by a person",
)


@cache
def camera_sample() -> tuple[CameraCalibration, CameraMaps]:
    """A small plain camera, measured."""
    numbers, maps = SeriesCamera(shape=(48, 48)).measure(32, 4)
    return (
        CameraCalibration(KEY, "2026-11-22T20:00:00+00:00", numbers, (), "", (48, 48)),
        maps,
    )
