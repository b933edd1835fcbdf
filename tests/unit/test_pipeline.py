"""The worker's half of the loop with fake steps: what a shot's frames become."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied, ChannelSettings, Settings
from realtime.nothing import find_nothing
from realtime.pipeline import Pipeline, is_real
from realtime.policy import Decision, Observation, Trust
from realtime.steps import Steps
from realtime.wire import Picture, RestoredSlot, RingInfo, TrackEvent, Tracks

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

    def carry(self, y_px: float, x_px: float) -> None:
        """Nobody moves."""

    def skip(self, shots: int) -> None:
        self.shots += 100 * shots


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

    def focus(position: int, z: int, _: np.ndarray, trust: Trust, *, is_held: bool) -> Trust:
        assert not is_held
        asked.append((position, z))
        return msgspec.structs.replace(trust, is_trusted=z != 1, why="blurred")

    pipeline = Pipeline(bench.pipeline().steps._replace(focus=focus))
    for place, (z, c) in enumerate([(0, 0), (1, 0), (0, 1)]):
        pipeline.see(info(place, 0, place, 3, z, c, p=4), image(5))
    result, _ = pipeline.answer()
    assert asked == [(4, 0), (4, 1)]
    assert result.observation.trust.why == "blurred"


class Drawing:
    """Tells what it was asked, in order."""

    def __init__(self, told: list[str]) -> None:
        self.told = told

    def see(self, info: FrameInfo, adu: np.ndarray) -> None:
        self.told.append(f"see {info.seq} {adu[0, 0]}")

    def draw(self) -> tuple[Picture, ...]:
        self.told.append("draw")
        slot = RestoredSlot(RingInfo("ll", 4, 8), 0, 1, 2, 4)
        return (Picture("superres", 0.0, "fine@1", slot),)

    def forget(self) -> None:
        self.told.append("forget")


def test_a_restorer_is_told_what_a_frame_is_of_before_it_sees_it(bench: Bench) -> None:
    pipeline, told = bench.pipeline(), []
    restore = pipeline.steps.restore

    class Listener(Restorer):
        def __call__(self, adu: np.ndarray) -> Restored:
            told.append(f"restore {adu[0, 0]}")
            return restore(adu)

    def introduce(frame: FrameInfo) -> None:
        told.append(f"introduce {frame.seq}")

    pipeline = Pipeline(pipeline.steps._replace(restore=Listener(), introduce=introduce))
    for place, c in enumerate((0, 0, 1)):
        pipeline.see(info(place, 0, place, 3, z=place, c=c), image(place + 5))
    assert told == ["introduce 0", "restore 5", "introduce 1", "restore 6"]


def test_pictures_are_drawn_after_the_decision_and_change_nothing_of_it(bench: Bench) -> None:
    told: list[str] = []
    plain, drawn = Bench(), bench
    steps = drawn.pipeline().steps
    decide = steps.policy.decide

    def decide_and_tell(seen: Observation) -> Decision:
        told.append("decide")
        return decide(seen)

    steps.policy.decide = decide_and_tell
    with_pictures = Pipeline(steps._replace(drawing=Drawing(told)))
    answers = []
    for pipeline in (plain.pipeline(), with_pictures):
        for place in range(2):
            pipeline.see(info(place, 0, place, 2, z=place), image(place + 5))
        answers.append(pipeline.answer())
    assert told == ["see 0 5", "see 1 6", "decide", "draw", "forget"]
    assert answers[0][1] == answers[1][1]
    assert answers[0][0].observation == answers[1][0].observation
    assert answers[0][0].pictures == ()
    assert [p.kind for p in answers[1][0].pictures] == ["superres"]


def test_a_shot_that_lost_its_end_leaves_no_frame_in_the_next_one_s_pictures(
    bench: Bench,
) -> None:
    told: list[str] = []
    pipeline = Pipeline(bench.pipeline().steps._replace(drawing=Drawing(told)))
    pipeline.see(info(0, 0, 0, 2), image(5))
    pipeline.see(info(2, 1, 0, 1), image(6))
    pipeline.answer()
    assert told == ["see 0 5", "forget", "see 2 6", "draw", "forget"]


def test_a_network_that_was_given_up_may_vouch_for_nothing(bench: Bench) -> None:
    def doubt(trust: Trust) -> Trust:
        return msgspec.structs.replace(trust, is_trusted=False, why="no network runs any more")

    pipeline = Pipeline(bench.pipeline().steps._replace(doubt=doubt))
    pipeline.see(info(0, 0, 0, 1), image(5))
    trust = pipeline.answer()[0].observation.trust
    assert (trust.is_trusted, trust.why) == (False, "no network runs any more")


def test_a_focus_that_is_held_or_was_just_found_vouches_for_the_frame(bench: Bench) -> None:
    held: list[bool] = []

    def focus(_: int, __: int, ___: np.ndarray, trust: Trust, *, is_held: bool) -> Trust:
        held.append(is_held)
        return trust

    pipeline = Pipeline(bench.pipeline().steps._replace(focus=focus))
    for shot, said in enumerate(("locked", "found", "lost", "not found", "free", "")):
        pipeline.see(msgspec.structs.replace(info(shot, shot, 0, 1), focus=said), image(5))
    assert held == [True, True, False, False, False, False]


def told(
    pipeline: Pipeline, seq: int, shot: int, pixels: np.ndarray
) -> tuple[int, tuple[str, ...]]:
    pipeline.see(info(seq, shot, 0, 1), pixels)
    result, _ = pipeline.answer()
    return result.tracks.ids[0], result.tracks.flags


def test_late_shots_and_images_without_numbers_change_no_track_and_lower_no_light(
    bench: Bench,
) -> None:
    pipeline = bench.pipeline()
    assert told(pipeline, 0, 5, image(20)) == (1, ())
    assert told(pipeline, 1, 4, image(20)) == (1, ("late",))
    assert not bench.policy.seen[-1].trust.is_trusted
    broken = np.full(SHAPE, np.nan, np.float32)
    assert told(pipeline, 2, 6, broken) == (1, ("not-numbers",))
    assert not bench.policy.seen[-1].trust.is_trusted
    assert len(bench.images) == 2  # no detector sees what is no number
    assert told(pipeline, 3, 7, image(20)) == (2, ())


@given(
    arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.floats(width=32) | st.sampled_from([np.nan, np.inf, -np.inf, 3e38, -3e38]),
    )
)
def test_an_image_is_real_if_every_pixel_is_a_number(image: np.ndarray) -> None:
    assert is_real(image) == bool(np.isfinite(image).all())


def test_missing_time_points_are_told_to_the_tracker(bench: Bench) -> None:
    pipeline = bench.pipeline()
    shots = [told(pipeline, n, t, image(20))[0] for n, t in enumerate((0, 1, 2, 5))]
    assert shots == [1, 2, 3, 204]
