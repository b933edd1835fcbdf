"""Light steps up slowly, and only with evidence: shot by shot, for each field and light."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from acquire.bounds import Given, GuardRules, allow
from acquire.errors import LightRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acquire.bounds import Allowed
    from acquire.lease import Lease
    from acquire.settings import Limits, Request
    from acquire.source import LightSource


@dataclass(slots=True)
class ShotLight:
    """What one shot may have, worked out once, and what it has had."""

    request: Request
    position: int
    allowed: dict[str, Allowed]
    left: dict[str, int]
    given: dict[str, Given] = field(default_factory=dict)
    is_clean: bool = True

    def take(self, request: Request, channel: str, n_frames: int, position: int) -> Allowed:
        """Return the light of each frame of the shot's next exposure.

        Raises
        ------
        LightRefused
            If the shot was not admitted with such an exposure.
        """
        left = self.left.get(channel, 0)
        if request is not self.request or position != self.position or n_frames > left:
            raise LightRefused(
                f"{n_frames} frames of channel {channel!r} are no part of this shot, which has "
                f"{left} left for field {self.position}"
            )
        self.left[channel] = left - n_frames
        return self.allowed[channel]

    def note(self, lease: Lease) -> None:
        """Write down what an exposure of the shot was commanded to give."""
        self.is_clean = self.is_clean and lease.is_clean
        if lease.lit_ns:
            light, allowed = lease.source, lease.allowed
            before = self.given.get(light.name, Given(0.0, 0))
            dose_j_cm2 = light.dose_j_cm2(allowed.power_fraction, allowed.exposure_ms)
            self.given[light.name] = Given(
                before.dose_j_cm2 + lease.n_frames * dose_j_cm2, before.n_frames + lease.n_frames
            )


class Slew:
    """Remembers what the last good shot of each field had of each light, and bounds the next."""

    def __init__(
        self,
        channels: Mapping[str, LightSource],
        limits: Mapping[str, Limits],
        rules: GuardRules,
    ) -> None:
        self._channels, self._limits, self._rules = dict(channels), dict(limits), rules
        self._last: dict[int, dict[str, Given]] = {}

    def admit(self, request: Request, frames: Mapping[str, int], position: int) -> ShotLight:
        """Work out what a shot may have; `frames` are its frames in each channel.

        Raises
        ------
        LightRefused
            If the request is unsafe.
        """
        for channel, n_frames in frames.items():
            source = self._channels.get(channel)
            if source is None or source.name not in self._limits:
                raise LightRefused(
                    f"channel {channel!r} has no light with limits; there are "
                    f"{sorted(self._channels)}"
                )
            if n_frames < 1:
                raise LightRefused(f"a lease is for 1 frame or more, got {n_frames}")
        last = self._last.get(position, {})
        allowed = allow(request, frames, self._channels, self._limits, last, self._rules)
        return ShotLight(request, position, allowed, dict(frames))

    def remember(self, shot: ShotLight) -> None:
        """Make a shot the last one of its field.

        One that broke off vouches for no more, and for no less, than the good one before it.
        """
        last = self._last.setdefault(shot.position, {})
        is_whole = shot.is_clean and not any(shot.left.values())
        for light, given in shot.given.items():
            if is_whole or light not in last:
                last[light] = given
