"""The hand on the switch: power and shutters of every declared light. Only the guard holds it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from acquire.core_refusals import commanding, require_device, require_property
from acquire.errors import SettingRefused
from acquire.say import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from acquire.core import Core
    from acquire.light.source import LightSource

logger = logging.getLogger(__name__)

_SHUTTER = 3  # MM::ShutterDevice of MMDevice's MMDeviceConstants.h


class LightPort:
    """The declared lights of one Micro-Manager core.

    Every method addresses devices by their label, never "the current shutter", and every answer
    is read back from the device after the command.

    Raises
    ------
    DeviceMissing
        If the core lacks a device or property that a source names.
    """

    def __init__(self, core: Core, sources: Iterable[LightSource]) -> None:
        self._core = core
        self.sources = tuple(sources)
        self._stepping: set[str] = set()
        for source in self.sources:
            role = f"light {source.name!r}"
            if source.power_device:
                require_property(core, source.power_device, source.power_property, role)
            if source.shutter_device:
                require_device(core, source.shutter_device, role)
            if source.read_back == "cached":
                logger.warning("%s only repeats what it is told: dark cannot be proved by it", role)
        core.setAutoShutter(False)
        declared = {source.shutter_device for source in self.sources}
        for label in sorted(set(core.getLoadedDevicesOfType(_SHUTTER)) - declared):
            logger.warning(
                "shutter %r belongs to no [[light]]: nobody watches over what is behind it", label
            )

    def set_power(self, source: LightSource, fraction: float) -> float:
        """Set the power and return what the device then says, both as fractions of the maximum.

        A light without a power of its own always answers 1. A sequence that still runs is ended
        first, or the next frame would get its power.
        """
        if not source.power_device:
            return 1.0
        text = _text(source, fraction)
        with commanding(f"setting {source.power_device} {source.power_property} to {text}"):
            if source.name in self._stepping:  # it did not end when it was told to
                self._core.setProperty(
                    source.power_device, source.power_property, _text(source, 0.0)
                )
                self._end_steps(source)
            self._core.setProperty(source.power_device, source.power_property, text)
            return self._read_power(source)

    def set_open(self, source: LightSource, is_open: bool) -> bool:
        """Open or close the switch of a light and return whether it is open, as read back.

        The switch is the shutter; without one it is the power, which opens with `set_power`.
        """
        with commanding(f"{'opening' if is_open else 'closing'} light {source.name!r}"):
            if source.shutter_device:
                self._core.setShutterOpen(source.shutter_device, is_open)
            elif not is_open and source.power_device:
                self.set_power(source, 0.0)
            if not is_open:
                self._end_steps(source)
            return self.is_lit(source)

    def can_step(self, source: LightSource, n_frames: int) -> bool:
        """Whether the power can step from frame to frame by itself, for so many frames."""
        device, name = source.power_device, source.power_property
        if not source.is_dimmable:
            return False
        with commanding(f"asking for sequences of {device} {name}"):
            return bool(self._core.isPropertySequenceable(device, name)) and (
                int(self._core.getPropertySequenceMaxLength(device, name)) >= n_frames
            )

    def step_power(self, source: LightSource, fractions: Sequence[float]) -> None:
        """Let the power step through these fractions, frame by frame, until it is closed."""
        device, name = source.power_device, source.power_property
        with commanding(f"loading {len(fractions)} powers of {device} {name}"):
            self._core.loadPropertySequence(device, name, [_text(source, f) for f in fractions])
            self._stepping.add(source.name)  # first: one that fails midway is ended, too
            self._core.startPropertySequence(device, name)

    def _end_steps(self, source: LightSource) -> None:
        """End a power sequence, behind a closed switch: the power of before comes back."""
        if source.name in self._stepping:
            self._core.stopPropertySequence(source.power_device, source.power_property)
            self._stepping.discard(source.name)

    def is_lit(self, source: LightSource) -> bool:
        """Ask whether the switch of a light is open (a lamp without any switch always is)."""
        if source.shutter_device:
            return bool(self._core.getShutterOpen(source.shutter_device))
        return not self._is_off(source)

    def dark(self, source: LightSource) -> bool:
        """Close the shutter and take the power away; return whether either is read back as done.

        Both are tried, whichever fails.
        """
        failed: Exception | None = None
        is_dark = False
        for means in (self._close, self._power_off):
            try:
                is_dark = means(source) or is_dark
            except Exception as error:  # any driver may raise anything; the other means is due
                failed = error
        if failed is not None:
            if not is_dark:
                raise SettingRefused(f"light {source.name!r} did not obey: {failed}") from failed
            say(logger, logging.WARNING, "light %r: %s", source.name, failed)
        return is_dark

    def _close(self, source: LightSource) -> bool:
        if not source.shutter_device:
            return False
        self._core.setShutterOpen(source.shutter_device, False)
        return not self._core.getShutterOpen(source.shutter_device)

    def _power_off(self, source: LightSource) -> bool:
        if not source.power_device:
            return False
        self._core.setProperty(source.power_device, source.power_property, _text(source, 0.0))
        if self._end_any_steps(source):
            self._core.setProperty(source.power_device, source.power_property, _text(source, 0.0))
        return self._is_off(source)

    def _end_any_steps(self, source: LightSource) -> bool:
        """End a power sequence, if one may run: ours, or one of a program that left it running.

        Returns
        -------
        bool
            Whether the power has to be set anew: that of before the sequence may be back.
        """
        if source.name in self._stepping:
            self._end_steps(source)
            return True
        device, name = source.power_device, source.power_property
        try:
            if not (source.is_dimmable and self._core.isPropertySequenceable(device, name)):
                return False
            self._core.stopPropertySequence(device, name)
        except Exception as error:  # most likely none runs; what the device says next will tell
            say(logger, logging.DEBUG, "%s %s has no sequence to end: %s", device, name, error)
        return True

    def _is_off(self, source: LightSource) -> bool:
        """Whether the power is read back as off; an answer that is no number (NaN) is not off."""
        if not source.power_device:
            return False
        # By the command: a table that gives no light below some command does not make it dark.
        return source.command_fraction(self._read_command(source)) <= source.dark_below

    def _read_power(self, source: LightSource) -> float:
        """Return the power that the device reports, as a fraction of the maximum."""
        return source.fraction(self._read_command(source))

    def _read_command(self, source: LightSource) -> float:
        """Return what the device says that it is set to, in its own units.

        What cannot be understood is refused by the caller's comparison: it counts as NaN.
        """
        found = str(self._core.getProperty(source.power_device, source.power_property))
        if source.on_text:
            words = {source.on_text: source.maximum, source.off_text: source.off_value}
            return words.get(found, float("nan"))
        try:
            return float(found)
        except ValueError:
            return float("nan")


def _text(source: LightSource, fraction: float) -> str:
    """Write a power as the device wants it; always text (Micro-Manager knows nothing else)."""
    if source.on_text:
        return source.on_text if fraction > 0 else source.off_text
    if source.power_kind == "on-off":
        return f"{source.maximum if fraction > 0 else source.off_value:g}"
    return f"{source.command(fraction):.6g}"
