"""The config's words for a microscope: what drives it, its cameras, lights and channels."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import BaseModel, Field, JsonValue, model_validator

from acquire.calibration import Calibration
from acquire.light.limits import LightLimits  # noqa: TC001 - pydantic reads it at run time
from acquire.light.source import Channel, LightSource
from acquire.simulated.config import SimulatedScopeConfig


class MicroManagerConfig(BaseModel, frozen=True, extra="forbid"):
    """A microscope that Micro-Manager drives."""

    kind: Literal["micro-manager"]
    system: str = "demo"
    """Micro-Manager configuration file (.cfg), or "demo" for Micro-Manager's own DemoCamera."""
    pixel_um: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Pixel at the sample, um; used where the configuration file does not tell."""
    properties: tuple[tuple[str, str, str], ...] = ()
    """Device properties to set at start: [device, property, value]; none of them a light's."""


class ReplayScopeConfig(SimulatedScopeConfig, frozen=True, extra="forbid"):
    """Recorded images in the place of a specimen.

    Camera and light are simulated, what is seen is from before. The shape of the images is taken
    over, and pixel size and calibration of a run file.
    """

    kind: Literal["replay"]  # type: ignore[assignment]  # all else of a simulated scope holds
    path: Annotated[str, Field(min_length=1)]
    """Run file (any of its parts), TIFF, .npy, or HDF5."""
    dataset: str = ""
    """Of an HDF5 file that is no run: its dataset."""
    axes: str = ""
    """Of a stack: its axes, slowest first, such as "TZYX"."""
    channel: Annotated[int, Field(ge=0, le=100)] = 0
    """Of a stack: which channel to show, from 0."""
    repeats: bool = False
    """Begin again after the last frame; else the camera fails there, and the run ends."""
    camera_source: Literal["measured", "datasheet", "simulated", "estimated"] = "estimated"
    """Where the camera's numbers come from; a run file says it itself."""

    def calibration(self) -> Calibration:
        """Return what is known of the camera that took the images."""
        return msgspec.structs.replace(super().calibration(), source=self.camera_source)


class CameraConfig(BaseModel, frozen=True, extra="forbid"):
    """The camera's calibration, from its data sheet or a photon-transfer measurement."""

    calibration: str = ""
    """Name of a camera calibration, made by `lightloop calibrate camera`; in place of all else."""
    gain_adu_per_e: Annotated[float, Field(gt=0, le=1e5)] = 1.0
    """Conversion gain, ADU per photo-electron."""
    offset_adu: Annotated[float, Field(ge=0, le=65535)] = 100.0
    """Mean dark level, ADU."""
    read_noise_e: Annotated[float, Field(ge=0, le=1e3)] = 1.6
    """Read noise, rms photo-electrons."""
    saturation_adu: Annotated[float, Field(gt=0, le=65535)] = 65535.0
    """Level from which a pixel counts as clipped, ADU."""
    source: Literal["measured", "datasheet", "simulated", "estimated"] = "datasheet"
    """Where these numbers come from."""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> CameraConfig:
        if self.calibration and (beside := sorted(self.model_fields_set - {"calibration"})):
            raise ValueError(
                f"calibration names a file with every number in it: take out {', '.join(beside)}"
            )
        return self

    def numbers(self) -> Calibration:
        """Return the calibration that travels with the frames; "datasheet" needs a gain of one."""
        given = self.model_dump(exclude={"calibration", "label"})
        if self.source == "datasheet" and "gain_adu_per_e" not in self.model_fields_set:
            given["source"] = "estimated"
        return Calibration(**given)


class OtherCameraConfig(CameraConfig, frozen=True, extra="forbid"):
    """A second camera: channels name it, and its frames have the first one's shape."""

    label: Annotated[str, Field(min_length=1, max_length=64)]
    """Its label in Micro-Manager."""


class LightConfig(LightSource, frozen=True, extra="forbid"):
    """One light, with the bounds that no policy can pass."""

    limits: LightLimits
    """Hard bounds of exposure, power, irradiance and dose."""
    interlock: Literal["", "camera TTL", "source time-out"] = ""
    """What ends this light without any program: the camera's trigger line, which lets it out only
    while the camera exposes, or a time-out in the source itself. Long unattended runs need one."""

    @model_validator(mode="after")
    def _interlock_is_there(self) -> LightConfig:
        if self.interlock == "camera TTL" and self.gate != "camera":
            raise ValueError(
                f'light {self.name!r}: interlock "camera TTL" is a trigger line of the camera, and '
                f'the light\'s gate is "{self.gate}"'
            )
        return self


class ChannelConfig(Channel, frozen=True, extra="forbid"):
    """One channel: a light, and what it is used with until a decision says otherwise."""

    exposure_ms: Annotated[float, Field(gt=0, le=60_000)]
    """First exposure, ms."""
    power_fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    """First power, as a fraction of the light's maximum."""
    camera: str = ""
    """Label of the camera that takes it; empty for the microscope's own."""
    exposure_step_ms: Annotated[float, Field(ge=0, le=60_000)] = 0.0
    """Exposures are multiples of this, as a spinning disk needs, ms; 0 for any."""
    z_offset_um: Annotated[float, Field(ge=-1000, le=1000)] = 0.0
    """Distance of the channel's focus from that of the plan, um."""
    do_stack: bool = True
    """Whether it takes part in stacks; else it takes their middle plane."""
    acquire_every: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """It is taken at every so many time points, from the first on."""

    @property
    def planned(self) -> dict[str, JsonValue]:
        """Return the channel in the words of a useq plan."""
        return {
            "config": self.name, "group": self.group, "exposure": self.exposure_ms,
            "camera": self.camera or None, "z_offset": self.z_offset_um,
            "do_stack": self.do_stack, "acquire_every": self.acquire_every,
        }  # fmt: skip
