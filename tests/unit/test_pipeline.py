"""The worker's half of the loop with fake steps: what a shot's frames become."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import numpy as np
import pytest

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied, ChannelSettings, Settings
from realtime.nothing import find_nothing
from realtime.pipeline import Pipeline, Steps
from realtime.policy import Decision, Observation, Trust
from realtime.wire import TrackEvent, Tracks

APPLIED = Applied("GFP", "488", 488.0, 10.0, 10.0, 0.1, 0.1, 0.5, 0.005, True, -1)
SHAPE = (8, 9)


def info(seq: int, shot: int, place: int, of: int, z: int = 0, c: int = 0, p: int = 0) -> FrameInfo:
    return FrameInfo(
        seq, "Camera", seq, 0, shot * 60.0, Shot(shot, p, of), place, Index(shot, c, z, p),
        *SHAPE, (0.0, 0.0, 0.0), APPLIED,
    )  # fmt: skip


def image(value: int) -> np.ndarray:
    return np.full(SHAPE, value, np.uint16)


@dataclass
class Restored:
    photons: np.ndarray


class Restorer:
    """Reuses one buffer, as the real ones do."""

    model_id = "fake"

    def __init__(self) -> None:
        self.buffer = np.empty(SHAPE, np.float32)

    def __call__(self, adu: np.ndarray) -> Restored:
        self.buffer[...] = adu
        return Restored(self.buffer)


class FakeTracker:
    def __init__(self) -> None:
        self.shots = 0

    def update(self, _: object) -> tuple[Tracks, tuple[TrackEvent, ...]]:
        self.shots += 1
        return Tracks(ids=(self.shots,)), ()


class Policy:
    name = "fake"

    def __init__(self) -> None:
        self.seen: list[Observation] = []

    def decide(self, seen: Observation) -> Decision:
        self.seen.append(seen)
        settings = Settings((ChannelSettings("GFP", 1.0, 0.1),))
        return Decision(seen.shot, settings, seen.seqs, {}, "", self.name, False)


@dataclass
class Bench:
    policy: Policy = field(default_factory=Policy)
    images: list[np.ndarray] = field(default_factory=list)

    def pipeline(self) -> Pipeline:
        def detect(photons: np.ndarray):
            self.images.append(photons.copy())
            return find_nothing(photons)

        def judge(adu: np.ndarray, _: np.ndarray) -> Trust:
            return Trust(is_trusted=bool(adu[0, 0] != 13), why=str(adu[0, 0]))

        return Pipeline(
            Steps(Restorer(), detect, FakeTracker, judge, self.policy, None, saturation_adu=1000.0)
        )


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_planes_are_projected_by_their_maximum_and_channels_after_the_first_are_not(
    bench: Bench,
) -> None:
    pipeline = bench.pipeline()
    for place, (value, z, c) in enumerate([(5, 0, 0), (9, 1, 0), (7, 2, 0), (99, 0, 1)]):
        pipeline.see(info(place, 0, place, 4, z, c), image(value))
        assert pipeline.has_whole_shot == (place == 3)
    result, _ = pipeline.answer()
    assert (bench.images[0] == 9).all()
    assert result.seqs == (0, 1, 2, 3)
    assert result.observation.dose_j_cm2 == {"488": pytest.approx(4 * 0.005)}


def test_a_second_frame_of_a_plane_is_judged_but_not_added(bench: Bench) -> None:
    pipeline = bench.pipeline()
    pipeline.see(info(0, 0, 0, 2), image(5))
    pipeline.see(info(1, 0, 1, 2), image(13))
    result, _ = pipeline.answer()
    assert (bench.images[0] == 5).all()
    assert not result.observation.trust.is_trusted


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_one_frame_in_doubt_is_a_shot_in_doubt(bench: Bench, bad: int) -> None:
    pipeline = bench.pipeline()
    for place in range(3):
        pipeline.see(info(place, 0, place, 3, z=place), image(13 if place == bad else 5))
    result, _ = pipeline.answer()
    assert not result.observation.trust.is_trusted


def test_the_most_clipped_frame_counts(bench: Bench) -> None:
    pipeline = bench.pipeline()
    clipped = image(5)
    clipped[:2] = 2000
    for place, adu in enumerate([image(5), clipped, image(5)]):
        pipeline.see(info(place, 0, place, 3, z=place), adu)
    result, _ = pipeline.answer()
    assert result.observation.saturated_fraction == pytest.approx(2 / 8)


def test_a_shot_that_lost_its_end_is_not_answered_and_does_not_spoil_the_next(bench: Bench) -> None:
    pipeline = bench.pipeline()
    pipeline.see(info(0, 0, 0, 2, z=0), image(13))
    pipeline.see(info(2, 1, 0, 1), image(5))
    assert pipeline.has_whole_shot
    result, _ = pipeline.answer()
    assert result.shot == 1
    assert result.observation.trust.is_trusted
    assert (bench.images[0] == 5).all()


def test_fields_have_trackers_and_doses_of_their_own_and_only_the_first_answer_is_fresh(
    bench: Bench,
) -> None:
    pipeline = bench.pipeline()
    results = []
    for shot, p in enumerate([0, 1, 0, 0]):
        pipeline.see(info(shot, shot, 0, 1, p=p), image(5))
        results.append(pipeline.answer()[0])
    assert [r.tracks.ids for r in results] == [(1,), (1,), (2,), (3,)]
    assert [r.is_fresh for r in results] == [True, False, False, False]
    assert results[3].observation.dose_j_cm2["488"] == pytest.approx(3 * 0.005)
    assert results[1].observation.dose_j_cm2["488"] == pytest.approx(0.005)


@pytest.mark.parametrize(("focus", "is_trusted"), [("locked", True), ("lost", False)])
def test_what_was_taken_out_of_focus_may_vouch_for_nothing(
    bench: Bench, focus: str, is_trusted: bool
) -> None:
    pipeline = bench.pipeline()
    pipeline.see(msgspec.structs.replace(info(0, 0, 0, 1), focus=focus), image(5))
    result, _ = pipeline.answer()
    assert result.observation.trust.is_trusted == is_trusted
    if not is_trusted:
        assert result.observation.trust.why == "the focus lock has let go"


def test_focus_is_judged_by_position_and_plane_of_the_first_channel(bench: Bench) -> None:
    asked: list[tuple[int, int]] = []

    def focus(position: int, z: int, _: np.ndarray, trust: Trust) -> Trust:
        asked.append((position, z))
        return msgspec.structs.replace(trust, is_trusted=z != 1, why="blurred")

    pipeline = Pipeline(bench.pipeline().steps._replace(focus=focus))
    for place, (z, c) in enumerate([(0, 0), (1, 0), (0, 1)]):
        pipeline.see(info(place, 0, place, 3, z, c, p=4), image(5))
    result, _ = pipeline.answer()
    assert asked == [(4, 0), (4, 1)]
    assert result.observation.trust.why == "blurred"
