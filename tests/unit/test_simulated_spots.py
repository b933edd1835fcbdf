"""Sub-resolution spots: where they are, and that they diffuse as they should."""

from __future__ import annotations

import numpy as np
import pytest

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.specimen.cells import Spots
from acquire.simulated.specimen.specimen import Specimen
from acquire.simulated.specimen.spots import SPREAD

DIFFUSION_UM2_S = 0.002
# Cells that hardly move, in three dimensions, with spots in round nuclei of 5 um.
SPOTTED = SimulatedScopeConfig(
    n_cells=150,
    height=4096,
    width=4096,
    field_scale=1.0,
    specimen_depth_um=20.0,
    nucleus_um=5.0,
    nucleus_flatness=1.0,
    speed_um_h=0.0,
    cycle_h=1000.0,
    spots_per_cell=8,
    spot_diffusion_um2_s=DIFFUSION_UM2_S,
    step_s=2.0,
)


def place(spots: Spots) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.stack([spots.x_um, spots.y_um, spots.z_um], axis=1)


def test_every_cell_has_its_spots_and_they_lie_in_its_nucleus() -> None:
    specimen = Specimen(SPOTTED)
    nuclei, spots = specimen.truth(), specimen.spots()
    assert len(spots) == 8 * len(nuclei) == 1200
    rows = np.searchsorted(nuclei.ids, spots.cells)
    dx, dy = spots.x_um - nuclei.x_um[rows], spots.y_um - nuclei.y_um[rows]
    cos, sin = np.cos(nuclei.angle[rows]), np.sin(nuclei.angle[rows])
    out = (
        ((dx * cos + dy * sin) / nuclei.long_um[rows]) ** 2
        + ((dy * cos - dx * sin) / nuclei.short_um[rows]) ** 2
        + ((spots.z_um - nuclei.z_um[rows]) / nuclei.depth_um[rows]) ** 2
    )
    assert out.max() < 1.0


def test_the_dye_of_a_cell_is_shared_by_its_spots() -> None:
    specimen = Specimen(SPOTTED)
    spots = specimen.spots()
    shared = np.bincount(spots.cells, spots.dye)
    assert shared == pytest.approx(specimen.truth().dye)


def test_spots_diffuse_freely_in_short_times_and_are_confined_in_long_ones() -> None:
    """Ornstein-Uhlenbeck: 2 d s^2 (1 - exp(-t / tau)), tau = s^2 / D."""
    specimen = Specimen(SPOTTED)
    nuclei, start = specimen.truth(), place(specimen.spots())
    rows = np.searchsorted(nuclei.ids, specimen.spots().cells)
    # Spots of long nuclei are spread by their axes; D is that of a nucleus of the plain radius.
    axes = np.stack([nuclei.long_um, nuclei.short_um, nuclei.depth_um], axis=1)[rows] / 5.0
    scale = float((axes**2).sum(axis=1).mean())
    relaxation_s = (SPREAD * 5.0) ** 2 / DIFFUSION_UM2_S
    for t_s, error in ((2.0, 0.1), (20.0, 0.1), (200.0, 0.1)):
        specimen.advance_to(t_s)
        squared = ((place(specimen.spots()) - start) ** 2).sum(axis=1).mean()
        free = 2.0 * (SPREAD * 5.0) ** 2 * scale * -np.expm1(-t_s / relaxation_s)
        assert squared == pytest.approx(free, rel=error)
    assert 2.0 * scale * DIFFUSION_UM2_S * 2.0 == pytest.approx(
        2.0 * (SPREAD * 5.0) ** 2 * scale * -np.expm1(-2.0 / relaxation_s), rel=0.01
    )


def test_spots_move_without_jumps_between_the_times_of_the_grid() -> None:
    specimen = Specimen(SPOTTED)
    before = place(specimen.spots())
    for t_s in np.arange(0.25, 10.0, 0.25):
        specimen.advance_to(float(t_s))
        now = place(specimen.spots())
        assert np.abs(now - before).max() < 0.25
        before = now


def test_no_spots_unless_they_are_asked_for() -> None:
    assert len(Specimen(SimulatedScopeConfig(n_cells=5)).spots()) == 0


def test_daughters_have_as_many_spots_as_their_mother() -> None:
    config = SPOTTED.model_copy(update={"cycle_h": 0.8, "step_s": 60.0, "n_cells": 20})
    specimen = Specimen(config)
    specimen.advance_to(3600.0)
    assert len(specimen.truth()) > 20
    assert len(specimen.spots()) == 8 * len(specimen.truth())
