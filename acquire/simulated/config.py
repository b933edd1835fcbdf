"""The simulated microscope and its specimen, as a run config describes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from acquire.calibration import Calibration
from acquire.simulated.light.light_words import Gate, Line
from acquire.simulated.photophysics.dyes import EGFP_BLEACH_YIELD, EGFP_EXTINCTION, EGFP_LIFETIME_NS
from acquire.simulated.presets import PRESETS, PresetName

LASER = "Laser488"
"""Label of the laser device, and the name of its line in the light box."""


Assumption = Literal[
    "d50x0.1", "d50x1", "d50x10", "d50x0.1-bleachx3", "d50x1-bleachx3", "d50x10-bleachx3"
]
"""How sensitive to light cells and dye are assumed to be; nobody knows it for a given sample."""


class LineConfig(BaseModel, frozen=True, extra="forbid"):
    """One line of light and the dye that it excites."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_. -]+$")]
    """Label of the laser device, and the name of the line in the light box."""
    wavelength_nm: Annotated[float, Field(ge=350, le=800)]
    """Wavelength of the laser, nm."""
    max_irradiance_w_cm2: Annotated[float, Field(gt=0, le=1e5)] = 5.0
    """At the centre of the field at full laser power, W/cm2."""
    signal_e_per_j_cm2: Annotated[float, Field(ge=0, le=1e9)] = 6000.0
    """Photo-electrons per pixel of an average young structure for each J/cm2."""
    background_e_per_j_cm2: Annotated[float, Field(ge=0, le=1e9)] = 800.0
    """Photo-electrons per pixel of the medium for each J/cm2."""
    structure: Literal["nucleus", "cell", "spots"] = "nucleus"
    """What the dye of this line stains."""
    extinction: Annotated[float, Field(ge=1, le=1e6)] = EGFP_EXTINCTION
    """Molar extinction of the dye at this wavelength, 1/(M cm)."""
    bleach_yield: Annotated[float, Field(ge=0, le=1)] = EGFP_BLEACH_YIELD
    """Chance that an excitation bleaches."""
    lifetime_ns: Annotated[float, Field(gt=0, le=1e9)] = EGFP_LIFETIME_NS
    """Mean time from an excitation until the next is possible, ns; dark states make it longer."""


class SimulatedScopeConfig(BaseModel, frozen=True, extra="forbid"):
    """A live specimen under a simulated fluorescence microscope."""

    kind: Literal["simulated"] = "simulated"
    preset: PresetName | None = None
    """Start from a frozen description; values given beside it replace its own."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 1
    """The same seed gives the same cells and the same camera noise."""
    truth: bool = False
    """Write the truth (images without noise, masks, lineages, doses) beside the run file."""

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
    specimen_depth_um: Annotated[float, Field(ge=0, le=500)] = 0.0
    """Thickness of the layer in which cells live, um, half of it below the plane of focus at the
    start; 0: all cells lie in that plane."""
    nucleus_flatness: Annotated[float, Field(ge=0.1, le=2)] = 0.6
    """Height of a nucleus in interphase relative to its width; 1 is a ball. Proposed."""
    cell_ratio: Annotated[float, Field(ge=1.1, le=10)] = 2.0
    """Radius of a lonely cell's body relative to that of its nucleus; proposed."""
    death_per_h: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Share of the cells that die in an hour without any light."""
    spots_per_cell: Annotated[int, Field(ge=0, le=200)] = 0
    """Sub-resolution spots in each nucleus."""
    spot_diffusion_um2_s: Annotated[float, Field(ge=0, le=100)] = 0.001
    """Diffusion coefficient of a spot within its nucleus, um2/s; proposed."""
    flashes_per_min: Annotated[float, Field(ge=0, le=60)] = 0.0
    """Calcium transients of each cell in a minute."""
    flash_gain: Annotated[float, Field(ge=0, le=100)] = 2.0
    """Extra brightness at the peak of a transient, relative to the cell at rest; proposed."""
    flash_decay_s: Annotated[float, Field(ge=0.01, le=1000)] = 2.0
    """Time constant with which a transient fades, s; proposed."""
    step_s: Annotated[float, Field(ge=0.1, le=600)] = 60.0
    """Grid of the biology, s: between its times cells move on straight lines."""

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
    extra_lines: Annotated[tuple[LineConfig, ...], Field(max_length=8)] = ()
    """Further lines of light, each with a dye of its own."""
    gate: Gate = "camera"
    """What lets the light out: the camera's exposure, the open shutter alone, or nothing at all."""
    numerical_aperture: Annotated[float, Field(ge=0.05, le=1.6)] = 0.75
    """Of the objective, for the blur in and out of focus."""
    psf: Literal["gaussian", "widefield", "confocal"] = "gaussian"
    """Blur: a Gaussian of the right width, the Gibson-Lanni model, or that through a pinhole."""
    immersion_index: Annotated[float, Field(ge=1, le=1.8)] = 1.33
    """Refractive index between objective and coverslip: 1 air, 1.33 water, 1.515 oil."""
    specimen_index: Annotated[float, Field(ge=1, le=1.8)] = 1.33
    """Refractive index of the medium around the cells."""
    above_coverslip_um: Annotated[float, Field(ge=0, le=200)] = 0.0
    """Height of the cells above the coverslip, um; with unlike indices it makes aberration."""
    emission_nm: Annotated[float, Field(ge=350, le=1100)] = 510.0
    """Wavelength at which the dye of the first line shines, nm."""
    pinhole_au: Annotated[float, Field(ge=0.1, le=20)] = 1.0
    """Diameter of the confocal pinhole, Airy units; used if psf = "confocal"."""
    illumination_tilt: Annotated[float, Field(ge=-0.9, le=0.9)] = 0.0
    """Light gained from the centre of the field to its right border, as a share of the centre's."""
    illumination_fringe: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Amplitude of the fringes of a coherent source, as a share of the light."""
    autofluorescence_e_per_j_cm2: Annotated[float, Field(ge=0, le=1e9)] = 0.0
    """Photo-electrons per pixel of a cell body for each J/cm2; it does not bleach."""
    focus_drift_um_h: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Steady drift of the focus, um/h: the objective sinks away from the cells."""
    focus_wander_um: Annotated[float, Field(ge=0, le=50)] = 0.0
    """Rms of the slow wandering of the focus with the room's temperature, um."""
    transmitted: Literal["phase", "brightfield"] = "phase"
    """What the lamp from above shows: phase contrast, or defocused brightfield."""
    lamp_e_s: Annotated[float, Field(ge=0, le=1e9)] = 200_000.0
    """Photo-electrons per pixel and second of the lamp from above, at full power."""

    assumption: Assumption = "d50x1"
    """How sensitive cells and dye are, beside the scales below: "d50x0.1" are cells that a tenth
    of the dose harms as much, "bleachx3" a dye that bleaches three times as fast. A claim about
    light should hold under all six."""
    bleach_scale: Annotated[float, Field(ge=0, le=1e6)] = 60.0
    """How much faster than EGFP the dye bleaches; proposed, so that a short demo shows it."""
    bleach_power: Annotated[float, Field(ge=1, le=4)] = 1.0
    """Exponent of the bleaching rate in irradiance."""
    recovery_h: Annotated[float, Field(ge=0.01, le=1e6)] = 20.0
    """Time in which a cell makes its dye anew, hours."""
    damage_scale: Annotated[float, Field(ge=0, le=1e6)] = 1.0
    """How much more sensitive than the CHO cells of the dose response the cells are; 0: light does
    not harm them."""
    damage_by_dye: Annotated[float, Field(ge=0, le=100)] = 0.2
    """Extra harm that the dye of an unbleached cell makes of the light it takes; proposed."""
    damage_power: Annotated[float, Field(ge=1, le=4)] = 1.1
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
    n_cameras: Annotated[int, Field(ge=1, le=4)] = 1
    """Cameras at the same light; all but the first are triggered by the first."""
    max_exposure_ms: Annotated[float, Field(ge=1, le=60_000)] = 10_000.0
    """Longest exposure that the camera takes, ms."""
    quantum_efficiency: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Photo-electrons for each photon; at 1 all "photo-electrons" above are as given."""
    full_well_e: Annotated[float, Field(ge=1, le=1e7)] = 1e7
    """Photo-electrons that a pixel can hold; the default leaves only the converter's limit."""
    bit_depth: Literal[8, 12, 16] = 16
    """Bits of the converter when the camera starts; fewer bits clip sooner, at the same gain."""
    pixel_maps: bool = False
    """Each pixel has its own gain, offset, read noise and dark current, as in an sCMOS camera."""
    gain_spread: Annotated[float, Field(ge=0, le=0.5)] = 0.01
    """Standard deviation of the gain between pixels, relative; used with pixel_maps."""
    offset_spread_adu: Annotated[float, Field(ge=0, le=1000)] = 1.5
    """Standard deviation of the offset between pixels, counts; used with pixel_maps."""
    read_noise_tail: Annotated[float, Field(ge=0, le=2)] = 0.35
    """Spread of the read noise between pixels (of its logarithm); read_noise_e is the median."""
    hot_share: Annotated[float, Field(ge=0, le=0.1)] = 2e-4
    """Share of hot pixels; used with pixel_maps."""
    hot_e_s: Annotated[float, Field(ge=0, le=1e6)] = 500.0
    """Mean dark current of a hot pixel, electrons per second."""
    shutter_kind: Literal["global", "rolling"] = "global"
    """Whether all rows are exposed at once, or one after the other."""
    line_time_us: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    """Time to read one row, microseconds; 0: readout takes no time."""

    @model_validator(mode="before")
    @classmethod
    def _starts_from_the_preset(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        name = given.get("preset")
        values = {**PRESETS[name], **given} if name in tuple(PRESETS) else given
        # JSON and TOML have no tuples; behind this validator a strict config would refuse lists.
        return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}

    @model_validator(mode="after")
    def _every_line_has_a_name_of_its_own(self) -> Self:
        names = [line.name for line in self.all_lines()]
        if len(set(names)) < len(names):
            raise ValueError(f"each line of light needs a name of its own, got {names}")
        return self

    def assumed(self) -> tuple[float, float]:
        """Return the factors of `assumption`: of the dose D50, and of the bleaching rate."""
        d50, _, bleach = self.assumption.partition("-")
        return float(d50.removeprefix("d50x")), float(bleach.removeprefix("bleachx") or 1.0)

    def all_lines(self) -> tuple[LineConfig, ...]:
        """Return every line of light with its dye; the first is the one of the plain fields."""
        first = LineConfig(
            name=LASER,
            wavelength_nm=self.wavelength_nm,
            max_irradiance_w_cm2=self.max_irradiance_w_cm2,
            signal_e_per_j_cm2=self.signal_e_per_j_cm2,
            background_e_per_j_cm2=self.background_e_per_j_cm2,
        )
        return (first, *self.extra_lines)

    def lines(self) -> tuple[Line, ...]:
        """Return the lines of the light box that belongs to this microscope."""
        return tuple(
            Line(line.name, line.wavelength_nm, line.max_irradiance_w_cm2, self.gate)
            for line in self.all_lines()
        )

    def calibration(self) -> Calibration:
        """Return the true calibration of the camera."""
        return Calibration(
            gain_adu_per_e=self.gain_adu_per_e,
            offset_adu=self.offset_adu,
            read_noise_e=self.read_noise_e,
            source="simulated",
        )
