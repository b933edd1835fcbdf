"""The microscope without its light: stage, focus, filters and the part of the chip that is read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from acquire.core import commanding, near_misses, require_device, require_property
from acquire.errors import DeviceMissing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from acquire.core import Core
    from acquire.source import Channel, LightSource

logger = logging.getLogger(__name__)

# What a preset may not set: it would move light, or let the core move light by itself.
_CORE_LIGHT = frozenset({"Shutter", "AutoShutter"})


class Scope:
    """Micro-Manager's stage, focus and presets, by the roles of a core.

    Channel presets are expanded into their settings once, and every setting of a declared light is
    left out of them: filters move here, light moves in `LightGuard` only.

    Parameters
    ----------
    channels
        The channels of the plan, with their presets.
    sources
        Every declared light.

    Raises
    ------
    DeviceMissing
        If the core has no such preset.
    """

    def __init__(
        self, core: Core, channels: Iterable[Channel], sources: Iterable[LightSource]
    ) -> None:
        self._core = core
        self._xy = core.getXYStageDevice()
        self._focus = core.getFocusDevice()
        light_devices = frozenset(label for source in sources for label in source.devices)
        self._presets = {
            channel.name: _without_light(core, channel, light_devices) for channel in channels
        }
        self._selected = ""
        self._at_um: tuple[float, float, float] | None = None
        core.setAutoShutter(False)

    @property
    def pixel_um(self) -> float:
        """Size of a pixel at the sample, um; 0 if Micro-Manager was never told."""
        return float(self._core.getPixelSizeUm())

    def position_um(self) -> tuple[float, float, float]:
        """Ask stage and focus where they are: x, y, z, um; 0 for a drive that is not there."""
        x, y = self._core.getXYPosition() if self._xy else (0.0, 0.0)
        return float(x), float(y), float(self._core.getPosition()) if self._focus else 0.0

    def standing_um(self) -> tuple[float, float]:
        """Return where the stage stands, x and y um, without asking it if we sent it there."""
        if not self._xy:
            return 0.0, 0.0  # whatever a plan says: all its light falls on one place
        at_um = self._at_um or self.position_um()
        return at_um[:2]

    def move_to(self, x_um: float, y_um: float, z_um: float) -> None:
        """Move stage and focus, um, and wait until they are there; where we are costs nothing."""
        before = self._at_um
        if before is None or before[:2] != (x_um, y_um):
            self.move_xy(x_um, y_um)
        if before is None or before[2] != z_um:
            self.move_z(z_um)
        self._at_um = (x_um, y_um, z_um)

    def move_xy(self, x_um: float, y_um: float) -> None:
        """Move the stage, um, and wait until it is there."""
        self._at_um = None
        if self._xy:
            with commanding(f"moving the stage to {x_um:.1f}, {y_um:.1f} um"):
                self._core.setXYPosition(x_um, y_um)
                self._core.waitForDevice(self._xy)

    def move_z(self, z_um: float) -> None:
        """Move the focus, um, and wait until it is there."""
        self._at_um = None
        if self._focus:
            with commanding(f"moving the focus to {z_um:.2f} um"):
                self._core.setPosition(z_um)
                self._core.waitForDevice(self._focus)

    def select(self, channel: str) -> None:
        """Set filters and mirrors for a channel, and wait; the selected one costs nothing."""
        if channel == self._selected:
            return
        self._selected = ""  # should a filter wheel fail midway, the next call sets all of them
        settings = self._presets[channel]
        with commanding(f"selecting channel {channel!r}"):
            for device, name, value in settings:
                self._core.setProperty(device, name, value)
            for device in dict.fromkeys(device for device, _, _ in settings if device != "Core"):
                self._core.waitForDevice(device)
        self._selected = channel

    def set_roi(self, roi: tuple[int, ...]) -> None:
        """Read out x, y, width, height of the chip, pixels; an empty one is the whole chip."""
        with commanding(f"setting the region {roi or 'to the whole chip'}"):
            self._core.clearROI()
            if roi:
                x, y, width, height = roi
                self._core.setROI(x, y, width, height)

    def set_binning(self, factor: int) -> None:
        """Add up factor x factor pixels in the camera."""
        camera = self._core.getCameraDevice()
        require_property(self._core, camera, "Binning", "camera")
        with commanding(f"binning {factor} x {factor}"):
            self._core.setProperty(camera, "Binning", str(factor))


def _without_light(
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
