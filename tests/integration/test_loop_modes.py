"""Event, burst and stream on the simulated microscope: its own meter and diary are the truth."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import useq

from acquire.camera import Camera
from acquire.clock import HostClock
from acquire.errors import CameraOverrun, CameraTimeout, SettingRefused
from acquire.frame import Frame, Shot
from acquire.light.bounds import GuardRules
from acquire.light.stream import Stream
from acquire.loop.burst import EVEN, Ramp, in_bursts
from acquire.loop.flow import Flow
from acquire.loop.loop import Outcome, ShotReport, run
from acquire.plan.plan import plan_shots
from acquire.settings import Request
from acquire.simulated import LASER
from acquire.simulated.truth import Seen
from lightloop.bench import ledger_stand
from lightloop.bench.ledger_stand import POWER, MeteredStand, ask

RAMP = Ramp((1.0, 0.6, 0.3, 0.8), (1.0, 0.5, 0.9))


def until(done: Callable[[], object]) -> None:
    deadline = time.perf_counter() + 10.0
    while not done():
        assert time.perf_counter() < deadline


class Still:
    """A stage that has nowhere to go."""

    def move_to(self, *_: float) -> None:
        """Stay."""

    def select(self, _: str) -> None:
        """Change nothing."""


@dataclass
class Diary:
    """A run on the stand, what it handed out, and what the specimen says of it."""

    stand: MeteredStand
    decide: Callable[[Shot], Request | None] = lambda shot: None
    frames: list[Frame] = field(default_factory=list)
    reports: list[ShotReport] = field(default_factory=list)
    lost: list[tuple[int, int, str]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    on_frame: Callable[[int], object] = lambda n: None

    def __post_init__(self) -> None:
        self.bench = self.stand.bench
        self.bench.witness = self.seen.append
        self.request = ask(10.0)

    def next_request(self, shot: Shot, wait_s: float = 0.0) -> Request:
        if wait_s:
            threading.Event().wait(wait_s)
        self.request = self.decide(shot) or self.request
        return self.request

    def publish(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.on_frame(len(self.frames))

    def go(self, n: int, n_frames: int = 1, ramp: Ramp = EVEN, *, streams: bool = False) -> Outcome:
        plan = useq.MDASequence.model_validate(
            {"channels": [LASER], "time_plan": {"interval": 0, "loops": n}}
        )
        guard, self.ledger = self.stand.guard()
        core: Any = self.stand.core
        before = self.stand.metered()
        outcome = run(
            [in_bursts(shot, n_frames) for shot in plan_shots(plan)], Still(), guard,
            HostClock(threading.Event()), core.getCameraDevice(), self.publish, self.next_request,
            self.reports.append, self.request, lambda: False,
            lambda *what: self.lost.append(what), lambda n: True, ramp=ramp,
            flow=Flow(self.next_request) if streams else None,
        )  # fmt: skip
        self.metered = self.stand.metered() - before
        self.booked = sum(self.ledger.totals().values())
        return outcome

    def told_ms(self) -> list[float]:
        return [frame.info.applied.exposure_ms for frame in self.frames]

    def true_ms(self) -> list[float]:
        return [seen.exposed_s * 1e3 for seen in self.seen]

    def told_j_cm2(self) -> list[float]:
        return [frame.info.applied.dose_j_cm2 for frame in self.frames]

    def true_j_cm2(self) -> list[float]:
        return [seen.given.fluence_j_cm2[LASER] for seen in self.seen]


@pytest.fixture
def diary() -> Iterator[Diary]:
    stand = MeteredStand()
    yield Diary(stand)
    stand.core.stopSequenceAcquisition()
    stand.core.unloadAllDevices()


@pytest.fixture
def software_diary() -> Iterator[Diary]:
    stand = MeteredStand("software")
    yield Diary(stand)
    stand.core.stopSequenceAcquisition()
    stand.core.unloadAllDevices()


def wandering(shot: Shot) -> Request:
    """Return other light for every shot."""
    return Request(
        ask(4.0 + 3.0 * (shot.number % 4), power=0.1 + 0.07 * (shot.number % 5)).settings,
        shot.number,
    )


def test_in_event_mode_a_decision_is_that_of_the_shot_before(diary: Diary) -> None:
    diary.decide = wandering
    assert diary.go(12).is_complete
    assert [frame.info.applied.decision_id for frame in diary.frames] == [0, *range(11)]
    assert diary.told_ms() == pytest.approx(diary.true_ms())
    assert diary.booked == pytest.approx(diary.metered, rel=0.01)


def test_a_burst_is_stepped_by_hardware_and_every_frame_tells_its_own_light(diary: Diary) -> None:
    diary.decide = wandering
    assert diary.go(5, 6, RAMP).is_complete
    assert len(diary.frames) == 30
    assert diary.told_ms() == pytest.approx(diary.true_ms())
    assert diary.told_j_cm2() == pytest.approx(diary.true_j_cm2(), rel=0.01)
    assert diary.booked == pytest.approx(diary.metered, rel=0.01)
    assert len({round(ms, 6) for ms in diary.told_ms()[:6]}) == 4
    first = [frame.info.applied for frame in diary.frames[:3]]
    assert [a.power_fraction / POWER for a in first] == pytest.approx([1.0, 0.5, 0.9])


def test_after_a_burst_the_next_exposure_is_plain_again(diary: Diary) -> None:
    diary.go(1, 4, RAMP)
    diary.frames.clear()
    diary.seen.clear()
    diary.go(3)
    assert diary.true_ms() == pytest.approx([10.0] * 3)
    assert diary.true_j_cm2() == pytest.approx(diary.told_j_cm2())


def test_a_burst_frame_by_frame_gives_the_same_light(diary: Diary) -> None:
    diary.stand.core._pydevices["Camera"].set_property_sequence_max_length("Exposure", 0)
    assert diary.go(3, 4, RAMP).is_complete
    assert diary.told_ms() == pytest.approx(diary.true_ms())
    assert diary.told_ms()[:4] == pytest.approx([10.0, 6.0, 3.0, 8.0])
    assert diary.booked == pytest.approx(diary.metered, rel=0.01)


def test_a_burst_of_light_that_we_blank_is_booked_within_its_bound(
    software_diary: Diary,
) -> None:
    assert software_diary.go(5, 6, Ramp(RAMP.exposures)).is_complete
    error = software_diary.booked / software_diary.metered - 1
    assert -0.005 <= error <= 0.02


def test_a_stream_tells_of_every_frame_what_it_was_really_taken_with(diary: Diary) -> None:
    changes = {15: ask(20.0), 30: ask(5.0, power=0.4), 45: ask(5.0, power=0.1)}
    diary.decide = lambda shot: changes.get(shot.number)
    assert diary.go(60, streams=True).is_complete
    assert len(diary.frames) == 60
    assert diary.told_ms() == pytest.approx(diary.true_ms()[:60])
    assert diary.told_j_cm2() == pytest.approx(diary.true_j_cm2()[:60], rel=0.15)
    assert sum(diary.told_j_cm2()) == pytest.approx(sum(diary.true_j_cm2()[:60]), rel=0.01)
    assert diary.booked == pytest.approx(diary.metered, rel=0.01)
    told = [(report.first_seq, report.stale) for report in diary.reports]
    at_first, *after_changes = [stale for _, stale in told]
    assert at_first == 0
    assert len(after_changes) == len(changes)
    assert min(after_changes) >= 1  # two of 5 ms, where the machine is busy
    for first, _ in told[1:]:
        before, after = (diary.frames[seq].info.applied for seq in (first - 1, first))
        assert (before.exposure_ms, before.power_fraction) != (
            after.exposure_ms, after.power_fraction,
        )  # fmt: skip
        assert after.decision_id == 0


def test_a_stream_that_changes_all_the_time_is_booked_within_one_per_cent(diary: Diary) -> None:
    diary.decide = lambda shot: wandering(shot) if shot.number % 3 == 0 else None
    assert diary.go(150, streams=True).is_complete
    assert diary.told_ms() == pytest.approx(diary.true_ms()[:150])
    assert diary.booked == pytest.approx(diary.metered, rel=0.01)


def test_a_stream_of_light_that_we_blank_is_booked_for_all_of_its_time(
    software_diary: Diary,
) -> None:
    software_diary.decide = lambda shot: wandering(shot) if shot.number % 10 == 0 else None
    assert software_diary.go(60, streams=True).is_complete
    error = software_diary.booked / software_diary.metered - 1
    assert -0.005 <= error <= 0.02


def test_a_camera_that_hangs_in_a_stream_ends_the_run_dark_and_booked(
    diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = GuardRules(lease_margin_ms=4_000.0)  # a frame is waited for half as long
    monkeypatch.setattr(ledger_stand, "GuardRules", lambda **patience: impatient)

    def hang(n: int) -> None:
        if n == 5:
            diary.stand.core.setProperty("Camera", "Hang", "On")

    diary.on_frame = hang
    outcome = diary.go(50, streams=True)
    assert isinstance(outcome.error, CameraTimeout)
    assert outcome.is_dark
    assert diary.booked >= diary.metered * 0.995
    assert diary.lost == [(len(diary.frames), len(diary.frames), str(outcome.error))]


def test_frames_of_another_shape_end_the_run_and_are_never_stored(diary: Diary) -> None:
    core: Any = diary.stand.core
    camera = Camera(core, (64, 64))
    core.setROI(0, 0, 32, 32)
    with pytest.raises(SettingRefused, match="64 x 64"):
        camera.set_exposure(1.0)
    core.clearROI()
    camera.set_exposure(1.0)
    core.setROI(0, 0, 32, 32)
    camera.start(1)
    until(camera.n_waiting)
    with pytest.raises(SettingRefused, match="32 x 32"):
        camera.try_pop()


def test_a_buffer_that_runs_over_is_a_typed_error(diary: Diary) -> None:
    core: Any = diary.stand.core
    core.setProperty("Camera", "RealTime", "Off")
    core.setCircularBufferMemoryFootprint(1)
    guard, _ = diary.stand.guard()
    with guard.stream(ask(1.0), LASER, 1, 0) as lease:
        lease.start()
        until(lambda: not core.isSequenceRunning())
        waiting = lease.camera.n_waiting()
        assert waiting > 10
        with pytest.raises(CameraOverrun, match="ran over"):
            _pop_all(lease)
    assert lease.n_popped == waiting


def _pop_all(lease: Stream) -> None:
    while True:
        lease.pop_truth()
