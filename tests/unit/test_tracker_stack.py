"""Cells in a stack are followed in three dimensions, though heights are known less surely."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.detections import Detections
from realtime.tracker.config import TrackerConfig
from realtime.tracker.forecast import forecast
from realtime.tracker.heights import Heights
from realtime.tracker.tracker import Tracker
from realtime.wire import Tracks
from tests.tracking_scenes import Scene, score

SIDE_PX, DEPTH_PX = 400.0, 120.0
N_PAIRS, MEET = 8, 15


class Tissue:
    """Cells that wander in a box, divide in any direction, and pairs that pass above each other.

    Each pair meets in the plane at shot `MEET`, 25 px above each other, and both then turn by a
    right angle, to different sides: seen from above nobody can tell who is who. 4 % are missed,
    and places err by 0.5 px, heights by `blur_z_px`.
    """

    def __init__(self, seed: int, side_px: float = SIDE_PX, blur_z_px: float = 2.5) -> None:
        self._rng, self._blur_px = np.random.default_rng(seed), (0.5, 0.5, blur_z_px)
        self.scene = Scene()
        self.heights: list[NDArray[np.float64]] = []
        box = np.array([side_px, side_px, DEPTH_PX])
        self._places = dict(enumerate(self._rng.uniform(0, box, (60, 3))))
        self._area = dict.fromkeys(self._places, 150.0)
        grid = 100.0 * np.argwhere(np.ones((4, 2))) + [30.0, 600.0]
        self._meeting = {100 + n: place for n, place in enumerate(grid)}
        self._next = 1000

    def run(self, n_shots: int) -> None:
        for t in range(n_shots):
            self._detect(t)
            self._live()

    def pairs(self, t: int) -> dict[int, NDArray[np.float64]]:
        """Return who is where, of all pairs."""
        there, away = {}, 2.5 * (t - MEET)
        for name, (y, x) in self._meeting.items():
            for sign in (-1, 1):
                turned = (y + sign * away, x) if away > 0 else (y, x - sign * away)
                there[2 * name + (sign > 0)] = np.array([*turned, 60.0 + 12.5 * sign])
        return there

    def _live(self) -> None:
        rng = self._rng
        for name in list(self._places):
            self._places[name] = self._places[name] + rng.normal(0, 1.5, 3)
            self._area[name] += 0.05 * (150.0 - self._area[name])
            if rng.random() < 0.005 and self._area[name] > 130.0:
                self._divide(name)

    def _divide(self, mother: int) -> None:
        way = self._rng.normal(0, 1, 3)
        way *= 7.0 / np.linalg.norm(way)
        for sign in (-1, 1):
            self._places[self._next] = self._places[mother] + sign * way
            self._area[self._next] = 150.0 * self._rng.normal(0.55, 0.03)
            self.scene.mothers[self._next] = mother
            self._next += 1
        del self._places[mother], self._area[mother]

    def _detect(self, t: int) -> None:
        rng = self._rng
        all_cells = {**self._places, **self.pairs(t)}
        names = [n for n in all_cells if rng.random() >= 0.04 * (n in self._places)]
        places = np.array([all_cells[n] for n in names]) + rng.normal(
            0, self._blur_px, (len(names), 3)
        )
        areas = np.array([self._area.get(n, 150.0) for n in names])
        order = rng.permutation(len(names))
        self.scene.places.append(places[order, :2])
        self.heights.append(places[order, 2])
        self.scene.areas.append((areas * rng.normal(1, 0.05, len(names)))[order])
        self.scene.truth.append(np.array(names)[order])


def detections(tissue: Tissue, t: int, *, has_z: bool) -> Detections:
    places, areas = tissue.scene.places[t], tissue.scene.areas[t]
    light = np.full(len(areas), 10.0)
    z_px = tissue.heights[t] if has_z else None
    return Detections(places[:, 0], places[:, 1], areas, light * areas, light, light, z_px=z_px)


def follow(
    tissue: Tissue, *, has_z: bool, z_spread: float | None = None
) -> tuple[list[NDArray[np.int64]], dict[int, int]]:
    tracker, labels = Tracker(TrackerConfig(z_spread=z_spread)), []
    mothers: dict[int, int] = {}
    for t in range(len(tissue.heights)):
        _, events = tracker.update(detections(tissue, t, has_z=has_z))
        labels.append(tracker.labels)
        mothers |= {e.track_id: e.parent_id for e in events if e.kind == "division" and e.is_final}
    return labels, mothers


def n_swapped(tissue: Tissue, labels: list[NDArray[np.int64]]) -> int:
    """Return how many cells of pairs have another name after they met."""

    def names(t: int) -> dict[int, int]:
        return dict(zip(tissue.scene.truth[t].tolist(), labels[t].tolist(), strict=True))

    before, after = names(MEET - 5), names(MEET + 8)
    return sum(before[cell] != after[cell] for cell in tissue.pairs(0))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_cells_that_pass_above_each_other_are_not_mistaken(seed: int) -> None:
    tissue = Tissue(seed)
    tissue.run(40)
    labels, mothers = follow(tissue, has_z=True)
    told = score(tissue.scene, labels, mothers)
    assert told.edge_f1 >= 0.97
    assert n_swapped(tissue, labels) == 0
    assert told.division_f1 >= 0.9
    flat, _ = follow(tissue, has_z=False)
    assert n_swapped(tissue, flat) >= N_PAIRS / 2


def test_in_dense_tissue_a_spread_of_its_own_is_worth_half_of_the_wrong_links() -> None:
    tissue = Tissue(1, side_px=160.0, blur_z_px=6.0)
    tissue.run(40)
    learnt, alike = (
        score(tissue.scene, *follow(tissue, has_z=True, z_spread=spread)) for spread in (None, 1.0)
    )
    assert 1 - learnt.edge_f1 < 0.5 * (1 - alike.edge_f1)


def film(blur_z_px: float, config: TrackerConfig, n_shots: int = 60) -> Tracks:
    """Return the last shot of cells that stand still, but for the errors of the detector."""
    rng, tracker = np.random.default_rng(7), Tracker(config)
    cells, light = rng.uniform(0, 300, (40, 3)), np.full(40, 10.0)
    for _ in range(n_shots):
        y, x, z = (cells + rng.normal(0, (1.0, 1.0, blur_z_px), cells.shape)).T
        tracks, _ = tracker.update(Detections(y, x, 15 * light, light, light, light, z_px=z))
    assert len(tracks.ids) == 40
    return tracks


@pytest.mark.parametrize("blur_z_px", [0.4, 1.0, 5.0])
def test_how_sure_heights_are_is_learnt(blur_z_px: float) -> None:
    tracks = film(blur_z_px, TrackerConfig())
    ratio = np.array(tracks.spread_z_px) / np.array(tracks.spread_px)
    np.testing.assert_allclose(ratio, blur_z_px, rtol=0.15)
    assert np.ptp(tracks.z_px) > 200  # heights are told as they are, not divided


def test_a_forecast_says_how_sure_a_height_is() -> None:
    tracks = film(5.0, TrackerConfig())
    places, covariance = forecast(tracks, 2)
    assert places.shape == (40, 3)
    np.testing.assert_allclose(
        np.sqrt(covariance[:, 2, 2] / covariance[:, 0, 0]),
        np.array(tracks.spread_z_px) / np.array(tracks.spread_px),
    )


def test_a_spread_of_heights_that_is_given_is_kept() -> None:
    tracks = film(1.0, TrackerConfig(z_spread=3.0), n_shots=8)
    np.testing.assert_allclose(tracks.spread_z_px, 3.0 * np.array(tracks.spread_px))


def test_few_links_say_little_of_heights_and_none_say_nothing() -> None:
    heights = Heights(None)
    heights.learn(np.empty((0, 3)))
    heights.learn(np.ones((5, 2)))
    assert heights.settle() == 1.0
    heights.learn(np.array([[1.0, 1.0, 9.0]]))
    assert heights.settle() == pytest.approx(1 / heights.ratio)
    assert 1.0 < heights.ratio < 1.3
    for _ in range(400):
        heights.learn(np.array([[0.0, 0.0, 1e6 / heights.ratio]]))
    heights.settle()
    assert heights.ratio == 20.0


def test_a_tracker_of_a_stack_goes_on_from_its_state_word_for_word() -> None:
    tissue = Tissue(5)
    tissue.run(24)
    one = Tracker(TrackerConfig())
    for t in range(12):
        one.update(detections(tissue, t, has_z=True))
    other = Tracker(TrackerConfig())
    other.resume(one.state())
    for t in range(12, 24):
        now = detections(tissue, t, has_z=True)
        assert one.update(now) == other.update(now)
