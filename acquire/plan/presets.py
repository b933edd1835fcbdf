"""The presets of channels, without the light: filters move by them, light in the guard only."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from acquire.core_refusals import near_misses, require_device
from acquire.errors import DeviceMissing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from acquire.core import Core
    from acquire.light.source import Channel

logger = logging.getLogger(__name__)

# What a preset may not set: it would move light, or let the core move light by itself.
_CORE_LIGHT = frozenset({"Shutter", "AutoShutter"})


def without_light(
    core: Core, channel: Channel, light_devices: frozenset[str]
) -> tuple[tuple[str, str, str], ...]:
    """Expand a channel's preset into device, property, value, and leave out what moves light."""
    if not channel.preset:
        return ()
    who = f"channel {channel.name!r}"
    groups: Mapping[str, Iterable[str]] = {
        group: core.getAvailableConfigs(group) for group in core.getAvailableConfigGroups()
    }
    if channel.group not in groups:
        raise DeviceMissing(
            f"{who}: no group {channel.group!r}; {near_misses(channel.group, groups)}"
        )
    presets = groups[channel.group]
    if channel.preset not in presets:
        raise DeviceMissing(
            f"{who}: group {channel.group!r} has no preset {channel.preset!r}; "
            f"{near_misses(channel.preset, presets)}"
        )
    kept = []
    for device, name, value in core.getConfigData(channel.group, channel.preset):
        if device in light_devices or (device == "Core" and name in _CORE_LIGHT):
            logger.info("%s: %s %s of the preset is left to the light guard", who, device, name)
            continue
        if device != "Core":
            require_device(core, device, who)
        kept.append((device, name, value))
    return tuple(kept)
