"""From camera counts to photo-electrons, and to photo-electrons for each J/cm2 of light.

The controller moves the light, so counts and photo-electrons move with it. Fluorescence is in
proportion to the light, so photo-electrons over dose do not: a cell that does not change keeps its
number, whatever the light was.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from realtime.errors import RunFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from acquire.settings import Applied
    from realtime.wire import CameraInfo

ELECTRONS = "photo-electrons"
PER_DOSE = "photo-electrons per (J/cm2)"
PER_RELATIVE = "photo-electrons per relative dose"


def unit_of(*, is_calibrated: bool) -> str:
    """Return what a normalised intensity is counted in."""
    return PER_DOSE if is_calibrated else PER_RELATIVE


def column_of(*, is_calibrated: bool) -> str:
    """Return the end of a column's name: the unit of a normalised intensity."""
    return "e_per_j_cm2" if is_calibrated else "e_per_relative_dose"


def dose_column(*, is_calibrated: bool) -> str:
    """Return the beginning of a column's name: the unit of a dose."""
    return "dose_j_cm2" if is_calibrated else "dose_relative"


def dose_unit(*, is_calibrated: bool) -> str:
    """Return what a dose is counted in."""
    return "J/cm2" if is_calibrated else "relative"


def all_calibrated(infos: Iterable[FrameInfo]) -> bool:
    """Whether the light of every frame was calibrated; one that was not makes all relative."""
    return all(info.applied.calibrated for info in infos)


class Normaliser:
    """Turns counts into photo-electrons, and these into photo-electrons for each unit of dose.

    Parameters
    ----------
    cameras
        By label: gain and offset.
    flats
        By light: local dose over the mean of the lit area that the dose is of, (Y, X) float32.
        A light without one is taken to be even.

    Raises
    ------
    RunFileError
        If a flat field has no light somewhere.
    """

    def __init__(
        self,
        cameras: Mapping[str, CameraInfo],
        flats: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        self._cameras = dict(cameras)
        self._flats = dict(flats or {})
        for light, flat in self._flats.items():
            if not (np.isfinite(flat).all() and flat.min() > 0):
                raise RunFileError(f"the flat field of {light} has pixels without light")

    def flat(self, info: FrameInfo) -> NDArray[np.float32] | None:
        """Return the flat field of a frame; None where its light is taken to be even.

        A frame that is smaller than its camera has none: where on the chip it lay is not recorded.
        """
        flat = self._flats.get(info.applied.light)
        return flat if flat is not None and flat.shape == (info.height, info.width) else None

    def electrons(self, info: FrameInfo, pixels: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Return photo-electrons, (Y, X) float32: offset taken off, flat-field-corrected."""
        known = self._cameras[info.camera].calibration
        image = pixels.astype(np.float32)
        image -= np.float32(known.offset_adu)
        image *= np.float32(1.0 / known.gain_adu_per_e)
        flat = self.flat(info)
        if flat is not None:
            image /= flat
        return image

    def per_dose(self, info: FrameInfo, pixels: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Return photo-electrons for each unit of dose, (Y, X) float32; NaN without light."""
        image = self.electrons(info, pixels)
        image *= np.float32(1.0 / dose) if (dose := dose_of(info.applied)) else np.float32(np.nan)
        return image


def dose_of(applied: Applied) -> float:
    """Return the dose of an exposure, or 0 where none is known."""
    dose = applied.dose_j_cm2
    return dose if math.isfinite(dose) and dose > 0 else 0.0
