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
GRID = np.mgrid[0:6, 0:5].reshape(2, -1).T * 60.0


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


@pytest.mark.parametrize("off", [0.0, 0.5, 1.5])
@pytest.mark.parametrize("since", [0, 5])
def test_a_cell_that_is_found_twice_is_one_cell_and_bears_nobody(off: float, since: int) -> None:
    rng, tracker = np.random.default_rng(3), Tracker(TrackerConfig())
    cells, kinds = GRID + rng.normal(0, 3, GRID.shape), set()
    for t in range(15):
        cells = cells + rng.normal(0, 1, cells.shape)
        twice = cells[:10] + np.array([off, 0.0])
        shot = np.concatenate((cells, twice)) if t >= since else cells
        tracks, events = tracker.update(seen(shot))
        kinds |= {event.kind for event in events} if t > 2 else set()
    assert tracks.ids == tuple(range(30))
    assert not kinds
    assert sorted(tracker.labels[tracker.labels >= 0].tolist()) == list(range(30))


@pytest.mark.parametrize("every", [1, 2, 3])
def test_now_and_then_a_cell_found_twice_starts_no_chain_of_names(every: int) -> None:
    rng, tracker = np.random.default_rng(3), Tracker(TrackerConfig())
    cells = GRID + rng.normal(0, 3, GRID.shape)
    for t in range(30):
        cells = cells + rng.normal(0, 1, cells.shape)
        twice = cells[:10] + rng.normal(0, 0.3, (10, 2))
        shot = np.concatenate((cells, twice)) if t % every == 0 else cells
        tracks, _ = tracker.update(seen(shot))
    assert tracks.ids == tuple(range(30))


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
