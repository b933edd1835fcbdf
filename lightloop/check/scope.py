"""Whether a config's microscope is there, device by device, and can be made dark without us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquire.simulated.config import SimulatedScopeConfig
from lightloop.config import ConfigError, MicroManagerConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.calibration import CameraKey
    from acquire.core import Core
    from acquire.stand.scope import Scope
    from lightloop.config import RunConfig


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
    from lightloop.build.focus import build_scope, check_focus
    from lightloop.build.setup import check_setup
    from lightloop.calibrate.calibrations import camera_calibration
    from lightloop.check.lights import check_lights, check_switches

    check_lights(config, name)
    core = _loaded(config, name)
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


def _loaded(config: RunConfig, name: str) -> Core:
    """Load the microscope; the light of a simulated one is in this process, and dark."""
    from acquire.errors import DeviceMissing
    from lightloop.build.microscope import load_core

    box = None
    if isinstance(config.scope, SimulatedScopeConfig):
        from acquire.simulated import LocalLightBox

        box = LocalLightBox(config.scope.lines())
    try:
        return load_core(config, box, lambda: 0.0)
    except DeviceMissing as error:
        raise ConfigError(f"{name}: {error}") from error


def _camera_key(core: Core, config: RunConfig) -> CameraKey:
    """Return the camera as it will be set: nothing is set here."""
    from acquire.calibrating.camera_key import camera_key

    label = core.getCameraDevice()
    will_be = {}
    if isinstance(config.scope, MicroManagerConfig):
        will_be = {key: value for device, key, value in config.scope.properties if device == label}
    return camera_key(core, label, will_be)


def check_keeper(config: RunConfig, name: str) -> None:
    """Let the keeper's own way turn every light off once, with nothing else loaded.

    Raises
    ------
    ConfigError
        If it cannot: were the scope's process to die, nobody would turn the light off.
    """
    from acquire.errors import DeviceMissing, SettingRefused
    from lightloop.build.microscope import build_dark

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
