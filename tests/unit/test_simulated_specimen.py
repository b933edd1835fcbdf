from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.photophysics import damage
from acquire.simulated.specimen.cells import Nuclei, Phase
from acquire.simulated.specimen.events import Fate
from acquire.simulated.specimen.specimen import Specimen

# Small and quick: 36 cells that divide every two hours.
QUICK = SimulatedScopeConfig(n_cells=9, height=256, width=256, cycle_h=2.0)
# 200 cells with so much room that they hardly ever touch.
ROOMY = SimulatedScopeConfig(n_cells=200, height=2048, width=2048, field_scale=1.0, cycle_h=2.0)


def same(a: Nuclei, b: Nuclei) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("ids", "parents", "x_um", "y_um", "long_um", "dye", "phase", "damage")
    )


def lived(hours: float, config: SimulatedScopeConfig = QUICK) -> Specimen:
    specimen = Specimen(config)
    specimen.advance_to(hours * 3600.0)
    return specimen


def test_the_same_seed_gives_the_same_lives_and_another_seed_others() -> None:
    assert same(lived(2).truth(), lived(2).truth())
    other = QUICK.model_copy(update={"seed": 2})
    assert not same(lived(2).truth(), lived(2, other).truth())


def test_a_life_does_not_depend_on_when_it_is_looked_at() -> None:
    watched = Specimen(QUICK)
    for t_s in np.sort(np.random.default_rng(0).uniform(0, 3 * 3600, 200)):
        watched.advance_to(float(t_s))
        watched.truth()
    watched.advance_to(3 * 3600.0)
    assert same(watched.truth(), lived(3).truth())


def test_time_never_runs_back() -> None:
    specimen = lived(1)
    before = specimen.truth()
    specimen.advance_to(0.0)
    assert specimen.t_s == 3600.0
    assert same(specimen.truth(), before)


def test_positions_are_continuous_between_and_across_grid_times() -> None:
    specimen = Specimen(SimulatedScopeConfig(n_cells=10, field_scale=1.0))
    previous = specimen.truth()
    for t_s in np.arange(1.0, 400.0, 1.0):
        specimen.advance_to(float(t_s))
        now = specimen.truth()
        n = min(len(previous), len(now))
        if np.array_equal(previous.ids[:n], now.ids[:n]):
            moved = np.hypot(now.x_um[:n] - previous.x_um[:n], now.y_um[:n] - previous.y_um[:n])
            assert moved.max() < 0.1
        previous = now


def test_every_division_gives_two_daughters_with_half_of_the_dye_each() -> None:
    specimen = Specimen(QUICK)
    before, divisions = specimen.truth(), 0
    for step in range(1, 181):
        specimen.advance_to(step * 60.0)
        now = specimen.truth()
        for mother in set(before.ids.tolist()) - set(now.ids.tolist()):
            daughters = np.flatnonzero(now.parents == mother)
            m = int(np.flatnonzero(before.ids == mother)[0])
            assert len(daughters) == 2
            assert before.phase[m] == Phase.METAPHASE
            assert now.dye[daughters].sum() == pytest.approx(before.dye[m], rel=0.3)
            away_x = now.x_um[daughters] - before.x_um[m]
            away_y = now.y_um[daughters] - before.y_um[m]
            assert np.hypot(away_x, away_y).max() < 3 * QUICK.nucleus_um
            divisions += 1
        before = now
    assert divisions > 20


def test_identities_are_unique_and_every_mother_is_known() -> None:
    specimen, ever = Specimen(QUICK), set[int]()
    for step in range(300):
        specimen.advance_to(step * 60.0)
        now = specimen.truth()
        assert len(set(now.ids.tolist())) == len(now)
        assert set(now.parents.tolist()) - {-1} <= ever
        ever |= set(now.ids.tolist())


def test_cells_keep_out_of_each_others_way() -> None:
    now = lived(3).truth()
    distance, neighbour = cKDTree(np.c_[now.x_um, now.y_um]).query(np.c_[now.x_um, now.y_um], k=2)
    room = np.sqrt(now.long_um * now.short_um)
    settled = (now.phase == Phase.INTERPHASE) & (now.condensed < 0.05)
    close = distance[:, 1] / (room + room[neighbour[:, 1]])
    assert np.percentile(close[settled], 2) > 0.9


def test_cells_stay_in_the_specimen() -> None:
    now = lived(3).truth()
    half_um = 0.5 * 256 * QUICK.pixel_um * QUICK.field_scale
    assert np.abs(now.x_um).max() <= half_um
    assert np.abs(now.y_um).max() <= half_um


def test_cells_walk_as_fast_as_the_config_says() -> None:
    config = SimulatedScopeConfig(n_cells=100, field_scale=2.0, speed_um_h=18.0, cycle_h=1000.0)
    specimen = Specimen(config)
    a = specimen.truth()
    specimen.advance_to(60.0)
    b = specimen.truth()
    moved = np.hypot(b.x_um - a.x_um, b.y_um - a.y_um)
    free = moved < 1.0  # those that were pushed by a neighbour jump
    assert np.sqrt(np.mean(moved[free] ** 2)) == pytest.approx(18.0 / 60.0, rel=0.1)


def test_a_metaphase_plate_is_smaller_and_its_dye_denser() -> None:
    specimen, plates, others = Specimen(QUICK), [0.0], [0.0]
    for step in range(120):
        specimen.advance_to(step * 60.0)
        now = specimen.truth()
        area = now.long_um * now.short_um
        density = now.dye / area
        plate = (now.phase == Phase.METAPHASE) & (now.short_um < 0.5 * now.long_um)
        plates += density[plate].tolist()
        others += density[now.phase == Phase.INTERPHASE].tolist()
    assert np.median(plates) > 2.0 * np.median(others)


def light(specimen: Specimen, who: NDArray[np.bool_], dose_j_cm2: float) -> None:
    specimen.take_light(np.where(who, dose_j_cm2, 0.0), 1.0)


def test_light_bleaches_the_cells_it_falls_on_and_no_others() -> None:
    specimen = Specimen(QUICK)
    before = specimen.truth()
    lit = before.x_um > 0
    light(specimen, lit, 5.0)
    after = specimen.truth()
    assert (after.dye[lit] < 0.8 * before.dye[lit]).all()
    assert np.array_equal(after.dye[~lit], before.dye[~lit])
    assert (after.damage[lit] > 0).all()
    assert not after.damage[~lit].any()


def test_light_slows_walk_and_cycle() -> None:
    dark, lit = Specimen(QUICK), Specimen(QUICK)
    start = lit.truth()
    for step in range(60):
        dark.advance_to(step * 60.0)
        lit.advance_to(step * 60.0)
        light(lit, np.ones(len(lit.truth()), bool), 2.0)
    a, b = lit.truth(), dark.truth()
    assert len(a) < len(b)
    whole_life = np.intersect1d(np.intersect1d(start.ids, a.ids), b.ids)
    assert len(whole_life) > 10
    assert walked_um(start, a, whole_life) < 0.8 * walked_um(start, b, whole_life)


def walked_um(start: Nuclei, end: Nuclei, ids: NDArray[np.int64]) -> float:
    i, j = np.searchsorted(start.ids, ids), [int(np.flatnonzero(end.ids == k)[0]) for k in ids]
    return float(np.median(np.hypot(end.x_um[j] - start.x_um[i], end.y_um[j] - start.y_um[i])))


def test_light_on_one_cell_leaves_the_draws_of_all_others_alone() -> None:
    sparse = QUICK.model_copy(update={"n_cells": 2, "field_scale": 4.0, "cycle_h": 1000.0})
    dark, lit = Specimen(sparse), Specimen(sparse)
    who = np.zeros(len(lit.truth()), bool)
    who[3] = True
    light(lit, who, 50.0)
    for specimen in (dark, lit):
        specimen.advance_to(1200.0)
    a, b = dark.truth(), lit.truth()
    assert a.x_um[3] != b.x_um[3]
    assert np.mean(a.x_um == b.x_um) > 0.8


def test_an_empty_specimen_lives_on() -> None:
    assert len(lived(1, QUICK.model_copy(update={"n_cells": 0})).truth()) == 0


def test_damage_slows_growth_as_much_as_it_says() -> None:
    slow_repair = QUICK.model_copy(update={"repair_h": 1e6, "cycle_h": 10.0, "n_cells": 30})
    dark, lit = Specimen(slow_repair), Specimen(slow_repair)
    light(lit, np.ones(len(lit.truth()), bool), 40.0)
    before, delay = dark.truth(), damage.cycle_delay(lit.truth().damage)
    assert delay.min() > 1.3
    for specimen in (dark, lit):
        specimen.advance_to(1200.0)
    a, b = dark.truth(), lit.truth()
    ids = growing(before, a, b)
    grew = [area(now, ids) - area(before, ids) for now in (a, b)]
    slower = delay[np.searchsorted(before.ids, ids)]
    assert grew[1] == pytest.approx(grew[0] / slower, rel=1e-3)


def area(nuclei: Nuclei, ids: NDArray[np.int64]) -> NDArray[np.float64]:
    rows = [int(np.flatnonzero(nuclei.ids == k)[0]) for k in ids]
    return nuclei.long_um[rows] * nuclei.short_um[rows]


def growing(*times: Nuclei) -> NDArray[np.int64]:
    """Return the cells that were in interphase at all times."""
    ids = [nuclei.ids[nuclei.phase == Phase.INTERPHASE] for nuclei in times]
    common = np.intersect1d(np.intersect1d(ids[0], ids[1]), ids[2])
    assert len(common) > 10
    return common


@pytest.mark.parametrize("dose_j_cm2", [0.0, 40.0])
def test_mitoses_fail_as_often_as_the_damage_says(dose_j_cm2: float) -> None:
    specimen = Specimen(ROOMY.model_copy(update={"repair_h": 1e6}))
    light(specimen, np.ones(len(specimen.truth()), bool), dose_j_cm2)
    share = float(damage.mitotic_failure(specimen.truth().damage).mean())
    specimen.advance_to(3 * 3600.0)
    ends = Counter(event.fate for event in specimen.events)
    failed, divided = ends[Fate.FAILED_MITOSIS], ends[Fate.DIVISION]
    spread = np.sqrt(share * (1 - share) / (failed + divided))
    assert failed + divided > 100
    assert failed / (failed + divided) == pytest.approx(share, abs=3 * spread)


def test_a_cell_whose_mitosis_failed_never_divides() -> None:
    events = lived(5, ROOMY).events
    failed = {event.key for event in events if event.fate == Fate.FAILED_MITOSIS}
    assert len(failed) > 20
    assert not failed & {event.key for event in events if event.fate == Fate.DIVISION}


def test_the_number_of_cells_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acquire.simulated.specimen.cycle.MAX_CELLS", 50)
    crowd = lived(6).truth()
    assert 50 <= len(crowd) < 80
    assert (crowd.phase == Phase.INTERPHASE).all()
