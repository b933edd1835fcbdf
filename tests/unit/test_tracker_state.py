"""A tracker that is saved and restored goes on as if nothing had been."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.detections import Detections
from realtime.tracker.config import TrackerConfig
from realtime.tracker.tracker import Tracker
from tests.tracking_scenes import CellCulture, Scene


@pytest.fixture(scope="module")
def scene() -> Scene:
    return CellCulture(60, seed=3).run(60)


def shot(scene: Scene, t: int) -> Detections:
    places, areas = scene.places[t], scene.areas[t]
    ones = np.ones(len(places))
    return Detections(places[:, 0], places[:, 1], areas, 10 * areas, 10 * ones, ones)


@pytest.mark.parametrize("at", [0, 1, 7, 31, 45])
def test_a_restored_tracker_says_word_for_word_the_same(scene: Scene, at: int) -> None:
    one, other = Tracker(TrackerConfig()), Tracker(TrackerConfig())
    for t in range(at):
        one.update(shot(scene, t))
    one.carry(3.0, -2.0)
    other.resume(one.state())
    np.testing.assert_array_equal(one.labels, other.labels)
    for t in range(at, len(scene.places)):
        assert one.update(shot(scene, t)) == other.update(shot(scene, t))
        np.testing.assert_array_equal(one.labels, other.labels)


def test_a_damaged_state_is_refused_and_the_tracker_goes_on_as_it_was(scene: Scene) -> None:
    tracker = Tracker(TrackerConfig())
    for t in range(5):
        tracker.update(shot(scene, t))
    before = tracker.state()
    for broken in (b"", b"nonsense", before[:-7], before.replace(b"_carried_px", b"_curried_px")):
        with pytest.raises(ValueError, match="state of a tracker"):
            tracker.resume(broken)
        assert tracker.state() == before


def test_a_state_of_other_settings_is_refused() -> None:
    with pytest.raises(ValueError, match="set otherwise"):
        Tracker(TrackerConfig(max_missed=3)).resume(Tracker(TrackerConfig()).state())


def test_the_state_of_a_long_film_stays_small(scene: Scene) -> None:
    tracker = Tracker(TrackerConfig())
    for t in range(60):
        tracker.update(shot(scene, t))
    assert len(tracker.state()) < 100_000
