"""What a calibration says: of a camera in one mode, or of a light behind one objective."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from acquire.calibrating.camera_numbers import CameraNumbers
from acquire.calibrating.photon_transfer import Level
from acquire.calibration import Calibration, CameraKey

if TYPE_CHECKING:
    from datetime import datetime


class CameraCalibration(msgspec.Struct, frozen=True, tag="camera"):
    """A camera's numbers, what they are valid for, and the levels that they were made of.

    Attributes
    ----------
    maps_sha256, shape
        Of the per-pixel maps in the file beside it; rows and columns.
    light, dose, dose_unit
        What the slide was lit with, and the dose that was booked for it.
    """

    key: CameraKey
    date: str
    numbers: CameraNumbers
    levels: tuple[Level, ...]
    maps_sha256: str
    shape: tuple[int, int]
    light: str = ""
    dose: float = 0.0
    dose_unit: str = ""

    def calibration(self, name: str, sha256: str) -> Calibration:
        """Return the numbers that travel with the frames."""
        numbers = self.numbers
        return Calibration(
            gain_adu_per_e=numbers.gain_adu_per_e,
            offset_adu=numbers.offset_adu,
            read_noise_e=numbers.read_noise_e,
            saturation_adu=numbers.saturation_adu,
            source="measured",
            excess_noise_factor=numbers.excess_noise_factor,
            id=name,
            sha256=sha256,
            distrust="; ".join(numbers.doubts),
        )


class PowerCalibration(msgspec.Struct, frozen=True, tag="power"):
    """The light of one line behind one objective.

    Attributes
    ----------
    device, property
        What was set; `maximum` and `off_value` are those of its `[[light]]`.
    table
        Command in the device's own units and power at the sample, mW: rising, from off to maximum.
    measured
        The readings that it was fitted to: command, mW.
    zero_mw
        What the meter said in the dark; it was taken off every reading.
    """

    light: str
    wavelength_nm: float
    objective: str
    date: str
    lit_area_um2: float
    device: str
    property: str
    off_value: float
    maximum: float
    table: tuple[tuple[float, float], ...]
    measured: tuple[tuple[float, float], ...] = ()
    zero_mw: float = 0.0
    meter: str = ""


AnyCalibration: TypeAlias = CameraCalibration | PowerCalibration


def iso_date(now: datetime) -> str:
    """Return a date as calibrations have it: to the second, with its zone."""
    return now.astimezone().isoformat(timespec="seconds")
