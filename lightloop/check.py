"""What can be refused before any light is given: one sentence says what, and what to do."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from acquire.simulated.config import SimulatedScopeConfig
from lightloop.build_kinds import check_kinds
from lightloop.config import ConfigError, MicroManagerConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from acquire.calibration import CameraKey
    from acquire.core import Core
    from acquire.stand.scope import Scope
    from lightloop.config import RunConfig
    from lightloop.predict import Prediction

RUN_SUFFIXES = (".h5", ".hdf5")
SPARE_BYTES = 200 << 20  # room that a run leaves on the disk for everybody else


def check_run(config: RunConfig, prediction: Prediction, name: str) -> None:
    """Refuse a run that its own limits or budget forbid.

    Raises
    ------
    ConfigError
        If the first settings are out of a light's limits, or would pass its budget, or the plan
        goes back in time.
    """
    lights = {light.name: light for light in config.light}
    for channel in config.channel:
        light = lights[channel.light]
        limits = light.limits
        if not limits.min_exposure_ms <= channel.exposure_ms <= limits.max_exposure_ms:
            raise ConfigError(
                f"{name}: channel {channel.name!r}: exposure_ms is {channel.exposure_ms:g}, but "
                f"light {light.name!r} allows {limits.min_exposure_ms:g} to "
                f"{limits.max_exposure_ms:g} ms"
            )
        if channel.power_fraction > limits.max_power_fraction:
            raise ConfigError(
                f"{name}: channel {channel.name!r}: power_fraction is {channel.power_fraction:g}, "
                f"but light {light.name!r} allows at most {limits.max_power_fraction:g}"
            )
    times: Any = config.sequence().time_plan or ()
    for before, after in pairwise(times):
        if after < before:
            raise ConfigError(
                f"{name}: plan.time_plan goes back in time, from {before:g} to {after:g} s; an "
                "interval is 0 s or more"
            )
    for given in prediction.lights:
        if given.is_over_budget:
            raise ConfigError(
                f"{name}: over budget: {prediction.shots} shots would give each field "
                f"{given.dose:.4g} {given.unit} of light {given.light!r}, and budget_j_cm2 is "
                f"{given.budget:.4g}; take fewer or weaker exposures, or raise the budget"
            )


def check_output(path: Path, need_bytes: int) -> int:
    """Refuse a run file that cannot be written; return the free bytes on its disk.

    Raises
    ------
    ConfigError
        If the folder is missing or not writable, the file exists or would be taken for another
        kind by its name, or the disk is too full.
    """
    if path.suffix not in RUN_SUFFIXES:
        raise ConfigError(f"{path}: a run file is HDF5: let its name end with .h5")
    folder = _folder_of(path)
    if path.exists():
        raise ConfigError(f"{path}: exists already; a run file is never overwritten")
    _try_to_write(path, folder)
    return check_room(folder, need_bytes)


def check_picture(path: Path) -> None:
    """Refuse a picture that cannot be written; an older one may be written over.

    Raises
    ------
    ConfigError
        If the folder is missing or not writable, or the path is no file that may be written.
    """
    folder = _folder_of(path)
    if path.is_dir():
        raise ConfigError(
            f"{path}: cannot be written: it is a folder; name a file, such as run.png"
        )
    if path.exists() and not os.access(path, os.W_OK):
        raise ConfigError(f"{path}: cannot be written: the file there may not be changed")
    _try_to_write(path, folder)


def check_room(folder: Path, need_bytes: int) -> int:
    """Refuse a run that its disk is too small for; return the free bytes.

    Raises
    ------
    ConfigError
        If there is too little room.
    """
    free = shutil.disk_usage(folder).free
    if need_bytes + SPARE_BYTES > free:
        raise ConfigError(
            f"the disk is too full: the run needs about {need_bytes / 1e9:.2f} GB and "
            f"{folder} has {free / 1e9:.2f} GB; free some, or write to another disk"
        )
    return free


def _folder_of(path: Path) -> Path:
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ConfigError(f"{path}: cannot be written: there is no folder {folder}")
    return folder


def _try_to_write(path: Path, folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        is_closed = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
        why = "it is not allowed" if is_closed else "it takes no new file"
        raise ConfigError(
            f"{path}: cannot be written to the folder {folder}: {why}; name another folder"
        ) from error


def check_scope(
    config: RunConfig, name: str, look: Callable[[Scope], object] = lambda scope: None
) -> tuple[int, int]:
    """Load the microscope that the config names, and look for every device that it needs.

    Nothing is moved and no light is switched on.

    Parameters
    ----------
    look
        May ask the microscope for more, such as where its stage stands.

    Returns
    -------
    tuple
        Rows and columns of the camera.

    Raises
    ------
    ConfigError
        If a device, property or preset is missing; the text names the nearest that there is. If a
        light cannot be switched off, would be on as soon as the microscope is loaded, or is told
        twice. Or if the camera's calibration is of another camera or mode.
    """
    from acquire.core_refusals import require_property
    from acquire.errors import DeviceMissing, SettingRefused
    from acquire.light.port import LightPort
    from lightloop.build_focus import build_scope, check_focus
    from lightloop.build_microscope import load_core
    from lightloop.calibrations import camera_calibration
    from lightloop.check_lights import check_lights, check_switches
    from lightloop.setup import check_setup

    check_lights(config, name)
    box = None  # the light of a simulated scope is in this process, and dark
    if isinstance(config.scope, SimulatedScopeConfig):
        from acquire.simulated import LocalLightBox

        box = LocalLightBox(config.scope.lines())
    try:
        core = load_core(config, box, lambda: 0.0)
    except DeviceMissing as error:
        raise ConfigError(f"{name}: {error}") from error
    try:
        LightPort(core, config.light)
        check_switches(core, config, name)
        look(build_scope(config, core))
        check_setup(config, core)
        check_focus(config, core)
        if isinstance(config.scope, MicroManagerConfig):
            for device, key, _ in config.scope.properties:
                require_property(core, device, key, "scope.properties")
        camera_calibration(config, name, lambda: _camera_key(core, config))
        return int(core.getImageHeight()), int(core.getImageWidth())
    except (DeviceMissing, SettingRefused) as error:
        raise ConfigError(f"{name}: {error}") from error
    finally:
        core.unloadAllDevices()  # a core that Python takes down at exit may abort the process


def _camera_key(core: Core, config: RunConfig) -> CameraKey:
    """Return the camera as it will be set: nothing is set here."""
    from acquire.calibrating.camera_key import camera_key

    label = core.getCameraDevice()
    will_be = {}
    if isinstance(config.scope, MicroManagerConfig):
        will_be = {key: value for device, key, value in config.scope.properties if device == label}
    return camera_key(core, label, will_be)


def check_network(config: RunConfig, name: str) -> None:
    """Look at each network and classifier of a config: it is there, whole, made for the task.

    Raises
    ------
    ConfigError
        If it is not.
    """
    from lightloop.build import load_package
    from models.errors import ModelError

    wanted = config.network
    named = {"denoise": wanted.denoise, "superres": wanted.superres, "axial": wanted.axial}
    for task, package in named.items():
        try:
            if package:
                load_package(package, task)
        except ModelError as error:
            raise ConfigError(f"{name}: network.{task}: {error}") from error
    check_kinds(config, name)


def check_policy(config: RunConfig, name: str) -> None:
    """Make the policy that the config names; one of the user's own is loaded and run for it.

    Raises
    ------
    ConfigError
        If its file is missing or fails, or it asks for a channel that the plan does not have.
    """
    from lightloop.build import build_policy

    try:
        build_policy(config, config.first_settings(), config.camera.read_noise_e)
    except ValueError as error:
        raise ConfigError(f"{name}: policy: {error}") from error


def check_keeper(config: RunConfig, name: str) -> None:
    """Let the keeper's own way turn every light off once, with nothing else loaded.

    Raises
    ------
    ConfigError
        If it cannot: were the scope's process to die, nobody would turn the light off.
    """
    from acquire.errors import DeviceMissing, SettingRefused
    from lightloop.build_microscope import build_dark

    if not isinstance(config.scope, MicroManagerConfig):
        return
    why = "a light is read back as on, or says nothing"
    try:
        if build_dark(config, None, lambda: None)():
            return
    except (DeviceMissing, SettingRefused) as error:
        why = str(error)
    lights = ", ".join(repr(light.name) for light in config.light)
    raise ConfigError(
        f"{name}: the keeper cannot turn the lights ({lights}) off by itself: {why}. It loads only "
        "the light devices of the configuration file: name those that switch the light themselves"
    )
