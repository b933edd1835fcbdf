"""What is heard of a run, kept as plain values. It takes wire messages and knows no Qt.

Everything in it is bounded: a run of days needs no more memory than one of minutes.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from gui.history import FieldHistory, FrameRate
from gui.light import LightState
from gui.rows import (
    row_of_end,
    row_of_gap,
    row_of_guard,
    row_of_notice,
    row_of_pause,
    row_of_reply,
    row_of_worker,
)
from gui.tails import BACK, Tails
from gui.why import Row, decision_row
from realtime.wire import (
    AppliedMessage,
    DecisionMessage,
    End,
    FrameMessage,
    Gap,
    Notice,
    Refused,
    Reply,
    Result,
    Start,
)

if TYPE_CHECKING:
    from acquire.settings import Settings
    from realtime.policy.decision import Decision
    from realtime.wire import FromHub

MAX_ROWS = 2000
PAUSES = ("pause", "paused", "go on")  # levels of a notice that say how the run stands
MAX_FIELDS = 256
MAX_SHOTS = 512
TARGET_NAMES = ("target_snr", "snr_target", "target")


class Heard:
    """The messages of a run, taken in one by one.

    Attributes
    ----------
    start, end
        First and last document of the session.
    frame, result, applied, decision
        The newest of each.
    rows
        The why-log, oldest first; `n_rows` counts those that were dropped too.
    fields
        History by field of view.
    tails
        Track tails by field of view.
    first_s
        Experiment time of the first frame or result that was heard of, NaN before.
    paused
        Why the run waits, in the dark, for somebody to let it go on; empty while it does not.
    lost_frames
        Frames in gaps: gone for everybody. `skipped_frames` were only not drawn.
    """

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.start: Start | None = None
        self.end: End | None = None
        self.frame: FrameMessage | None = None
        self.result: Result | None = None
        self._results: deque[Result] = deque(maxlen=BACK)
        self.decision: Decision | None = None
        self.rows: deque[Row] = deque(maxlen=MAX_ROWS)
        self.n_rows = 0
        self.fields: dict[int, FieldHistory] = {}
        self.tails: dict[int, Tails] = {}
        self.lost_frames = 0
        self.n_divisions = 0
        self.shown_frames = 0
        self.notice: Notice | None = None
        self.n_warnings = 0
        self.refused_by_hub = ""
        self.light = LightState()
        self.rate = FrameRate()
        self.latencies_ns: deque[int] = deque(maxlen=512)
        self.channels: set[str] = set()
        self.planes: set[int] = set()
        self._is_held = False
        self.paused = ""
        self._knows_pause = False
        self._is_faulty = False
        self._first_seq = -1
        self._settings: Settings | None = None
        self.first_s = math.nan
        self._times_s: dict[int, float] = {}
        self._last_clamp = ""
        self._heard_ns = 0

    def take(self, message: FromHub, now_ns: int) -> None:
        """Take one message; `now_ns` is this host's `perf_counter_ns`."""
        self._heard_ns = now_ns
        match message:
            case FrameMessage():
                self._take_frame(message)
            case Result():
                self._take_result(message)
            case DecisionMessage():
                self._take_decision(message.decision)
            case AppliedMessage():
                self._take_applied(message)
            case Gap():
                self._take_gap(message)
            case Notice():
                self._take_notice(message)
            case Reply():
                self._take_reply(message, now_ns)
            case Start():
                self._take_start(message)
            case End():
                self._take_end(message)
            case Refused():
                self.refused_by_hub = message.reason
            case _:
                pass  # the clock pairs are for the recorder

    def _take_start(self, start: Start) -> None:
        if self.start is not None and self.start.session_id != start.session_id:
            self._clear()  # another run: nothing of the old one holds
        self.start, self._settings, self.refused_by_hub = start, start.settings, ""
        self.light.is_recorded = self.is_replay

    def _take_frame(self, message: FrameMessage) -> None:
        info = message.info
        self.frame, self._is_faulty = message, False
        self.rate.add(info.seq, info.t_ns)
        self._first_seq = info.seq if self._first_seq < 0 else self._first_seq
        self._remember_time(info.shot.number, info.t_s)
        self.channels.add(info.applied.channel)
        self.planes.add(info.index.z)
        if self.end is None:  # the run's last word on the light stands
            self.light.take_frame(info)

    def _take_result(self, result: Result) -> None:
        self.result = result
        self._results.append(result)
        self._remember_time(result.shot, result.observation.t_s)
        divided = [e.parent_id for e in result.events if e.kind == "division" and e.is_final]
        self.n_divisions += len(set(divided))  # as the summary counts: each daughter has an event
        if result.is_fresh and self.n_rows:
            self._add(row_of_worker(result))
        if result.position in self.fields or len(self.fields) < MAX_FIELDS:
            self.fields.setdefault(result.position, FieldHistory()).add(result.observation)
            self.tails.setdefault(result.position, Tails()).add(result)

    def _take_decision(self, decision: Decision) -> None:
        t_s = self._times_s.get(decision.id, math.nan)
        self._add(decision_row(decision, self._settings, t_s))
        self.decision, self._settings = decision, decision.settings
        target = next((decision.inputs[n] for n in TARGET_NAMES if n in decision.inputs), math.nan)
        field = self.result.position if self.result is not None else -1
        if field in self.fields:
            self.fields[field].series.set_last("target", target)

    def _take_applied(self, message: AppliedMessage) -> None:
        if message.latency_ns:
            self.latencies_ns.append(message.latency_ns)
        self.light.take_applied(message)
        t_s = self._times_s.get(message.shot - 1, self.t_s)
        clamp = message.refused or next((a.clamped for a in message.applied if a.clamped), "")
        if clamp and clamp != self._last_clamp:
            self._add(row_of_guard(message, clamp, t_s))
        self._last_clamp = clamp

    def _take_gap(self, gap: Gap) -> None:
        self.lost_frames += gap.seq_to - gap.seq_from + 1
        self._add(row_of_gap(gap, self.t_s))

    def _take_notice(self, notice: Notice) -> None:
        if notice.level in PAUSES:
            self._take_pause(notice)
            return
        self.notice = notice
        self.n_warnings += notice.level != "info"
        self._is_faulty |= notice.level == "fault"
        self._add(row_of_notice(notice, self.t_s))

    def _take_pause(self, notice: Notice) -> None:
        """Note that the run is asked to wait, that it waits in the dark, or that it goes on."""
        self._knows_pause = True
        self.paused = "" if notice.level == "go on" else notice.text
        if notice.level == "paused":
            self.light.take_rest()
        else:
            self._add(row_of_pause(notice, self.t_s))

    def _take_reply(self, reply: Reply, now_ns: int) -> None:
        if reply.name == "state":  # what was said before we came
            if reply.is_ok and not self._knows_pause:
                self.paused = reply.text
            return
        if reply.is_ok and reply.name in ("hold", "release"):
            self._is_held = reply.name == "hold"
        if reply.name == "stop_light" and not self.is_replay:
            self.light.take_stop(reply, now_ns)
        self._add(row_of_reply(reply, self.t_s, is_replay=self.is_replay))

    def _take_end(self, end: End) -> None:
        self.end = end
        self.light.take_end(end)
        self._add(row_of_end(end, self.t_s))

    def _remember_time(self, shot: int, t_s: float) -> None:
        self.first_s = min(t_s, self.first_s) if self.first_s == self.first_s else t_s
        self._times_s[shot] = t_s
        if len(self._times_s) > MAX_SHOTS:
            del self._times_s[next(iter(self._times_s))]

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        self.n_rows += 1

    @property
    def is_replay(self) -> bool:
        """Whether what comes was recorded before."""
        return self.start is not None and self.start.origin.startswith(("replay", "import"))

    @property
    def t_s(self) -> float:
        """Experiment time of the newest frame or result, NaN before the first."""
        times = [self.frame.info.t_s] if self.frame is not None else []
        times += [self.result.observation.t_s] if self.result is not None else []
        return max(times, default=math.nan)
