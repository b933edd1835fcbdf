"""Who is who in the tracks of a run: divisions, false births, and a worker that started again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.detections import Detections
from realtime.export.cell_reading import field_cells
from realtime.export.cells import FieldCells
from realtime.export.ctc import Line, tracklets
from realtime.export.geff import links
from realtime.run_file import RunReader
from realtime.tracker.config import TrackerConfig
from realtime.tracker.tracker import Tracker
from realtime.wire import TrackEvent
from tests.unit.export_samples import tracks, write_cells


def cells_of(path: Path, shots: list) -> FieldCells:
    write_cells(path, shots)
    with RunReader(path) as reader:
        (field,) = field_cells(reader)
    return field


def born(*ids: int) -> tuple[TrackEvent, ...]:
    return tuple(TrackEvent("birth", i, is_final=True) for i in ids)


def names(field: FieldCells) -> list[list[int]]:
    return [[s.cell for s in shot] for shot in field.sightings]


DIVISION = [
    (tracks((0, 20, 20)), born(0)),
    (tracks((0, 20, 20)), ()),
    (tracks((0, 15, 20), (1, 25, 20), parents=(-1, 0)), (TrackEvent("division", 1, 0),)),
    (tracks((0, 14, 20), (1, 26, 20), parents=(-1, 0)), ()),
    (
        tracks((2, 13, 20), (1, 27, 20), parents=(0, 0)),
        (TrackEvent("division", 1, 0, True), TrackEvent("division", 2, 0, True)),
    ),
    (tracks((2, 13, 20), (1, 27, 20), parents=(0, 0)), ()),
]


def test_both_daughters_have_their_own_names_from_the_shot_of_the_division_on(
    tmp_path: Path,
) -> None:
    field = cells_of(tmp_path / "run.h5", DIVISION)
    assert names(field) == [[0], [0], [2, 1], [2, 1], [2, 1], [2, 1]]
    assert [field.cells[n].parent for n in (0, 1, 2)] == [-1, 0, 0]
    assert {field.cells[n].verdict for n in (0, 1, 2)} == {"final"}
    assert field.cells[0].ending == "division"
    lines, _ = tracklets(field)
    assert set(lines) == {Line(1, 0, 1, 0), Line(2, 2, 5, 1), Line(3, 2, 5, 1)}


def test_a_division_that_the_run_did_not_live_to_judge_is_provisional(tmp_path: Path) -> None:
    field = cells_of(tmp_path / "run.h5", DIVISION[:4])
    assert names(field)[-1] == [0, 1]
    assert (field.cells[1].beginning, field.cells[1].verdict) == ("division", "provisional")
    assert field.cells[1].parent == 0


def test_a_division_that_was_taken_back_leaves_the_mother_alone(tmp_path: Path) -> None:
    shots = [
        *DIVISION[:4],
        (tracks((0, 14, 20), (1, 40, 20)), (TrackEvent("withdrawn", 1, 0, True), *born(1))),
    ]
    field = cells_of(tmp_path / "run.h5", shots)
    assert names(field)[-2:] == [[0, 1], [0, 1]]
    assert (field.cells[1].beginning, field.cells[1].verdict) == ("birth", "final")
    assert field.cells[1].parent == -1
    assert field.cells[0].ending == ""


def test_a_false_birth_is_listed_and_said_to_be_one_and_is_in_no_mask(tmp_path: Path) -> None:
    shots = [
        (tracks((0, 20, 20), (1, 40, 40)), (*born(0), TrackEvent("birth", 1))),
        (tracks((0, 20, 20)), (TrackEvent("withdrawn", 1, -1, True),)),
    ]
    field = cells_of(tmp_path / "run.h5", shots)
    assert names(field) == [[0, 1], [0]]
    assert field.cells[1].verdict == "withdrawn"
    lines, label_of = tracklets(field)
    assert lines == [Line(1, 0, 1, 0)]
    assert (0, 1) not in label_of


def test_an_end_that_was_taken_back_is_none_and_a_final_one_stays(tmp_path: Path) -> None:
    both = tracks((0, 20, 20), (1, 40, 40), missed=(1, 1))
    shots = [
        (tracks((0, 20, 20), (1, 40, 40)), born(0, 1)),
        (both, (TrackEvent("end", 0), TrackEvent("end", 1))),
        (
            tracks((0, 20, 20)),
            (TrackEvent("withdrawn", 0, -1, True), TrackEvent("end", 1, -1, True)),
        ),
    ]
    field = cells_of(tmp_path / "run.h5", shots)
    assert (field.cells[0].ending, field.cells[1].ending) == ("", "end")
    assert {cell.verdict for cell in field.cells.values()} == {"final"}
    assert [s.is_seen for s in field.sightings[1]] == [False, False]


def test_a_worker_that_started_again_gives_no_name_twice(tmp_path: Path) -> None:
    shots = [
        (tracks((0, 20, 20), (1, 40, 40)), born(0, 1)),
        (tracks((0, 20, 20)), born(0), True),
        (tracks((0, 20, 20)), ()),
    ]
    field = cells_of(tmp_path / "run.h5", shots)
    assert names(field) == [[0, 1], [2], [2]]


def test_a_birth_that_a_worker_did_not_live_to_judge_is_no_false_one(tmp_path: Path) -> None:
    shots = [
        (tracks((0, 20, 20)), (TrackEvent("birth", 0),)),
        (tracks((0, 20, 20), (1, 40, 40)), (*born(0), TrackEvent("birth", 1))),
        (tracks((0, 20, 20)), born(0), True),
    ]
    field = cells_of(tmp_path / "run.h5", shots)
    assert names(field) == [[0], [0, 1], [2]]
    assert [field.cells[n].verdict for n in (0, 1, 2)] == ["final", "provisional", "final"]


def test_a_shot_without_a_result_cuts_a_tracklet_and_links_it(tmp_path: Path) -> None:
    one = (tracks((0, 20, 20)), born(0))
    field = cells_of(tmp_path / "run.h5", [one, None, one, one])
    assert field.times == [0, 2, 3], "time points are those of the plan"
    lines, _ = tracklets(field)
    assert lines == [Line(1, 0, 0, 0), Line(2, 2, 3, 1)]


def test_links_lead_from_each_name_to_itself_and_from_mothers_to_daughters() -> None:
    edges = links([5, 5, 6, 7, 6, 7], {6: 5, 7: 5})
    assert edges.tolist() == [[0, 1], [1, 2], [1, 3], [2, 4], [3, 5]]
    assert links([], {}).shape == (0, 2)


@pytest.mark.parametrize("verdict_shots", [1, 2, 3])
def test_what_the_tracker_really_says_of_a_division_is_understood(
    tmp_path: Path, verdict_shots: int
) -> None:
    tracker = Tracker(TrackerConfig(verdict_shots=verdict_shots, max_step_px=15.0))
    other = (50.0, 50.0)
    shots = []
    for n in range(12):
        apart = 0.0 if n < 5 else 5.0 + 0.3 * n
        places = [(20.0, 20.0), other] if n < 5 else [(20 - apart, 20.0), (20 + apart, 20.0), other]
        areas = [160.0, 160.0] if n < 5 else [80.0, 80.0, 160.0]
        found = Detections(
            np.array([p[0] for p in places]), np.array([p[1] for p in places]),
            np.array(areas), 10 * np.array(areas), 5.0, 1.6,
        )  # fmt: skip
        shots.append(tracker.update(found))
    field = cells_of(tmp_path / "run.h5", shots)
    tracked = field.tracks()
    daughters = [c for c in field.cells.values() if c.parent >= 0 and c.number in tracked]
    assert len(daughters) == 2
    (mother,) = {c.parent for c in daughters}
    assert [s.frame for s in tracked[mother]] == list(range(5))
    for daughter in daughters:
        assert [s.frame for s in tracked[daughter.number]] == list(range(5, 12))
        assert daughter.verdict == "final"
