"""The cell cycle: its length, its mitosis, and how a population grows, against theory."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.photophysics.damage import FAILS_UNHARMED
from acquire.simulated.specimen.birth import CYCLE_CV, MITOSIS_CV, UNHARMED_MITOSIS_S
from acquire.simulated.specimen.cells import Nuclei, Phase
from acquire.simulated.specimen.cycle import MAX_CELLS
from acquire.simulated.specimen.events import MAX_EVENTS, Event, Fate
from acquire.simulated.specimen.shape import ANAPHASE_S, PROPHASE_S
from acquire.simulated.specimen.specimen import Specimen

CYCLE_H = 6.0
CYCLES = 2.5
FOUNDERS = 200
# Cells that hardly ever touch, on a grid that all fixed times are multiples of.
ROOMY = SimulatedScopeConfig(
    n_cells=FOUNDERS,
    height=4096,
    width=4096,
    field_scale=1.0,
    cycle_h=CYCLE_H,
    speed_um_h=3.0,
    step_s=120.0,
)


@pytest.fixture(scope="module")
def grown() -> Specimen:
    """Return a specimen that has lived for some cycles."""
    specimen = Specimen(ROOMY)
    specimen.advance_to(CYCLES * CYCLE_H * 3600.0)
    return specimen


def cycles_h(events: list[Event]) -> NDArray[np.float64]:
    """Return the cycles of cells born so early that even a slow one is over."""
    horizon_s = (CYCLES * CYCLE_H - 1.5 * CYCLE_H) * 3600.0
    return np.array(
        [
            (event.t_s - event.born_s) / 3600.0
            for event in events
            if event.fate == Fate.DIVISION and event.parent >= 0 and event.born_s < horizon_s
        ]
    )


def test_the_cycle_is_as_long_as_the_config_says_and_scatters_as_it_should(
    grown: Specimen,
) -> None:
    seen_h = cycles_h(list(grown.events))
    mitosis_h = UNHARMED_MITOSIS_S / 3600.0
    rest_h = CYCLE_H - mitosis_h - (ANAPHASE_S + PROPHASE_S) / 3600.0
    spread_h = np.hypot(CYCLE_CV * rest_h, MITOSIS_CV * mitosis_h)
    assert len(seen_h) > 150
    assert seen_h.mean() == pytest.approx(CYCLE_H, abs=4 * spread_h / np.sqrt(len(seen_h)))
    assert seen_h.std() == pytest.approx(spread_h, rel=0.2)
    logs = np.log(seen_h - seen_h.min() + rest_h)
    assert abs(stats.skew(logs)) < 0.6


def expected_births(hours: float) -> float:
    """Return the divisions per founder, from the renewal equation on a grid of a minute.

    Founders have the ages of a growing population, each mitosis fails with a fixed chance.
    Independent of the code under test: Bellman & Harris, Ann. Math. 55, 280 (1952).
    """
    steps = round(hours * 60)
    rng = np.random.default_rng(0)
    lives_min = 60.0 * CYCLE_H * np.exp(0.115 * rng.standard_normal(400_000) - 0.115**2 / 2)
    ages = -np.log2(1.0 - 0.5 * rng.random(400_000))
    first = np.histogram(lives_min * (1.0 - ages), np.arange(steps + 1))[0] / 400_000
    later = np.histogram(lives_min, np.arange(steps + 1))[0] / 400_000
    divisions = np.zeros(steps)
    for t in range(steps):
        born = 2.0 * (divisions[:t] * later[t:0:-1]).sum() if t else 0.0
        divisions[t] = (1.0 - FAILS_UNHARMED) * (first[t] + born)
    return float(divisions.sum())


def test_a_population_grows_as_theory_says(grown: Specimen) -> None:
    divisions = sum(event.fate == Fate.DIVISION for event in grown.events)
    # The divisions of one founder's whole family scatter by about two in so many cycles.
    error = 4.0 * 2.0 / np.sqrt(FOUNDERS)
    assert divisions / FOUNDERS == pytest.approx(expected_births(CYCLES * CYCLE_H), abs=error)
    assert len(grown.truth()) == FOUNDERS + divisions


def test_as_many_unharmed_mitoses_fail_as_published(grown: Specimen) -> None:
    ends = Counter(event.fate for event in grown.events)
    total = ends[Fate.DIVISION] + ends[Fate.FAILED_MITOSIS]
    failed = stats.binomtest(ends[Fate.FAILED_MITOSIS], total, FAILS_UNHARMED)
    assert failed.pvalue > 0.01


def test_a_share_of_the_founders_is_in_mitosis_at_the_start() -> None:
    phases = Counter(Specimen(ROOMY.model_copy(update={"n_cells": 2000})).truth().phase.tolist())
    mitosis_h = (PROPHASE_S + UNHARMED_MITOSIS_S) / 3600.0
    # Age density at the end of the cycle is ln 2 per cycle.
    share = np.log(2.0) * mitosis_h / CYCLE_H
    seen = phases[Phase.PROPHASE] + phases[Phase.METAPHASE]
    assert seen / 2000 == pytest.approx(share * 1.04, rel=0.3)


def watched() -> list[Nuclei]:
    """Return a young specimen at each minute of three hours."""
    config = SimulatedScopeConfig(
        n_cells=40, height=2048, width=2048, field_scale=1.0, cycle_h=2.0, speed_um_h=3.0
    )
    specimen = Specimen(config)
    seen = []
    for minute in range(180):
        specimen.advance_to(60.0 * minute)
        seen.append(specimen.truth())
    return seen


def test_a_cell_goes_through_all_phases_in_order() -> None:
    told = dict[int, list[int]]()
    for nuclei in watched():
        for cell, phase in zip(nuclei.ids.tolist(), nuclei.phase.tolist(), strict=True):
            path = told.setdefault(cell, [])
            if not path or path[-1] != phase:
                path.append(phase)
    whole = [Phase.ANAPHASE, Phase.INTERPHASE, Phase.PROPHASE, Phase.METAPHASE]
    failed = [*whole, Phase.INTERPHASE]
    for cell, path in told.items():
        cut = path if path[0] == Phase.ANAPHASE else [*whole[: whole.index(path[0])], *path]
        assert cut in (whole[: len(cut)], failed), f"cell {cell}: {path}"
    assert sum(path == whole for path in told.values()) > 10


def test_prophase_rounds_up_metaphase_is_a_plate_and_daughters_are_bars_that_part() -> None:
    before = np.array([0.0, 0.0])
    rounded, plates, bars, apart = [], [], [], []
    for nuclei in watched():
        ratio = nuclei.short_um / nuclei.long_um
        plate = nuclei.phase == Phase.METAPHASE
        plates += ratio[plate].tolist()
        rounded += (nuclei.cyto_um / nuclei.long_um)[plate].tolist()
        young = nuclei.phase == Phase.ANAPHASE
        bars += ratio[young].tolist()
        for mother in set(nuclei.parents[young].tolist()):
            i, j = np.flatnonzero(nuclei.parents == mother)[:2]
            between = [nuclei.x_um[i] - nuclei.x_um[j], nuclei.y_um[i] - nuclei.y_um[j]]
            across = np.arctan2(between[1], between[0]) - nuclei.angle[i]
            apart.append((np.hypot(*between), abs(np.sin(across))))
        before = np.maximum(before, [plate.sum(), young.sum()])
    assert before.min() >= 2
    assert np.percentile(plates, 20) == pytest.approx(0.30 / 0.85, rel=0.05)
    assert np.median(bars) < 0.6
    # Sisters part at right angles to their bars, to about two radii from each other.
    assert np.median([sine for _, sine in apart]) > 0.95
    assert max(distance for distance, _ in apart) > 1.5 * 3.3


def test_memory_is_bounded_however_long_cells_live_and_die() -> None:
    config = SimulatedScopeConfig(
        n_cells=3, height=100, width=100, cycle_h=0.8, death_per_h=1.0, step_s=120.0
    )
    specimen = Specimen(config)
    sizes = []
    for hour in range(1, 17):
        specimen.advance_to(3600.0 * hour)
        sizes.append(len(specimen.truth()))
    assert int(specimen.truth().ids.max()) > 4 * max(sizes)
    assert max(sizes[8:]) < 1.5 * max(sizes[:8]) < MAX_CELLS
    assert specimen.events.maxlen == MAX_EVENTS
