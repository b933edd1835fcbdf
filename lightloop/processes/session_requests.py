"""What the loop asks between two shots, and what is done meanwhile, while the worker thinks."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

from acquire.loop.flow import Flow
from realtime.wire import ClockPair

if TYPE_CHECKING:
    from acquire.clock import Clock
    from acquire.frame import Shot
    from acquire.settings import Request
    from lightloop.build.witness import Witness
    from lightloop.feedback import Feedback
    from lightloop.summary import Tally
    from realtime.hub import Hub

CLOCK_EVERY_S = 10.0


class Requests:
    """Answers the loop what the next shot may use, and keeps the session's house meanwhile."""

    def __init__(
        self, feedback: Feedback, hub: Hub, witness: Witness, tally: Tally, clock: Clock
    ) -> None:
        self._feedback, self._hub, self._witness = feedback, hub, witness
        self._tally, self._clock = tally, clock
        self._clock_due_s, self._counted = 0.0, -1

    def next_request(self, shot: Shot) -> Request:
        """Wait for what follows from a shot, and for the recorder."""
        self._count(shot)
        request = self._feedback.next_request(shot)
        self._witness.rest()
        self._feedback.wait_for_recorder()
        return request

    def flow(self, lag_frames: int) -> Flow:
        """Return what the loop needs where it waits for nobody."""
        return Flow(
            newest=self._newest_request,
            should_rest=lambda: bool(self._hub.recorder_trouble()),
            rest=self._feedback.wait_for_recorder,
            lag_frames=lag_frames,
        )

    def _newest_request(self, shot: Shot, wait_s: float) -> Request:
        self._count(shot)
        request = self._feedback.newest_request(shot, wait_s)
        self._witness.rest()
        return request

    def _count(self, shot: Shot) -> None:
        """Count a shot, and what was heard of those before; now and then, tell every clock."""
        self._feedback.book()
        self._tally.shots += shot.number != self._counted
        self._counted = shot.number
        now_s = time.monotonic()
        if now_s >= self._clock_due_s:  # while the worker thinks
            self._clock_due_s = now_s + CLOCK_EVERY_S
            gc.collect()
            self._hub.send(ClockPair(time.perf_counter_ns(), time.time_ns(), self._clock.now_s()))
