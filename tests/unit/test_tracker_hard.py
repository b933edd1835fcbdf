"""What a tracker must bear: any order, nonsense, a moved stage, a stirred field, many wells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.detections import Detections
from realtime.errors import BadDetections
from realtime.tracker import Tracker, TrackerConfig

N_WELLS = 96


def seen(places: NDArray[np.float64]) -> Detections:
    light = np.full(len(places), 150.0)
    return Detections(places[:, 0], places[:, 1], light, light, light, light)


def test_who_is_who_does_not_hang_on_the_order_of_detections() -> None:
    rng, mix = np.random.default_rng(0), np.random.default_rng(1)
    one, other = Tracker(TrackerConfig()), Tracker(TrackerConfig())
    places = rng.uniform(0, 300, (80, 2))
    names: dict[int, int] = {}
    for _ in range(12):
        places = places + rng.normal(0, 2, places.shape)
        order = mix.permutation(len(places))
        one.update(seen(places))
        other.update(seen(places[order]))
        for mine, theirs in zip(one.labels[order].tolist(), other.labels.tolist(), strict=True):
            assert names.setdefault(mine, theirs) == theirs


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("column", ["y_px", "area_px", "photons"])
def test_detections_that_are_no_numbers_are_refused(bad: float, column: str) -> None:
    good = seen(np.array([[1.0, 2.0], [30.0, 40.0]]))
    broken = replace(good, **{column: np.array([5.0, bad])})
    with pytest.raises(BadDetections, match="detection 1"):
        Tracker(TrackerConfig()).update(broken)


def test_the_same_place_twice_is_two_cells() -> None:
    tracker = Tracker(TrackerConfig())
    for _ in range(4):
        tracks, _ = tracker.update(seen(np.array([[5.0, 5.0], [5.0, 5.0]])))
    assert len(tracks.ids) == 2


def test_the_cells_of_a_whole_plate_fit_into_little_memory() -> None:
    rng = np.random.default_rng(0)
    wells = [Tracker(TrackerConfig()) for _ in range(N_WELLS)]
    for _ in range(3):
        for tracker in wells:
            tracker.update(seen(rng.uniform(0, 500, (50, 2))))
    assert sum(tracker._cells.nbytes for tracker in wells) < 10 * 2**20


def still(moved_px: tuple[float, float], told_px: tuple[float, float]) -> tuple[int, set[str]]:
    """Return how many names last, and what is told, when the stage moves in the seventh shot."""
    rng, tracker = np.random.default_rng(2), Tracker(TrackerConfig())
    cells, kinds = rng.uniform(0, 500, (40, 2)), set()
    for t in range(12):
        if t == 6:
            before = set(tracker.labels.tolist())
            tracker.carry(*told_px)
        places = cells + rng.normal(0, 1, cells.shape) + np.array(moved_px) * (t >= 6)
        _, events = tracker.update(seen(places))
        kinds |= {event.kind for event in events} if t > 2 else set()
    return len(before & set(tracker.labels.tolist())), kinds


@pytest.mark.parametrize("told", [(400.0, -290.0), (0.0, 0.0)])
def test_a_stage_that_moves_far_loses_nobody_where_it_is_told(told: tuple[float, float]) -> None:
    kept, kinds = still((400.0, -290.0), told)
    assert (kept == 40 and not kinds) is any(told)


def test_a_stage_that_follows_the_sample_loses_nobody_either() -> None:
    kept, kinds = still((0.0, 0.0), (150.0, -90.0))
    assert kept == 40
    assert "division" not in kinds
