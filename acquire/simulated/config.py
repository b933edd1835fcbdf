"""The simulated microscope and its specimen, as a run config describes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from acquire.calibration import Calibration
from acquire.simulated.light_source import Line

LASER = "Laser488"
"""Label of the laser device, and the name of its line in the light box."""


class SimulatedScopeConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """A live specimen under a simulated fluorescence microscope."""

    kind: Literal["simulated"] = "simulated"
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 1
    """The same seed gives the same cells and the same camera noise."""

    height: Annotated[int, Field(ge=16, le=4096)] = 512
    """Rows of the camera chip, pixels."""
    width: Annotated[int, Field(ge=16, le=4096)] = 512
    """Columns of the camera chip, pixels."""
    pixel_um: Annotated[float, Field(ge=0.01, le=10)] = 0.325
    """Size of a camera pixel at the sample, um."""

    n_cells: Annotated[int, Field(ge=0, le=2000)] = 40
    """Cells in the first field of view (the specimen around it is as dense)."""
    field_scale: Annotated[float, Field(ge=1, le=8)] = 2.0
    """Side of the specimen relative to the field of view; cells walk in and out."""
    nucleus_um: Annotated[float, Field(ge=0.5, le=20)] = 3.3
    """Radius of a nucleus after birth, um; it grows by the square root of two."""
    cycle_h: Annotated[float, Field(ge=0.5, le=1000)] = 20.0
    """Mean time from division to division without light, hours."""
    speed_um_h: Annotated[float, Field(ge=0, le=1000)] = 18.0
    """Root mean square speed of a cell, um/h."""
    persistence_min: Annotated[float, Field(ge=0.1, le=1000)] = 20.0
    """Time for which a cell keeps its direction, minutes."""

    wavelength_nm: Annotated[float, Field(ge=350, le=800)] = 488.0
    """Wavelength of the laser, nm."""
    max_irradiance_w_cm2: Annotated[float, Field(gt=0, le=1e5)] = 5.0
    """At the centre of the field at full laser power, W/cm2."""
    vignette: Annotated[float, Field(ge=0, le=0.95)] = 0.25
    """Share of the light that is missing in the corners of the field."""
    signal_e_per_j_cm2: Annotated[float, Field(ge=0, le=1e9)] = 6000.0
    """Photo-electrons per pixel of an average young nucleus for each J/cm2."""
    background_e_per_j_cm2: Annotated[float, Field(ge=0, le=1e9)] = 800.0
    """Photo-electrons per pixel of the medium for each J/cm2."""
    numerical_aperture: Annotated[float, Field(ge=0.05, le=1.6)] = 0.75
    """Of the objective, for the blur in and out of focus."""

    bleach_scale: Annotated[float, Field(ge=0, le=1e6)] = 60.0
    """How much faster than EGFP the dye bleaches; proposed, so that a short demo shows it."""
    bleach_power: Annotated[float, Field(ge=1, le=4)] = 1.0
    """Exponent of the bleaching rate in irradiance."""
    recovery_h: Annotated[float, Field(ge=0.01, le=1e6)] = 20.0
    """Time in which a cell makes its dye anew, hours."""
    damage_scale: Annotated[float, Field(ge=0, le=1e6)] = 10.0
    """How much more sensitive than CHO cells the cells are; proposed, as above."""
    damage_power: Annotated[float, Field(ge=1, le=4)] = 1.2
    """Exponent of harm in irradiance."""
    repair_h: Annotated[float, Field(ge=0.01, le=1e6)] = 2.0
    """Time in which a cell repairs damage, hours."""

    background_e: Annotated[float, Field(ge=0, le=1e5)] = 0.2
    """Photo-electrons per pixel and exposure without any light (stray light, bias drift)."""
    dark_current_e_s: Annotated[float, Field(ge=0, le=1e4)] = 0.5
    """Dark current of the camera, electrons per pixel and second."""
    gain_adu_per_e: Annotated[float, Field(ge=0.01, le=100)] = 2.0
    """Counts per photo-electron."""
    offset_adu: Annotated[float, Field(ge=0, le=10_000)] = 100.0
    """Counts of a pixel that got nothing."""
    read_noise_e: Annotated[float, Field(ge=0, le=100)] = 1.6
    """Read noise of the camera, rms electrons."""
    max_exposure_ms: Annotated[float, Field(ge=1, le=60_000)] = 10_000.0
    """Longest exposure that the camera takes, ms."""

    def lines(self) -> tuple[Line, ...]:
        """Return the lines of the light box that belongs to this microscope."""
        return (Line(LASER, self.wavelength_nm, self.max_irradiance_w_cm2),)

    def calibration(self) -> Calibration:
        """Return the true calibration of the camera."""
        return Calibration(
            gain_adu_per_e=self.gain_adu_per_e,
            offset_adu=self.offset_adu,
            read_noise_e=self.read_noise_e,
            source="simulated",
        )
