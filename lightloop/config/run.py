"""The config of one run, whole: every part, and that they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field, JsonValue, ValidationInfo, model_validator

from acquire.light.bounds import GuardRules
from acquire.settings import ChannelSettings, Settings
from acquire.simulated.config import SimulatedScopeConfig
from acquire.stand.focus_rules import FocusRules
from acquire.stand.habits import StageHabits
from lightloop.build.own_policy import OwnPolicyConfig
from lightloop.check.plan import plan_complaints
from lightloop.config.plan_table import read_plan
from lightloop.config.running import (
    KindsConfig,
    LoopConfig,
    NetworkConfig,
    RecordConfig,
    SampleConfig,
    StreamConfig,
    UnattendedConfig,
)
from lightloop.config.stand import (
    CameraConfig,
    ChannelConfig,
    LightConfig,
    MicroManagerConfig,
    OtherCameraConfig,
    ReplayScopeConfig,
)
from realtime.detecting.config import DetectorConfig
from realtime.policy.fixed import FixedConfig
from realtime.policy.snr import SnrConfig
from realtime.tracker.config import TrackerConfig

if TYPE_CHECKING:
    import useq

ScopeConfig: TypeAlias = Annotated[
    SimulatedScopeConfig | MicroManagerConfig | ReplayScopeConfig, Field(discriminator="kind")
]
PolicyConfig: TypeAlias = Annotated[
    FixedConfig | SnrConfig | OwnPolicyConfig, Field(discriminator="kind")
]

READS_PLAN = "reads plan"
"""In a validation's context: whether to see what a [plan] means, and that all else allows it."""


class RunConfig(BaseModel, frozen=True, extra="forbid"):
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
    kinds: KindsConfig = KindsConfig()

    @model_validator(mode="after")
    def _names_agree(self, info: ValidationInfo) -> RunConfig:
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
        if self.kinds.file and self.follow == "nothing":
            raise ValueError('kinds.file tells cells apart, and follow = "nothing" looks for none')
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
        reads_plan = (info.context or {}).get(READS_PLAN, True)
        if reads_plan and (wrong := list(plan_complaints(self, self.sequence()))):
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

    def with_seed(self, seed: int) -> RunConfig:
        """Return the same run with other simulated cells; anything else has no seed."""
        if not isinstance(self.scope, SimulatedScopeConfig):
            return self
        return self.model_copy(update={"scope": self.scope.model_copy(update={"seed": seed})})
