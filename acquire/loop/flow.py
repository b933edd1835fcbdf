"""The streaming loop: guard once, then expose and publish without a pause between shots.

The newest decision is used as soon as it is there. It is late when it took longer than its
deadline, and then the guard holds, lowers and ends the light as it does between shots.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from acquire.errors import LightOverBudget, LightRefused, PlanRefused, ScopeError
from acquire.loop.reports import ShotReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.frame import Shot
    from acquire.light.stream import Change, Stream
    from acquire.loop.hands import Hands
    from acquire.plan.plan import PlannedExposure, PlannedShot
    from acquire.settings import Applied, Request

logger = logging.getLogger(__name__)

_KEPT = 512  # shots whose time is kept until they are decided on; proposed
_LISTEN_S = 5e-3  # so long for a decision at a time, and then a look at the camera; proposed
_AWAKE_S = 1e-3  # before a frame is due, we look at nothing but the camera; proposed


class Flow(NamedTuple):
    """What a stream needs of the world.

    Attributes
    ----------
    newest
        Returns what a shot's field may use by the newest decision; may wait so many seconds for it.
    should_rest
        Whether the stream should end for now: what is taken could not be saved.
    rest
        Waits, in the dark, until it may go on.
    lag_frames
        Frames that keep the old exposure when it is changed.
    """

    newest: Callable[[Shot, float], Request]
    should_rest: Callable[[], bool] = lambda: False
    rest: Callable[[], object] = lambda: None
    lag_frames: int = 1


class Streamer:
    """Takes shots of one field (`acquire.loop.loop.Taker`) for as long as the plan stays there.

    Parameters
    ----------
    should_end
        Whether the run is to stop, or to pause.
    """

    last: tuple[Shot, Request]

    def __init__(
        self,
        hands: Hands,
        flow: Flow,
        should_end: Callable[[], bool],
    ) -> None:
        self._hands, self._flow, self._plan, self._guard = hands, flow, hands.plan, hands.guard
        self._clock, self._delivery = hands.clock, hands.delivery
        self._should_end = should_end
        self.good: dict[int, Request] = {}
        self._frame_ns: dict[int, int] = {}
        self._latencies: dict[int, int] = {}
        self._first_seq = 0
        self._goes_on = True
        self._told: Change | None = None

    def take(
        self, planned: PlannedShot, request: Request, objection: str, waited_ns: int = 0
    ) -> bool:
        """Guard, expose, publish, for as long as the plan stays and nobody wants it to end.

        Raises
        ------
        PlanRefused
            If a shot has more than one exposure: a stream cannot go elsewhere between frames.
        LightRefused
            If there is no more light. It is dark, and the shot is told.
        """
        if len(planned.exposures) != 1:
            raise PlanRefused(
                f"a stream takes one channel and one plane, and shot {planned.shot.number} has "
                f"{len(planned.exposures)} exposures: use mode event or burst"
            )
        self._first_seq, self.last = self._delivery.next_seq, (planned.shot, request)
        try:
            if objection:
                raise LightRefused(objection)
            self._run(planned, request)
        except ScopeError as error:
            self._break_off(error)
            raise
        self._flow.rest()
        return True

    def following(self, shot: Shot) -> Request:
        """Return what the newest decision says."""
        return self._flow.newest(shot, 0.0)

    def _run(self, planned: PlannedShot, request: Request) -> None:
        """Take shot after shot under one lease."""
        shot = planned.shot
        with self._guard.shot(request, planned.frames(), shot.position):
            one = self._hands.arrive(
                planned.exposures[0], shot
            )  # which may search the focus, with light
        with self._guard.stream(
            request, one.channel, one.n_frames, shot.position, self._flow.lag_frames
        ) as lease:
            lease.idle = lambda: self._listen(lease)
            lease.start()
            self._begin(lease, shot, request)
            following: PlannedShot | None = planned
            while following is not None:
                planned = following
                one = replace(one, index=planned.exposures[0].index)
                self._frames(lease, one, planned.shot)
                following = self._follow(lease, planned)

    def _begin(self, lease: Stream, shot: Shot, request: Request) -> None:
        """Tell of the light that the stream begins with."""
        self.good[shot.position] = request
        self._told, self._goes_on = None, True
        self._tell(shot, request.decision_id, (lease.applied,), self._latency(lease, request))

    def _frames(self, lease: Stream, one: PlannedExposure, shot: Shot) -> None:
        """Publish the frames of one shot as they come, each with what it was taken with."""
        delivery, first_seq = self._delivery, self._delivery.next_seq
        self._first_seq, self.last = first_seq, (shot, self.last[1])
        for _ in range(one.n_frames):
            image, applied = lease.pop_truth()
            if lease.last_change is not self._told and lease.last_change is not None:
                self._tell_change(lease, shot, lease.last_change)
            if not delivery.has_room(1):  # light is on: nobody is waited for
                delivery.lose(delivery.next_seq, "the recorder was a whole ring behind")
                continue
            t_s = max(0.0, self._clock.now_s() - applied.exposure_read_ms * 1e-3)
            delivery.publish(image, one, shot, first_seq, t_s, applied)
        self._frame_ns[shot.number] = image.t_ns
        if len(self._frame_ns) > _KEPT:
            del self._frame_ns[next(iter(self._frame_ns))]

    def _follow(self, lease: Stream, planned: PlannedShot) -> PlannedShot | None:
        """Return the plan's next shot if the stream goes on with it; None if it is to end."""
        if self._should_end() or self._flow.should_rest():
            return None
        lease.renew()
        if not self._heed(lease, 0.0):
            return None
        following = self._plan.look()
        if following is None or not _is_same_place(planned, following):
            return None
        return self._plan.take()

    def _listen(self, lease: Stream) -> bool:
        """Listen for a decision while the camera exposes; False: the next frame is due soon."""
        left_s = lease.due_in_s() - _AWAKE_S
        if left_s <= 0 or not self._goes_on:
            return False
        self._heed(lease, min(left_s, _LISTEN_S))
        return True

    def _heed(self, lease: Stream, wait_s: float) -> bool:
        """Follow the newest decision; return False if the stream has to begin anew for it."""
        shot, asked = self.last
        request = self._flow.newest(shot, wait_s)
        if request is not asked:
            self._goes_on = self._goes_on and self._change(lease, shot, request)
        return self._goes_on

    def _change(self, lease: Stream, shot: Shot, request: Request) -> bool:
        """Follow a request; return False if the stream has to begin anew for it."""
        self.last = (shot, request)
        try:
            goes_on = lease.change(request)
        except LightOverBudget:
            raise
        except LightRefused as error:
            if request.late or self._guard.is_stopped:
                raise
            logger.warning("decision %d is refused: %s", request.decision_id, error)
            return True  # as it was
        if goes_on:
            self.good[shot.position] = request
            self._latencies[request.decision_id] = self._latency(lease, request)
        return goes_on

    def _latency(self, lease: Stream, request: Request) -> int:
        """Return the time from a shot in our hands to the light that was decided on it, ns."""
        seen_ns = self._frame_ns.get(request.decision_id, 0)
        return lease.ready_ns - seen_ns if seen_ns and not request.late else 0

    def _tell_change(self, lease: Stream, shot: Shot, change: Change) -> None:
        """Tell of a change with the first frame that shows it, and how many came too soon."""
        self._told = change
        number = change.request.decision_id
        latency_ns = self._latencies.pop(number, 0)
        self._tell(shot, number, (change.applied,), latency_ns, stale=lease.n_stale)
        lease.n_stale = 0

    def _break_off(self, error: ScopeError) -> None:
        """Declare the rest of a shot lost, and tell why there is no more light."""
        shot, request = self.last
        refused = self._hands.break_off(shot, self._first_seq, error)
        self._tell(shot, request.decision_id, (), refused=refused)

    def _tell(
        self,
        shot: Shot,
        decision_id: int,
        applied: tuple[Applied, ...],
        latency_ns: int = 0,
        refused: str = "",
        stale: int = 0,
    ) -> None:
        seq = self._delivery.next_seq
        self._hands.report(ShotReport(shot, decision_id, seq, applied, latency_ns, refused, stale))


def _is_same_place(before: PlannedShot, after: PlannedShot) -> bool:
    """Whether the stage, the filters and the clock have nothing to do between two shots."""
    if (
        after.shot.position != before.shot.position
        or after.min_start_s > before.min_start_s
        or len(after.exposures) != 1
    ):
        return False
    here, there = before.exposures[0], after.exposures[0]
    return there.autofocus is None and replace(here, index=there.index) == there
