"""A part of a colony that is carried off keeps its names, and so does what stays."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.spatial import cKDTree

from realtime.detections import Detections
from realtime.tracker.config import TrackerConfig
from realtime.tracker.drift import ways_within
from realtime.tracker.tracker import Tracker


def colony(rng: np.random.Generator) -> np.ndarray:
    """Return cells about 24 px apart, (N, 2)."""
    y, x = np.mgrid[0:12, 0:12].reshape(2, -1) * 24.0
    return np.column_stack((y, x)) + rng.normal(0, 3.0, (144, 2))


def seen(places: np.ndarray) -> Detections:
    ones = np.ones(len(places))
    return Detections(places[:, 0], places[:, 1], 150 * ones, 1500 * ones, 10 * ones, 10 * ones)


@pytest.mark.parametrize("way", [(-42.0, -23.0), (14.0, -12.0), (0.0, 60.0)])
def test_a_clump_that_is_carried_off_keeps_its_names(way: tuple[float, float]) -> None:
    rng = np.random.default_rng(4)
    places, tracker = colony(rng), Tracker(TrackerConfig())
    for _ in range(6):
        tracker.update(seen(places := places + rng.normal(0, 0.8, places.shape)))
    names = tracker.labels
    clump = (places[:, 0] > 150) & (places[:, 1] > 150)
    swirl = 0.08 * (places - places[clump].mean(axis=0))
    places = places + np.where(clump[:, None], np.array(way) + swirl, 0.0)
    _, events = tracker.update(seen(places))
    same = tracker.labels == names
    assert same[clump].mean() > 0.9
    assert same[~clump].mean() > 0.9
    assert tracker.has_jumped
    assert sum(event.kind == "division" for event in events) <= 1


def test_after_it_was_carried_off_a_clump_is_not_expected_to_go_on() -> None:
    rng = np.random.default_rng(5)
    places, tracker = colony(rng), Tracker(TrackerConfig())
    for _ in range(6):
        tracker.update(seen(places := places + rng.normal(0, 0.8, places.shape)))
    clump = (places[:, 0] > 150) & (places[:, 1] > 150)
    places = places + np.where(clump[:, None], (-16.0, 10.0), 0.0)
    tracker.update(seen(places))
    names = tracker.labels
    for _ in range(3):
        tracker.update(seen(places := places + rng.normal(0, 0.8, places.shape)))
        assert (tracker.labels == names).mean() > 0.95


def test_all_short_ways_are_found_in_little_memory() -> None:
    rng = np.random.default_rng(5)
    gone, free = rng.uniform(0, 2048, (2, 3000, 2))
    tracemalloc.start()
    ways = ways_within(gone, free, 60.0)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    near = cKDTree(gone).query_ball_tree(cKDTree(free), 60.0)
    expected = [free[d] - gone[n] for n, of in enumerate(near) for d in sorted(of)]
    np.testing.assert_array_equal(ways, expected)
    assert most < 30e6  # 220 MB with all pairs at once
