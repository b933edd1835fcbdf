"""The loop's ear: decisions, their lateness and a person's wishes become requests."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING

import msgspec

from acquire.settings import Request
from realtime.wire import Notice

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from acquire.frame import Shot
    from acquire.settings import Settings
    from lightloop.summary import Tally
    from realtime.hub import Hub
    from realtime.policy.decision import Decision
    from realtime.wire import Result

logger = logging.getLogger(__name__)

SILENT_SHOTS = 10  # by then the guard has gone dark: the worker is started anew (proposed)
SLICE_S = 0.1  # how soon a stop is heard while waiting for a decision


class Feedback:
    """Waits for the decision that follows a shot, and says what the next shot may use.

    A decision in time is used. A late one is not waited for: the request then says for how many
    shots in a row nothing came, and the guard holds, lowers and ends the light. It is used for the
    next shot instead.

    Parameters
    ----------
    deadline_s
        Time that the worker has.
    stop
        Set when the run is to end.
    on_silence
        Called, with the reason, each time the worker has not answered for ten shots in a row.
    valid_s
        How long a decision may be used after it came, beyond the interval that it asks for itself,
        s; the guard refuses it after that (`Request.valid_until_ns`).

    Attributes
    ----------
    first
        What the first shot of every field uses.
    is_held
        A person holds the feedback: decisions are made and recorded, but not followed.
    """

    def __init__(
        self,
        hub: Hub,
        first: Settings,
        deadline_s: float,
        stop: threading.Event,
        tally: Tally,
        on_silence: Callable[[str], object] = lambda what: None,
        valid_s: float = math.inf,
    ) -> None:
        self._hub, self._valid_s = hub, valid_s
        self._deadline_s = deadline_s
        self._stop = stop
        self._tally = tally
        self._on_silence = on_silence
        self.first = Request(first, -1)
        self.is_held = False
        self._requests: dict[int, Request] = {}
        self._heard_s = 0.0
        self._unbooked: list[tuple[Result, Decision]] = []

    def book(self) -> None:
        """Count what was heard; while somebody else is waited for, as no light waits for it."""
        for result, decision in self._unbooked:
            self._tally.add_answer(result, decision)
        self._unbooked.clear()

    def next_request(self, shot: Shot) -> Request:
        """Return what the next shot of this shot's field may use."""
        until = time.perf_counter() + self._deadline_s
        last = self._requests.get(shot.position, self.first)
        late = last.late + 1
        while not self._stop.is_set():
            left_s = until - time.perf_counter()
            got = self._hub.next_decision(min(max(left_s, 0.0), SLICE_S))
            if got is not None and self._is_new(*got, shot):
                result, decision = got
                self._unbooked.append(got)
                request = self._heed(result.position, decision)
                if (decision.id, result.position) == (shot.number, shot.position):
                    return request
                if result.position == shot.position:
                    last, late = request, 1  # better than none, but this shot's is still missing
            if left_s <= 0:
                break
        if not self._stop.is_set():
            self._tally.late += 1
            self._complain(shot, late)
        request = msgspec.structs.replace(last, late=late)
        self._requests[shot.position] = request
        return request

    def newest_request(self, shot: Shot, wait_s: float = 0.0) -> Request:
        """Return what a shot's field may use by the newest decision; for a stream.

        The worker skips shots there, so none is waited for. What is late is the next decision,
        whichever shot it is about: one more for each deadline that passes without any.

        Parameters
        ----------
        wait_s
            Time that there is to wait for a decision, s.
        """
        while (got := self._hub.next_decision(wait_s)) is not None:
            wait_s = 0.0
            if self._is_new(*got, shot):
                self._unbooked.append(got)
                self._heed(got[0].position, got[1])
        request = self._requests.get(shot.position, self.first)
        now_s = time.perf_counter()
        self._heard_s = self._heard_s or now_s
        late = int((now_s - self._heard_s) / self._deadline_s)
        if late > request.late:
            self._tally.late += 1
            self._complain(shot, late)
            request = self._requests[shot.position] = msgspec.structs.replace(request, late=late)
        return request

    def _is_new(self, result: Result, decision: Decision, shot: Shot) -> bool:
        """Whether a decision may be heeded: not of a shot to come, and newer than the last one."""
        last = self._requests.get(result.position, self.first)
        is_new = last.decision_id < decision.id <= shot.number and result.shot == decision.id
        if not is_new:
            logger.warning("decision %d at shot %d is not heeded", decision.id, shot.number)
        return is_new

    def _complain(self, shot: Shot, late: int) -> None:
        if late % SILENT_SHOTS == 0:
            self._on_silence(f"no decision for {late} shots in a row")
        if late == 1 or late % SILENT_SHOTS == 0:
            logger.warning("no decision for shot %d within %.3g s", shot.number, self._deadline_s)

    def _heed(self, position: int, decision: Decision) -> Request:
        """Make a field's next request of a decision; while feedback is held, of the last light."""
        settings = decision.settings
        if self.is_held:
            settings = self._requests.get(position, self.first).settings
        request = Request(
            settings, decision.id, self._valid_until_ns(settings), decision.has_evidence
        )
        self._requests[position] = request
        self._heard_s = time.perf_counter()
        return request

    def _valid_until_ns(self, settings: Settings) -> int:
        """Return when a decision that came just now expires, host clock; 0: never."""
        valid_s = self._valid_s + settings.interval_s
        if not math.isfinite(valid_s):  # of an interval that is no number, the guard wants nothing
            return 0
        return time.perf_counter_ns() + int(valid_s * 1e9)

    def wait_for_recorder(self, keep_waiting: Callable[[], object] = lambda: None) -> None:
        """Wait, in the dark, while what is taken could not be saved."""
        told = ""
        while not self._stop.is_set() and (why := self._hub.recorder_trouble()):
            if why.split()[0] != told:
                told = why.split()[0]
                self._hub.send(Notice("warn", f"dark: {why}", time.perf_counter_ns()))
                logger.warning("dark: %s", why)
            keep_waiting()
            self._stop.wait(0.02)
        if told and not self._stop.is_set():
            self._hub.send(Notice("info", "the recorder is back", time.perf_counter_ns()))
        if told:
            self._heard_s = 0.0  # in the dark there was nothing to decide on
