"""The player: a run file takes the microscope's place; nobody at the hub can tell."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from realtime.replay.answers import Answers, Questioner
from realtime.replay.excerpt import between, only_judged
from realtime.replay.pace import Pace, Pacer
from realtime.wire import AppliedMessage, ClockPair, End, FrameMessage, Gap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from realtime.policy.decision import Decision
    from realtime.run_file import RunReader
    from realtime.wire import Document, Result, RingInfo, Start

DECISION_S = 60.0  # a worker that thinks longer about one shot is not coming back
FINISH_S = 10.0
MAX_AHEAD = 8  # shots that "max" plays before their decisions: enough to keep the worker busy


class Outlet(Questioner, Protocol):
    """What the player needs of `realtime.hub.Hub`."""

    def publish(self, info: FrameInfo, pixels: NDArray[np.uint16]) -> object | None:
        """Send a frame; None if it was lost for want of room."""
        ...

    def send(self, document: Document) -> None:
        """Send a document."""
        ...

    def finish(self, end: End, timeout_s: float) -> object:
        """Send the last document."""
        ...


class Played(msgspec.Struct, frozen=True):
    """What a replay came to. `n_lost`: frames that its own hub had no room for."""

    n_frames: int
    n_shots: int
    n_decisions: int
    n_lost: int
    was_stopped: bool


def replay_start(
    reader: RunReader, ring: RingInfo, *, mode: str = "", label: str = "", **said: Any
) -> Start:
    """Return the first document of a replay, for the hub.

    Parameters
    ----------
    ring
        Where the replay's pixels will lie.
    mode
        How the worker is served; empty means as recorded, "event" shows it every frame.
    label
        What else a person must know of this replay, everywhere that its origin stands.
    said
        Fields of the start that are not those of the recording, such as its config.
    """
    start = reader.start
    return msgspec.structs.replace(
        start,
        session_id=str(uuid.uuid4()),
        t_ns=time.perf_counter_ns(),
        t_utc_ns=time.time_ns(),
        ring=ring,
        origin=f"replay of {reader.name}" + (f", {label}" if label else ""),
        mode=mode or start.mode,
        **said,
    )


def play(
    reader: RunReader,
    hub: Outlet,
    pace: Pace = "max",
    *,
    on_decision: Callable[[Result, Decision], object] = lambda result, decision: None,
    on_fresh: Callable[[int], object] = lambda shot: None,
    judged_only: bool = False,
    first: int = 0,
    last: int = -1,
    wait: Callable[[float], bool] = lambda seconds: False,
    clock_ns: Callable[[], int] = time.perf_counter_ns,
    decision_s: float = DECISION_S,
) -> Played:
    """Play a run: frames with their recorded truth, gaps and applied light, in recorded order.

    Results and decisions are not played: the worker at the hub makes new ones.

    Parameters
    ----------
    pace
        "max": as fast as the listeners allow. "step": a complete shot waits for its decision,
        so that the same worker decides the same. A number: so many times faster than recorded.
    on_decision
        Called with each new answer (see `realtime.replay.verify`).
    on_fresh
        Called before a shot at which the recorded worker had just been started anew; to decide
        the same, the replaying one must be, too.
    judged_only
        Leave out shots that the recorded worker never saw (it skips some when it is late); they
        are declared as gaps. A recording without any result is played whole.
    first, last
        Play the shots of these frames and of all between them; -1 is the last frame.
    wait
        Sleeps for so many seconds; True ends the replay (such as ``Event.wait``).
    clock_ns
        The host's clock, for a pace.
    decision_s
        How long a step waits for a decision.

    Raises
    ------
    RunFileError
        If a frame is damaged, or there is none in the part that is asked for.
    StreamError
        If a step gets no decision in time.
    """
    answers = Answers(hub, on_decision, wait, decision_s)
    player = _Player(reader, hub, Pacer(pace, wait, clock_ns), answers, on_fresh, wait)
    return player.run(*_chosen(reader, first, last, judged_only=judged_only))


def _chosen(
    reader: RunReader, first: int, last: int, *, judged_only: bool
) -> tuple[Iterator[Document], bool]:
    """Return the documents to play, and whether they are only a part of the run."""
    if judged_only:
        return only_judged(reader), False
    if first > 0 or last >= 0:
        return between(reader, first, last), True
    return reader.documents(), False


class _Player:
    """One replay and its counts."""

    def __init__(
        self,
        reader: RunReader,
        hub: Outlet,
        pacer: Pacer,
        answers: Answers,
        on_fresh: Callable[[int], object],
        wait: Callable[[float], bool],
    ) -> None:
        self._reader = reader
        self._hub = hub
        self._pacer = pacer
        self._answers = answers
        self._on_fresh = on_fresh
        self._wait = wait
        self._restarts = {r.shot for r in reader.results if r.is_fresh}
        self._restarts.discard(min((r.shot for r in reader.results), default=-1))
        self._n_whole = 0
        self._shot, self._n_in_shot = -1, 0
        self._last_seq = -1
        self._n_frames = self._n_gaps = self._n_shots = self._n_lost = 0

    def run(self, documents: Iterator[Document], is_excerpt: bool) -> Played:
        """Play documents until they end, or until somebody stops it."""
        was_stopped = False
        for document in documents:
            if self._wait(0.0):
                was_stopped = True
                break
            if isinstance(document, FrameMessage):
                if not self._pacer.wait_for(document.info.t_ns, self._hear):
                    was_stopped = True
                    break
                self._frame(document.info)
            elif isinstance(document, Gap):
                self._n_gaps += 1
                self._last_seq = max(self._last_seq, document.seq_to)
                self._hub.send(document)
            elif isinstance(document, AppliedMessage | ClockPair):
                self._hub.send(document)
        self._answers.keep_up(self._n_whole, self._n_whole if was_stopped else 0)
        end = self._excerpts_end() if is_excerpt and not was_stopped else self._end(was_stopped)
        self._hub.finish(end, FINISH_S)
        n_decisions = self._answers.n_taken
        return Played(self._n_frames, self._n_shots, n_decisions, self._n_lost, was_stopped)

    def _frame(self, info: FrameInfo) -> None:
        self._last_seq = info.seq
        if info.shot.number != self._shot:
            self._shot, self._n_in_shot = info.shot.number, 0
            if info.shot.number in self._restarts:
                self._on_fresh(info.shot.number)
        if self._hub.publish(info, self._reader.pixels(info.seq)) is None:
            self._n_lost += 1
            return
        self._n_in_shot += 1
        self._n_frames += 1
        if info.ends_shot:
            self._n_shots += 1
            is_whole = self._n_in_shot == info.shot.n_frames
            self._n_whole += is_whole
            if self._pacer.pace == "step" and is_whole:
                self._answers.wait_for(info.shot.number)
            else:
                may_be_open = MAX_AHEAD if self._pacer.pace == "max" else self._n_whole
                self._answers.keep_up(self._n_whole, may_be_open)

    def _hear(self) -> None:
        self._answers.take(0.0)

    def _excerpts_end(self) -> End:
        reason = f"an excerpt of {self._reader.name}, up to frame {self._last_seq}"
        return self._end_of_this("complete", reason)

    def _end(self, was_stopped: bool) -> End:
        recorded = self._reader.end
        if recorded is not None and not was_stopped:
            return recorded
        reason = "the replay was stopped" if was_stopped else "the recording breaks off here"
        return self._end_of_this("partial", reason)

    def _end_of_this(self, status: str, reason: str) -> End:
        """Return the end of what was played, which is not what the recording ended with."""
        return End(self._last_seq, self._n_frames, self._n_gaps, status, reason, is_dark=True)
