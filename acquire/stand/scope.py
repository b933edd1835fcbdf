"""The microscope without its light: stage, focus, filters and the part of the chip that is read."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING, TypeVar

from acquire.core import commanding, require_device, require_property
from acquire.errors import ScopeError, SettingRefused, StageError
from acquire.plan.presets import without_light
from acquire.stand.drive import Driver
from acquire.stand.habits import StageHabits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from acquire.core import Core
    from acquire.light.source import Channel, LightSource
    from acquire.plan.events import Property

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

_SHUTTER = 3  # Micro-Manager's kind of device


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
        self._core, self._nap = core, nap
        self._habits = habits or StageHabits()
        self._driver = Driver(core, self._habits.timeout_s)
        self._xy = core.getXYStageDevice()
        self._focus = core.getFocusDevice()
        self._light_devices = frozenset(label for source in sources for label in source.devices)
        self._presets = {
            channel.name: without_light(core, channel, self._light_devices) for channel in channels
        }
        self._camera = core.getCameraDevice()
        self._cameras = {channel: label for channel, label in (cameras or {}).items() if label}
        for channel, label in self._cameras.items():
            require_device(core, label, f"camera of channel {channel!r}")
        self._selected = ""
        self._at_um: tuple[float, float, float] | None = None
        self._placed: tuple[Property, ...] = ()
        core.setAutoShutter(False)

    @property
    def pixel_um(self) -> float:
        """Size of a pixel at the sample, um; 0 if Micro-Manager was never told."""
        return float(self._core.getPixelSizeUm())

    def position_um(self) -> tuple[float, float, float]:
        """Ask stage and focus where they are: x, y, z, um; 0 for a drive that is not there.

        Raises
        ------
        StageError
            If one does not answer.
        """
        x, y = self._ask("asking the stage", self._core.getXYPosition) if self._xy else (0.0, 0.0)
        z = self._ask("asking the focus", self._core.getPosition) if self._focus else 0.0
        return float(x), float(y), float(z)

    def standing_um(self) -> tuple[float, float]:
        """Return where the stage stands, x and y um, without asking it if we sent it there."""
        if not self._xy:
            return 0.0, 0.0  # whatever a plan says: all its light falls on one place
        at_um = self._at_um or self.position_um()
        return at_um[:2]

    def known_um(self) -> tuple[float, float, float]:
        """Return where stage and focus stand, um, without asking them if we sent them there."""
        return self._at_um or self.position_um()

    def move_to(self, x_um: float, y_um: float, z_um: float) -> None:
        """Move stage and focus, um, and wait until they are there; where we are costs nothing."""
        before = self._at_um
        if before is None or before[:2] != (x_um, y_um):
            self.move_xy(x_um, y_um)
        if before is None or before[2] != z_um:
            self.move_z(z_um)
        self._at_um = (x_um, y_um, z_um)

    def move_xy(self, x_um: float, y_um: float) -> None:
        """Move the stage, um, and wait until it is there, at rest.

        Raises
        ------
        StageTimeout
            If it does not get there in time.
        StageError
            If it refuses, or says that it is elsewhere.
        """
        before, self._at_um = self._at_um, None
        if not self._xy:
            return
        play_um = self._habits.backlash_um
        start = before[:2] if before is not None else (math.nan, math.nan)
        detour = tuple(
            to - play_um if _is_against(play_um, at, to) else to
            for at, to in zip(start, (x_um, y_um), strict=True)
        )
        if detour != (x_um, y_um):
            self._drive_xy(*detour)
        self._drive_xy(x_um, y_um)
        self._settle(self._habits.settle_ms)
        if self._habits.tolerance_um:
            x, y = self._ask("asking the stage", self._core.getXYPosition)
            found = float(x), float(y)
            self._check_there((x_um, y_um), found, self._habits.tolerance_um, "stage")

    def move_z(self, z_um: float) -> None:
        """Move the focus, um, and wait until it is there, at rest; errors as for `move_xy`."""
        before, self._at_um = self._at_um, None
        if not self._focus:
            return
        play_um = self._habits.z_backlash_um
        if _is_against(play_um, before[2] if before is not None else math.nan, z_um):
            self._drive_z(z_um - play_um)
        self._drive_z(z_um)
        self._settle(self._habits.z_settle_ms)
        if self._habits.z_tolerance_um:
            height_um = float(self._ask("asking the focus", self._core.getPosition))
            self._check_there((z_um,), (height_um,), self._habits.z_tolerance_um, "focus")

    def note_focus(self) -> float:
        """Ask the focus where it is, um, after something else has moved it, and believe it."""
        z_um = float(self._ask("asking the focus", self._core.getPosition)) if self._focus else 0.0
        if self._at_um is not None:
            self._at_um = (*self._at_um[:2], z_um)
        return z_um

    def _drive_xy(self, x_um: float, y_um: float) -> None:
        self._driver.carry_out(
            f"moving the stage to {x_um:.1f}, {y_um:.1f} um",
            [self._xy],
            lambda: self._core.setXYPosition(x_um, y_um),
        )

    def _drive_z(self, z_um: float) -> None:
        self._driver.carry_out(
            f"moving the focus to {z_um:.2f} um",
            [self._focus],
            lambda: self._core.setPosition(z_um),
        )

    def _settle(self, wait_ms: float) -> None:
        if wait_ms:
            self._nap(wait_ms * 1e-3)

    def _ask(self, what: str, question: Callable[[], Answer]) -> Answer:
        try:
            return question()
        except ScopeError:
            raise
        except Exception as error:  # drivers raise anything
            raise StageError(f"{what} failed: {error}") from error

    @staticmethod
    def _check_there(
        asked: tuple[float, ...], found: tuple[float, ...], tolerance_um: float, who: str
    ) -> None:
        if not math.dist(asked, found) <= tolerance_um:  # NaN is nowhere
            raise StageError(
                f"the {who} was sent to {_um(asked)} um and says {_um(found)} um, more than "
                f"{tolerance_um:g} um off; look for what blocks it"
            )

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
            self._settle(self._habits.filter_settle_ms)
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


def _is_against(play_um: float, at_um: float, to_um: float) -> bool:
    """Whether a move goes against the side that a drive with play comes from (NaN: who knows)."""
    return bool(play_um) and at_um != to_um and not (to_um - at_um) * play_um > 0


def _um(place: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.2f}" for value in place)
