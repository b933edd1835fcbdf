"""A stream on the bench of lights: its flow, and a run of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from acquire.frame import Shot
from acquire.loop.flow import Flow
from acquire.loop.loop import Outcome
from acquire.plan.plan import plan_shots
from acquire.settings import Limits, Request
from tests.light_bench import Stand, ask
from tests.loop_run import Run, plan

FREE = Limits(1, 100, 1.0, budget_j_cm2=1e6)


@dataclass
class Streaming:
    """A stream over a bench: what it is asked to do after some of its frames."""

    at: Stand
    first: Request = field(default_factory=ask)
    requests: dict[int, Request] = field(default_factory=dict)
    at_frame: dict[int, Callable[[], object]] = field(default_factory=dict)
    n_rests: int = 0
    rests_after: int = 10**9
    listens: bool = False

    def __post_init__(self) -> None:
        self.run = Run(self.at, self.first, room=99)
        self.request = self.first

    def newest(self, shot: Shot, wait_s: float) -> Request:
        if not wait_s or self.listens:
            self.request = self.requests.pop(len(self.run.frames), self.request)
        self.at.bench.spend(int(wait_s * 1e9))
        if not wait_s and (act := self.at_frame.pop(len(self.run.frames), None)):
            act()
        return self.request

    def rest(self) -> None:
        assert self.at.bench.is_dark
        self.n_rests += 1

    def go(self, n: int = 20, **about) -> Outcome:
        flow = Flow(
            self.newest, lambda: self.n_rests == 0 and len(self.run.frames) >= self.rests_after,
            self.rest,
        )  # fmt: skip
        about = {"time_plan": {"interval": 0, "loops": n}} | about
        return self.run.go_with(plan_shots(plan(**about)), flow=flow)

    @property
    def used(self) -> list[tuple[float, float]]:
        return [
            (f.info.applied.exposure_ms, f.info.applied.power_fraction) for f in self.run.frames
        ]

    @property
    def dose(self) -> list[float]:
        return [f.info.applied.dose_j_cm2 for f in self.run.frames]
