"""The player: a run file takes the microscope's place; nobody at the hub can tell."""

from __future__ import annotations

import logging
import time
import uuid
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import msgspec

from realtime.errors import StreamError
from realtime.excerpt import between, only_judged
from realtime.wire import AppliedMessage, ClockPair, End, FrameMessage, Gap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from realtime.policy.decision import Decision
    from realtime.run_file import RunReader
    from realtime.wire import Document, Result, RingInfo, Start

logger = logging.getLogger(__name__)

Pace: TypeAlias = Literal["max", "step"] | float

DECISION_S = 60.0  # a worker that thinks longer about one shot is not coming back
WORKER = "worker"  # how it calls itself at the desk
FINISH_S = 10.0
MAX_AHEAD = 8  # shots that "max" plays before their decisions: enough to keep the worker busy
PATIENCE_S = 5.0  # proposed; a worker that has left its seat is not waited for any longer
FIRST_ANSWER_S = 1.0  # proposed; where nobody sits and nobody answers, the replay is for viewers
NAP_S = 0.05  # a paced replay hears its worker and its stop as often


class Outlet(Protocol):
    """What the player needs of `realtime.hub.Hub`."""

    def publish(self, info: FrameInfo, pixels: NDArray[np.uint16]) -> object | None:
        """Send a frame; None if it was lost for want of room."""
        ...

    def send(self, document: Document) -> None:
        """Send a document."""
        ...

    def next_decision(self, timeout_s: float) -> tuple[Result, Decision] | None:
        """Return the worker's next answer; None if none came in time."""
        ...

    def present(self) -> set[str]:
        """Return the names of all who listen now."""
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
        Called with each new answer (see `realtime.verify`).
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
    player = _Player(reader, hub, pace, on_decision, on_fresh, wait, clock_ns, decision_s)
    if judged_only:
        return player.run(only_judged(reader))
    if first > 0 or last >= 0:
        return player.run(between(reader, first, last), is_excerpt=True)
    return player.run(reader.documents())


class _Player:
    """One replay and its counts."""

    def __init__(
        self,
        reader: RunReader,
        hub: Outlet,
        pace: Pace,
        on_decision: Callable[[Result, Decision], object],
        on_fresh: Callable[[int], object],
        wait: Callable[[float], bool],
        clock_ns: Callable[[], int],
        decision_s: float,
    ) -> None:
        self._reader = reader
        self._hub = hub
        self._pace = pace
        self._on_decision = on_decision
        self._on_fresh = on_fresh
        self._wait = wait
        self._clock_ns = clock_ns
        self._decision_s = decision_s
        self._restarts = {r.shot for r in reader.results if r.is_fresh}
        self._restarts.discard(min((r.shot for r in reader.results), default=-1))
        self._is_heard = True
        self._n_whole = 0
        self._offset_ns: int | None = None
        self._shot, self._n_in_shot = -1, 0
        self._last_seq = -1
        self._counts = {"frames": 0, "shots": 0, "decisions": 0, "lost": 0}

    def run(self, documents: Iterator[Document], *, is_excerpt: bool = False) -> Played:
        """Play documents until they end, or until somebody stops it."""
        was_stopped = False
        for document in documents:
            if self._wait(0.0):
                was_stopped = True
                break
            if isinstance(document, FrameMessage):
                if not self._pause(document.info.t_ns):
                    was_stopped = True
                    break
                self._frame(document.info)
            elif isinstance(document, Gap | AppliedMessage | ClockPair):
                self._hub.send(document)
        self._keep_up(self._n_whole if was_stopped else 0)
        end = self._excerpts_end() if is_excerpt and not was_stopped else self._end(was_stopped)
        self._hub.finish(end, FINISH_S)
        counts = self._counts
        return Played(
            counts["frames"], counts["shots"], counts["decisions"], counts["lost"], was_stopped
        )

    def _frame(self, info: FrameInfo) -> None:
        self._last_seq = info.seq
        if info.shot.number != self._shot:
            self._shot, self._n_in_shot = info.shot.number, 0
            if info.shot.number in self._restarts:
                self._on_fresh(info.shot.number)
        if self._hub.publish(info, self._reader.pixels(info.seq)) is None:
            self._counts["lost"] += 1
            return
        self._n_in_shot += 1
        self._counts["frames"] += 1
        if info.ends_shot:
            self._counts["shots"] += 1
            is_whole = self._n_in_shot == info.shot.n_frames
            self._n_whole += is_whole
            if self._pace == "step" and is_whole:
                self._await_decision(info.shot.number)
            else:
                self._keep_up(MAX_AHEAD if self._pace == "max" else self._n_whole)

    def _keep_up(self, may_be_open: int) -> None:
        """Take the answers that are there; wait where the worker is further behind than allowed."""
        self._take_decisions(0.0)
        until = time.perf_counter() + self._patience_s()
        while self._n_whole - self._counts["decisions"] > may_be_open and self._is_heard:
            self._is_heard = time.perf_counter() < until  # else a replay for viewers only
            if self._wait(0.0):
                return
            self._take_decisions(0.05)

    def _patience_s(self) -> float:
        """Return how long the worker may be silent: one that sits there may still be slow."""
        if WORKER in self._hub.present():
            return self._decision_s
        return PATIENCE_S if self._counts["decisions"] else FIRST_ANSWER_S

    def _await_decision(self, shot: int) -> None:
        until = time.perf_counter() + self._decision_s
        while time.perf_counter() < until:
            if self._take_decisions(0.2) == shot:
                return
            if self._wait(0.0):
                return
        raise StreamError(
            f"the replay waited {self._decision_s:.0f} s for a decision on shot {shot}; "
            "is a worker running, and does its log say why it is silent?"
        )

    def _take_decisions(self, timeout_s: float) -> int:
        """Hand on every answer that is there; return the shot of the last one, or -1."""
        shot = -1
        while (answer := self._hub.next_decision(timeout_s)) is not None:
            result, decision = answer
            self._counts["decisions"] += 1
            self._on_decision(result, decision)
            shot, timeout_s = decision.id, 0.0
        return shot

    def _pause(self, t_ns: int) -> bool:
        """Wait until a frame is due; return False if the replay is to stop."""
        if isinstance(self._pace, str):
            return True
        now_ns = self._clock_ns()
        due_ns = int(t_ns / self._pace)
        if self._offset_ns is None:
            self._offset_ns = now_ns - due_ns
        left_s = (due_ns + self._offset_ns - now_ns) * 1e-9
        return left_s <= 0 or not self._wait_all(left_s)

    def _wait_all(self, seconds: float) -> bool:
        """Wait, and take decisions meanwhile; return True if the replay is to stop."""
        until_ns = self._clock_ns() + int(seconds * 1e9)
        while (left_ns := until_ns - self._clock_ns()) > 0:
            if self._wait(min(left_ns * 1e-9, NAP_S)):
                return True
            self._take_decisions(0.0)
        return False

    def _excerpts_end(self) -> End:
        n_frames, last_seq = self._counts["frames"], self._last_seq
        reason = f"an excerpt of {self._reader.name}, up to frame {last_seq}"
        return End(last_seq, n_frames, len(self._reader.gaps), "complete", reason, is_dark=True)

    def _end(self, was_stopped: bool) -> End:
        recorded = self._reader.end
        if recorded is not None and not was_stopped:
            return recorded
        infos = self._reader.infos
        reason = "the replay was stopped" if was_stopped else "the recording breaks off here"
        last_seq = infos[-1].seq if infos else -1
        return End(
            last_seq, self._counts["frames"], len(self._reader.gaps), "partial", reason, True
        )
