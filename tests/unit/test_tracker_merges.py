"""Cells that touch are seen as one for a while; nobody is lost, and nobody is born of it."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.detections import Detections
from realtime.tracker.config import TrackerConfig
from realtime.tracker.tracker import Tracker
from realtime.wire import TrackEvent, Tracks

Cell = tuple[float, float, float]
"""y and x in px, and area in px."""
OTHERS: list[Cell] = [
    (40.0 * row, 300.0 + 40.0 * column, 150.0 + 12.0 * row)
    for row in range(5)
    for column in range(5)
]
"""Bystanders of many sizes: areas must tell cells apart to mean anything."""
TOUCHES, APART = 8, 13
"""Shots in which the two cells begin to be seen as one, and as two again."""


def seen(cells: list[Cell], rng: np.random.Generator) -> Detections:
    y, x, area = np.array(cells).T
    y, x = (axis + rng.normal(0, 0.4, len(cells)) for axis in (y, x))
    area = area * rng.normal(1, 0.03, len(cells))
    light = np.full(len(cells), 10.0)
    return Detections(y, x, area, light * area, light, light)


def shots(small: float = 120.0, large: float = 260.0) -> list[list[Cell]]:
    """Return a small cell that meets a large one, is seen as one with it, and goes on."""
    film = []
    for t in range(20):
        one: Cell = (100.0, 100.0 + 4.0 * min(t, TOUCHES), small)
        other: Cell = (100.0, 150.0, large)
        if t >= APART:
            one = (100.0, 132.0 - 3.0 * (t - APART), small)
        together = [(100.0, 145.0, small + large)]
        film.append((together if TOUCHES <= t < APART else [one, other]) + OTHERS)
    return film


def follow(film: list[list[Cell]]) -> tuple[list[Tracks], list[tuple[TrackEvent, ...]]]:
    tracker, rng = Tracker(TrackerConfig()), np.random.default_rng(3)
    answers = [tracker.update(seen(cells, rng)) for cells in film]
    return [tracks for tracks, _ in answers], [events for _, events in answers]


def test_a_merge_is_told_at_once_and_final_two_shots_later() -> None:
    _, events = follow(shots())
    assert TrackEvent("merge", 0, 1, False) in events[TOUCHES]
    assert TrackEvent("merge", 0, 1, True) in events[TOUCHES + 2]
    assert not [e for shot in events for e in shot if e.kind == "end"]


def test_cells_that_come_apart_keep_their_names_and_nobody_divided() -> None:
    tracks, events = follow(shots())
    assert TrackEvent("split", 0, 1, False) in events[APART]
    assert TrackEvent("split", 0, 1, True) in events[APART + 2]
    places = dict(zip(tracks[-1].ids, tracks[-1].x_px, strict=True))
    assert places[0] < 130 < places[1]
    assert set(tracks[-1].ids) == set(tracks[TOUCHES - 1].ids)
    assert "division" not in {e.kind for shot in events for e in shot}


@pytest.mark.parametrize(("small", "large"), [(120.0, 260.0), (260.0, 120.0)])
def test_a_hidden_cell_goes_with_the_one_that_hides_it(small: float, large: float) -> None:
    tracks, _ = follow(shots(small, large))
    for t in range(TOUCHES, APART):
        assert {0, 1} <= set(tracks[t].ids)
        hidden = next(i for i in (0, 1) if tracks[t].missed[tracks[t].ids.index(i)])
        assert abs(tracks[t].x_px[tracks[t].ids.index(hidden)] - 145.0) < 20


def test_a_cell_that_is_missed_beside_one_that_did_not_grow_is_not_merged() -> None:
    film = [
        [cell for cell in cells if not (t >= TOUCHES and cell[2] == 120.0)]
        for t, cells in enumerate(
            [[(100.0, 132.0, 120.0), (100.0, 150.0, 260.0), *OTHERS] for _ in range(14)]
        )
    ]
    _, events = follow(film)
    kinds = {e.kind for shot in events for e in shot}
    assert "merge" not in kinds
    assert TrackEvent("end", 0, -1, True) in {e for shot in events for e in shot}


def test_a_merge_of_a_moment_is_withdrawn() -> None:
    film = shots()
    film[TOUCHES + 1 : APART] = []  # apart again in the very next shot
    _, events = follow(film)
    told = [e for shot in events[TOUCHES:] for e in shot if e.track_id == 0]
    assert told[:2] == [TrackEvent("merge", 0, 1, False), TrackEvent("withdrawn", 0, -1, True)]
    assert "split" not in {e.kind for e in told}


def test_a_cell_that_stays_hidden_is_not_waited_for_for_ever() -> None:
    film = shots()[: TOUCHES + 1]
    film += [film[-1]] * 60
    tracks, events = follow(film)
    assert 0 not in tracks[-1].ids
    assert TrackEvent("end", 0, -1, True) in {e for shot in events for e in shot}


def test_a_split_that_lasts_one_shot_is_withdrawn_and_the_cell_stays_hidden() -> None:
    film = shots()
    hidden = film[TOUCHES]
    film[APART + 1 :] = [hidden] * 6  # seen apart once, then as one again
    tracks, events = follow(film)
    told = [e for shot in events[APART:] for e in shot if e.track_id == 0]
    assert told[0] == TrackEvent("split", 0, 1, False)
    assert TrackEvent("withdrawn", 0, -1, True) in told
    assert TrackEvent("split", 0, 1, True) not in told
    assert TrackEvent("merge", 0, 1, True) in told
    assert {0, 1} <= set(tracks[-1].ids)


def test_every_merge_and_split_gets_its_verdict() -> None:
    for film in (shots(), shots()[: APART + 3], shots(150.0, 300.0)):
        _, events = follow(film)
        open_: dict[int, int] = {}
        for t, shot in enumerate(events):
            for event in shot:
                if event.kind in ("merge", "split") and not event.is_final:
                    open_[event.track_id] = t
                elif event.track_id in open_:
                    assert t - open_.pop(event.track_id) <= 2
        assert all(t > len(events) - 3 for t in open_.values())
