"""`lightloop calibrate camera`: from an evenly bright slide to a file that a run can name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from acquire.calibrating.calibration_files import save_camera
from acquire.calibrating.calibration_light import plan_camera_walk, walk_camera
from acquire.calibrating.calibration_records import CameraCalibration, iso_date
from acquire.calibrating.characterise import characterise
from acquire.errors import CalibrationRefused
from lightloop.calibrate.stand import open_stand
from lightloop.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from acquire.calibrating.calibration_light import CameraWalk
    from lightloop.config import ChannelConfig, LightConfig, RunConfig


class CameraPlan(NamedTuple):
    """What will be done, and the light that it takes at most."""

    channel: ChannelConfig
    light: LightConfig
    walk: CameraWalk

    @property
    def dose(self) -> float:
        """Dose at most, J/cm2 or relative."""
        return self.light.irradiance_w_cm2(self.walk.power_fraction) * self.walk.on_s()


class Stored(NamedTuple):
    """A calibration that was measured and written."""

    name: str
    found: CameraCalibration


def plan_camera(config: RunConfig, name: str, channel: str, n_dark: int, n_flat: int) -> CameraPlan:
    """Plan the measurement, and refuse it before any light if limits or budget forbid it.

    Raises
    ------
    ConfigError
        Says what was asked, and which limit of the config forbids it.
    """
    wanted = next((c for c in config.channel if not channel or c.name == channel), None)
    if wanted is None:
        known = ", ".join(repr(c.name) for c in config.channel)
        raise ConfigError(f"{name}: there is no channel {channel!r}; there are {known}")
    light = next(source for source in config.light if source.name == wanted.light)
    try:
        walk = plan_camera_walk(
            wanted.name, wanted.power_fraction, light.limits.limits(), n_dark, n_flat
        )
    except CalibrationRefused as error:
        raise ConfigError(f"{name}: {error}") from error
    plan = CameraPlan(wanted, light, walk)
    if wanted.power_fraction > light.limits.max_power_fraction:
        raise ConfigError(
            f"{name}: channel {wanted.name!r} asks for {wanted.power_fraction:g} of the power, and "
            f"max_power_fraction of light {light.name!r} is {light.limits.max_power_fraction:g}"
        )
    if plan.dose > light.limits.budget_j_cm2:
        raise ConfigError(
            f"{name}: the calibration may take {plan.dose:.3g} {light.dose_unit} of light "
            f"{light.name!r}, and budget_j_cm2 is {light.limits.budget_j_cm2:g}: ask for fewer "
            "frames or less power, or raise the budget in a config of its own: no cell is there"
        )
    return plan


def calibrate_camera(
    config: RunConfig,
    text: str,
    name: str,
    plan: CameraPlan,
    folder: Path,
    say: Callable[[str], None],
) -> Stored:
    """Measure the camera, and write its calibration.

    Raises
    ------
    ScopeError
        If it cannot be measured; nothing is written then, and the light is off.
    """
    with open_stand(config, text, name, plan.channel.name) as stand:
        measured = walk_camera(stand.exposer, plan.walk, say)
        key, dose = stand.camera, stand.exposer.dose
    numbers, maps = characterise(
        measured.dark, measured.flat, measured.dark_current_adu_s, measured.dark_exposure_s
    )
    height, width = measured.dark.offset.shape
    found = CameraCalibration(
        key=key,
        date=iso_date(datetime.now(UTC)),
        numbers=numbers,
        levels=tuple(measured.flat.levels),
        maps_sha256="",
        shape=(height, width),
        light=plan.light.name,
        dose=dose,
        dose_unit=plan.light.dose_unit,
    )
    return Stored(save_camera(folder, found, maps), found)
