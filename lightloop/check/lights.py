"""What of its lights can be refused before anything is loaded or lit: one sentence says what."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from acquire.errors import SettingRefused, StartupLit
from acquire.light.darkness import check_shared_shutters
from acquire.light.startup import refuse_lit_startup
from acquire.simulated.config import SimulatedScopeConfig
from lightloop.config import ConfigError, MicroManagerConfig

if TYPE_CHECKING:
    from acquire.light.source import LightSource
    from lightloop.config import RunConfig

_SHUTTER = 3  # MM::ShutterDevice of MMDevice's MMDeviceConstants.h


def check_lights(config: RunConfig, name: str) -> None:
    """Refuse lights that contradict each other, the simulated scope, or what is loaded with them.

    Nothing is loaded for it.

    Raises
    ------
    ConfigError
        If two lights are one source, one cannot be lit without another, a Micro-Manager
        configuration would leave one on when it is loaded, or a simulated one is gated otherwise.
    """
    for one, other in combinations(config.light, 2):
        if one.devices and _source_of(one) == _source_of(other):
            raise ConfigError(
                f"{name}: lights {one.name!r} and {other.name!r} are one source, "
                f"{' and '.join(sorted(one.devices))}: each would be booked without the other. "
                "Declare it once, and let both channels use it"
            )
    try:
        check_shared_shutters(config.light)
        if isinstance(config.scope, MicroManagerConfig):
            refuse_lit_startup(config.scope.system, config.light)
    except (SettingRefused, StartupLit) as error:
        raise ConfigError(f"{name}: {error}") from error
    _check_gate(config, name)


def check_switches(core: Any, config: RunConfig, name: str) -> None:
    """Refuse a light whose devices, as loaded, have no way to switch it off. Nothing is set.

    Parameters
    ----------
    core
        Micro-Manager core in which every device of the config was found.

    Raises
    ------
    ConfigError
        If a power cannot be set, or not to off, or a shutter is none.
    """
    for light in config.light:
        who = f"{name}: [[light]] {light.name!r}"
        if light.shutter_device:
            kind = int(core.getDeviceType(light.shutter_device))
            if kind != _SHUTTER:
                raise ConfigError(
                    f"{who}: shutter_device {light.shutter_device!r} is no shutter: nothing there "
                    "can be closed; name the shutter, or switch the light by its power_device"
                )
        if light.power_device:
            _check_power(core, light, who)


def _check_power(core: Any, light: LightSource, who: str) -> None:
    at = light.power_device, light.power_property
    which = f"{who}: power_property {' '.join(map(repr, at))}"
    if core.isPropertyReadOnly(*at):
        raise ConfigError(f"{which} can only be read: the light cannot be switched off by it")
    words = (light.off_text, light.on_text) if light.on_text else ()
    allowed = tuple(map(str, core.getAllowedPropertyValues(*at)))
    for word in words:
        if allowed and word not in allowed:
            raise ConfigError(f"{which} does not know {word!r}; it takes {', '.join(allowed)}")
    if words or not core.hasPropertyLimits(*at):
        return
    least, most = (
        float(core.getPropertyLowerLimit(*at)),
        float(core.getPropertyUpperLimit(*at)),
    )
    for key, value in (("off_value", light.off_value), ("maximum", light.maximum)):
        if not least <= value <= most:
            raise ConfigError(
                f"{which} takes {least:g} to {most:g}, and {key} is {value:g}: "
                + ("the light cannot be switched off" if key == "off_value" else "lower it")
            )


def _source_of(light: LightSource) -> tuple[str, str, str]:
    return light.power_device, light.power_property, light.shutter_device


def _check_gate(config: RunConfig, name: str) -> None:
    """Who blanks the light decides what is booked: the simulated scope must do as is declared."""
    if not isinstance(config.scope, SimulatedScopeConfig):
        return
    truth = config.scope.gate
    for light in config.light:
        fits = {"camera": ("camera", "sequencer"), "software": ("software",)}
        # A line that is always on knows no shutter: its own power is all that we can switch.
        by_power = truth == "always-on" and light.gate == "software" and not light.shutter_device
        if light.gate not in fits.get(truth, (truth,)) and not by_power:
            raise ConfigError(
                f"{name}: [[light]] {light.name!r} has gate = {light.gate!r}, and [scope] has gate "
                f"= {truth!r}: the simulated light would not shine as it is booked; make them one"
            )
