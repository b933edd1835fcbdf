"""Attempts to leave the light on, or to spend it unbooked. The light box itself is the witness."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from acquire.settings import ChannelSettings, Settings
from acquire.simulated import LightBoxClient
from acquire.simulated.light.light_box import LineMeter
from lightloop.supervision.children import Child
from lightloop.supervision.lights_out import LightsOut
from lightloop.supervision.supervisor import Outcome, Supervisor
from lightloop.task import RunTask
from realtime.client import StreamClient
from realtime.policy import Decision, Observation, Trust
from realtime.run_file import RunReader
from realtime.wire import DecisionMessage, FrameMessage, Result, Tracks
from tests.run_helpers import SMALL, _wait_for_frames, task

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]

LINE = "Laser488"
SAME = 0.01  # the box and the config round their irradiance differently, by less than this


class Watched(Supervisor):
    """A supervisor that asks the light box before it looks after the light itself."""

    meter: LineMeter | None = None
    was_dark = False
    _box: LightBoxClient | None = None

    def __init__(self, wanted: RunTask) -> None:
        super().__init__(wanted)
        self._lights = Watching(self._family, self._verdict, self._heard.drain, witness=self)

    @property
    def box(self) -> LightBoxClient:
        """The box, on the supervisor's own pipe: nobody else can have told it anything."""
        if self._box is None:
            assert self._lights.light is not None
            self._box = LightBoxClient(
                self._lights.light, timeout_s=30.0
            )  # it may still be starting
        return self._box


class Watching(LightsOut):
    """Asks the box before it is asked for the run's sake."""

    def __init__(self, *parts, witness: Watched) -> None:
        super().__init__(*parts)
        self._witness = witness

    def look(self) -> None:
        if self.light is not None:
            self._witness.was_dark = self._witness.box.state().is_dark
            self._witness.meter = self._witness.box.meter()[LINE]
        super().look()


Act = Callable[[dict[str, Child], Watched], None]


def attack(folder: Path, act: Act, config: str = SMALL) -> tuple[Outcome, Watched]:
    """Run, and once three frames were taken do something evil."""
    supervisor = Watched(task(folder, config=config))
    trouble: list[BaseException] = []

    def meddle() -> None:
        try:
            _wait_for_frames(supervisor, 3)
            act(supervisor._family.children, supervisor)
        except BaseException as error:
            trouble.append(error)
            supervisor._interrupts += 1

    meddler = threading.Thread(target=meddle)
    meddler.start()
    outcome = supervisor.run()
    meddler.join()
    if trouble:
        raise trouble[0]
    return outcome, supervisor


NONSENSE = [
    (math.nan, 0.2), (math.inf, 0.2), (-1.0, 0.2), (0.0, 0.2), (20.0, math.nan), (20.0, -1.0),
    (1e300, 1e300), (1e-300, 1.0), (100.0, math.inf), (math.nan, math.nan),
]  # fmt: skip


def test_a_worker_that_answers_nonsense_gets_no_light_beyond_the_limits(tmp_path: Path) -> None:
    def answer(children: dict[str, Child], supervisor: Watched) -> None:
        address, left = supervisor._heard.address, list(NONSENSE)
        assert address is not None
        children["worker"].process.kill()
        until = time.monotonic() + 30.0
        with StreamClient(address, "worker", "shots", 1000, shares_tracker=True) as worker:
            worker.start(10.0)
            while left and time.monotonic() < until:
                got = worker.receive(300)
                if got is not None and isinstance(got[1], FrameMessage):
                    worker.ack(got[1].info.seq, 1)
                    _send(worker, got[1], *left.pop(0))
        supervisor._interrupts += 1

    def _send(worker: StreamClient, frame: FrameMessage, exposure_ms: float, power: float) -> None:
        shot, seqs = frame.info.shot.number, (frame.info.seq,)
        seen = Observation(
            shot, 0, 0.0, seqs, (frame.info.applied,), 0, 0, 0.0, 0.0, 0.0, 0.0, 0, 0.0, Trust()
        )
        settings = Settings((ChannelSettings("GFP", exposure_ms, power),))
        decision = Decision(shot, settings, seqs, {}, "nonsense", "test", True)
        worker.send(Result(shot, 0, seqs, seen, Tracks()))
        worker.send(DecisionMessage(decision))

    outcome, supervisor = attack(tmp_path, answer)
    assert outcome.exit_code == 130, outcome.reason
    assert outcome.summary is not None
    assert outcome.summary.is_dark
    assert supervisor.was_dark
    assert supervisor.meter is not None
    assert outcome.summary.dose["488"] == pytest.approx(supervisor.meter.dose_j_cm2, rel=SAME)
    with RunReader(tmp_path / "run.h5") as reader:
        for info in reader.infos:
            assert info.applied.exposure_ms <= 100.0
            assert info.applied.power_fraction <= 0.5


@pytest.mark.parametrize("victim", ["scope", "keeper"])
def test_who_dies_before_the_run_begins_ends_it_without_any_light(
    tmp_path: Path, victim: str
) -> None:
    class Doomed(Watched):
        def _go_when_ready(self, until: float) -> None:
            del until  # never goes: the victim dies first
            self._family.children[victim].process.kill()

    supervisor = Doomed(task(tmp_path))
    outcome = supervisor.run()
    assert outcome.exit_code == 1
    assert victim in outcome.reason
    assert outcome.summary is None
    assert supervisor.was_dark
    assert supervisor.meter is not None
    assert supervisor.meter.dose_j_cm2 == 0.0
