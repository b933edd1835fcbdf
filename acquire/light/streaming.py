"""The guard's hands while a stream runs: its lease is renewed, and its light is changed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from acquire.errors import LightRefused, SettingRefused
from acquire.light.stream import Change

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.light.account import Account
    from acquire.light.bounds import GuardRules
    from acquire.light.frame_bounds import Allowed
    from acquire.light.lighting import Lighting
    from acquire.light.ports import Keeper
    from acquire.light.slew import Slew
    from acquire.light.stream import Stream
    from acquire.settings import Request


class Streaming:
    """Renews and changes streams; only `LightGuard` holds one.

    Everything that bounds an exposure bounds a change, too: it is admitted as a shot of its field,
    paid for before it is set, and read back.
    """

    def __init__(
        self,
        slew: Slew,
        account: Account,
        lighting: Lighting,
        keeper: Keeper,
        rules: GuardRules,
        now_ns: Callable[[], int],
    ) -> None:
        self._slew, self._account, self._lighting = slew, account, lighting
        self._keeper, self._rules, self._now_ns = keeper, rules, now_ns

    def renew(self, lease: Stream) -> None:
        """Book, reserve, and let the keeper know of the later deadline before the old one."""
        self._lighting.check_stopped()
        self._account.roll(lease)
        lease.begin(self._rules)
        self._keeper.announce(lease.deadline_ns)
        self._keeper.confirm()

    def change(self, lease: Stream, request: Request) -> bool:
        """Change the light of a stream (`Stream.change`)."""
        self._lighting.check_stopped()
        settings = request.settings
        if settings.z_um or settings.interval_s:
            raise LightRefused(
                "a stream has no planes and no interval: it takes one plane, as fast as it can"
            )
        self._vouch(lease)
        frames = {lease.channel: lease.n_frames}
        shot = self._slew.admit(request, frames, lease.position, self._now_ns())
        allowed = shot.take(request, lease.channel, lease.n_frames, lease.position)
        if (allowed.power_fraction > 0) != (lease.allowed.power_fraction > 0):
            return False  # whether there is light at all is for the switch
        if allowed.power_fraction > 0:  # dark is never stronger, and no multiple of it is a bound
            shown = lease.applied.power_fraction
            allowed = self._slew.no_stronger(request, lease.channel, allowed, shown)
        was, before = lease.allowed, self._taken(lease)
        if _light(allowed) != _light(was):
            self._account.roll(lease, allowed)
            lease.begin(self._rules)
            self._keeper.announce(lease.deadline_ns)
            self._keeper.confirm()
            if allowed.exposure_ms != was.exposure_ms and not self._could_set(lease):
                lease.allowed = was  # it ends as it was, and vouches for no more
                return False
        lease.allowed = allowed
        start_ns = self._now_ns()
        if allowed.power_fraction != was.power_fraction:
            self._lighting.set_power(lease)
        lease.ready_ns = self._now_ns()
        self._note(lease, request, before, (start_ns + lease.ready_ns) // 2)
        lease.shot = shot
        return True

    def _vouch(self, lease: Stream) -> None:
        """Let the light of now bound what comes next, once frames have shown it."""
        if lease.n_popped >= lease.n_frames and not lease.changes:
            lease.shot.note(lease)
            self._slew.remember(lease.shot)
            lease.shot.given.clear()  # it is asked again, at the latest when the lease ends

    def _could_set(self, lease: Stream) -> bool:
        """Set the exposure; a camera that takes none while it runs is started anew."""
        try:
            lease.camera.set_exposure(lease.light_of(0).exposure_ms)
        except SettingRefused:
            return False
        self._lighting.set_exposure(lease, self._rules.exposure_tolerance)
        return True

    def _taken(self, lease: Stream) -> int:
        """Return how many frames are done: the next one is being exposed."""
        return lease.n_popped + lease.camera.n_waiting()

    def _note(self, lease: Stream, request: Request, before: int, at_ns: int) -> None:
        """Note a change; where a frame ended meanwhile, the later one is the first to show it."""
        after = self._taken(lease)
        settle = math.ceil(lease.source.settle_ms / lease.source.on_ms(lease.exposure_read_ms))
        last = lease.changes[-1].applied if lease.changes else lease.applied
        power = lease.allowed.power_fraction
        applied = msgspec.structs.replace(
            last,
            exposure_ms=lease.allowed.exposure_ms,
            exposure_read_ms=lease.exposure_read_ms,
            power_fraction=power,
            power_read_fraction=lease.power_read_fraction,
            irradiance_w_cm2=lease.source.irradiance_w_cm2(power),
            decision_id=request.decision_id,
            late=request.late,
            clamped="; ".join(lease.allowed.reasons),
        )
        first = after + max(1, lease.lag_frames) + settle
        lease.note(Change(applied, request, at_ns, before, first))


def _light(allowed: Allowed) -> tuple[float, float]:
    return allowed.exposure_ms, allowed.power_fraction
