"""A run of the loop over the fake stand of `tests.light_bench`, and all that it hands out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import useq

from acquire.frame import Frame, Shot
from acquire.loop.loop import Outcome, ShotReport, run
from acquire.loop.pause import Pause
from acquire.plan.plan import PlannedShot, plan_shots
from acquire.settings import Request
from tests.light_bench import Stand


@dataclass
class Clockwork:
    """An experiment's clock that jumps, and keeps a diary."""

    t_s: float = 0.0
    due: list[float] = field(default_factory=list)

    def now_s(self) -> float:
        return self.t_s

    def advance_to(self, t_s: float) -> None:
        self.due.append(t_s)
        self.t_s = max(self.t_s, t_s)


@dataclass
class Run:
    """A run over a bench, and all that it hands out."""

    at: Stand
    first: Request
    clock: Clockwork = field(default_factory=Clockwork)
    frames: list[Frame] = field(default_factory=list)
    reports: list[ShotReport] = field(default_factory=list)
    lost: list[tuple[int, int, str]] = field(default_factory=list)
    asked: list[Shot] = field(default_factory=list)
    moves: list[Any] = field(default_factory=list)
    requests: dict[int, Request] = field(default_factory=dict)
    stop_after: int = 10**9
    room: int = 0
    pause: Pause = field(default_factory=Pause)
    pause_after: int = -1
    calls_at_publish: list[tuple[str, ...]] = field(default_factory=list)

    def move_to(self, *position_um: float) -> None:
        assert self.at.bench.is_dark
        self.moves.append(position_um)

    def select(self, channel: str) -> None:
        assert self.at.bench.is_dark
        self.moves.append(channel)

    def publish(self, frame: Frame) -> None:
        bench = self.at.bench
        is_blanked = bool(self.room) and not bench.is_exposing
        is_dark = bench.is_dark or is_blanked or bench.is_endless
        assert is_dark or self.at.keeper.is_alarmed
        self.calls_at_publish.append(tuple(bench.calls))
        self.frames.append(frame)
        if len(self.frames) == self.pause_after:
            self.pause.begin("tea")

    def next_request(self, shot: Shot) -> Request:
        self.asked.append(shot)
        return self.requests.get(shot.number, self.first)

    def go(self, plan: useq.MDASequence, **about: Any) -> Outcome:
        return self.go_with(plan_shots(plan, **about))

    def go_with(self, shots: Iterable[PlannedShot], **about: Any) -> Outcome:
        return run(
            shots, self, self.at.guard, self.clock, "Camera", self.publish,
            self.next_request, self.reports.append, self.first,
            lambda: len(self.frames) >= self.stop_after,
            lambda *what: self.lost.append(what), lambda n_frames: n_frames <= self.room,
            self.pause, **about,
        )  # fmt: skip


def plan(loops: int = 3, **about: Any) -> useq.MDASequence:
    return useq.MDASequence(
        **({"channels": ["488"], "time_plan": {"interval": 60, "loops": loops}} | about)
    )
