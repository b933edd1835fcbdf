"""24 fields x 2 channels x 5 planes in turn decide as 24 runs of one field each would."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import useq

from acquire.calibration import Calibration
from acquire.camera import Image
from acquire.clock import SimulatedClock
from acquire.dose import Ledger
from acquire.frame import Frame, Shot
from acquire.light.guard import LightGuard
from acquire.loop.loop import Outcome, run
from acquire.plan.plan import plan_shots
from acquire.settings import ChannelSettings, Limits, Request, Settings
from lightloop.build.pipeline import build_pipeline
from lightloop.config import parse
from realtime.pipeline import Pipeline
from realtime.wire import CameraInfo, DecisionMessage, Result, RingInfo, Start
from tests.light_bench import LASER, Bench, FakeCamera, FakeKeeper, FakeLights

FIELDS, TIMES, SIDE = 24, 4, 64
CONFIG = parse("""
follow = "cells"
[scope]
kind = "simulated"
width = 64
height = 64
[[light]]
name = "488"
wavelength_nm = 488.0
power_device = "Laser488"
power_property = "Power"
shutter_device = "Shutter"
gate = "camera"
[light.limits]
min_exposure_ms = 0.1
max_exposure_ms = 100.0
budget_j_cm2 = 1000.0
max_step_up = 4.0
[[channel]]
name = "GFP"
light = "488"
exposure_ms = 1.0
power_fraction = 0.5
[[channel]]
name = "RFP"
light = "488"
exposure_ms = 1.0
power_fraction = 0.5
[plan]
[policy]
kind = "snr"
target_snr = 15.0
[network]
denoise = ""
""")
PLACES = [(1000.0 * n, 0.0, 0.0) for n in range(FIELDS)]


@dataclass
class Scene(FakeCamera):
    """Cells that differ from field to field, move, and glow with the light that they are given."""

    bench: Bench
    at_um: tuple[float, float, float] = (0.0, 0.0, 0.0)
    channel: str = ""
    t_s: Any = field(default=lambda: 0.0)

    def __post_init__(self) -> None:
        super().__init__(self.bench)
        self.y, self.x = np.mgrid[:SIDE, :SIDE].astype(np.float32)

    def move_to(self, x_um: float, y_um: float, z_um: float) -> None:
        self.at_um = (x_um, y_um, z_um)

    def select(self, channel: str) -> None:
        self.channel = channel

    def try_pop(self) -> Image | None:
        image = super().try_pop()
        if image is None:
            return None
        place, t = round(self.at_um[0] / 1000.0), round(self.t_s() / 60.0)
        plane, colour = round(self.at_um[2]) + 2, "GR".index(self.channel[0])
        where = np.random.default_rng((place, 7))
        cells = where.uniform(12, SIDE - 12, (3, 2)) + 0.8 * t * where.normal(size=(3, 2))
        light = 10.0 * self.bench.power["488"] * self.bench.exposure_ms
        glow = np.full((SIDE, SIDE), 0.4 * light, np.float32)
        for n, (y, x) in enumerate(cells):
            height = (6.0 + 3.0 * n + 0.2 * place) * np.exp(-0.5 * (plane - 2) ** 2)
            spread = np.exp(-((self.y - y) ** 2 + (self.x - x) ** 2) / (2 * 3.0**2))
            glow += light * height * spread
        noise = np.random.default_rng((place, t, plane, colour))
        electrons = noise.poisson(glow) + noise.normal(0.0, 1.6, glow.shape)
        adu = np.clip(100.0 + 2.0 * electrons, 0, 65535).astype(np.uint16)
        return Image(adu, image.camera_seq, image.t_ns)


@dataclass
class Lab:
    """A run with the real loop, guard, pipeline, tracker and policy on such a scene."""

    decisions: dict[tuple[int, int], Any] = field(default_factory=dict)
    answers: list[tuple[Result, DecisionMessage]] = field(default_factory=list)
    frames: int = 0

    def go(self, places: list[tuple[float, float, float]]) -> Outcome:
        bench = Bench((LASER,))
        clock = SimulatedClock(_Never())
        scene = Scene(bench, t_s=clock.now_s)
        limits = Limits(0.1, 100, 1.0, 1000.0, max_step_up=4.0)
        guard = LightGuard(
            FakeLights(bench), scene, FakeKeeper(bench), Ledger({"488": 1000.0}),
            {"GFP": LASER, "RFP": LASER}, {"488": limits}, now_ns=bench.now_ns,
        )  # fmt: skip
        plan = useq.MDASequence(
            channels=["GFP", "RFP"],
            stage_positions=places,
            z_plan={"range": 4, "step": 1},
            time_plan={"interval": 60, "loops": TIMES},
        )
        light = tuple(ChannelSettings(name, 1.0, 0.5) for name in ("GFP", "RFP"))
        self.pipeline = build_pipeline(CONFIG, _start(Settings(light)), None)
        return run(
            plan_shots(plan), scene, guard, clock, "Camera", self._publish, self._decide,
            lambda report: None, Request(Settings(light), -1), lambda: False,
        )  # fmt: skip

    def _publish(self, frame: Frame) -> None:
        self.frames += 1
        self.pipeline.see(frame.info, frame.pixels)
        self.t = frame.info.index.t
        self.place = round(frame.info.position_um[0] / 1000.0)
        if frame.info.ends_shot and self.pipeline.has_whole_shot:
            self.answers.append(self.pipeline.answer())

    def _decide(self, shot: Shot) -> Request:
        result, message = self.answers.pop()
        decision = message.decision
        self.decisions[self.place, self.t] = (
            decision.settings, decision.inputs, decision.reason, decision.has_evidence,
            msgspec.structs.replace(
                result.observation, shot=0, position=0, seqs=(),
                applied=tuple(
                    msgspec.structs.replace(one, decision_id=0)
                    for one in result.observation.applied
                ),
            ),
            result.tracks, result.events,
        )  # fmt: skip
        return Request(decision.settings, decision.id, has_evidence=decision.has_evidence)


class _Never:
    def wait(self, timeout: float) -> bool:
        return False


def _start(first: Settings) -> Start:
    calibration = Calibration(2.0, 100.0, 1.6, 65535.0, "simulated")
    camera = CameraInfo("Camera", SIDE, SIDE, 0.5, calibration)
    return Start("s", 0, 0, (camera,), RingInfo("", 0, 0), first)


def test_fields_in_turn_decide_as_runs_of_their_own_would() -> None:
    together = Lab()
    assert together.go(PLACES).is_complete
    alone = Lab()
    for place in PLACES:
        assert alone.go([place]).is_complete
    assert together.frames == alone.frames == FIELDS * TIMES * 2 * 5
    assert len(together.decisions) == FIELDS * TIMES
    assert together.decisions == alone.decisions
    powers = {d[0].channels[0].power_fraction for d in together.decisions.values()}
    exposures = {d[0].channels[0].exposure_ms for d in together.decisions.values()}
    assert len(powers | exposures) > FIELDS / 2  # the fields do differ, and are not mixed up
    assert any(d[4].n_confirmed for d in together.decisions.values())


def test_what_is_kept_grows_with_the_fields_and_not_with_the_frames() -> None:
    lab = Lab()
    lab.go(PLACES[:3])
    assert _kept(lab.pipeline) == {0, 1, 2}


def _kept(pipeline: Pipeline) -> set[int]:
    return set(pipeline._following._fields) | set(pipeline._doses)
