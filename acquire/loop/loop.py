"""The hot loop: guard, expose, publish; what happens elsewhere comes back as the next request."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Protocol

import msgspec

from acquire.errors import LightOverBudget, LightRefused, ScopeError
from acquire.loop.ahead import Ahead
from acquire.loop.approach import Arrive, Plain, Stand
from acquire.loop.burst import EVEN
from acquire.loop.delivery import Delivery
from acquire.loop.flow import Streamer
from acquire.loop.hands import Hands
from acquire.loop.pause import Pause
from acquire.loop.reports import Outcome, ShotReport
from acquire.loop.shoot import Shooter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from acquire.clock import Clock
    from acquire.frame import Frame, Shot
    from acquire.light.guard import LightGuard
    from acquire.loop.burst import Ramp
    from acquire.loop.flow import Flow
    from acquire.plan.plan import PlannedShot
    from acquire.settings import Request

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

    The request that follows a shot is used for the next shot of the same field. A request that the
    guard refuses counts as a decision that never came: the field goes back to its last good one,
    and the guard holds, lowers, and at last gives no light. A `ScopeError` ends the run in good
    order and is returned with the outcome; any other error is a bug: it passes through, and the
    light is off all the same.

    Parameters
    ----------
    camera, publish, lose, has_room
        See `acquire.loop.delivery`; `publish` takes each frame after its light is off.
    next_request
        Waits, within the shot's deadline, for the request that follows a finished shot.
    report
        Takes what became of each shot, after its frames.
    first
        The request in force for each field until a decision comes.
    should_stop
        Asked before each shot, and before each exposure of it.
    pause, arrive, ramp, flow
        See `acquire.loop`: its `pause`, `approach`, `burst`, `flow`. Without them nobody may let
        the run wait, a plan asks for channel and place alone, frames of a burst are alike, and
        each shot waits for the decision on the one before.
    """
    ahead, delivery = Ahead(plan), Delivery(camera, publish, lose, has_room)
    pause, arrive = pause or Pause(), arrive or Plain(stand)
    hands = Hands(ahead, arrive, guard, clock, delivery, report)
    taker: Taker = Shooter(hands, next_request, should_stop, ramp)
    if flow is not None:
        taker = Streamer(hands, flow, lambda: should_stop() or pause.is_on)
    return _Loop(ahead, taker, guard, clock, delivery, next_request, should_stop, pause).run(first)


class Taker(Protocol):
    """Takes shots: one at a time (`acquire.loop.shoot`), or without a pause (`acquire.loop.flow`).

    Attributes
    ----------
    last
        The last shot that was begun, and the request in force then.
    good
        Of each field, the last request that was followed.
    """

    last: tuple[Shot, Request]
    good: dict[int, Request]

    def take(self, planned: PlannedShot, request: Request, objection: str, waited_ns: int) -> bool:
        """Guard, expose, publish; return False if told to stop.

        Parameters
        ----------
        objection
            What speaks against the request; empty for nothing.
        waited_ns
            Time since the shot before that the plan told us to wait: it is no latency.

        Raises
        ------
        LightRefused
            If there is no light. It is dark, and the shot is told.
        """
        ...

    def following(self, shot: Shot) -> Request:
        """Return what the field's next shot may use, after one that was taken."""
        ...


class _Loop:
    """What a run keeps in mind between shots."""

    def __init__(
        self,
        plan: Ahead,
        taker: Taker,
        guard: LightGuard,
        clock: Clock,
        delivery: Delivery,
        next_request: Callable[[Shot], Request],
        should_stop: Callable[[], bool],
        pause: Pause,
    ) -> None:
        self._plan, self._taker, self._delivery, self._pause = plan, taker, delivery, pause
        self._guard, self._clock = guard, clock
        self._next_request, self._should_stop = next_request, should_stop
        self._requests: dict[int, Request] = {}
        self._started_s: dict[int, float] = {}
        self._waited_ns = 0
        self._timer_s = 0.0

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
            if request.late:  # nobody listens, so that a second look would be light for nothing
                shot = shot.plain()
            refusal: LightRefused | None = None
            try:
                if not self._taker.take(shot, request, objection, self._waited_ns):
                    return "stopped"
            except LightOverBudget:
                return "budget spent"
            except LightRefused as error:
                if self._guard.is_stopped:
                    if self._pause.is_on:  # the next shot waits for a person
                        continue
                    return "the light was stopped"
                if field not in self._taker.good:
                    raise
                logger.warning("decision %d is refused: %s", request.decision_id, error)
                refusal = error
            self._plan.look()
            self._requests[field] = self._request_after(*self._taker.last, refusal)
        return ""

    def _request_after(self, shot: Shot, request: Request, refusal: LightRefused | None) -> Request:
        """Return what the field's next shot may use."""
        if refusal is None:
            return self._taker.following(shot)
        # Nothing new was seen, so nobody can decide anew: what was refused stays so for ever.
        late = 1
        if request.late:
            following = self._next_request(shot)
            if not following.late or following.decision_id != request.decision_id:
                return following
            late = following.late
        return msgspec.structs.replace(
            self._taker.good[shot.position], late=late, has_evidence=False, valid_until_ns=0
        )

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
