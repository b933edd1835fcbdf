"""The config's words for how a run goes: its timing, networks, recording, and sample."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from acquire.errors import PlanRefused
from acquire.loop.burst import Ramp
from realtime.planes.skipped import WORST_SHARE, SkipConfig

Share = Annotated[float, Field(gt=0, le=1)]


class LoopConfig(BaseModel, frozen=True, extra="forbid"):
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


class NetworkConfig(BaseModel, frozen=True, extra="forbid"):
    """The network that restores the images."""

    denoise: str = "denoise-2d"
    """Name of a shipped model package, a path to one, or "" for none."""
    superres: str = ""
    """Package of the task "superres", likewise: images of twice the resolution for the window and
    other viewers. No light is decided by them; they are drawn where shots leave time for it."""
    axial: str = ""
    """Package of the task "axial", likewise: planes between those of a stack, for viewers alone.
    It must know the depth of field."""
    axial_planes: Annotated[int, Field(ge=1, le=2)] = 1
    """Planes to draw between each two: 1 makes twice as many planes, 2 three times."""
    axial_skip: Annotated[int, Field(ge=1, le=3)] = 1
    """2 takes every other plane of the plan's stacks, 3 one of three, and `axial` draws the others:
    less light. The first and the last plane are always taken, the first three stacks are whole.
    1 takes all planes. With it, no planes are drawn but those that are skipped."""
    axial_check_every: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    """Stacks of a field after which one skipped plane is taken after all, each time another one,
    and compared with what would have been drawn."""
    axial_worst_share: Annotated[float, Field(gt=0, le=10)] = WORST_SHARE
    """Error of drawn planes, as a share of the contrast, from which all planes are taken again
    until three stacks in a row are better."""
    depth_of_field_um: Annotated[float, Field(ge=0, le=1000)] = 0.0
    """Of the objective, um: refractive index x wavelength / aperture^2; 0 for a simulated one."""
    esrrf: Literal["", "avg", "var", "tac2"] = ""
    """Finer pixels without learning (eSRRF) for the window and other viewers: "avg" of the newest
    frames of a field, "var" or "tac2" of what blinks; "" for none. No light is decided by it."""
    esrrf_frames: Annotated[int, Field(ge=2, le=1000)] = 30
    """Newest frames of a field that such an image is made of: more is calmer, and blurs motion."""
    engine: Literal[
        "auto", "tensorrt", "tensorrt-rtx", "torch-cuda", "openvino", "onnxruntime", "torch"
    ] = "auto"
    """What runs it; "auto" takes the fastest that passes the parity gate here."""
    precision: Literal["auto", "f32", "bf16", "fp16", "int8"] = "auto"
    """Arithmetic; "auto" takes that of the fastest engine that passes."""
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    """Processor threads of the engine; leave one core to camera and window."""

    @model_validator(mode="after")
    def _skips_as_meant(self) -> NetworkConfig:
        idle = sorted(self.model_fields_set & {"axial_check_every", "axial_worst_share"})
        if self.axial_skip == 1 and idle:
            raise ValueError(f"{idle[0]} is for planes that are skipped: set axial_skip to 2 or 3")
        if not self.esrrf and "esrrf_frames" in self.model_fields_set:
            raise ValueError(
                'esrrf_frames is for eSRRF, which is not asked for: set esrrf to "avg"'
            )
        if self.axial_skip > 1 and not self.axial:
            raise ValueError(
                "axial_skip leaves out planes that a network draws, and axial names none: set it "
                'to "axial-fast", or axial_skip to 1'
            )
        return self

    def skip(self) -> SkipConfig:
        """Return how planes of stacks are skipped."""
        return SkipConfig(self.axial_skip, self.axial_check_every, self.axial_worst_share)


class KindsConfig(BaseModel, frozen=True, extra="forbid"):
    """Telling cells apart by kind. No light is decided by it, unless your own policy does so."""

    file: str = ""
    """Classifier that `lightloop classify` learnt from labelled cells, such as "kinds.json"; a
    relative path is looked for where lightloop is started. Empty: cells are not told apart."""


class RecordConfig(BaseModel, frozen=True, extra="forbid"):
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


class StreamConfig(BaseModel, frozen=True, extra="forbid"):
    """What happens where the recorder falls so far behind that the ring is full of unsaved frames.

    The window and the run file always say so.
    """

    when_full: Literal["stall", "gap"] = "stall"
    """"stall": the run waits for it; "gap": the frame is declared lost at once, for a camera that
    does not wait."""
    stall_s: Annotated[float, Field(gt=0, le=600)] = 10.0
    """How long "stall" waits, s. Then frames are declared lost until the recorder has caught up."""


SAMPLE_ID = r"^([A-Za-z0-9]([A-Za-z0-9 _.-]*[A-Za-z0-9])?)?$"  # part of a file's name, anywhere


class SampleConfig(BaseModel, frozen=True, extra="forbid"):
    """What lies on the stage. With an id its light is remembered, place by place, in every run."""

    id: Annotated[str, Field(max_length=64, pattern=SAMPLE_ID)] = ""
    """Name of the sample, such as "dish 7"; each run with it begins with the dose it has taken.
    Places are those of the stage: put it back where it was. Empty: nothing is remembered."""
    damage_j_cm2: Annotated[float, Field(gt=0, le=1e9)] | None = None
    """Most damage that a field may take of all lines together, as J/cm2 of light of 385 nm that
    would harm as much (tenfold less for each 70 nm more); every light must be calibrated."""


class UnattendedConfig(BaseModel, frozen=True, extra="forbid"):
    """How much a run may do with nobody there, where only software ends the light. Proposed."""

    max_hours: Annotated[float, Field(ge=0, le=10_000)] = 1.0
    """Longest run without a window, h."""
    max_j_cm2: Annotated[float, Field(ge=0, le=1e9)] | None = None
    """Most dose that each line may give a field in it, J/cm2 (relative if not calibrated); leave
    out for the light's own budget."""
