"""One shot after the other: guard, expose, publish; light only while a shot is exposed."""

from __future__ import annotations

import logging
from collections import deque
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import msgspec

from acquire.errors import LightRefused, ScopeError
from acquire.loop.reports import ShotReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from acquire.camera import Image
    from acquire.frame import Shot
    from acquire.light.lease import Lease
    from acquire.loop.burst import Ramp
    from acquire.loop.hands import Hands
    from acquire.plan.plan import PlannedExposure, PlannedShot
    from acquire.settings import Applied, Request

logger = logging.getLogger(__name__)


class Shooter:
    """Takes a shot (`acquire.loop.loop.Taker`): each of its exposures is a lease of its own.

    Parameters
    ----------
    following
        Waits, within the shot's deadline, for the request that follows it.
    ramp
        How the frames of a burst differ.
    """

    last: tuple[Shot, Request]

    def __init__(
        self,
        hands: Hands,
        following: Callable[[Shot], Request],
        should_stop: Callable[[], bool],
        ramp: Ramp,
    ) -> None:
        self.good: dict[int, Request] = {}
        self.following = following
        self._hands, self._plan, self._guard = hands, hands.plan, hands.guard
        self._clock, self._delivery = hands.clock, hands.delivery
        self._should_stop, self._ramp = should_stop, ramp
        self._has_warned = False

    def take(self, planned: PlannedShot, request: Request, objection: str, waited_ns: int) -> bool:
        """Guard, expose, publish: every exposure of one shot; return False if told to stop."""
        shot, delivery = planned.shot, self._delivery
        self.last = (shot, request)
        first_seq, before_ns = delivery.next_seq, delivery.last_frame_ns
        applied: list[Applied] = []
        latency_ns, refused = 0, ""
        try:
            if objection:
                raise LightRefused(objection)
            with self._guard.shot(request, planned.frames(), shot.position):
                for one in planned.exposures:
                    if self._should_stop():
                        break
                    there = self._hands.arrive(one, shot)
                    if self._should_stop():  # a person may have ended it while it waited there
                        break
                    for lease in self._leases(there, planned, request, first_seq):
                        if before_ns and not applied:
                            latency_ns = lease.ready_ns - before_ns - waited_ns
                        applied += lease.all_applied()
            if delivery.next_seq < first_seq + shot.n_frames:
                refused = "stopped"
                if delivery.next_seq > first_seq:
                    delivery.lose(first_seq + shot.n_frames - 1, refused)
        except ScopeError as error:
            refused = self._hands.break_off(shot, first_seq, error)
            raise
        finally:
            report = ShotReport(
                shot, request.decision_id, first_seq, tuple(applied), latency_ns, refused
            )
            self._hands.report(report)
        self.good[shot.position] = request
        return not refused

    def _leases(
        self, one: PlannedExposure, planned: PlannedShot, request: Request, first_seq: int
    ) -> Iterator[Lease]:
        """Take an exposure, each part of it under a lease of its own; in an audit, twice.

        The guard takes the second look for a shot in the shot: it gets what the first one got, is
        reserved and booked like it, and the field's next shot is not measured by it.
        """
        shot = planned.shot
        for look in range(one.looks):
            with self._again(planned, request) if look else nullcontext(request) as asked:
                for frames in self._at_once(one):
                    if (frames.start or look) and self._should_stop():
                        return
                    yield self._expose(one, frames, shot, asked, first_seq)

    @contextmanager
    def _again(self, planned: PlannedShot, request: Request) -> Iterator[Request]:
        """Let the guard admit a second look; a decision that was in time for the first one is."""
        asked = msgspec.structs.replace(request, valid_until_ns=0)
        shot = planned.shot
        with self._guard.shot(asked, planned.frames(), shot.position, is_measure=False):
            yield asked

    def _at_once(self, one: PlannedExposure) -> list[range]:
        """Return the frames of an exposure that the hardware takes by itself: all, if it can.

        A burst whose frames differ is taken frame by frame where a device cannot step: the same
        light, only slower.
        """
        if one.n_frames == 1 or self._guard.can_step(one.channel, one.n_frames, self._ramp):
            return [range(one.n_frames)]
        if not self._has_warned:
            self._has_warned = True
            logger.warning("no device steps through these bursts: they are taken frame by frame")
        return [range(frame, frame + 1) for frame in range(one.n_frames)]

    def _expose(
        self, one: PlannedExposure, frames: range, shot: Shot, request: Request, first_seq: int
    ) -> Lease:
        """Take some frames of one exposure, and publish them in the dark.

        It is dark as soon as the camera has blanked the light behind the last frame: whoever
        decides then begins while the shutter closes, if nothing has to be waited for.
        """
        images: deque[Image] = deque()
        t_s = self._clock.now_s()
        published = 0
        try:
            with self._guard.expose(
                request, one.channel, len(frames), shot.position, self._ramp, frames.start
            ) as lease:
                lease.start()
                if lease.is_blanked:
                    self._plan.look()
                while len(images) < len(frames):
                    images.append(lease.pop())
                if lease.is_spent and self._delivery.has_room(len(images)):
                    lease.applied = lease.final()
                    while images:
                        applied = lease.applied_of(published)
                        self._delivery.publish(images.popleft(), one, shot, first_seq, t_s, applied)
                        published += 1
        finally:  # in the dark again; what came before a fault is published too
            for frame, image in enumerate(images, start=published):
                applied = lease.applied_of(frame)
                self._delivery.publish(image, one, shot, first_seq, t_s, applied)
        return lease
