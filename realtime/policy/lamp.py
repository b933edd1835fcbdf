"""All channels of a plan under one hand: one is steered, the others keep their ratio to it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from acquire.settings import ChannelSettings
from realtime.policy.light import light_of

if TYPE_CHECKING:
    from acquire.settings import Applied, Settings
    from realtime.policy.light import LightRange


class Lamp:
    """Turns light, as one number, into the settings of every channel, and back.

    Parameters
    ----------
    span
        What may be asked for.
    channel
        Name of the channel that is steered.
    first
        The settings of the start, which say how the channels' lights relate.

    Raises
    ------
    ValueError
        If the settings do not have the channel.
    """

    def __init__(self, span: LightRange, channel: str, first: Settings) -> None:
        names = [entry.channel for entry in first.channels]
        if channel not in names:
            raise ValueError(f"policy.channel is {channel!r}, but the plan has {', '.join(names)}")
        self.channel = channel
        self._span, self._first = span, first
        self._start_light = light_of(first.of(channel))

    def used(
        self, applied: tuple[Applied, ...], asked: tuple[ChannelSettings, ...]
    ) -> tuple[ChannelSettings, ...]:
        """Return the light that was really used; what was asked for, where that is not known."""
        used = {entry.channel: entry for entry in reversed(applied) if is_light(entry)}
        return tuple(
            ChannelSettings(a.channel, used[a.channel].exposure_ms, used[a.channel].power_fraction)
            if a.channel in used
            else a
            for a in asked
        )

    def light(self, channels: tuple[ChannelSettings, ...]) -> float:
        """Return the light of the steered channel, ms at full power."""
        return next(light_of(c) for c in channels if c.channel == self.channel)

    def scaled(
        self, light: float, most: tuple[ChannelSettings, ...] | None
    ) -> tuple[ChannelSettings, ...]:
        """Return all channels with the steered one at `light`; none above its light in `most`."""
        scale = light / self._start_light if self._start_light > 0 else 0.0
        wanted = [scale * light_of(start) for start in self._first.channels]
        if most is not None:
            wanted = [min(w, light_of(m)) for w, m in zip(wanted, most, strict=True)]
        pairs = zip(wanted, self._first.channels, strict=True)
        return tuple(self._span.settings(amount, start) for amount, start in pairs)

    def change(self, now: tuple[ChannelSettings, ...], then: tuple[ChannelSettings, ...]) -> str:
        """Return what changes on the steered channel, as a person would say it."""
        a = next(c for c in now if c.channel == self.channel)
        b = next(c for c in then if c.channel == self.channel)
        words = []
        if not math.isclose(a.exposure_ms, b.exposure_ms, rel_tol=1e-3):
            words.append(f"exposure {a.exposure_ms:.3g} -> {b.exposure_ms:.3g} ms")
        if not math.isclose(a.power_fraction, b.power_fraction, rel_tol=1e-3):
            words.append(f"power {100 * a.power_fraction:.3g} -> {100 * b.power_fraction:.3g} %")
        return ", ".join(words) or f"exposure stays at {a.exposure_ms:.3g} ms"


def is_light(entry: Applied) -> bool:
    """Whether exposure and power are numbers that light can have."""
    values = (entry.exposure_ms, entry.power_fraction)
    return all(math.isfinite(v) and v >= 0 for v in values)
