"""The microscope without its light: stage, focus, filters and the part of the chip that is read."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from acquire.core_refusals import commanding, require_device, require_property
from acquire.errors import SettingRefused
from acquire.plan.presets import without_light
from acquire.stand.habits import StageHabits
from acquire.stand.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from acquire.core import Core
    from acquire.light.source import Channel, LightSource
    from acquire.plan.events import Property

logger = logging.getLogger(__name__)

_SHUTTER = 3  # Micro-Manager's kind of device


class Scope(Stage):
    """Micro-Manager's stage, focus and presets, by the roles of a core.

    Channel presets are expanded into their settings once, and every setting of a declared light is
    left out of them: filters move here, light moves in `LightGuard` only.

    Parameters
    ----------
    channels
        The channels of the plan, with their presets.
    sources
        Every declared light.

    habits
        How long things swing after a move, and their play.
    cameras
        The camera of each channel that has one of its own, by label.
    nap
        Waits for so many seconds.

    Raises
    ------
    DeviceMissing
        If the core has no such preset.
    """

    def __init__(
        self,
        core: Core,
        channels: Iterable[Channel],
        sources: Iterable[LightSource],
        habits: StageHabits | None = None,
        cameras: Mapping[str, str] | None = None,
        nap: Callable[[float], object] = time.sleep,
    ) -> None:
        super().__init__(core, habits or StageHabits(), nap)
        self._light_devices = frozenset(label for source in sources for label in source.devices)
        self._presets = {
            channel.name: without_light(core, channel, self._light_devices) for channel in channels
        }
        self._camera = core.getCameraDevice()
        self._cameras = {channel: label for channel, label in (cameras or {}).items() if label}
        for channel, label in self._cameras.items():
            require_device(core, label, f"camera of channel {channel!r}")
        self._selected = ""
        self._placed: tuple[Property, ...] = ()
        core.setAutoShutter(False)

    @property
    def pixel_um(self) -> float:
        """Size of a pixel at the sample, um; 0 if Micro-Manager was never told."""
        return float(self._core.getPixelSizeUm())

    def select(self, channel: str) -> None:
        """Set filters, mirrors and camera for a channel, and wait; a selected one costs nothing."""
        if channel == self._selected:
            return
        self._selected = ""  # should a filter wheel fail midway, the next call sets all of them
        settings = self._presets[channel]
        if settings:
            self._driver.carry_out(
                f"selecting channel {channel!r}",
                dict.fromkeys(device for device, _, _ in settings if device != "Core"),
                lambda: self._set(settings),
                SettingRefused,
            )
            self.settle(self._habits.filter_settle_ms)
        if self._cameras:
            self._use_camera(self._cameras.get(channel, self._camera))
        self._selected = channel

    def _set(self, settings: Iterable[Property]) -> None:
        for device, name, value in settings:
            self._core.setProperty(device, name, value)

    def _use_camera(self, label: str) -> None:
        if self._core.getCameraDevice() != label:
            with commanding(f"changing to camera {label!r}"):
                self._core.setCameraDevice(label)

    def set_properties(self, properties: tuple[Property, ...]) -> None:
        """Set the device properties of a place, and wait; those that are set cost nothing.

        Raises
        ------
        SettingRefused
            If one belongs to a light, or a device refuses.
        """
        if not properties or properties == self._placed:
            return
        self.check_properties(properties)
        self._placed, self._selected = (), ""  # a channel's preset may be of the same devices
        self._driver.carry_out(
            "setting the properties of the place",
            dict.fromkeys(device for device, _, _ in properties),
            lambda: self._set(properties),
            SettingRefused,
        )
        self._placed = properties

    def check_properties(self, properties: Iterable[Property]) -> None:
        """Refuse properties that are not there, or that would move light past the guard.

        Raises
        ------
        DeviceMissing, SettingRefused
            Says which, and why.
        """
        for device, name, _ in properties:
            is_shutter = device in self._core.getLoadedDevicesOfType(_SHUTTER)
            if device in self._light_devices or device == "Core" or is_shutter:
                raise SettingRefused(
                    f"the plan sets {device} {name}: only the light guard moves light, and only "
                    "lightloop tells the core what to use; take it out"
                )
            require_property(self._core, device, name, "plan")

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
