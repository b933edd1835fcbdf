"""From a config to the guard of its lights: each channel's light, and each light's bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquire.light.guard import LightGuard
from acquire.light.port import LightPort

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acquire.core import Core
    from acquire.dose import Ledger
    from acquire.light.ports import ExposingCamera, Keeper
    from acquire.light.source import LightSource
    from lightloop.config import RunConfig


def build_guard(
    config: RunConfig,
    core: Core,
    camera: ExposingCamera,
    keeper: Keeper,
    ledger: Ledger,
    lights: Mapping[str, LightSource] | None = None,
) -> LightGuard:
    """Build the only way to the light of every channel of a config; the light is dark then.

    Parameters
    ----------
    lights
        Lights in place of the config's, by name: as they are before they are calibrated.

    Raises
    ------
    LightNotDark
        If a light cannot be switched off, or is not read back as dark.
    """
    lights = lights or {light.name: light for light in config.light}
    return LightGuard(
        LightPort(core, lights.values()),
        camera,
        keeper,
        ledger,
        {channel.name: lights[channel.light] for channel in config.channel},
        {light.name: light.limits.limits() for light in config.light},
        config.guard,
    )
