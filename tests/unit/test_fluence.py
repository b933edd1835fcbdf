"""The map of the light, against a dense one that is painted at once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.dose.fluence import FluenceMap
from acquire.dose.footprint import Footprint, footprint_of
from acquire.dose.tiles import TILE, Tiles
from acquire.errors import SettingRefused
from tests.light_bench import LASER

FLAT = Footprint.of(64.0, 64.0)  # its pixels are 1 um
ROUND = Footprint.of(64.0, 48.0, "ellipse", rim=0.5)
ASIDE = 256  # um from the corner of the dense map to the stage's origin
PLACES = st.tuples(st.floats(-120, 120), st.floats(-120, 120))


class Dense:
    """The same promise without tricks: one array, painted at each exposure."""

    def __init__(self, footprint: Footprint) -> None:
        self.footprint = footprint
        self.map = np.zeros((2 * ASIDE * 2, 2 * ASIDE * 2))

    def _window(self, x_um: float, y_um: float) -> tuple[slice, slice]:
        rows, columns = self.footprint.weights.shape
        top = round(y_um / self.footprint.pitch_um - rows / 2) + 2 * ASIDE
        left = round(x_um / self.footprint.pitch_um - columns / 2) + 2 * ASIDE
        return slice(top, top + rows), slice(left, left + columns)

    def add(self, x_um: float, y_um: float, dose: float) -> None:
        self.map[self._window(x_um, y_um)] += dose * self.footprint.weights

    def lit(self, x_um: float, y_um: float) -> np.ndarray:
        return self.map[self._window(x_um, y_um)][self.footprint.weights > 0]


@pytest.mark.parametrize("footprint", [FLAT, ROUND], ids=["flat", "round"])
def test_a_dose_is_the_mean_over_the_lit_area_wherever_the_stage_stands(footprint) -> None:
    light = FluenceMap(footprint)
    light.add(13.37, -4.2, 3.0)
    light.add(13.37, -4.2, 2.0)
    assert light.mean(13.37, -4.2) == pytest.approx(5.0, rel=1e-12)
    assert light.highest(13.37, -4.2) == pytest.approx(5.0 * footprint.peak, rel=1e-12)


@pytest.mark.parametrize("footprint", [FLAT, ROUND], ids=["flat", "round"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_gathered_exposures_give_the_same_map_as_painting_each_at_once(footprint, data) -> None:
    lazy, eager = FluenceMap(footprint), Dense(footprint)
    few = data.draw(st.lists(PLACES, min_size=1, max_size=6))
    for place in data.draw(st.lists(st.sampled_from(few), max_size=30)):
        dose = data.draw(st.floats(0, 5))
        lazy.add(*place, dose)
        eager.add(*place, dose)
        if data.draw(st.booleans()):
            asked = data.draw(st.sampled_from(few))
            assert lazy.mean(*asked) == pytest.approx(eager.lit(*asked).mean(), abs=1e-9)
    for place in few:
        assert lazy.highest(*place) == pytest.approx(eager.lit(*place).max(), abs=1e-9)
    y, x = np.mgrid[-150:150:7, -150:150:7] + 0.5
    there = lazy.at(x.ravel(), y.ravel())
    pitch = footprint.pitch_um
    rows, columns = (np.floor(v.ravel() / pitch).astype(int) + 2 * ASIDE for v in (y, x))
    assert there == pytest.approx(eager.map[rows, columns], abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(doses=st.lists(st.tuples(PLACES, st.floats(0, 1)), max_size=20), asked=st.floats(0, 3))
def test_the_room_under_a_bound_is_never_too_much_and_exact_where_it_would_refuse(
    doses, asked
) -> None:
    lazy, eager = FluenceMap(ROUND), Dense(ROUND)
    for place, dose in doses:
        lazy.add(*place, dose)
        eager.add(*place, dose)
    most = 4.0
    weights = ROUND.weights[ROUND.weights > 0]
    truth = max(0.0, float(((most - eager.lit(0, 0)) / weights).min()))
    room = lazy.room(0, 0, most, asked)
    assert room <= truth + 1e-9
    if room < asked:
        assert room == pytest.approx(truth, abs=1e-9)
    assert lazy.room(0, 0, most) == pytest.approx(truth, abs=1e-9)


def test_tiles_that_overlap_add_up_by_the_share_that_they_overlap() -> None:
    light = FluenceMap(FLAT)
    light.add(0.0, 0.0, 1.0)
    light.add(48.0, 0.0, 1.0)  # a quarter of the side in common
    assert light.mean(0.0, 0.0) == pytest.approx(1.25)
    assert light.highest(0.0, 0.0) == pytest.approx(2.0)
    assert light.at(np.array([0.0, 24.0, 48.0, 90.0]), np.zeros(4)).tolist() == [1, 2, 1, 0]


def test_a_gaussian_beam_is_strongest_in_its_middle_and_ends_at_its_rim() -> None:
    beam = Footprint.of(100.0, 100.0, "ellipse", rim=0.5)
    middle, rim = beam.weights[31:33, 31:33].mean(), beam.weights[31:33, -1].mean()
    assert rim / middle == pytest.approx(0.5, rel=0.04)  # the outermost pixel's centre
    assert beam.weights[0, 0] == 0.0
    assert beam.weights[beam.is_lit].mean() == pytest.approx(1.0)
    # Mean over the disc of 0.5^(r^2), analytically 0.5 / ln 2; the peak is one over it.
    assert beam.peak == pytest.approx(math.log(2) / 0.5, rel=0.01)


def test_a_lit_area_keeps_its_sides() -> None:
    wide = Footprint.of(200.0, 50.0)
    rows, columns = wide.shape
    assert columns * wide.pitch_um == pytest.approx(200, rel=0.005)
    assert rows * wide.pitch_um == pytest.approx(50, rel=0.02)


@pytest.mark.parametrize(
    "wrong", [(0, 10), (-1, 10), (10, math.inf), (math.nan, 10), (10, 10, "ellipse", 0)], ids=str
)
def test_what_is_no_area_is_refused(wrong) -> None:
    with pytest.raises(SettingRefused, match="a lit area needs"):
        Footprint.of(*wrong)


@pytest.mark.parametrize("shape", ["rectangle", "ellipse"])
def test_a_lit_area_is_that_of_the_power_calibration(shape) -> None:
    light = LASER.model_copy(
        update={
            "power_mw_at_maximum": 2.0,
            "lit_area_um2": 2e4,
            "lit_shape": shape,
            "lit_aspect": 2.0,
            "lit_rim": 0.7,
        }
    )
    found = footprint_of(light, (166.0, 166.0))
    assert found.area_um2 == pytest.approx(2e4, rel=0.01)
    rows, columns = found.shape
    assert columns / rows == pytest.approx(2.0, rel=0.02)
    full = light.model_copy(update={"power_mw_at_maximum": 2.0})
    assert full.highest_w_cm2(0.5) == pytest.approx(
        full.irradiance_w_cm2(0.5) * found.peak, rel=0.01
    )


@pytest.mark.parametrize(("shape", "side_um"), [("rectangle", 125.0), ("ellipse", 141.42)])
def test_a_lit_area_that_nobody_measured_is_larger_than_what_is_seen(shape, side_um) -> None:
    found = footprint_of(LASER.model_copy(update={"lit_shape": shape}), (100.0, 100.0))
    assert found.shape[0] * found.pitch_um == pytest.approx(side_um, rel=1e-3)


def test_a_long_walk_stays_in_bounded_memory_and_never_reads_too_little() -> None:
    """Edges are known to half a pixel of the grown map, so it is held against narrower light."""
    light = FluenceMap(FLAT, most_tiles=64)
    narrow = Footprint(1.0, np.pad(np.ones((56, 56)), 4))
    eager = Dense(narrow)
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.normal(0, 6, (300, 2)), axis=0) % 300 - 150
    for x_um, y_um in walk:
        light.add(x_um, y_um, 0.01)
        eager.add(x_um, y_um, 0.01)
    assert len(light.planes[0]) <= 64
    assert 2.0 <= light.footprint.pitch_um <= 4.0
    assert light.footprint.weights.mean() == pytest.approx(1.0)
    for x_um, y_um in walk[::10]:
        assert light.highest(x_um, y_um) >= eager.lit(x_um, y_um).max() - 1e-9
    assert len(light._places) < 100


def test_a_coarser_map_holds_the_strongest_of_each_four_pixels() -> None:
    rng = np.random.default_rng(2)
    fluence = rng.uniform(0, 1, (3 * TILE, 2 * TILE))
    tiles = Tiles(1.0)
    tiles.add(-TILE, -2 * TILE, fluence)
    tiles.coarsen()
    found = tiles.patch(-TILE // 2, -TILE, (3 * TILE // 2, TILE))
    assert (found == fluence.reshape(3 * TILE // 2, 2, TILE, 2).max(axis=(1, 3))).all()
    assert tiles.pitch_um == 2.0


def test_light_of_earlier_runs_counts_whatever_the_objective_was() -> None:
    earlier = FluenceMap(Footprint.of(640.0, 640.0))
    earlier.add(0.0, 0.0, 2.0)
    same = FluenceMap(FLAT)
    same.add(0.0, 0.0, 1.0)
    now = FluenceMap(FLAT, before=(*earlier.planes, *same.planes))
    assert now.mean(0.0, 0.0) == pytest.approx(3.0)
    now.add(0.0, 0.0, 0.5)
    assert now.mean(0.0, 0.0) == pytest.approx(3.5)
    assert now.highest(200.0, 0.0) == pytest.approx(2.0)
    assert now.room(0.0, 0.0, 4.0) == pytest.approx(0.5)
    assert [len(plane) > 0 for plane in now.planes] == [True, True]
    assert earlier.mean(0.0, 0.0) == 2.0, "what was handed in is not changed"
