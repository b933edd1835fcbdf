"""Rows leave the lineage when nothing can change them, and together they are the family trees."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.detections import Detections
from realtime.tracker.config import TrackerConfig
from realtime.tracker.lineage import ROW, Lineage
from realtime.tracker.tracker import Tracker
from realtime.wire import TrackEvent, Tracks
from tests.tracking_scenes import CellCulture, Scene, score

CONFIG = TrackerConfig()
HOLD = max(CONFIG.verdict_shots, CONFIG.max_missed)


def tracks(**places: tuple[float, float]) -> Tracks:
    """Return cells by name, such as c3=(y, x)."""
    ids = tuple(int(name[1:]) for name in places)
    ys, xs = (tuple(place[axis] for place in places.values()) for axis in (0, 1))
    return Tracks(ids=ids, parents=(-1,) * len(ids), y_px=ys, x_px=xs, missed=(0,) * len(ids))


def settled(
    shots: Sequence[tuple[Tracks, tuple[TrackEvent, ...]]], hold: int = HOLD
) -> tuple[list[tuple[int, int, float]], dict[int, int]]:
    """Return (t, cell, x) of all rows, and the mothers."""
    lineage = Lineage(hold)
    rows = [row for t, shot in enumerate(shots) for row in lineage.take(t, *shot)]
    rows += lineage.finish()
    every = np.concatenate([np.empty(0, ROW), *rows])
    return [(int(r["t"]), int(r["cell"]), float(r["x"])) for r in every], lineage.mothers


def final(kind: str, track_id: int, parent_id: int = -1) -> TrackEvent:
    return TrackEvent(kind, track_id, parent_id, is_final=True)


def test_both_daughters_have_their_final_names_from_the_division_on() -> None:
    rows, mothers = settled(
        [
            (tracks(c0=(0, 0)), (TrackEvent("birth", 0),)),
            (tracks(c0=(0, 1), c1=(0, 9)), (TrackEvent("division", 1, 0),)),
            (tracks(c0=(0, 2), c1=(0, 8)), ()),
            (tracks(c2=(0, 3), c1=(0, 7)), (final("division", 1, 0), final("division", 2, 0))),
        ]
    )
    assert rows == [(0, 0, 0), (1, 1, 9), (1, 2, 1), (2, 1, 8), (2, 2, 2), (3, 1, 7), (3, 2, 3)]
    assert mothers == {1: 0, 2: 0}


def test_a_division_that_was_taken_back_leaves_the_mother_alone() -> None:
    rows, mothers = settled(
        [
            (tracks(c0=(0, 0)), ()),
            (tracks(c0=(0, 1), c1=(0, 9)), (TrackEvent("division", 1, 0),)),
            (tracks(c0=(0, 2)), ()),
            (tracks(c0=(0, 3)), (final("withdrawn", 1, 0), final("withdrawn", 1))),
        ]
    )
    assert rows == [(0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 0, 3)]
    assert mothers == {}


def test_a_mother_that_goes_on_as_the_other_branch_has_its_places() -> None:
    rows, _ = settled(
        [
            (tracks(c0=(0, 0)), ()),
            (tracks(c0=(0, 50), c1=(0, 1)), (TrackEvent("division", 1, 0),)),
            (tracks(c1=(0, 2)), ()),
            (tracks(c0=(0, 3)), (final("withdrawn", 1, 0),)),  # 1 is now 0
        ]
    )
    assert rows == [(0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 0, 3)]


def test_a_false_birth_leaves_no_row() -> None:
    rows, _ = settled(
        [
            (tracks(c0=(0, 0), c1=(5, 5)), (TrackEvent("birth", 1),)),
            (tracks(c0=(0, 1)), ()),
            (tracks(c0=(0, 2)), (final("withdrawn", 1),)),
        ]
    )
    assert [row[1] for row in rows] == [0, 0, 0]


def test_a_missed_cell_is_bridged_and_one_that_never_comes_back_is_not() -> None:
    lineage = Lineage(HOLD)
    shots = [tracks(c0=(0, 0), c1=(9, 9)), tracks(), tracks(), tracks(c0=(0, 3))]
    rows = np.concatenate([r for t, s in enumerate(shots) for r in lineage.take(t, s, ())] +
                          lineage.finish())  # fmt: skip
    mine = rows[rows["cell"] == 0]
    assert mine["x"].tolist() == pytest.approx([0, 1, 2, 3])
    assert mine["is_seen"].tolist() == [1, 0, 0, 1]
    assert rows["t"][rows["cell"] == 1].tolist() == [0]


def test_a_cell_that_is_hidden_in_another_is_still_there() -> None:
    def both(x: float, missed: int) -> Tracks:
        return msgspec.structs.replace(tracks(c0=(0, 0), c1=(0, x)), missed=(0, missed))

    lineage = Lineage(HOLD)
    shots = [(both(1, 0), ()), *[(both(2 + n, 1 + n), ()) for n in range(6)], (both(9, 0), ())]
    shots[1] = (shots[1][0], (TrackEvent("merge", 1, 0),))
    shots[-1] = (shots[-1][0], (TrackEvent("split", 1, 0, True),))
    rows = np.concatenate([r for t, s in enumerate(shots) for r in lineage.take(t, *s)] +
                          lineage.finish())  # fmt: skip
    mine = rows[rows["cell"] == 1]
    assert mine["t"].tolist() == list(range(8))
    assert mine["is_seen"].tolist() == [1, 0, 0, 0, 0, 0, 0, 1]
    assert mine["x"].tolist() == [1, 2, 3, 4, 5, 6, 7, 9]


def test_a_division_that_is_open_at_the_end_is_taken_as_seen() -> None:
    rows, mothers = settled(
        [(tracks(c0=(0, 0)), ()), (tracks(c0=(0, 1), c1=(0, 9)), (TrackEvent("division", 1, 0),))]
    )
    assert mothers == {1: 0, 2: 0}
    assert rows == [(0, 0, 0), (1, 1, 9), (1, 2, 1)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_rows_of_a_dividing_culture_are_a_forest_as_right_as_the_tracker(seed: int) -> None:
    scene = CellCulture(60, seed).run(50)
    tracker, lineage = Tracker(CONFIG), Lineage(HOLD)
    rows: list[NDArray[np.void]] = []
    labels, told, most = [], {}, 0
    for t, (places, areas) in enumerate(zip(scene.places, scene.areas, strict=True)):
        light = np.full(len(areas), 10.0)
        found = Detections(places[:, 0], places[:, 1], areas, light * areas, light, light)
        answer, events = tracker.update(found)
        told |= {e.track_id: e.parent_id for e in events if e.kind == "division" and e.is_final}
        labels.append(tracker.labels)
        rows += lineage.take(t, answer, events)
        most = max(most, t + 1 - len(rows))
    every = np.concatenate(rows + lineage.finish())
    assert most <= HOLD + 1  # shots that are held back, however long the film
    assert (np.diff(every["t"]) >= 0).all()
    assert len(np.unique(every[["t", "cell"]])) == len(every)  # nobody is at two places
    spans = {c: every["t"][every["cell"] == c] for c in np.unique(every["cell"]).tolist()}
    assert all((np.diff(times) == 1).all() for times in spans.values())  # bridged
    for daughter, mother in lineage.mothers.items():
        if daughter in spans and mother in spans:
            assert spans[mother][-1] < spans[daughter][0]
    raw = score(scene, labels, told)
    mine = score(scene, names_of(scene, every), lineage.mothers)
    assert mine.edge_f1 >= raw.edge_f1 - 0.002  # open divisions of the last shots are guesses
    assert mine.division_f1 >= raw.division_f1 - 0.05
    assert raw.edge_f1 > 0.9


def names_of(scene: Scene, rows: NDArray[np.void]) -> list[NDArray[np.int64]]:
    """Return the name of each detection; -1: of nobody."""
    names = []
    for t, places in enumerate(scene.places):
        mine = rows[(rows["t"] == t) & (rows["is_seen"] == 1)]
        away = np.hypot(places[:, 0, None] - mine["y"], places[:, 1, None] - mine["x"])
        nearest = away.argmin(axis=1)
        is_it = away.min(axis=1) < 1e-3
        names.append(np.where(is_it, mine["cell"][nearest], -1).astype(np.int64))
    return names
