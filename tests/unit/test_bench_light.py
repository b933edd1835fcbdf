"""The light bench: tracks become a forest, counts become curves, and a blind network is noticed."""

from __future__ import annotations

import itertools
import math
from importlib.resources import files

import numpy as np
import pytest

from acquire.errors import ScopeError
from acquire.plan.plan import plan_shots
from acquire.simulated.specimen.specimen import Specimen
from lightloop.bench import Options, light, light_jobs
from lightloop.bench.light_curve import Sums, dose_at, dose_ratio, draws, score
from lightloop.bench.light_eyes import Smoothed, forest_of
from lightloop.bench.light_score import Count
from lightloop.bench.light_truth import Field, divisions, near_rim, quarter, unlit
from lightloop.bench.light_watch import _by_quarter
from lightloop.config import ConfigError, parse
from models.denoise import Passthrough
from realtime.policy.observation import Observation, Trust
from realtime.wire import Result, TrackEvent, Tracks

CONFIG = parse(files("lightloop.bench").joinpath("light.toml").read_text("utf-8"))


def result(
    shot: int,
    cells: dict[int, tuple[float, float]],
    *events: TrackEvent,
    missed: tuple[int, ...] = (),
) -> Result:
    tracks = Tracks(
        ids=tuple(cells),
        parents=(-1,) * len(cells),
        y_px=tuple(y for y, _ in cells.values()),
        x_px=tuple(x for _, x in cells.values()),
        missed=tuple(int(name in missed) for name in cells),
    )
    seen = Observation(shot, 0, 0.0, (), (), 0, 0, 0.0, 0.0, 0.0, 0.0, 0, 0.0, Trust())
    return Result(shot, 0, (), seen, tracks, events)


def links(results: list[Result]) -> set[tuple[tuple[int, float], tuple[int, float]]]:
    """Return the links of a forest as pairs of shot and y."""
    forest = forest_of(results)
    node = [
        (int(shot), float(y)) for shot, y in zip(forest.shot, forest.place_px[:, 0], strict=True)
    ]
    return {(node[b], node[i]) for i, b in enumerate(forest.before.tolist()) if b >= 0}


def test_a_cell_that_was_missed_and_found_again_is_followed_through_the_gap() -> None:
    results = [
        result(0, {7: (1.0, 0.0)}),
        result(1, {7: (2.0, 0.0)}, missed=(7,)),
        result(2, {7: (3.0, 0.0)}),
    ]
    assert links(results) == {((0, 1.0), (1, 2.0)), ((1, 2.0), (2, 3.0))}


def test_a_cell_that_was_not_found_again_ended_where_it_was_seen_last() -> None:
    results = [
        result(0, {7: (1.0, 0.0)}),
        result(1, {7: (2.0, 0.0)}),
        result(2, {7: (3.0, 0.0)}, missed=(7,)),
    ]
    assert links(results) == {((0, 1.0), (1, 2.0))}


def test_a_final_division_begins_where_it_was_first_seen() -> None:
    division = [TrackEvent("division", name, 7, is_final=True) for name in (8, 9)]
    results = [
        result(0, {7: (1.0, 0.0)}),
        result(1, {7: (2.0, 0.0), 8: (5.0, 0.0)}, TrackEvent("division", 8, 7)),
        result(2, {7: (3.0, 0.0), 8: (6.0, 0.0)}),
        result(3, {9: (4.0, 0.0), 8: (7.0, 0.0)}, *division),
    ]
    first, sister = (0, 1.0), [(1, 2.0), (2, 3.0), (3, 4.0)]
    daughter = [(1, 5.0), (2, 6.0), (3, 7.0)]
    expected = {(first, sister[0]), (first, daughter[0])}
    expected |= set(itertools.pairwise(sister))
    expected |= set(itertools.pairwise(daughter))
    assert links(results) == expected


def test_a_division_that_was_withdrawn_leaves_two_cells_without_a_mother() -> None:
    results = [
        result(0, {7: (1.0, 0.0)}),
        result(1, {7: (2.0, 0.0), 8: (5.0, 0.0)}, TrackEvent("division", 8, 7)),
        result(2, {7: (3.0, 0.0), 8: (6.0, 0.0)}, TrackEvent("withdrawn", 8, 7, is_final=True)),
    ]
    assert ((0, 1.0), (1, 5.0)) not in links(results)
    assert divisions(forest_of(results)) == 0


def test_nothing_followed_is_an_empty_forest() -> None:
    assert len(forest_of([result(0, {}), result(1, {})])) == 0


def test_every_cell_of_the_field_is_linked_to_itself_or_to_its_mother() -> None:
    assert CONFIG.scope.kind == "simulated"
    specimen, seen = Specimen(CONFIG.scope), Field(CONFIG.scope)
    for shot in range(20):
        specimen.advance_to(300.0 * shot)
        seen.add(specimen.truth())
    forest = seen.forest()
    linked = forest.before >= 0
    assert (forest.shot[linked] == forest.shot[forest.before[linked]] + 1).all()
    step_px = forest.place_px[linked] - forest.place_px[forest.before[linked]]
    assert np.hypot(*step_px.T).max() < 40.0
    assert divisions(forest) > 0
    later = forest.shot > 0
    assert linked[later].mean() > 0.95  # the others came in over the border


def test_the_unlit_twin_is_the_specimen_that_nobody_lights() -> None:
    assert CONFIG.scope.kind == "simulated"
    forest = unlit(CONFIG.scope, [0.0, 300.0])
    specimen = Specimen(CONFIG.scope)
    seen = Field(CONFIG.scope)
    for t_s in (0.0, 300.0):
        specimen.advance_to(t_s)
        seen.add(specimen.truth())
    np.testing.assert_array_equal(forest.place_px, seen.forest().place_px)


def test_the_quarters_of_places_and_of_images_are_the_same() -> None:
    image = np.zeros((64, 48), np.float32)
    for y, x in ((5, 5), (5, 40), (60, 5), (60, 40)):
        image[:] = 0
        image[y, x] = 2.0
        (which,) = quarter(np.array([[y, x]], float), image.shape)
        squares = _by_quarter(image)
        assert squares[which] * 32 * 24 == pytest.approx(4.0)
        assert np.count_nonzero(squares) == 1


def test_only_places_at_the_rim_are_near_it() -> None:
    places = np.array([[5.0, 50.0], [50.0, 95.0], [50.0, 50.0]])
    assert near_rim(places, (100, 100)).tolist() == [True, True, False]


def test_a_gaussian_filter_keeps_the_light_and_lowers_the_noise() -> None:
    rng = np.random.default_rng(0)
    adu = (100 + 2 * rng.poisson(20, (128, 128))).astype(np.uint16)
    plain = Passthrough((128, 128), 2.0, 100.0, 1.6)
    raw = plain(adu).photons.copy()
    smooth = Smoothed(plain, 2.0)(adu).photons
    assert smooth.mean() == pytest.approx(raw.mean(), rel=0.01)
    # Independent noise through a Gaussian: variance falls by 4 pi sigma^2.
    assert raw.var() / smooth.var() == pytest.approx(4 * np.pi * 4, rel=0.25)
    np.testing.assert_array_equal(Smoothed(plain, 0.0)(adu).photons, raw)


@pytest.mark.parametrize("dose", light.DOSES_J_CM2)
def test_a_fixed_light_gives_the_dose_that_it_stands_for(dose: float) -> None:
    (entry,) = light.light(CONFIG, dose).channels
    source = CONFIG.light[0]
    assert source.dose_j_cm2(entry.power_fraction, entry.exposure_ms) == pytest.approx(dose)
    assert source.limits.min_exposure_ms <= entry.exposure_ms <= source.limits.max_exposure_ms


def test_the_film_lasts_as_long_as_the_bench_says() -> None:
    assert len(list(plan_shots(CONFIG.sequence()))) == light.SHOTS


def test_no_seed_is_tuned_on_and_compared() -> None:
    assert not set(light.SEEDS) & set(light.TUNING_SEEDS)


def counts(right: list[int], true: list[int]) -> Count:
    return Count(np.array(right), np.array(true), np.array(true))


def test_an_interval_covers_the_value_and_shrinks_with_more_units() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for n in (12, 120):
        right = rng.binomial(100, 0.8, n)
        got = score(counts(right.tolist(), [100] * n).f1, draws(n))
        assert got.low < got.value < got.high
        # Independent units of 100 links: standard error sqrt(0.8 0.2 / (100 n)).
        assert got.high - got.low == pytest.approx(2 * 1.96 * math.sqrt(0.16 / (100 * n)), rel=0.5)
        widths.append(got.high - got.low)
    assert widths[1] < 0.5 * widths[0]


def test_a_dose_between_two_points_is_found_in_its_logarithm() -> None:
    doses, scores = np.array([1.0, 100.0, 1e4]), np.array([0.5, 0.9, 1.0])
    assert dose_at(0.7, doses, scores) == pytest.approx(10.0)
    assert math.isnan(dose_at(0.3, doses, scores))
    assert math.isnan(dose_at(1.1, doses, scores))


def test_the_ratio_of_two_ways_that_see_alike_is_that_of_their_doses() -> None:
    units = 12
    empty = counts([0] * units, [0] * units)
    zeros = np.zeros(units)
    sums = [Sums(counts([r] * units, [100] * units), empty, zeros, zeros) for r in (50, 90, 100)]
    less, more = np.array([1.0, 10.0, 100.0]), np.array([3.0, 30.0, 300.0])
    ratio = dose_ratio(0.95, (more, sums), (less, sums), draws(units))
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((3.0, 3.0, 3.0))


def test_the_full_bench_is_not_promised_yet() -> None:
    with pytest.raises(ConfigError, match="--thin"):
        light.run(Options())


def test_a_film_that_the_machine_spoilt_is_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fates = [ScopeError("paused"), ScopeError("paused"), "film"]

    def watch(*_: object) -> object:
        fate = fates.pop(0)
        if isinstance(fate, ScopeError):
            raise fate
        return fate

    monkeypatch.setattr(light_jobs, "watch", watch)
    job = light_jobs.Job("a film", CONFIG, CONFIG.first_settings(), 1, ())
    assert light_jobs.take(job) == "film"
    fates += [ScopeError("hangs")] * light_jobs.TRIES
    with pytest.raises(ScopeError, match="hangs"):
        light_jobs.take(job)
    assert not fates
