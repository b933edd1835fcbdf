"""Light steps up slowly, and only with evidence: shot by shot, for each field and light."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from acquire.errors import LightExpired, LightRefused
from acquire.light.bounds import Given, GuardRules, allow
from acquire.light.frame_bounds import lower
from acquire.light.where import limits_of, table
from acquire.plan.exposure_step import on_step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from acquire.light.frame_bounds import Allowed
    from acquire.light.lease import Lease
    from acquire.light.source import LightSource
    from acquire.settings import Limits, Request


@dataclass(slots=True)
class ShotLight:
    """What one shot may have, worked out once, and what it has had."""

    request: Request
    position: int
    allowed: dict[str, Allowed]
    left: dict[str, int]
    given: dict[str, Given] = field(default_factory=dict)
    is_clean: bool = True
    is_measure: bool = True

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
            one = _least(lease.source, lease.n_frames, lease.vouched())
            self.given[lease.channel] = _sum((self.given.get(lease.channel, _NOTHING), one))


class Slew:
    """Remembers what the last good shot of each field had of each light, and bounds the next.

    It does so by channel, as not every shot has all of them: a shot is measured by what its own
    channels had when they were last taken.

    Parameters
    ----------
    steps_ms
        Channels whose exposures are multiples of a time, and that time, ms.
    """

    def __init__(
        self,
        channels: Mapping[str, LightSource],
        limits: Mapping[str, Limits],
        rules: GuardRules,
        config: str = "",
        steps_ms: Mapping[str, float] | None = None,
    ) -> None:
        self._channels, self._limits = dict(channels), dict(limits)
        self._steps_ms = dict(steps_ms or {})
        self._rules, self._config = rules, config
        self._last: dict[int, dict[str, Given]] = {}

    def shortest_ms(self, channel: str) -> float:
        """Return the shortest exposure that the light of a channel may have, ms."""
        return self._limits[self._channels[channel].name].min_exposure_ms

    def admit(
        self, request: Request, frames: Mapping[str, int], position: int, now_ns: int
    ) -> ShotLight:
        """Work out what a shot may have; `frames` are its frames in each channel.

        Raises
        ------
        LightRefused
            If the request is unsafe, or has expired (`LightExpired`).
        """
        if request.valid_until_ns and now_ns > request.valid_until_ns:
            late_ms = (now_ns - request.valid_until_ns) * 1e-6
            raise LightExpired(
                f"decision {request.decision_id} expired {late_ms:.1f} ms ago (decision_valid_s, "
                f"{table('[loop]', self._config)})"
            )
        for channel, n_frames in frames.items():
            source = self._channels.get(channel)
            if source is None or source.name not in self._limits:
                raise LightRefused(
                    f"channel {channel!r} has no light with limits; there are "
                    f"{sorted(self._channels)}"
                )
            if n_frames < 1:
                raise LightRefused(f"a lease is for 1 frame or more, got {n_frames}")
        last = self._last_of(frames, position)
        allowed = allow(
            request, frames, self._channels, self._limits, last, self._rules, self._config
        )
        for channel in self._steps_ms.keys() & allowed.keys():
            light = self._channels[channel]
            allowed[channel] = on_step(
                allowed[channel], self._steps_ms[channel], light, self._limits[light.name]
            )
        return ShotLight(request, position, allowed, dict(frames))

    def begin(self, request: Request, channel: str, allowed: Allowed, position: int) -> Allowed:
        """Return the light that a stream may begin with, after all that its field had before.

        A stream that is begun anew is the one before, going on.
        """
        last = self._last.get(position, {}).get(channel)
        if last is None:
            return allowed
        return self.no_stronger(request, channel, allowed, last.power_fraction)

    def no_stronger(
        self, request: Request, channel: str, allowed: Allowed, shown: float
    ) -> Allowed:
        """Return the light of a frame with no more power than a step above what was shown.

        In a stream one frame follows another: shorter frames of stronger light, of the same dose
        each, would be more light. Dark is never stronger; and no step, however large, leads up from
        it: endless steps of nothing are no number.

        Raises
        ------
        LightRefused
            If the light cannot be made as weak, or was not shown at all.
        """
        light = self._channels[channel]
        limits = self._limits[light.name]
        is_vouched = request.has_evidence and not request.late
        most = shown * (limits.max_step_up if is_vouched else 1.0) if shown > 0 else 0.0
        if allowed.power_fraction <= most * (1 + 1e-9):
            return allowed
        at = limits_of(light.name, self._config)
        return lower(allowed, most / allowed.power_fraction, _STRONGER, light, limits, at)

    def _last_of(self, frames: Mapping[str, int], position: int) -> dict[str, Given]:
        """Return what each light gave to these channels when they were last taken there."""
        before = self._last.get(position, {})
        found: dict[str, list[Given]] = {}
        for channel in frames:
            if channel in before:
                found.setdefault(self._channels[channel].name, []).append(before[channel])
        return {light: _sum(given) for light, given in found.items()}

    def remember(self, shot: ShotLight) -> None:
        """Make a shot the last one of its field.

        One that broke off vouches for no more, and for no less, than the good one before it.
        """
        last = self._last.setdefault(shot.position, {})
        is_whole = shot.is_clean and not any(shot.left.values())
        for channel, given in shot.given.items():
            if is_whole or channel not in last:
                last[channel] = given


def _sum(given: Iterable[Given]) -> Given:
    every = tuple(given)
    return Given(
        sum(one.dose_j_cm2 for one in every),
        sum(one.n_frames for one in every),
        max(one.power_fraction for one in every),
    )


def _least(light: LightSource, n_frames: int, each: tuple[Allowed, ...]) -> Given:
    """Return what so many frames gave of a light at least, of which each may have been the one."""
    dose_j_cm2 = min(light.dose_j_cm2(one.power_fraction, one.exposure_ms) for one in each)
    return Given(n_frames * dose_j_cm2, n_frames, min(one.power_fraction for one in each))


_NOTHING = Given(0.0, 0)
_STRONGER = "shorter frames of much stronger light are more light in a stream"
