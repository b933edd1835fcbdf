"""Calibrations that a config names: found in the user's folder, checked, and put in their place."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import platformdirs

from acquire.calibrating.calibration_files import load_camera, load_power
from acquire.calibrating.power_curve import check_table
from acquire.errors import CalibrationRefused
from acquire.simulated.config import SimulatedScopeConfig
from lightloop.build.reel import with_reel
from lightloop.config import ConfigError, ReplayScopeConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.calibration import Calibration, CameraKey
    from lightloop.config import CameraConfig, LightConfig, RunConfig

FOLDER_VARIABLE = "LIGHTLOOP_CALIBRATIONS"  # one folder for everybody at a microscope


def calibration_folder() -> Path:
    """Return where calibrations are kept: of this user, or where LIGHTLOOP_CALIBRATIONS says."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    return platformdirs.user_config_path("lightloop", appauthor=False) / "calibrations"


def resolve(config: RunConfig, name: str, folder: Path | None = None) -> RunConfig:
    """Return the config with the power table of every light that names a calibration.

    Recorded images in the place of a specimen say their shape and camera here, too.

    Raises
    ------
    ConfigError
        If a calibration is missing, damaged, or of another light, device or objective.
    """
    config = with_reel(config, name)
    folder = folder or calibration_folder()
    lights = tuple(
        _with_power(light, config.objective, name, folder) if light.calibration else light
        for light in config.light
    )
    return config.model_copy(update={"light": lights}) if lights != config.light else config


def camera_calibration(
    config: RunConfig, name: str, ask: Callable[[], CameraKey], folder: Path | None = None
) -> Calibration:
    """Return the camera's numbers: measured, from the data sheet, or made up and said to be.

    Parameters
    ----------
    ask
        Returns which camera this microscope has, and how it is set; asked only if it matters.

    Raises
    ------
    ConfigError
        If the calibration is missing, damaged, or of another camera or mode.
    """
    if config.camera.calibration:
        return _measured(config.camera.calibration, name, ask(), folder or calibration_folder())
    if "camera" in config.model_fields_set:
        return config.camera.numbers()
    if isinstance(config.scope, SimulatedScopeConfig):  # a simulated camera knows itself
        return config.scope.calibration()
    return msgspec.structs.replace(config.camera.numbers(), source="estimated")


def references(config: RunConfig, folder: Path | None = None) -> dict[str, str]:
    """Return every calibration that a config names, and its sha256, for the record of the run.

    Raises
    ------
    CalibrationRefused
        If one is missing or damaged.
    """
    folder = folder or calibration_folder()
    found = {s.calibration: load_power(folder, s.calibration)[1]
             for s in config.light if s.calibration}  # fmt: skip
    if config.camera.calibration:
        found[config.camera.calibration] = load_camera(folder, config.camera.calibration)[1]
    return found


def _measured(calibration: str, name: str, found: CameraKey, folder: Path) -> Calibration:
    where = f"{name}: camera.calibration"
    try:
        known, sha256 = load_camera(folder, calibration)
    except CalibrationRefused as error:
        raise ConfigError(f"{where}: {error}") from error
    if different := known.key.differences(found):
        raise ConfigError(
            f"{where}: {calibration} is of another camera or mode: {'; '.join(different)}. Set the "
            "camera as it was, or measure it as it is: lightloop calibrate camera"
        )
    return known.calibration(calibration, sha256)


def _with_power(light: LightConfig, objective: str, name: str, folder: Path) -> LightConfig:
    where = f"{name}: light {light.name!r}: calibration"
    try:
        known, _ = load_power(folder, light.calibration)
        check_table(known.table)
    except CalibrationRefused as error:
        raise ConfigError(f"{where}: {error}") from error
    if known.objective != objective:
        raise ConfigError(
            f"{where}: {light.calibration} was measured behind objective {known.objective!r}, and "
            f"the config says objective = {objective!r}: behind another one the same command gives "
            "other light. Choose the calibration of this objective, or measure one: lightloop "
            "calibrate power"
        )
    wanted = {
        "light": light.name,
        "device": light.power_device,
        "property": light.power_property,
        "off_value": light.off_value,
        "maximum": light.maximum,
        "wavelength_nm": light.wavelength_nm,
    }
    measured = msgspec.structs.asdict(known)
    measured |= {"off_value": known.table[0][0], "maximum": known.table[-1][0]}
    for what, asked in wanted.items():
        was = measured[what]
        is_same = was == asked or (isinstance(asked, float) and math.isclose(was, asked))
        if not is_same:
            raise ConfigError(
                f"{where}: {light.calibration} was measured with {what} = {was!r}, and the config "
                f"says {asked!r}; it is of another light, or the light was changed: measure again"
            )
    update: dict[str, object] = {"lit_area_um2": known.lit_area_um2}
    if light.is_dimmable:
        update["power_table"] = known.table
    else:
        update["power_mw_at_maximum"] = known.table[-1][1]
    resolved = light.model_copy(update=update)  # `calibration` stays: it is what a run refers to
    _check_limit(resolved, where)
    return resolved


def _check_limit(light: LightConfig, where: str) -> None:
    """Refuse a light that is stronger than its own bound allows at the weakest that it can be."""
    most = light.limits.max_irradiance_w_cm2
    full = light.irradiance_w_cm2(1.0)
    if most is not None and not light.is_dimmable and full > most:
        raise ConfigError(
            f"{where}: the light gives {full:.3g} W/cm2 and cannot be dimmed, and "
            f"max_irradiance_w_cm2 is {most:.3g} ([light.limits])"
        )


def in_words(config: RunConfig) -> list[str]:
    """Say of camera and lights, one sentence each, what their numbers rest on."""
    said = []
    if config.camera.calibration:
        said.append(f"camera: {config.camera.calibration}")
    elif isinstance(config.scope, ReplayScopeConfig) and "camera" not in config.model_fields_set:
        said.append(f"camera: that of the recording, {config.scope.camera_source}")
    elif isinstance(config.scope, SimulatedScopeConfig) and "camera" not in config.model_fields_set:
        said.append("camera: simulated, known exactly")
    elif "camera" not in config.model_fields_set:
        said.append("camera: not calibrated, photons are relative; run: lightloop calibrate camera")
    else:
        said.append(f"camera: {config.camera.numbers().source}, {_camera_numbers(config.camera)}")
    for light in config.light:
        if light.calibration:
            said.append(f"light {light.name!r}: {light.calibration}")
        elif light.is_calibrated:
            said.append(f"light {light.name!r}: as the config says, {light.full_power_mw:g} mW")
        else:
            said.append(
                f"light {light.name!r}: not calibrated, doses are relative; run: lightloop "
                "calibrate power"
            )
    return said


def _camera_numbers(camera: CameraConfig) -> str:
    """Say what counts are taken for, and which of it nobody wrote into the config."""
    said = {
        "gain_adu_per_e": f"{camera.gain_adu_per_e:g} ADU/e-",
        "offset_adu": f"offset {camera.offset_adu:g} ADU",
        "read_noise_e": f"read noise {camera.read_noise_e:g} e-",
    }
    given = camera.model_fields_set
    return ", ".join(f"{text}{'' if key in given else ' (assumed)'}" for key, text in said.items())
