"""A pipeline that is started anew takes up its fields: names, light, and what it was not told."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np
import pytest

from acquire.dose.footprint import Footprint
from acquire.frame import FrameInfo
from realtime.cell_dose import CellDose
from realtime.detections import Detections
from realtime.memory import Known
from realtime.memory.restarts import RecordedPast, Restarting, restarts
from realtime.pipeline import Pipeline
from realtime.policy import Trust
from realtime.steps import Steps
from realtime.tracker.config import TrackerConfig
from realtime.tracker.tracker import Tracker
from realtime.wire import Result
from realtime.wire.seen import Recalled
from tests.tracking_scenes import CellCulture
from tests.unit.test_pipeline import SHAPE, Policy, Restorer, info

SCENE = CellCulture(60, seed=3).run(60)
DOSE = 0.005  # of each of these frames
BEAM = Footprint.of(4000.0, 4000.0, rim=1.0)  # even light over the whole scene


class Kept:
    """Remembers in this process what another would."""

    session = "run"

    def __init__(self, first_name: int = 0) -> None:
        self.known: dict[int, Known] = {}
        self.first_name = first_name
        self.refused: list[str] = []
        self.known_names = 0

    def recall(self, position: int, shot: int) -> tuple[Known | None, int]:
        return self.known.get(position), self.first_name

    def refuse(self, position: int, why: str) -> None:
        self.refused.append(why)

    def refuse_part(self, position: int, part: str, why: str) -> None:
        self.refused.append(why)


def pipeline(past: object, config: TrackerConfig | None = None) -> Pipeline:
    def detect(image: np.ndarray) -> Detections:
        places, areas = SCENE.places[int(image[0, 0])], SCENE.areas[int(image[0, 0])]
        ones = np.ones(len(places))
        return Detections(places[:, 0], places[:, 1], areas, 10 * areas, 10 * ones, ones)

    return Pipeline(
        Steps(
            Restorer(), detect, lambda: Tracker(config or TrackerConfig()),
            lambda adu, photons: Trust(is_trusted=True), Policy(), None, 1000.0,
            cell_dose=CellDose({"488": BEAM}, SHAPE, (1.0, 0.0, 0.0, 1.0)), past=past,
        )
    )  # fmt: skip


def seen(worker: Pipeline | Restarting, shots: Iterable[int]) -> list[Result]:
    results = []
    for shot in shots:
        worker.see(info(shot, shot, 0, 1), np.full(SHAPE, shot, np.uint16))
        results.append(worker.answer()[0])
    return results


def after(n_shots: int, first_name: int = 1000) -> tuple[Kept, list[Result]]:
    """Return what a worker knew after some shots, and what it said."""
    kept = Kept()
    worker = pipeline(kept)
    results = seen(worker, range(n_shots))
    known = worker.known(0)
    assert known is not None
    kept.known[0], kept.first_name = (
        msgspec.msgpack.decode(msgspec.msgpack.encode(known), type=Known),
        first_name,
    )
    kept.known_names = worker.next_name(0)
    return kept, results


def dose(result: Result) -> dict[int, float]:
    assert result.cell_dose is not None
    return dict(zip(result.cell_dose.ids, result.cell_dose.dose["488"], strict=True))


def test_without_a_gap_all_is_as_if_nothing_had_been() -> None:
    whole = seen(pipeline(Kept()), range(40))
    kept, _ = after(20, first_name=0)
    second = seen(pipeline(kept), range(20, 40))
    for one, other in zip(whole[20:], second, strict=True):
        assert (one.tracks, one.events) == (other.tracks, other.events)
        assert one.observation == other.observation
        assert dose(one) == pytest.approx(dose(other))
    assert [r.recalled for r in second] == [Recalled(19, 0)] + [None] * 19
    assert whole[0].recalled == Recalled(-1, 0)


@pytest.mark.parametrize("gap", [1, 3])
def test_over_a_gap_cells_keep_their_names_and_take_its_light(gap: int) -> None:
    kept, before = after(20)
    first = seen(pipeline(kept), range(20 + gap, 30))[0]
    never_died = seen(pipeline(Kept()), [*range(20), 20 + gap])[-1]
    old, new = set(before[-1].tracks.ids), set(first.tracks.ids)
    assert [name for name in first.tracks.ids if name < 1000] == [
        name for name in never_died.tracks.ids if name < kept.known_names
    ]
    assert first.tracks.y_px == never_died.tracks.y_px
    followed = zip(before[-1].tracks.ids, before[-1].tracks.ages, strict=True)
    lived = {name for name, age in followed if age > 5}
    assert len(lived & new) >= 0.95 * len(lived)
    assert "gap" in first.tracks.flags
    assert min(new - old, default=1000) >= 1000
    both = [n for n in old & new if dose(before[-1])[n] > 0]
    assert len(both) > 50
    for name in both:
        assert dose(first)[name] == pytest.approx(dose(before[-1])[name] + (gap + 1) * DOSE)
    assert first.observation.dose_j_cm2 == {"488": pytest.approx((21 + gap) * DOSE)}


def test_shots_in_the_dark_between_are_no_light() -> None:
    kept, before = after(20)
    worker = pipeline(kept)
    late = info(22, 35, 0, 1)  # fifteen time points later, and two frames
    worker.see(late, np.full(SHAPE, 35, np.uint16))
    result = worker.answer()[0]
    assert result.observation.dose_j_cm2 == {"488": pytest.approx(23 * DOSE)}
    assert before[-1].observation.dose_j_cm2 == {"488": pytest.approx(20 * DOSE)}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"shape": (9, 9)}, "another size"),
        ({"tracker": b"nonsense"}, "state of a tracker"),
        ({"tracker": Tracker(TrackerConfig(max_missed=7)).state()}, "set otherwise"),
    ],
)
def test_what_cannot_be_used_is_refused_and_new_names_are_free(change: dict, why: str) -> None:
    kept, before = after(20)
    kept.known[0] = msgspec.structs.replace(kept.known[0], **change)
    first = seen(pipeline(kept), range(20, 21))[0]
    assert len(kept.refused) == 1
    assert why in kept.refused[0]
    assert first.recalled == Recalled(-1, 1000)
    assert min(first.tracks.ids) == 1000
    assert first.observation.dose_j_cm2 == {"488": pytest.approx(DOSE)}
    assert before[-1].tracks.ids


def test_what_is_known_of_a_field_is_as_large_as_its_cells() -> None:
    kept, _ = after(40)
    assert len(msgspec.msgpack.encode(kept.known[0])) < 100_000


def recorded(at: int, back: int, again: bool) -> list[Result]:
    """Return what two workers said: the second knew what the first did `back` shots before it."""
    first = pipeline(Kept())
    results, known = [], None
    for shot in range(at):
        results += seen(first, range(shot, shot + 1))
        known = first.known(0) if shot == at - 1 - back else known
    kept = Kept(1000)
    assert known is not None
    kept.known[0] = known
    return results + seen(pipeline(kept), range(at - 1 if again else at + 2, 40))


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("back", [1, 4])
def test_a_replay_forgets_and_recalls_where_the_recorded_worker_did(back: int, again: bool) -> None:
    results = recorded(20, back, again)
    found = restarts(results)
    assert [(r.shot, r.is_again) for r in found] == [(19 if again else 22, again)]
    past = RecordedPast(found)
    once = {r.shot: r for r in reversed(results)}  # the first answer to each shot
    replayed = seen(Restarting(lambda: pipeline(past), past), sorted(once))
    for result in replayed:
        was = once[result.shot]
        assert (result.tracks, result.events) == (was.tracks, was.events), result.shot
        assert result.observation == was.observation
        assert result.cell_dose == was.cell_dose


def test_a_run_without_a_restart_has_none() -> None:
    results = seen(pipeline(Kept()), range(3))
    assert results[0].is_fresh
    assert restarts(results) == []
    assert restarts([]) == []
    old = [msgspec.structs.replace(r, recalled=None) for r in results]
    assert restarts([*old, msgspec.structs.replace(old[2], is_fresh=True)]) == [(2, True, {})]


def test_frames_of_other_fields_do_not_recall_this_one() -> None:
    kept, _ = after(20)
    worker = pipeline(kept)
    other: FrameInfo = info(20, 20, 0, 1, p=1)
    worker.see(other, np.full(SHAPE, 20, np.uint16))
    assert worker.answer()[0].recalled == Recalled(-1, 1000)
