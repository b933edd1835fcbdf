"""The config of one run: a TOML file becomes frozen models, or one clear sentence."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import msgspec
from pydantic import BaseModel, Field, JsonValue, ValidationError, model_validator

from acquire.calibration import Calibration
from acquire.errors import PlanRefused, ScopeError
from acquire.light.bounds import GuardRules
from acquire.light.limits import LightLimits  # noqa: TC001 - pydantic reads it at run time
from acquire.light.source import Channel, LightSource
from acquire.loop.burst import Ramp
from acquire.settings import ChannelSettings, Settings
from acquire.simulated.config import SimulatedScopeConfig
from acquire.stand.focus_rules import FocusRules
from acquire.stand.habits import StageHabits
from lightloop.complaints import lines_of, not_finite, where
from lightloop.own_policy import OwnPolicyConfig
from lightloop.plan_duty import plan_complaints
from lightloop.plan_table import read_plan
from realtime.detect import DetectorConfig
from realtime.policy.fixed import FixedConfig
from realtime.policy.snr import SnrConfig
from realtime.tracker import TrackerConfig

if TYPE_CHECKING:
    from pathlib import Path

    import useq


class ConfigError(ScopeError, ValueError):
    """A config file says something that we do not understand."""


class MicroManagerConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """A microscope that Micro-Manager drives."""

    kind: Literal["micro-manager"]
    system: str = "demo"
    """Micro-Manager configuration file (.cfg), or "demo" for Micro-Manager's own DemoCamera."""
    pixel_um: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Pixel at the sample, um; used where the configuration file does not tell."""
    properties: tuple[tuple[str, str, str], ...] = ()
    """Device properties to set at start: [device, property, value]; none of them a light's."""


class ReplayScopeConfig(
    SimulatedScopeConfig, frozen=True, extra="forbid", use_attribute_docstrings=True
):
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


ScopeConfig: TypeAlias = Annotated[
    SimulatedScopeConfig | MicroManagerConfig | ReplayScopeConfig, Field(discriminator="kind")
]
PolicyConfig: TypeAlias = Annotated[
    FixedConfig | SnrConfig | OwnPolicyConfig, Field(discriminator="kind")
]


class CameraConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
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
        """Return the calibration that travels with the frames."""
        return Calibration(**self.model_dump(exclude={"calibration"}))


class OtherCameraConfig(CameraConfig, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """A second camera: channels name it, and its frames have the first one's shape."""

    label: Annotated[str, Field(min_length=1, max_length=64)]
    """Its label in Micro-Manager."""


class LightConfig(LightSource, frozen=True, extra="forbid", use_attribute_docstrings=True):
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


class ChannelConfig(Channel, frozen=True, extra="forbid", use_attribute_docstrings=True):
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


Share = Annotated[float, Field(gt=0, le=1)]


class LoopConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """How the loop keeps time."""

    clock: Literal["host", "simulated"] = "host"
    """"host": intervals are waited for; "simulated": experiment time jumps to the next shot."""
    pace_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    """Simulated clock only: least host time from shot to shot, s; 0 is as fast as possible."""
    deadline_ms: Annotated[float, Field(gt=0, le=600_000)] = 500.0
    """Time that the worker has for a decision, ms."""
    decision_valid_s: Annotated[float, Field(gt=0, le=86_400)] = 10.0
    """Time for one shot beside its exposures, such as moves of the stage, s. A decision is used for
    its field's next shot if every field could have had its turn in that time; an older one is not,
    and the light holds."""
    ring_frames: Annotated[int, Field(ge=4, le=4096)] = 64
    """Frames that the ring in shared memory holds."""
    mode: Literal["event", "burst", "stream"] = "event"
    """"event": a decision after every shot. "burst": every exposure is a burst of frames that the
    hardware times, and the decision comes after it. "stream": the camera runs on by itself, and the
    newest decision is used as soon as it is there; a late one counts by `deadline_ms`."""
    burst_frames: Annotated[int, Field(ge=1, le=2048)] = 1
    """Mode "burst": frames of each burst."""
    burst_exposures: Annotated[tuple[Share, ...], Field(max_length=2048)] = ()
    """Mode "burst": exposure of each frame as a share of the first one's, such as [1, 0.5, 0.25];
    a longer burst goes on with the first again, and left out, all frames are alike. Hardware steps
    through them; where it cannot, the frames are taken one by one."""
    burst_powers: Annotated[tuple[Share, ...], Field(max_length=2048)] = ()
    """The same for the power."""
    audit_every_shots: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Mode "event": at every so many shots of a field its first channel is taken twice, at equal
    light, so that the two frames tell how wrong the restored image is; 0 for never. It costs light:
    `lightloop check` says how much. 50 is a good beginning (proposed)."""
    lag_frames: Annotated[int, Field(ge=1, le=16)] = 1
    """Mode "stream": frames that keep the old exposure when it is changed; the one that is being
    exposed is the first of them. More for a camera that works ahead."""

    @model_validator(mode="after")
    def _mode_is_meant(self) -> LoopConfig:
        given = self.model_fields_set
        of_bursts = sorted(given & {"burst_frames", "burst_exposures", "burst_powers"})
        if self.mode != "burst" and of_bursts:
            raise ValueError(f'{of_bursts[0]} is for mode = "burst", and mode is "{self.mode}"')
        if self.mode == "burst" and not 2 <= self.burst_frames <= self.ring_frames // 2:
            raise ValueError(
                "a burst has 2 frames or more, and fits into half of the ring: burst_frames is "
                f"{self.burst_frames}, ring_frames {self.ring_frames}"
            )
        if self.audit_every_shots and self.mode != "event":
            raise ValueError(
                f'audit_every_shots is for mode = "event", and mode is "{self.mode}": set it to 0'
            )
        if self.mode == "stream" and self.clock != "host":
            raise ValueError('mode = "stream" needs clock = "host": the camera does not wait')
        self.ramp()
        return self

    def ramp(self) -> Ramp:
        """Return how the frames of a burst differ."""
        try:
            return Ramp(self.burst_exposures, self.burst_powers)
        except PlanRefused as error:
            raise ValueError(str(error)) from error


class NetworkConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """The network that restores the images."""

    denoise: str = "denoise-2d"
    """Name of a shipped model package, a path to one, or "" for none."""
    superres: str = ""
    """Package of the task "superres", likewise: images of twice the resolution for the window and
    other viewers. No light is decided by them; each costs a few ms before the decision is sent."""
    axial: str = ""
    """Package of the task "axial", likewise: planes between those of a stack, for viewers alone.
    It must know the depth of field."""
    axial_planes: Annotated[int, Field(ge=1, le=2)] = 1
    """Planes to draw between each two: 1 makes twice as many planes, 2 three times."""
    depth_of_field_um: Annotated[float, Field(ge=0, le=1000)] = 0.0
    """Of the objective, um: refractive index x wavelength / aperture^2; 0 for a simulated one."""
    engine: Literal[
        "auto", "tensorrt", "tensorrt-rtx", "torch-cuda", "openvino", "onnxruntime", "torch"
    ] = "auto"
    """What runs it; "auto" takes the fastest that passes the parity gate here."""
    precision: Literal["auto", "f32", "bf16", "fp16", "int8"] = "auto"
    """Arithmetic; "auto" takes that of the fastest engine that passes."""
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    """Processor threads of the engine; leave one core to camera and window."""


class RecordConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """How the run file is written."""

    part_gb: Annotated[float, Field(ge=0.001, le=16_000)] = 16.0
    """Size at which a part is closed and the next one begun (run.001.h5, ...), GB."""
    compress: bool = True
    """Pack the images, without loss; where they come too fast, they are stored as they are."""
    sync_s: Annotated[float, Field(ge=0.1, le=3600)] = 2.0
    """How often the file is brought to the disk itself, s: what a power cut can take."""
    restored: bool = False
    """Keep the images that the network restores, too, in half precision. Raw images are always
    kept; where they wait, a restored one is left out, and the file says so."""


class StreamConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """What happens where the recorder falls so far behind that the ring is full of unsaved frames.

    The window and the run file always say so.
    """

    when_full: Literal["stall", "gap"] = "stall"
    """"stall": the run waits for it; "gap": the frame is declared lost at once, for a camera that
    does not wait."""
    stall_s: Annotated[float, Field(gt=0, le=600)] = 10.0
    """How long "stall" waits, s. Then frames are declared lost until the recorder has caught up."""


SAMPLE_ID = r"^([A-Za-z0-9]([A-Za-z0-9 _.-]*[A-Za-z0-9])?)?$"  # part of a file's name, anywhere


class SampleConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """What lies on the stage. With an id its light is remembered, place by place, in every run."""

    id: Annotated[str, Field(max_length=64, pattern=SAMPLE_ID)] = ""
    """Name of the sample, such as "dish 7"; each run with it begins with the dose it has taken.
    Places are those of the stage: put it back where it was. Empty: nothing is remembered."""
    damage_j_cm2: Annotated[float, Field(gt=0, le=1e9)] | None = None
    """Most damage that a field may take of all lines together, as J/cm2 of light of 385 nm that
    would harm as much (tenfold less for each 70 nm more); every light must be calibrated."""


class UnattendedConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """How much a run may do with nobody there, where only software ends the light. Proposed."""

    max_hours: Annotated[float, Field(ge=0, le=10_000)] = 1.0
    """Longest run without a window, h."""
    max_j_cm2: Annotated[float, Field(ge=0, le=1e9)] | None = None
    """Most dose that each line may give a field in it, J/cm2 (relative if not calibrated); leave
    out for the light's own budget."""


class RunConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """Everything that a run needs."""

    title: str = "lightloop"
    """Shown in the window's title."""
    reference_exposure_ms: Annotated[float, Field(gt=0, le=60_000)] | None = None
    """Exposure that an operator would use; the summary compares the dose with it."""
    reference_power_fraction: Annotated[float, Field(gt=0, le=1)] | None = None
    """Power that an operator would use; the channel's own where it is not given."""
    scope: ScopeConfig
    objective: str = ""
    """Objective in use, such as "20x/0.75"; a power calibration is of one line and one objective.
    Behind another one it is refused."""
    sample: SampleConfig = SampleConfig()
    camera: CameraConfig = CameraConfig()
    other_camera: tuple[OtherCameraConfig, ...] = ()
    """Cameras that channels name, beside the microscope's own."""
    stage: StageHabits = StageHabits()
    focus: FocusRules = FocusRules()
    light: Annotated[tuple[LightConfig, ...], Field(min_length=1)]
    channel: Annotated[tuple[ChannelConfig, ...], Field(min_length=1)]
    plan: dict[str, JsonValue]
    """What to image and when: a useq-schema MDASequence without channels."""
    policy: PolicyConfig = FixedConfig()
    loop: LoopConfig = LoopConfig()
    record: RecordConfig = RecordConfig()
    stream: StreamConfig = StreamConfig()
    guard: GuardRules = GuardRules()
    unattended: UnattendedConfig = UnattendedConfig()
    network: NetworkConfig = NetworkConfig()
    follow: Literal["cells", "nothing"] = "cells"
    """What to look for in the images; "nothing" is for measurements of the loop itself."""
    detect: DetectorConfig = DetectorConfig()
    track: TrackerConfig = TrackerConfig()

    @model_validator(mode="after")
    def _names_agree(self) -> RunConfig:
        lights = [light.name for light in self.light]
        for channel in self.channel:
            if channel.light not in lights:
                raise ValueError(
                    f"channel {channel.name!r} wants light {channel.light!r}, "
                    f"declared are {', '.join(lights)}"
                )
        for names, what in ((lights, "light"), ([c.name for c in self.channel], "channel")):
            if twice := [name for name in names if names.count(name) > 1]:
                raise ValueError(f"two entries of [[{what}]] have the same name, {twice[0]!r}")
        if isinstance(self.scope, MicroManagerConfig):
            self._leave_light_to_the_guard(self.scope)
        if self.loop.clock == "simulated" and isinstance(self.scope, MicroManagerConfig):
            raise ValueError('loop.clock = "simulated" needs a simulated scope: light is real here')
        if self.sample.damage_j_cm2 is not None:
            self._know_what_harms()
        if (
            self.network.axial
            and not self.network.depth_of_field_um
            and isinstance(self.scope, MicroManagerConfig)
        ):
            raise ValueError(
                "network.axial needs network.depth_of_field_um, which is the refractive index x "
                "wavelength (um) / aperture^2: about 0.9 behind 20x/0.75 in green light"
            )
        if wrong := list(plan_complaints(self, self.sequence())):
            raise ValueError("; ".join(wrong))
        return self

    def _know_what_harms(self) -> None:
        for light in self.light:
            if not (light.is_calibrated or light.calibration):
                raise ValueError(
                    f"sample.damage_j_cm2 adds up all lights, and light {light.name!r} has no "
                    "units: give its power_mw_at_maximum and lit_area_um2, or a calibration"
                )

    def _leave_light_to_the_guard(self, scope: MicroManagerConfig) -> None:
        for device, name, _ in scope.properties:
            for light in self.light:
                if device in light.devices:
                    raise ValueError(
                        f"scope.properties sets {device} {name}, which belongs to light "
                        f"{light.name!r}: take it out, only the light guard moves light"
                    )

    def sequence(self) -> useq.MDASequence:
        """Return the plan, with this config's channels in it."""
        return read_plan(
            self.plan,
            [channel.planned for channel in self.channel],
        )

    def first_settings(self) -> Settings:
        """Return the settings that hold until the first decision."""
        return Settings(
            tuple(ChannelSettings(c.name, c.exposure_ms, c.power_fraction) for c in self.channel)
        )


def load(path: Path) -> RunConfig:
    """Read the config of a run from a TOML file.

    Raises
    ------
    ConfigError
        With one sentence for each thing that is wrong, and where it stands.
    """
    return parse(read_text(path), path.name)


def read_text(path: Path) -> str:
    """Return what a text file says, as UTF-8.

    Raises
    ------
    ConfigError
        If it cannot be read, with the reason in plain words.
    """
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file") from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: is no plain text in UTF-8 (byte {error.start}); save it as that"
        ) from error
    except OSError as error:
        why = "it is a folder" if path.is_dir() else error.strerror
        raise ConfigError(f"{path}: cannot be read: {why}") from error


def parse(text: str, name: str = "config") -> RunConfig:
    """Read the config of a run from TOML text; `name` stands before each complaint.

    Raises
    ------
    ConfigError
        With one sentence for each thing that is wrong, and where it stands.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: not TOML: {error}") from error
    if found := list(not_finite(values)):
        raise ConfigError(
            "\n".join(
                f"{name}: {where(place, values)} must be a finite number, got {number}"
                for place, number in found
            )
        )
    try:
        # Strict, so that true is not 1.0; by way of JSON, where a path is a mere string.
        return RunConfig.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        lines = lines_of(error, RunConfig, values)
        raise ConfigError("\n".join(f"{name}: {line}" for line in lines)) from error


def schema() -> str:
    """Return the JSON schema of a run config, for editors."""
    return json.dumps(RunConfig.model_json_schema(), indent=2) + "\n"
