"""What depends on the light and on other cells, and what does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.simulated.config import LineConfig, SimulatedScopeConfig
from acquire.simulated.presets import preset
from acquire.simulated.specimen.cells import Cells, Phase
from acquire.simulated.specimen.specimen import Specimen

SMALL = SimulatedScopeConfig(
    n_cells=12, height=256, width=256, cycle_h=2.0, death_per_h=0.1, spots_per_cell=3
)
HARMLESS = SMALL.model_copy(update={"damage_scale": 0.0})
# Columns that light may change without doing harm.
OF_LIGHT = {"bright"}


def lived(
    config: SimulatedScopeConfig, dose_j_cm2: float, hours: float = 3.0, *, lit: bool = True
) -> Cells:
    specimen = Specimen(config, lit=lit)
    for t_s in np.arange(0.0, hours * 3600.0, 600.0):
        specimen.advance_to(float(t_s))
        specimen.take_light(np.full(len(specimen.truth()), dose_j_cm2), 1.0)
    return specimen._cells.copy()


def bytes_of(cells: Cells, without: set[str]) -> dict[str, bytes]:
    names = cells.dtype.names or ()
    return {name: cells[name].tobytes() for name in names if name not in without}


@pytest.mark.parametrize("dose_j_cm2", [0.01, 1.0, 1e4])
def test_light_that_does_no_damage_changes_no_byte_of_the_biology(dose_j_cm2: float) -> None:
    dark, lit = lived(HARMLESS, 0.0), lived(HARMLESS, dose_j_cm2)
    assert len(dark) > 60
    assert bytes_of(dark, OF_LIGHT) == bytes_of(lit, OF_LIGHT)
    assert not np.array_equal(dark["bright"], lit["bright"])


def test_the_unlit_twin_does_not_even_bleach() -> None:
    assert lived(SMALL, 1.0, lit=False).tobytes() == lived(SMALL, 0.0).tobytes()


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_same_seed_gives_the_same_life(seed: int) -> None:
    config = SMALL.model_copy(update={"seed": seed})
    assert lived(config, 0.1, 0.5).tobytes() == lived(config, 0.1, 0.5).tobytes()


def test_another_seed_gives_an_unrelated_life() -> None:
    roomy = SMALL.model_copy(update={"n_cells": 400, "height": 2048, "width": 2048})
    cells = [Specimen(roomy.model_copy(update={"seed": seed}))._cells for seed in (1, 2)]
    for name in ("progress", "cycle_s", "expression", "fate", "stretch"):
        assert abs(np.corrcoef(cells[0][name], cells[1][name])[0, 1]) < 0.1


def kill(specimen: Specimen, row: int) -> None:
    specimen._cells["hazard"][row] = np.inf


def test_a_death_changes_nobody_elses_draws() -> None:
    """All that is drawn in a life is the same in every lineage that exists in both runs."""
    one, other = Specimen(HARMLESS), Specimen(HARMLESS)
    kill(other, 5)
    for specimen in (one, other):
        specimen.advance_to(3 * 3600.0)
    a, b = one._cells, other._cells
    shared, i, j = np.intersect1d(a["key"], b["key"], return_indices=True)
    assert len(shared) > 40
    for drawn in ("cycle_s", "patience", "fate", "stretch", "expression", "spots"):
        assert np.array_equal(a[drawn][i], b[drawn][j]), drawn


def test_a_death_moves_nobody_who_touches_nobody() -> None:
    """Without contact not even a position knows of the death, to the last bit."""
    lonely = HARMLESS.model_copy(
        update={"n_cells": 20, "height": 4096, "width": 4096, "field_scale": 1.0, "cycle_h": 1e3}
    )
    one, other = Specimen(lonely), Specimen(lonely)
    kill(other, 5)
    for specimen in (one, other):
        specimen.advance_to(2 * 3600.0)
    a, b = one._cells, other._cells
    assert b["phase"][b["id"] == 5].tolist() == [Phase.DEAD]
    others = [cells[cells["id"] != 5] for cells in (a, b)]
    assert others[0].tobytes() == others[1].tobytes()


def test_a_death_in_a_crowd_moves_only_those_it_touched_directly_or_through_others() -> None:
    """The honest limit: positions are pushed, so they are shared along chains of contact."""
    crowd = HARMLESS.model_copy(update={"n_cells": 60, "cycle_h": 1e3, "death_per_h": 0.0})
    one, other = Specimen(crowd), Specimen(crowd)
    kill(other, 100)
    for specimen in (one, other):
        specimen.advance_to(1800.0)
    a, b = one._cells, other._cells
    moved = (a["xyz_um"] != b["xyz_um"]).any(axis=1)
    distance = np.hypot(*(a["xyz_um"][:, :2] - a["xyz_um"][100, :2]).T)
    assert 1 <= moved.sum() < len(a) // 2
    assert distance[moved].max() < 0.5 * distance.max()


def test_damage_is_the_only_way_in_which_light_reaches_the_biology() -> None:
    dark, lit = lived(SMALL, 0.0), lived(SMALL, 1.0)
    assert lit["damage"].max() > 0.1
    assert bytes_of(dark, OF_LIGHT) != bytes_of(lit, OF_LIGHT)


def test_each_line_bleaches_its_own_dye_and_all_lines_harm() -> None:
    red = LineConfig(name="Laser561", wavelength_nm=561.0)
    specimen = Specimen(SMALL.model_copy(update={"extra_lines": (red,)}))
    full = np.full(len(specimen.truth()), 1.0)
    first, second = specimen.dye(0), specimen.dye(1)
    specimen.take_light(full, 1.0, line=1)
    assert np.array_equal(specimen.dye(0), first)
    assert (specimen.dye(1) < 0.95 * second).all()
    harmed = specimen.truth().damage
    specimen.take_light(full, 1.0, line=0)
    assert (specimen.truth().damage > harmed).all()


def test_a_preset_of_many_cells_shows_as_many_as_it_says() -> None:
    config = preset("dense")
    seen = Specimen(config).truth()
    half_um = 0.5 * config.pixel_um * np.array([config.width, config.height])
    inside = (np.abs(seen.x_um) < half_um[0]) & (np.abs(seen.y_um) < half_um[1])
    assert inside.sum() == pytest.approx(1000, rel=0.05)
