"""How cells die: when, and what is left of them."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.optics.chromatin import Wardrobe
from acquire.simulated.photophysics.damage import death_hazard_per_h
from acquire.simulated.specimen.cells import Nuclei, Phase
from acquire.simulated.specimen.draws import root_keys
from acquire.simulated.specimen.events import Fate
from acquire.simulated.specimen.shape import GONE_S, SHRINK_S, SHRUNK
from acquire.simulated.specimen.specimen import Specimen

# Cells that neither divide nor touch.
MORTAL = SimulatedScopeConfig(
    n_cells=400,
    height=4096,
    width=4096,
    field_scale=1.0,
    cycle_h=1000.0,
    speed_um_h=3.0,
    death_per_h=0.5,
    repair_h=1e6,
    step_s=120.0,
)
IMMORTAL = MORTAL.model_copy(update={"death_per_h": 0.0})


def deaths_h(specimen: Specimen) -> dict[int, float]:
    return {e.key: e.t_s / 3600.0 for e in specimen.events if e.fate == Fate.DEATH}


def lit(config: SimulatedScopeConfig, dose_j_cm2: float, hours: float) -> Specimen:
    specimen = Specimen(config)
    specimen.take_light(np.full(len(specimen.truth()), dose_j_cm2), 1.0)
    specimen.advance_to(hours * 3600.0)
    return specimen


def test_cells_in_the_dark_die_at_random_at_the_rate_of_the_config() -> None:
    specimen = Specimen(MORTAL)
    specimen.advance_to(4 * 3600.0)
    died = np.array(list(deaths_h(specimen).values()))
    alive = int(specimen.truth().alive.sum())
    assert alive + len(died) == 400
    share = stats.binomtest(len(died), 400, -np.expm1(-0.5 * 4.0))
    assert share.pvalue > 0.01
    early = stats.truncexpon(b=4.0 * 0.5, scale=2.0)
    assert stats.kstest(died, early.cdf).pvalue > 0.01


def test_cells_that_nothing_harms_live_on() -> None:
    specimen = lit(IMMORTAL, 0.0, 4.0)
    assert deaths_h(specimen) == {}
    assert specimen.truth().alive.all()


def test_damaged_cells_die_at_the_rate_of_their_damage() -> None:
    specimen = Specimen(IMMORTAL)
    specimen.take_light(np.full(400, 3000.0), 1.0)
    rate = float(death_hazard_per_h(specimen.truth().damage).mean())
    assert rate > 0.1
    specimen.advance_to(2 * 3600.0)
    share = stats.binomtest(len(deaths_h(specimen)), 400, -np.expm1(-rate * 2.0))
    assert share.pvalue > 0.01


def test_more_light_brings_the_same_deaths_nearer_and_spares_nobody() -> None:
    runs = [deaths_h(lit(MORTAL, dose, 3.0)) for dose in (0.0, 100.0, 1000.0)]
    for less, more in pairwise(runs):
        assert len(more) > len(less)
        assert all(more[key] <= when for key, when in less.items())


@pytest.fixture(scope="module")
def watched() -> list[Nuclei]:
    """Return a mortal specimen every ten minutes of eight hours."""
    specimen = Specimen(MORTAL.model_copy(update={"n_cells": 60}))
    seen = []
    for t_s in np.arange(0.0, 8 * 3600.0, 600.0):
        specimen.advance_to(float(t_s))
        seen.append(specimen.truth())
    return seen


def one_death(watched: list[Nuclei]) -> tuple[int, list[tuple[int, Nuclei]]]:
    """Return the cell that died first, and its row at each time while it was there."""
    first = next(n for n in watched if (n.phase == Phase.DYING).any())
    cell = int(first.ids[first.phase == Phase.DYING][0])
    rows = [(int(np.flatnonzero(n.ids == cell)[0]), n) for n in watched if cell in n.ids]
    return cell, rows


def test_who_dies_shrinks_condenses_falls_into_fragments_fades_and_is_gone(
    watched: list[Nuclei],
) -> None:
    cell, rows = one_death(watched)
    phases = [int(n.phase[i]) for i, n in rows]
    assert phases == sorted(phases)
    assert set(phases) == {Phase.INTERPHASE, Phase.DYING, Phase.DEAD}
    assert cell not in watched[-1].ids
    area = np.array([n.long_um[i] * n.short_um[i] for i, n in rows])
    condensed = np.array([n.condensed[i] for i, n in rows])
    fragmented = np.array([n.fragmented[i] for i, n in rows])
    dye = np.array([n.dye[i] for i, n in rows])
    dying = np.array(phases) == Phase.DYING
    dead = np.array(phases) == Phase.DEAD
    assert (np.diff(area[dying]) < 0).all()
    assert (np.diff(condensed[dying]) > 0).all()
    assert not fragmented[~dead].any()
    assert fragmented[dead][-1] > 0.99
    assert (np.diff(dye[dead]) < 0).all()
    assert dye[dead][-1] < 0.1 * dye[0]
    assert dying.sum() == pytest.approx(SHRINK_S / 600.0, abs=1)
    assert dead.sum() == pytest.approx(GONE_S / 600.0, abs=1)


def test_a_dying_nucleus_is_at_last_as_small_as_it_should_be(watched: list[Nuclei]) -> None:
    _, rows = one_death(watched)
    i, nuclei = [(i, n) for i, n in rows if n.phase[i] == Phase.DYING][-1]
    begun = np.sqrt(rows[0][1].long_um[rows[0][0]] * rows[0][1].short_um[rows[0][0]])
    now = np.sqrt(nuclei.long_um[i] * nuclei.short_um[i])
    assert SHRUNK * 0.98 < now / begun < SHRUNK * 1.35


def test_the_dead_do_not_move(watched: list[Nuclei]) -> None:
    _, rows = one_death(watched)
    places = [(n.x_um[i], n.y_um[i]) for i, n in rows if n.phase[i] == Phase.DEAD]
    assert len(set(places)) == 1


def test_cells_in_mitosis_end_it_before_they_die() -> None:
    config = MORTAL.model_copy(update={"cycle_h": 1.0, "death_per_h": 2.0})
    specimen, told = Specimen(config), Counter[int]()
    before = specimen.truth()
    for step in range(1, 40):
        specimen.advance_to(step * 120.0)
        now = specimen.truth()
        fell = np.isin(before.ids, now.ids[now.phase == Phase.DYING])
        told.update(before.phase[fell & before.alive].tolist())
        before = now
    assert told.total() > 50
    assert set(told) == {Phase.INTERPHASE}


def test_fragments_are_separate_pieces_of_the_same_dye() -> None:
    from skimage.measure import label

    wardrobe = Wardrobe()
    pieces = []
    for key in root_keys(3, 20).tolist():
        look = wardrobe.of(key, dead=True)
        assert look.fragments is not None
        assert look.fragments.sum() == pytest.approx(look.loose.sum(), rel=1e-3)
        assert np.array_equal(look.shown(1.0, 1.0), look.fragments)
        assert np.array_equal(look.shown(0.0, 0.0), look.loose)
        pieces.append(int(label(look.fragments > 0.2 * look.fragments.max()).max()))
    assert np.mean(pieces) > 2.0


def test_a_look_does_not_depend_on_when_it_was_painted_and_few_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("acquire.simulated.optics.chromatin.MAX_LOOKS", 5)
    wardrobe = Wardrobe()
    first = wardrobe.of(7).loose.copy()
    for key in range(100, 120):
        wardrobe.of(key)
    assert len(wardrobe._looks) == 5
    assert np.array_equal(wardrobe.of(7, dead=True).loose, first)
