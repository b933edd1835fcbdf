"""What a classifier says of single images becomes what is known of a cell."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.classify import Classified
from realtime.detections import Detections
from realtime.errors import BadDetections
from realtime.tracker.cells import Found, new_cells
from realtime.tracker.config import TrackerConfig
from realtime.tracker.kinds import Kinds
from realtime.tracker.tracker import Tracker
from realtime.wire import Tracks

AWAY = [(0.0, 400.0), (200.0, 400.0), (400.0, 400.0)]


def seen(places: list[tuple[float, float]], classes: object = None) -> Detections:
    y, x = np.array(places, np.float64).reshape(-1, 2).T
    light = np.full(len(y), 10.0)
    told = None if classes is None else np.array(classes, np.float64)
    return Detections(y, x, 15 * light, 150 * light, light, light, classes=told)


def test_without_a_classifier_nothing_is_said() -> None:
    tracks, _ = Tracker(TrackerConfig()).update(seen(AWAY))
    assert tracks.classes == ()


def test_what_is_known_of_a_cell_is_surer_than_one_image() -> None:
    rng, tracker = np.random.default_rng(3), Tracker(TrackerConfig())
    cells, kinds = rng.uniform(0, 500, (60, 2)), rng.integers(0, 3, 60)
    wrong_once = wrong = 0
    for t in range(20):
        order = rng.permutation(60)
        says = np.where(rng.random(60) < 0.7, kinds, rng.integers(0, 3, 60))
        classes = 0.2 + 0.4 * (says[:, None] == np.arange(3))
        places = cells + rng.normal(0, 0.5, cells.shape)
        tracks, _ = tracker.update(seen([*map(tuple, places[order])], classes[order]))
        rows = {name: row for row, name in enumerate(tracks.ids)}
        known = np.array([tracks.classes[rows[name]] for name in tracker.labels.tolist()])
        np.testing.assert_allclose(known.sum(axis=1), 1.0)
        if t >= 8:
            wrong_once += int(np.count_nonzero(says != kinds))
            wrong += int(np.count_nonzero(known.argmax(axis=1) != kinds[order]))
    assert wrong < 0.3 * wrong_once


def hidden_markov(said: NDArray[np.float64], stays: float, least: float) -> NDArray[np.float64]:
    """Return what is known after all images, by adding up all courses of kinds one by one."""
    n, k = said.shape
    change = stays * np.eye(k) + (1 - stays) / k
    total = np.zeros(k)
    for course in np.ndindex(*(k,) * n):
        weight = np.maximum(said[0, course[0]], least)
        for t in range(1, n):
            weight *= change[course[t - 1], course[t]] * max(said[t, course[t]], least)
        total[course[-1]] += weight
    return np.asarray(total / total.sum())


def test_the_filter_is_the_sum_over_all_courses_of_kinds() -> None:
    rng, kinds = np.random.default_rng(0), Kinds()
    said = rng.dirichlet(np.ones(3), 6)
    cell = new_cells(np.array([7]), np.array([0]), Found(np.zeros((1, 2)), np.ones(1), np.ones(1)))
    for now in said:
        kinds.take(cell, now[None])
    np.testing.assert_allclose(kinds.told()[0], hidden_markov(said, 0.95, 0.05))


def test_daughters_begin_with_what_was_known_of_their_mother() -> None:
    tracker = Tracker(TrackerConfig(max_step_px=15.0))
    others = [[0.05, 0.95]] * 3
    mother = [(100.0, 100.0)]
    for _ in range(6):
        tracks, _ = tracker.update(seen([*mother, *AWAY], [[0.95, 0.05], *others]))
    nothing = [[np.nan, np.nan]] * 2
    daughters = [(100.0, 93.0), (100.0, 107.0)]
    names = set()
    for _ in range(4):
        tracks, events = tracker.update(seen([*daughters, *AWAY], [*nothing, *others]))
        names |= {e.track_id for e in events if e.kind == "division" and e.is_final}
        known = dict(zip(tracks.ids, tracks.classes, strict=True))
        of_daughters = [known[name] for name in tracker.labels[:2].tolist()]
        assert min(share[0] for share in of_daughters) > 0.75
        assert of_daughters[0] == pytest.approx(of_daughters[1])
    assert names == set(tracker.labels[:2].tolist())


def test_what_nobody_looks_at_is_forgotten_slowly_and_a_new_classifier_begins_anew() -> None:
    tracker = Tracker(TrackerConfig())
    tracker.update(seen(AWAY, [[1.0, 0.0]] * 3))
    first, _ = tracker.update(seen([(y + 0.1, x) for y, x in AWAY], [[1.0, 0.0]] * 3))
    later, _ = tracker.update(seen(AWAY))
    assert 0.5 < later.classes[0][0] < first.classes[0][0]
    anew, _ = tracker.update(seen([(y, x + 0.1) for y, x in AWAY], [[0.2, 0.2, 0.6]] * 3))
    np.testing.assert_allclose(anew.classes, [[0.2, 0.2, 0.6]] * 3)


@pytest.mark.parametrize(
    "classes", [[[1.0, 0.0]], [0.5, 0.5, 0.5], [[]] * 3, [[-0.1, 1.1]] * 3, [[np.inf, 0.0]] * 3]
)
def test_what_can_be_no_probability_is_refused(classes: object) -> None:
    with pytest.raises(BadDetections, match="classifier"):
        Tracker(TrackerConfig()).update(seen(AWAY, classes))


def test_kinds_travel_and_are_kept_in_the_state() -> None:
    one, other = Tracker(TrackerConfig()), Tracker(TrackerConfig())
    one.update(seen(AWAY, [[0.7, 0.3], [0.2, 0.8], [0.5, 0.5]]))
    other.resume(one.state())
    now = seen([(y + 0.1, x) for y, x in AWAY], [[0.6, 0.4]] * 3)
    tracks, events = one.update(now)
    assert (tracks, events) == other.update(now)
    there = msgspec.msgpack.decode(msgspec.msgpack.encode(tracks), type=Tracks)
    assert there.classes == tracks.classes
    old = {k: v for k, v in msgspec.to_builtins(tracks).items() if k != "classes"}
    assert msgspec.convert(old, Tracks).classes == ()


class Blobs:
    shrink = 2

    def __call__(self, image: NDArray[np.float32]) -> Detections:
        return seen([(1.0, 1.0), (3.0, 2.0)])


def test_a_classifier_of_ones_own_looks_at_image_and_cells() -> None:
    def bright(image: NDArray[np.float32], found: Detections) -> NDArray[np.float64]:
        light = image[found.y_px.astype(int), found.x_px.astype(int)]
        return np.column_stack((light > 5, light <= 5)).astype(float)

    image = np.zeros((6, 6), np.float32)
    image[1, 1] = 9.0
    detect = Classified(Blobs(), bright)
    np.testing.assert_array_equal(detect(image).classes, [[1, 0], [0, 1]])
    assert detect.shrink == 2
    assert not hasattr(detect, "masks")
