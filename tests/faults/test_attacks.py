"""Attempts to leave the light on, or to spend it unbooked. The light box itself is the witness."""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from acquire.settings import ChannelSettings, Settings
from acquire.simulated import LightBoxClient
from acquire.simulated.light.light_box import LineMeter
from lightloop.children import Child
from lightloop.supervise import Outcome, Supervisor
from realtime.client import StreamClient
from realtime.policy import Decision, Observation, Trust
from realtime.run_file import RunReader
from realtime.wire import DecisionMessage, FrameMessage, Result, Tracks
from tests.run_helpers import SMALL, _wait_for_frames, task

pytestmark = [
    pytest.mark.timeout(90),
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]

LINE = "Laser488"
SAME = 0.01  # the box and the config round their irradiance differently, by less than this
BRIGHT = SMALL.replace("exposure_ms = 20.0", "exposure_ms = 100.0")


class Watched(Supervisor):
    """A supervisor that asks the light box before it looks after the light itself."""

    meter: LineMeter | None = None
    was_dark = False
    _box: LightBoxClient | None = None

    @property
    def box(self) -> LightBoxClient:
        """The box, on the supervisor's own pipe: nobody else can have told it anything."""
        if self._box is None:
            assert self._light is not None
            self._box = LightBoxClient(self._light, timeout_s=5.0)
        return self._box

    def _look_at_the_light(self, light) -> None:
        self.was_dark = self.box.state().is_dark
        self.meter = self.box.meter()[LINE]
        super()._look_at_the_light(light)


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


def hang_while_lit(supervisor: Watched) -> int:
    """Stop the scope's process in the middle of a lease, with its light on; return its number."""
    scope = supervisor._family.children["scope"].process.pid
    assert scope is not None
    until = time.monotonic() + 30.0
    while time.monotonic() < until:
        if supervisor.box.state().armed:
            os.kill(scope, signal.SIGSTOP)
            if supervisor.box.state().armed and supervisor.box.state().armed:
                return scope
            os.kill(scope, signal.SIGCONT)
    raise AssertionError("the light was never on")


def dark_after_s(supervisor: Watched, at_most_s: float) -> float:
    """Return how long the light stayed on from now, s."""
    began = time.monotonic()
    while supervisor.box.state().armed:
        assert time.monotonic() - began < at_most_s, "the light stays on"
        time.sleep(0.005)
    return time.monotonic() - began


def booked(folder: Path) -> tuple[float, float]:
    """Return the dose of all frames in the file, and of the dearest one."""
    with RunReader(folder / "run.h5") as reader:
        doses = [info.applied.dose_j_cm2 for info in reader.infos]
    return sum(doses), max(doses)


def test_a_scope_killed_with_its_light_on_is_dark_at_once(tmp_path: Path) -> None:
    def kill(_: dict[str, Child], supervisor: Watched) -> None:
        os.kill(hang_while_lit(supervisor), signal.SIGKILL)
        dark_after_s(supervisor, 1.0)

    outcome, supervisor = attack(tmp_path, kill, BRIGHT)
    assert outcome.exit_code == 1
    assert supervisor.was_dark
    assert supervisor.meter is not None
    dose, dearest = booked(tmp_path)  # what was lit and never published is one exposure at most
    assert supervisor.meter.dose_j_cm2 <= dose * (1 + SAME) + 2 * dearest


def test_a_scope_that_hangs_with_its_light_on_is_dark_by_its_deadline(tmp_path: Path) -> None:
    def hang(_: dict[str, Child], supervisor: Watched) -> None:
        hang_while_lit(supervisor)
        dark_after_s(supervisor, 2.5)  # lease margin 1 s, exposure, transfer, grace: 1.3 s

    outcome, supervisor = attack(tmp_path, hang, BRIGHT)
    assert outcome.exit_code == 1
    assert supervisor.was_dark


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prlimit of another process")
def test_a_full_disk_ends_the_run_in_the_dark_and_says_so(tmp_path: Path) -> None:
    import resource

    def fill(children: dict[str, Child], _: Watched) -> None:
        most = (tmp_path / "run.h5").stat().st_size + 100_000
        recorder = children["recorder"].process.pid
        resource.prlimit(recorder, resource.RLIMIT_FSIZE, (most, most))

    outcome, supervisor = attack(tmp_path, fill)
    assert outcome.exit_code == 1
    assert "too large" in outcome.reason
    assert outcome.summary is not None
    assert outcome.summary.is_dark
    assert supervisor.was_dark
    assert supervisor.meter is not None
    assert outcome.summary.dose["488"] == pytest.approx(supervisor.meter.dose_j_cm2, rel=SAME)


NONSENSE = [
    (math.nan, 0.2), (math.inf, 0.2), (-1.0, 0.2), (0.0, 0.2), (20.0, math.nan), (20.0, -1.0),
    (1e300, 1e300), (1e-300, 1.0), (100.0, math.inf), (math.nan, math.nan),
]  # fmt: skip


def test_a_worker_that_answers_nonsense_gets_no_light_beyond_the_limits(tmp_path: Path) -> None:
    def answer(children: dict[str, Child], supervisor: Watched) -> None:
        address, left = supervisor._address, list(NONSENSE)
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
