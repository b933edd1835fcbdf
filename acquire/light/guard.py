"""The door of the light. Nothing opens a shutter, sets a power or starts an exposure but this.

An exposure is a *lease*: it is bounded, booked, known to the keeper and read back before light, and
whatever ends it, it ends dark: light first, camera second, account third.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeVar

from acquire.asleep import slept_ns
from acquire.errors import LightRefused
from acquire.light.account import Account
from acquire.light.bounds import GuardRules
from acquire.light.darkness import Darkness, check_shared_shutters
from acquire.light.ending import Ending
from acquire.light.lease import Lease
from acquire.light.lighting import Lighting
from acquire.light.shots import Shots
from acquire.light.slew import Slew
from acquire.light.stop import StopLight
from acquire.light.stream import Stream
from acquire.light.streaming import Streaming
from acquire.loop.burst import EVEN
from acquire.loop.habit import Habit

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from acquire.dose import Ledger
    from acquire.light.frame_bounds import Allowed
    from acquire.light.ports import ExposingCamera, Keeper, Lights
    from acquire.light.slew import ShotLight
    from acquire.light.source import LightSource
    from acquire.loop.burst import Ramp
    from acquire.settings import Limits, Request

AnyLease = TypeVar("AnyLease", bound=Lease)


class LightGuard(StopLight, Shots):
    """Spend light by leases, within limits and budget, and never leave it on.

    A guard begins and ends dark: one that cannot get every declared light dark is not made.

    Parameters
    ----------
    channels
        The light of each channel of the plan.
    limits
        Hard bounds of each light, by its name.
    ledger
        The account that every exposure is booked in.
    keeper
        Who turns the light off if this process cannot.
    heads_up
        Called when a frame is due any moment; whoever will have to do with it can wake up.
    where
        Where the stage stands, x and y, um; asked before each exposure, for the ledger's map.
    config
        Name of the config file that says all this; who is refused is told where to look.
    steps_ms
        Channels whose exposures are multiples of a time, such as a spinning disk's, ms.
    slept_ns
        For how long the computer has slept: `now_ns` stands still meanwhile, and light does not.

    Raises
    ------
    LightNotDark
        If a declared light cannot be switched off.
    SettingRefused
        If a light cannot be opened without another one, behind the same shutter.
    """

    def __init__(
        self,
        lights: Lights,
        camera: ExposingCamera,
        keeper: Keeper,
        ledger: Ledger,
        channels: Mapping[str, LightSource],
        limits: Mapping[str, Limits],
        rules: GuardRules | None = None,
        now_ns: Callable[[], int] = time.perf_counter_ns,
        heads_up: Callable[[], None] = lambda: None,
        where: Callable[[], tuple[float, float] | None] = lambda: None,
        config: str = "",
        steps_ms: Mapping[str, float] | None = None,
        slept_ns: Callable[[], int] = slept_ns,
    ) -> None:
        self._lights, self._camera, self._keeper = lights, camera, keeper
        self._channels = dict(channels)
        self._rules, self._config = rules or GuardRules(), config
        self._slew = Slew(channels, limits, self._rules, config, steps_ms)
        self._now_ns, self._heads_up, self._habit = now_ns, heads_up, Habit()
        self._lighting, self._darkness = Lighting(lights, now_ns, config), Darkness(lights)
        self._stopped = self._lighting.stopped
        self._lease: Lease | None = None
        self._shot: ShotLight | None = None
        self._account = Account(ledger, lights.sources, self._rules, now_ns, where, slept_ns)
        self._streaming = Streaming(
            self._slew, self._account, self._lighting, keeper, self._rules, now_ns
        )
        self._ending = Ending(
            self._darkness, camera, keeper, self._account, self._rules.tries, self._stopped, now_ns
        )
        self._darkness.begin()
        check_shared_shutters(lights.sources)

    @contextmanager
    def expose(
        self,
        request: Request,
        channel: str,
        n_frames: int,
        position: int,
        ramp: Ramp = EVEN,
        first_frame: int = 0,
    ) -> Generator[Lease]:
        """Give light for one exposure or burst: `with guard.expose(...) as lease:`.

        Outside of a `shot` it is a shot of its own.

        Parameters
        ----------
        ramp, first_frame
            How the frames of a burst differ, and which of them the first one is; ask `can_step`
            before more than one of them.

        Raises
        ------
        LightRefused
            Before any light: the request is unsafe, late, expired (`LightExpired`), or the field's
            budget cannot pay (`LightOverBudget`), or the light was stopped.
        KeeperLost
            Before any light: nobody would turn it off if this process died.
        SettingRefused
            Before any frame: a device did not take its value.
        CameraTimeout
            From `lease.pop`: the camera gave no frame in time. It is dark.
        LightNotDark
            On leaving: a light did not obey. The keeper was called if it may still be on.
        """
        self._check_free()
        ours = self._shot
        with (
            nullcontext(ours) if ours else self.shot(request, {channel: n_frames}, position)
        ) as shot:
            allowed = shot.take(request, channel, n_frames, position)
            lease = self._new(Lease, channel, n_frames, position, allowed)
            frames = range(first_frame, first_frame + n_frames)
            lease.steps = ramp.steps(allowed, frames, lease.source, self._slew.shortest_ms(channel))
            with self._give(lease, request, shot):
                yield lease

    def can_step(self, channel: str, n_frames: int, ramp: Ramp) -> bool:
        """Whether the hardware can step through a burst whose frames differ, by itself."""
        source = self._channels[channel]
        if ramp.changes_exposure(source) and not self._camera.can_step(n_frames):
            return False
        if not ramp.changes_power(source):
            return True
        # Light that we blank shines between the frames, too: nobody knows with which power.
        is_timed = source.gate in ("camera", "sequencer")
        return is_timed and self._lights.can_step(source, n_frames)

    @contextmanager
    def stream(
        self, request: Request, channel: str, n_frames: int, position: int, lag_frames: int = 1
    ) -> Generator[Stream]:
        """Give light for as long as the lease is renewed: `with guard.stream(...) as lease:`.

        Each change of light is bounded as a shot of `n_frames` frames.

        Parameters
        ----------
        lag_frames
            Frames, the one that is being exposed included, that keep the old exposure when it is
            changed.

        Raises
        ------
        LightRefused, KeeperLost, SettingRefused, CameraTimeout, LightNotDark
            As `expose` does; and from `lease.renew` and `lease.change`.
        """
        self._check_free()
        with self.shot(request, {channel: n_frames}, position) as shot:
            allowed = shot.take(request, channel, n_frames, position)
            allowed = self._slew.begin(request, channel, allowed, position)
            lease = self._new(Stream, channel, n_frames, position, allowed)
            lease.hands, lease.shot, lease.lag_frames = self._streaming, shot, lag_frames
            lease.window_ms = self._rules.lease_margin_ms / 2
            with self._give(lease, request, shot):
                yield lease

    @contextmanager
    def _give(self, lease: Lease, request: Request, shot: ShotLight) -> Generator[None]:
        """Light up for a lease that was admitted, and make it dark again."""
        lease.ticket = self._account.reserve(lease)
        self._lease = lease
        try:
            try:
                self._lighting.set_exposure(lease, self._rules.exposure_tolerance)
                if lease.steps_exposure:
                    lease.camera.step_exposures([one.exposure_ms for one in lease.steps])
                lease.begin(self._rules)
                self._keeper.announce(lease.deadline_ns)
                if lease.allowed.power_fraction > 0:
                    self._lighting.light_up(lease, self._keeper.confirm)
                else:
                    self._keeper.confirm()
                lease.ready_ns = lease.ready_ns or self._now_ns()
                lease.applied = lease.truth(request)
                yield
                lease.is_clean = lease.is_whole
            except BaseException:
                lease.is_clean = False
                raise
            finally:
                self._ending.end(lease, shot)
        finally:
            self._ending.end(lease, shot)  # what an interrupt has cut off of it; else nothing
            self._lease = None

    # Before light: everything that can be refused without touching a device.

    def _check_free(self) -> None:
        if self._lease is not None:
            raise LightRefused("one lease at a time: the last exposure has not ended")

    def _new(
        self, kind: type[AnyLease], channel: str, n_frames: int, position: int, allowed: Allowed
    ) -> AnyLease:
        self._lighting.check_stopped()
        return kind(
            source=self._channels[channel],
            channel=channel,
            position=position,
            n_frames=n_frames,
            allowed=allowed,
            camera=self._camera,
            check_stopped=self._lighting.check_stopped,
            now_ns=self._now_ns,
            nap=self._stopped.wait,
            heads_up=self._heads_up,
            habit=self._habit,
        )
