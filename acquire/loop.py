"""The hot loop: guard, expose, publish; what happens elsewhere comes back as the next request."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from acquire.ahead import Ahead
from acquire.approach import Arrive, Plain, Stand
from acquire.burst import EVEN
from acquire.delivery import Delivery
from acquire.errors import LightOverBudget, LightRefused, ScopeError
from acquire.flow import Streamer
from acquire.pause import Pause
from acquire.reports import Outcome, ShotReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from acquire.burst import Ramp
    from acquire.camera import Image
    from acquire.clock import Clock
    from acquire.flow import Flow
    from acquire.frame import Frame, Shot
    from acquire.lease import Lease
    from acquire.light import LightGuard
    from acquire.plan import PlannedExposure, PlannedShot
    from acquire.settings import Applied, Request

__all__ = ["Outcome", "ShotReport", "Stand", "run"]

logger = logging.getLogger(__name__)


def run(
    plan: Iterable[PlannedShot],
    stand: Stand,
    guard: LightGuard,
    clock: Clock,
    camera: str,
    publish: Callable[[Frame], None],
    next_request: Callable[[Shot], Request],
    report: Callable[[ShotReport], None],
    first: Request,
    should_stop: Callable[[], bool],
    lose: Callable[[int, int, str], None] | None = None,
    has_room: Callable[[int], bool] = lambda n_frames: False,
    pause: Pause | None = None,
    arrive: Arrive | None = None,
    ramp: Ramp = EVEN,
    flow: Flow | None = None,
) -> Outcome:
    """Take all shots of a plan, each after the decision on the one before, and end dark.

    Decisions belong to a field: the request that follows a shot is used for the next shot of the
    same field. A request that the guard refuses counts as a decision that never came: the field
    goes back to its last good request, and the guard holds, lowers, and at last gives no light.
    A `ScopeError` ends the run in good order and is returned with the outcome; any other error
    is a bug: it passes through, and the light is off all the same.

    Parameters
    ----------
    camera
        The camera's label, for the frames.
    publish
        Takes each frame, after its light is off. It may wait; but see `has_room`.
    next_request
        Waits, within the shot's deadline, for the request that follows a finished shot.
    report
        Takes what became of each shot, after its frames.
    first
        The request in force for each field until a decision comes.
    should_stop
        Asked before each shot, and before each exposure of it.
    lose
        Takes the first and last sequence number of frames that were lost, and why.
    has_room
        Whether `publish` would take so many frames without waiting for anybody.
    pause
        Where a person lets the run wait, in the dark, between shots.
    arrive
        Comes to where an exposure is taken, in the dark (`acquire.arrival`); without one, channel
        and place are set, and a plan may ask for nothing more.
    ramp
        How the frames of each exposure differ, where it has more than one (`acquire.burst`).
    flow
        Given, the camera runs on by itself, and no shot waits for a decision (`acquire.flow`).
    """
    delivery = Delivery(camera, publish, lose, has_room)
    loop = _Loop(
        plan,
        stand,
        guard,
        clock,
        delivery,
        next_request,
        report,
        should_stop,
        pause or Pause(),
        arrive or Plain(stand),
        ramp,
        flow,
    )
    return loop.run(first)


class _Loop:
    """What a run keeps in mind between shots; a stream takes them otherwise (`acquire.flow`)."""

    def __init__(
        self,
        plan: Iterable[PlannedShot],
        stand: Stand,
        guard: LightGuard,
        clock: Clock,
        delivery: Delivery,
        next_request: Callable[[Shot], Request],
        report: Callable[[ShotReport], None],
        should_stop: Callable[[], bool],
        pause: Pause,
        arrive: Arrive,
        ramp: Ramp,
        flow: Flow | None,
    ) -> None:
        self._plan, self._delivery, self._pause = Ahead(plan), delivery, pause
        self._stand, self._guard, self._clock = stand, guard, clock
        self._arrive = arrive
        self._next_request = next_request
        self._report, self._should_stop = report, should_stop
        self._requests: dict[int, Request] = {}
        self._good: dict[int, Request] = {}
        self._started_s: dict[int, float] = {}
        self._waited_ns = 0
        self._timer_s = 0.0
        self._ramp, self._flow = ramp, flow
        self._streamer = flow and Streamer(
            flow, self._plan, arrive, guard, clock, delivery, report, self._good, self._should_end
        )

    def run(self, first: Request) -> Outcome:
        error: ScopeError | None = None
        try:
            reason = self._shots(first)
        except ScopeError as ending:
            error, reason = ending, str(ending)
        finally:
            is_dark = self._guard.all_dark()
        if error is not None:
            logger.error("the run ends: %s", error)
        return Outcome(
            is_complete=not reason,
            reason=reason or "the plan is done",
            last_seq=self._delivery.next_seq - 1,
            n_frames=self._delivery.n_frames,
            is_dark=is_dark,
            error=error,
        )

    def _shots(self, first: Request) -> str:
        """Return why it ended before the plan did; empty if it did not."""
        while (planned := self._plan.take()) is not None:
            field = planned.shot.position
            request = self._requests.get(field, first)
            objection = self._guard.objection(request)
            self._wait_for(planned, 0.0 if objection else request.settings.interval_s)
            self._pause.wait(self._should_stop)
            if self._should_stop():
                return "stopped"
            shot = planned if objection else planned.with_planes(request.settings)
            refusal: LightRefused | None = None
            take = self._take if self._streamer is None else self._streamer.take
            try:
                if not take(shot, request, objection):
                    return "stopped"
            except LightOverBudget:
                return "budget spent"
            except LightRefused as error:
                if self._guard.is_stopped:
                    if self._pause.is_on:  # the next shot waits for a person
                        continue
                    return "the light was stopped"
                if field not in self._good:
                    raise
                logger.warning("decision %d is refused: %s", request.decision_id, error)
                refusal = error
            self._plan.look()
            taken, request = (shot.shot, request) if self._streamer is None else self._streamer.last
            self._requests[field] = self._request_after(taken, request, refusal)
        return ""

    def _request_after(self, shot: Shot, request: Request, refusal: LightRefused | None) -> Request:
        """Return what the field's next shot may use."""
        if refusal is None:
            self._good[shot.position] = request
            if self._flow is not None:
                return self._flow.newest(shot, 0.0)
        elif not request.late:  # nothing new was seen, so nobody can decide anew
            return msgspec.structs.replace(
                self._good[shot.position], late=1, has_evidence=False, valid_until_ns=0
            )
        return self._next_request(shot)

    def _take(self, planned: PlannedShot, request: Request, objection: str) -> bool:
        """Guard, expose, publish: every exposure of one shot; return False if told to stop."""
        shot, delivery = planned.shot, self._delivery
        first_seq, before_ns = delivery.next_seq, delivery.last_frame_ns
        applied: list[Applied] = []
        latency_ns, refused = 0, ""
        try:
            if objection:
                raise LightRefused(objection)
            with self._guard.shot(request, planned.frames(), shot.position):
                for one in planned.exposures:
                    if self._should_stop():
                        refused = "stopped"
                        break
                    there = self._arrive(one, shot)
                    if self._should_stop():  # a person may have ended it while it waited there
                        refused = "stopped"
                        break
                    for frames in self._at_once(there):
                        lease = self._expose(there, frames, shot, request, first_seq)
                        if before_ns and not applied:
                            latency_ns = lease.ready_ns - before_ns - self._waited_ns
                        applied += lease.all_applied()
            if refused and delivery.next_seq > first_seq:
                delivery.lose(first_seq + shot.n_frames - 1, refused)
        except ScopeError as error:
            refused = str(error)
            is_begun = delivery.next_seq > first_seq or not isinstance(error, LightRefused)
            if is_begun:  # frames were promised, and listeners count on them
                delivery.lose(first_seq + shot.n_frames - 1, refused)
            raise
        finally:
            report = ShotReport(
                shot, request.decision_id, first_seq, tuple(applied), latency_ns, refused
            )
            self._report(report)
        return not refused

    def _at_once(self, one: PlannedExposure) -> list[range]:
        """Return the frames of an exposure that the hardware takes by itself: all, if it can.

        A burst whose frames differ is taken frame by frame where a device cannot step: the same
        light, only slower.
        """
        if one.n_frames == 1 or self._guard.can_step(one.channel, one.n_frames, self._ramp):
            return [range(one.n_frames)]
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

    def _should_end(self) -> bool:
        return self._should_stop() or self._pause.is_on

    def _wait_for(self, planned: PlannedShot, interval_s: float) -> None:
        """Let the shot's time come: the plan's, or the interval that was asked for (0: none)."""
        field = planned.shot.position
        if planned.resets_timer:
            self._timer_s = self._clock.now_s()
        due_s = self._timer_s + planned.min_start_s
        if interval_s and field in self._started_s:
            due_s = self._started_s[field] + interval_s
        before_ns = time.perf_counter_ns()
        self._clock.advance_to(due_s)
        self._waited_ns = time.perf_counter_ns() - before_ns
        self._started_s[field] = self._clock.now_s()
