"""What a tracker must bear: any order, nonsense, a moved stage, a stirred field, many wells."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.detections import Detections
from realtime.tracker import explain, upheaval
from realtime.tracker.assign import Pairs, cheapest_links
from realtime.tracker.cells import Found, not_twice
from realtime.tracker.config import TrackerConfig
from realtime.tracker.tracker import Tracker

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


@pytest.mark.parametrize(
    ("column", "bad"),
    [(c, bad) for c in ("y_px", "area_px", "photons") for bad in (np.nan, np.inf)]
    + [("area_px", -150.0)],
)
def test_detections_that_are_no_numbers_are_left_out_and_it_is_said(
    column: str, bad: float
) -> None:
    good = seen(np.array([[1.0, 2.0], [30.0, 40.0]]))
    tracker = Tracker(TrackerConfig())
    tracks, _ = tracker.update(replace(good, **{column: np.array([5.0, bad])}))
    assert tracks.flags == ("not-numbers",)
    assert tracks.ids == (0,)
    assert tracker.labels.tolist() == [0, -1]


def test_a_flood_of_noise_costs_little_and_nobody_is_born_or_divides() -> None:
    rng, tracker = np.random.default_rng(1), Tracker(TrackerConfig())
    cells = rng.uniform(0, 2048, (300, 2))
    for _ in range(5):
        tracker.update(seen(cells + rng.normal(0, 1, cells.shape)))
    known, cpu_s = set(tracker.labels.tolist()), []
    for _ in range(3):
        noise = np.concatenate((cells, rng.uniform(0, 2048, (20_000, 2))))
        start = time.process_time()
        tracks, events = tracker.update(seen(noise))
        cpu_s.append(time.process_time() - start)
        assert "flood" in tracks.flags
        assert not {"birth", "division"} & {e.kind for e in events if not e.is_final}
        assert len(tracks.ids) <= 310
    assert min(cpu_s) < 0.15  # 0.01 s measured; without the bound a second and more
    tracks, _ = tracker.update(seen(cells))
    assert len(known & set(tracks.ids)) > 0.95 * len(cells)


def test_a_field_that_fills_with_cells_is_believed_when_they_stay() -> None:
    rng, tracker = np.random.default_rng(2), Tracker(TrackerConfig())
    cells = rng.uniform(0, 2048, (900, 2))
    tracker.update(seen(cells[:5]))
    first, _ = tracker.update(seen(cells))
    then, _ = tracker.update(seen(cells + rng.normal(0, 0.5, cells.shape)))
    assert first.flags == ("flood",)
    assert "flood" not in then.flags
    assert len(then.ids) > 850


@pytest.mark.parametrize("n", [100, 500])
def test_noise_alone_divides_never_and_is_said_to_be_chance(n: int) -> None:
    rng, tracker = np.random.default_rng(n), Tracker(TrackerConfig())
    for t in range(8):
        tracks, events = tracker.update(seen(rng.uniform(0, 2048, (n, 2))))
        assert "division" not in {e.kind for e in events}
        assert t == 0 or "chance" in tracks.flags


@pytest.mark.parametrize("shots", [1, 8])
def test_the_first_shot_of_noise_in_a_large_field_is_searched_no_longer_than_the_next(
    shots: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, tracker, searched = np.random.default_rng(1), Tracker(TrackerConfig()), []
    cells = rng.uniform(0, 2048, (3000, 2))
    for _ in range(shots):
        cells = cells + rng.normal(0, 2, cells.shape)
        tracker.update(seen(cells))

    def count(pairs: Pairs, *, in_haste: bool = False) -> NDArray[np.intp]:
        searched.append(0 if in_haste else len(pairs.alone))
        return cheapest_links(pairs, in_haste=in_haste)

    for module in (explain, upheaval):
        monkeypatch.setattr(module, "cheapest_links", count)
    for _ in range(4):
        tracks, events = tracker.update(seen(rng.uniform(0, 2048, (3000, 2))))
        assert "chance" in tracks.flags
        assert "division" not in {e.kind for e in events}
    assert max(searched) < 0.2 * len(cells)  # 30 times the whole field without the look


def test_after_a_shot_of_noise_a_large_field_keeps_its_names() -> None:
    rng, tracker = np.random.default_rng(1), Tracker(TrackerConfig())
    cells, before = rng.uniform(0, 4096, (3000, 2)), tracker.labels
    for t in range(10):
        before = tracker.labels if t == 6 else before
        noise = rng.uniform(0, 4096, (3000, 2))
        tracker.update(seen(noise if t == 6 else cells + rng.normal(0, 1, cells.shape)))
    assert (tracker.labels == before).mean() > 0.9


def test_a_jump_of_a_large_field_is_no_chance() -> None:
    rng, tracker = np.random.default_rng(1), Tracker(TrackerConfig())
    cells = rng.uniform(0, 2048, (1500, 2))
    for t in range(8):
        before = tracker.labels
        cells = cells + rng.normal(0, 1, cells.shape) + (25.0 if t == 7 else 0.0)
        tracks, _ = tracker.update(seen(cells))
    assert tracks.flags == ("jumped",)
    assert (tracker.labels == before).mean() > 0.95


def test_a_repeated_image_teaches_nothing_and_is_said() -> None:
    rng, tracker = np.random.default_rng(3), Tracker(TrackerConfig())
    for _ in range(5):
        shot = seen(GRID + rng.normal(0, 1, GRID.shape))
        tracker.update(shot)
    flags = {tracker.update(shot)[0].flags for _ in range(20)}
    tracks, events = tracker.update(seen(GRID + rng.normal(0, 1, GRID.shape)))
    assert flags == {("repeated",)}
    assert set(tracks.ids) == set(range(len(GRID)))
    assert not events


def test_cells_that_went_on_while_shots_were_lost_keep_their_names() -> None:
    tracker = Tracker(TrackerConfig(max_step_px=8.0))
    for t in range(6):
        tracker.update(seen(GRID + np.array([0.0, 5.0 * t])))
    tracker.skip(4)
    tracks, events = tracker.update(seen(GRID + np.array([0.0, 50.0])))
    assert tracks.flags == ("gap",)
    assert set(tracks.ids) == set(range(len(GRID)))
    assert not events


@pytest.mark.parametrize("missing", [0, -3, 1000, 10**9, 10**30])
def test_however_many_shots_are_missing_who_stood_still_keeps_its_name(missing: int) -> None:
    rng, tracker = np.random.default_rng(2), Tracker(TrackerConfig())
    for t in range(8):
        tracker.skip(missing if t == 6 else 0)
        tracks, events = tracker.update(seen(GRID + rng.normal(0, 1, GRID.shape)))
        assert ("gap" in tracks.flags) == (t == 6 and missing > 0)
    assert set(tracks.ids) == set(range(len(GRID)))
    assert not events


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


def test_any_number_of_detections_at_one_place_takes_little_memory() -> None:
    shot = seen(np.full((3000, 2), 50.0))
    tracemalloc.start()
    tracks, _ = Tracker(TrackerConfig()).update(shot)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(tracks.ids) <= 10
    assert most < 50e6  # 350 MB with a list of neighbours for each


@pytest.mark.parametrize("side_px", [20.0, 60.0, 300.0])
def test_who_was_found_twice_is_whoever_has_another_one_in_a_quarter_of_its_radius(
    side_px: float,
) -> None:
    rng = np.random.default_rng(4)
    places, areas = rng.uniform(0, side_px, (60, 2)), rng.uniform(0, 300, 60)
    areas[::7] = 0.0
    places[30:34] = places[:4]
    which = np.sort(rng.choice(60, 40, replace=False))
    away = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    is_near = away <= 0.25 * np.sqrt(areas / np.pi)[:, None]
    stays = [
        one
        for one in which.tolist()
        if not any(d != one and (d not in which or d < one) for d in np.flatnonzero(is_near[one]))
    ]
    assert not_twice(Found(places, areas, areas), which).tolist() == stays


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


@pytest.mark.parametrize("nowhere", [(np.nan, 0.0), (5.0, np.inf)])
def test_a_stage_that_cannot_say_how_far_it_went_loses_nobody(
    nowhere: tuple[float, float],
) -> None:
    kept, kinds = still((0.0, 0.0), nowhere)
    assert kept == 40
    assert "division" not in kinds
