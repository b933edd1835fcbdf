"""Identities last; births, divisions and ends are told, and taken back when they were wrong."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import numpy as np
import pytest

from realtime.detections import Detections
from realtime.tracker.config import TrackerConfig
from realtime.tracker.forecast import forecast
from realtime.tracker.tracker import Tracker
from realtime.wire import TrackEvent, Tracks

Place = tuple[float, float]
AWAY: list[Place] = [(0.0, 400.0), (200.0, 400.0), (400.0, 400.0)]
"""Bystanders, so that the field is not empty."""


def seen(places: Sequence[Place], areas: Sequence[float] | None = None) -> Detections:
    yx = np.array(places, np.float64).reshape(-1, 2)
    area = np.full(len(yx), 150.0) if areas is None else np.array(areas, np.float64)
    light = np.full(len(yx), 10.0)
    return Detections(yx[:, 0], yx[:, 1], area, light * area, light, light)


def follow(
    shots: Sequence[Sequence[Place]], config: TrackerConfig | None = None
) -> tuple[Tracker, list[Tracks], list[tuple[TrackEvent, ...]]]:
    tracker = Tracker(config or TrackerConfig(max_step_px=15.0))
    answers = [tracker.update(seen(places)) for places in shots]
    return tracker, [a[0] for a in answers], [a[1] for a in answers]


def kinds(events: Sequence[TrackEvent]) -> list[tuple[str, bool]]:
    return [(e.kind, e.is_final) for e in events]


def test_a_cell_keeps_its_identity_while_it_moves() -> None:
    _, tracks, _ = follow([[(10.0, 10.0 + 3 * t), *AWAY] for t in range(8)])
    assert {t.ids for t in tracks} == {(0, 1, 2, 3)}
    assert tracks[-1].x_px[0] == 31.0
    assert tracks[-1].ages == (7, 7, 7, 7)
    assert tracks[-1].vx_px[0] == pytest.approx(3.0)


def test_labels_name_each_detection_whatever_their_order() -> None:
    tracker = Tracker(TrackerConfig(max_step_px=15.0))
    tracker.update(seen([(0.0, 0.0), (0.0, 50.0)]))
    tracker.update(seen([(0.0, 51.0), (0.0, 1.0)]))
    np.testing.assert_array_equal(tracker.labels, [1, 0])


def test_a_cell_that_is_missed_and_found_again_keeps_its_identity() -> None:
    shots = [[(10.0, 10.0 + 4 * t), *AWAY] for t in range(10)]
    shots[6] = shots[7] = AWAY
    _, tracks, events = follow(shots)
    assert tracks[-1].ids == (0, 1, 2, 3)
    assert tracks[7].missed[0] == 2
    assert tracks[7].x_px[0] == pytest.approx(38.0, abs=2.5)  # carried on by its velocity
    assert kinds(events[6]) == [("end", False)]
    assert events[8] == (TrackEvent("withdrawn", 0, -1, True),)


def test_a_cell_that_is_gone_ends_for_good() -> None:
    shots = [[(10.0, 10.0), *AWAY]] * 5 + [AWAY] * 4
    _, tracks, events = follow(shots)
    assert events[5] == (TrackEvent("end", 0, -1, False),)
    assert events[7] == (TrackEvent("end", 0, -1, True),)
    assert 0 not in tracks[-1].ids


def test_the_gate_grows_with_the_gap() -> None:
    rest = [[(10.0, 10.0), *AWAY]] * 4
    far = (10.0, 10.0 + 20.0)
    _, at_once, _ = follow([*rest, [far, *AWAY]])
    _, later, _ = follow([*rest, AWAY, AWAY, [far, *AWAY]])
    assert 4 in at_once[-1].ids  # beyond the gate: somebody new
    assert 4 not in later[-1].ids


def test_a_birth_is_final_two_shots_later() -> None:
    shots = [AWAY] * 3 + [[*AWAY, (50.0, 50.0)]] * 3
    _, _, events = follow(shots)
    assert events[3] == (TrackEvent("birth", 3, -1, False),)
    assert events[5] == (TrackEvent("birth", 3, -1, True),)


def test_a_false_detection_is_taken_back_and_forgotten() -> None:
    shots: list[list[Place]] = [AWAY] * 3 + [[*AWAY, (50.0, 50.0)]] + [AWAY] * 2
    _, tracks, events = follow(shots)
    assert events[5] == (TrackEvent("withdrawn", 3, -1, True),)
    assert tracks[-1].ids == (0, 1, 2)


def divided(n_after: int = 4) -> list[list[Place]]:
    before: list[list[Place]] = [[(100.0, 100.0), *AWAY]] * 6
    after = [[(100.0, 92.0 - t), (100.0, 108.0 + t), *AWAY] for t in range(n_after)]
    return before + after


def test_a_division_is_told_at_once_and_final_two_shots_later_with_both_daughters() -> None:
    _, tracks, events = follow(divided(), TrackerConfig(max_step_px=15.0, use_area=False))
    assert events[6] == (TrackEvent("division", 4, 0, False),)
    assert events[8] == (TrackEvent("division", 4, 0, True), TrackEvent("division", 5, 0, True))
    assert set(tracks[-1].ids) == {1, 2, 3, 4, 5}
    mothers = dict(zip(tracks[-1].ids, tracks[-1].parents, strict=True))
    assert (mothers[4], mothers[5]) == (0, 0)


@pytest.mark.parametrize("real_x", [92.0, 98.0, 102.0, 108.0])
def test_a_false_detection_beside_a_cell_is_a_division_only_for_a_while(real_x: float) -> None:
    shots = divided(1) + [[(100.0, real_x), *AWAY]] * 3
    _, tracks, events = follow(shots, TrackerConfig(max_step_px=15.0, use_area=False))
    assert kinds(events[6]) == [("division", False)]
    assert TrackEvent("end", 0, -1, True) not in events[8]
    assert TrackEvent("withdrawn", 4, 0, True) in events[8]
    assert set(tracks[-1].ids) == {0, 1, 2, 3}


def test_daughters_beyond_the_gate_are_a_division_when_the_mother_is_gone() -> None:
    config = TrackerConfig(max_step_px=12.0, division_reach_px=45.0, use_area=False)
    before: list[list[Place]] = [[(100.0, 100.0), *AWAY]] * 6
    _, _, events = follow(before + [[(100.0, 70.0), (100.0, 130.0), *AWAY]] * 3, config)
    assert kinds(events[6]) == [("division", False)]
    assert kinds(events[8]) == [("division", True)] * 2


def test_an_odd_size_speaks_against_a_division_where_births_are_often_false() -> None:
    tracker = Tracker(TrackerConfig(max_step_px=15.0))
    rng = np.random.default_rng(0)
    for _ in range(30):  # five false detections in every shot, never twice in one place
        noise = rng.uniform(0, 400, (5, 2))
        cells = np.array([(100.0, 100.0), *AWAY]) + rng.normal(0, 3, (4, 2))
        sizes = [*rng.normal(150, 15, 4), *rng.normal(40, 5, 5)]
        tracker.update(seen([*map(tuple, [*cells.tolist(), *noise.tolist()])], sizes))
    _, events = tracker.update(seen([(100.0, 93.0), (100.0, 107.0), *AWAY], [150, 30, *[150] * 3]))
    assert "division" not in [e.kind for e in events]


def test_empty_shots_and_a_first_cell_are_followed() -> None:
    _, tracks, _ = follow([[], [], [(5.0, 5.0)], [(6.0, 5.0)], [(6.0, 6.0)], [(7.0, 6.0)]])
    assert tracks[1] == Tracks()
    assert (tracks[-1].ids, tracks[-1].ages) == ((0,), (3,))


def test_two_positions_know_nothing_of_each_other() -> None:
    one, other = Tracker(TrackerConfig()), Tracker(TrackerConfig())
    one.update(seen([(0.0, 0.0)]))
    tracks, _ = other.update(seen([(0.0, 0.0), (50.0, 0.0)]))
    assert tracks.ids == (0, 1)


def test_memory_follows_the_cells_alive() -> None:
    tracker, rng = Tracker(TrackerConfig()), np.random.default_rng(0)
    for _ in range(60):  # nobody is ever seen twice
        tracker.update(seen([tuple(p) for p in rng.uniform(0, 5000, (40, 2))]))
        assert tracker._cells.nbytes < 4 * 40 * tracker._cells.itemsize
        assert len(tracker._verdicts._pending) < 120
    assert sys.getsizeof(tracker._verdicts._pending) < 10_000


def test_all_cells_crowded_in_one_gate_do_not_stall() -> None:
    tracker, rng = Tracker(TrackerConfig(max_step_px=50.0)), np.random.default_rng(0)
    start = time.thread_time()
    for _ in range(6):
        tracker.update(seen([tuple(p) for p in rng.uniform(0, 9, (150, 2))]))
    assert time.thread_time() - start < 2.0


def test_a_bumped_stage_keeps_all_identities_and_invents_no_division() -> None:
    rng = np.random.default_rng(4)
    squares = 50.0 * np.stack(np.mgrid[:8, :8], axis=-1).reshape(-1, 2)
    cells = squares + rng.uniform(0, 40, squares.shape)  # no detector finds two at one place
    tracker = Tracker(TrackerConfig())
    ids: list[set[int]] = []
    for t in range(12):
        bump = np.array([17.0, -23.0]) * (t >= 6)
        places = cells + rng.normal(0, 0.7, cells.shape) + bump
        tracks, events = tracker.update(seen([*map(tuple, places.tolist())]))
        assert tracker.has_jumped == (t == 6)
        assert "division" not in {e.kind for e in events}
        ids.append(set(tracks.ids))
    assert ids[-1] == ids[5]


def test_a_cell_in_a_stack_is_told_from_one_above_it() -> None:
    tracker = Tracker(TrackerConfig(max_step_px=15.0))
    light = np.full(4, 10.0)
    y, x = np.array([10.0, 10.0, 60.0, 90.0]), np.array([10.0, 10.0, 80.0, 20.0])
    for t in range(5):
        z = np.array([0.0, 40.0, 20.0, 20.0]) + t
        order = np.arange(4) if t % 2 else np.arange(4)[::-1]
        found = Detections(y[order], x[order], light[order], light, light, light, z_px=z[order])
        tracks, _ = tracker.update(found)
    assert sorted(tracks.z_px) == [4.0, 24.0, 24.0, 44.0]
    assert len(tracks.ids) == 4
    assert set(tracks.ages) == {4}


def test_a_forecast_goes_on_at_the_course_and_grows_less_sure() -> None:
    _, tracks, _ = follow([[(10.0, 10.0 + 3 * t), *AWAY] for t in range(12)])
    now, sure = forecast(tracks[-1], 0)
    later, unsure = forecast(tracks[-1], 4)
    assert later[0, 1] - now[0, 1] == pytest.approx(12.0, abs=1.5)
    assert np.all(np.linalg.det(unsure) > np.linalg.det(sure))
    with pytest.raises(ValueError, match="ahead"):
        forecast(tracks[-1], -1)
    with pytest.raises(ValueError, match="no course"):
        forecast(Tracks(ids=(1,), y_px=(0.0,), x_px=(0.0,)), 1)
