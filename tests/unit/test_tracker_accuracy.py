"""The tracker against cells of known fate: floors below what was measured."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.detections import Detections
from realtime.tracker.config import TrackerConfig
from realtime.tracker.tracker import Tracker
from realtime.wire import TrackEvent, Tracks
from tests.tracking_scenes import CellCulture, Scene, Score, score


def detections(scene: Scene, shot: int) -> Detections:
    places, areas = scene.places[shot], scene.areas[shot]
    light = np.ones(len(places))
    return Detections(places[:, 0], places[:, 1], areas, areas, light, light)


def follow(scene: Scene) -> tuple[list[tuple[Tracks, tuple[TrackEvent, ...]]], Score]:
    tracker = Tracker(TrackerConfig())
    answers, labels = [], []
    for shot in range(len(scene.places)):
        answers.append(tracker.update(detections(scene, shot)))
        labels.append(tracker.labels)
    finals = [e for _, events in answers for e in events if e.kind == "division" and e.is_final]
    return answers, score(scene, labels, {e.track_id: e.parent_id for e in finals})


@pytest.fixture(scope="module")
def scene() -> Scene:
    return CellCulture(120, seed=1).run(80)


def test_links_and_divisions_are_right_more_often_than_the_floor(scene: Scene) -> None:
    _, got = follow(scene)
    assert got.edge_f1 > 0.98
    assert got.division_f1 > 0.75


def test_the_same_detections_give_the_same_identities_and_events(scene: Scene) -> None:
    first, again = follow(scene)[0], follow(scene)[0]
    assert first == again


def test_the_truth_scores_one_against_itself(scene: Scene) -> None:
    got = score(scene, scene.truth, scene.mothers)
    assert got.edge_f1 > 0.995  # gaps longer than three shots are no true edges
    assert got.division_f1 > 0.95


def test_shuffled_identities_score_next_to_nothing(scene: Scene) -> None:
    rng = np.random.default_rng(0)
    labels: list[NDArray[np.int64]] = [rng.permutation(names) for names in scene.truth]
    assert score(scene, labels, {}).edge_f1 < 0.2


def test_every_provisional_event_gets_its_verdict(scene: Scene) -> None:
    answers, _ = follow(scene)
    open_since: dict[int, int] = {}
    for shot, (_, events) in enumerate(answers):
        for event in events:
            if not event.is_final:
                assert event.track_id not in open_since, event
                open_since[event.track_id] = shot
            elif event.track_id in open_since:
                assert shot - open_since.pop(event.track_id) <= 3
            else:  # the second daughter, or a daughter who is only a newcomer after all
                assert event.kind in ("division", "birth", "withdrawn"), event
    assert all(shot >= len(answers) - 3 for shot in open_since.values())


def test_identities_are_never_used_twice(scene: Scene) -> None:
    answers, _ = follow(scene)
    gone: set[int] = set()
    alive: set[int] = set()
    for tracks, _ in answers:
        assert len(set(tracks.ids)) == len(tracks.ids)
        assert not gone & set(tracks.ids)
        gone |= alive - set(tracks.ids)
        alive = set(tracks.ids)


@pytest.mark.bench
def test_a_hundred_cells_are_followed_in_a_few_milliseconds_from_the_first_shot_on() -> None:
    scene, tracker, times_ms = CellCulture(100, seed=2).run(40), Tracker(TrackerConfig()), []
    for shot in range(40):
        start = time.thread_time()
        tracker.update(detections(scene, shot))
        times_ms.append(1e3 * (time.thread_time() - start))
    assert times_ms[0] < 50
    assert float(np.median(times_ms)) < 5  # about 1 ms on an idle core
