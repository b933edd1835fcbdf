"""The presets: frozen, complete, and usable from a run config."""

from __future__ import annotations

import hashlib
import json
from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.presets import PRESETS, PresetName, fingerprint, preset
from acquire.simulated.specimen.specimen import Specimen

# Whoever changes a preset on purpose writes its new fingerprints here, and measures anew whatever
# rests on it: the bars in configs/bars.toml and the tables in docs/benchmarks.md.
VALUES = {
    "nuclei-2d": "e3018147bb89c9df",
    "nuclei-3d": "6e31ecc0b1fa953e",
    "spots": "ff203fa513eedb2f",
    "dense": "021178948ae7246e",
    "sparse": "8a502104e2871e94",
    "calcium": "effb235a954182e3",
}
LIVES = {
    "nuclei-2d": "e912b6eabf8a9f7b",
    "nuclei-3d": "1fe413ad93fd0d96",
    "spots": "bff234bd5e125218",
    "dense": "0772bf25035c3ae8",
    "sparse": "43dc7c150083f778",
    "calcium": "f9899c83d01f1a0a",
}
# What a preset leaves to the run: nothing here changes what a cell does or how it looks.
OF_THE_RUN = {"kind", "preset", "seed", "truth", "gate", "n_cameras"}
# Used only with pixel maps, which no preset has.
OF_PIXEL_MAPS = {
    "gain_spread",
    "offset_spread_adu",
    "read_noise_tail",
    "hot_share",
    "hot_e_s",
}
# A field that came after the presets were frozen has a default that keeps them as they were; it
# need not be listed here, but its default must never change.
NAMES = list(PRESETS)


def life(name: PresetName) -> str:
    """Return a hash of half an hour of unlit life: who is where, to a hundredth of a micrometre."""
    specimen = Specimen(preset(name))
    specimen.advance_to(60.0 if name == "spots" else 1800.0)
    now = specimen.truth()
    rounded = [
        np.round(100.0 * column).astype(np.int64)
        for column in (now.x_um, now.y_um, now.z_um, now.long_um, now.short_um, now.dye)
    ]
    told = np.stack([now.ids, now.parents, now.phase.astype(np.int64), *rounded])
    return hashlib.sha256(told.astype("<i8").tobytes()).hexdigest()[:16]


@pytest.mark.parametrize("name", NAMES)
def test_the_values_of_a_preset_are_frozen(name: PresetName) -> None:
    assert fingerprint(name) == VALUES[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_life_of_a_preset_is_frozen(name: PresetName) -> None:
    assert life(name) == LIVES[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_says_every_number_it_rests_on(name: PresetName) -> None:
    fields = set(SimulatedScopeConfig.model_fields)
    assert set(PRESETS[name]) <= fields
    assert {"n_cells", "cycle_h", "damage_scale", "psf", "extra_lines"} <= set(PRESETS[name])
    assert not set(PRESETS[name]) & (OF_THE_RUN | OF_PIXEL_MAPS)
    assert not preset(name).pixel_maps


def test_every_name_has_a_preset() -> None:
    assert set(get_args(PresetName)) == set(PRESETS) == set(VALUES) == set(LIVES)


def test_a_config_starts_from_its_preset_and_its_own_values_win() -> None:
    told = {"kind": "simulated", "preset": "nuclei-3d", "n_cells": 7}
    config = SimulatedScopeConfig.model_validate_json(json.dumps(told), strict=True)
    assert config.n_cells == 7
    assert config.specimen_depth_um == preset("nuclei-3d").specimen_depth_um > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_config_that_was_stored_is_the_same_when_it_is_read(name: PresetName) -> None:
    config = preset(name, seed=9)
    again = SimulatedScopeConfig.model_validate_json(config.model_dump_json(), strict=True)
    assert again == config
    assert again.seed == 9


def test_a_preset_that_does_not_exist_is_refused_and_the_others_are_named() -> None:
    with pytest.raises(ValidationError, match="'nuclei-2d', 'nuclei-3d', 'spots'"):
        SimulatedScopeConfig.model_validate({"preset": "nuclei"})


def test_lines_of_light_in_a_config_file_are_read_whether_it_has_a_preset_or_not() -> None:
    line = {"name": "red", "wavelength_nm": 640.0}
    for told in ({"extra_lines": [line]}, {"preset": "sparse", "extra_lines": [line]}):
        config = SimulatedScopeConfig.model_validate_json(json.dumps(told), strict=True)
        assert config.extra_lines[0].wavelength_nm == 640.0


def test_cells_of_the_3d_preset_lie_at_all_heights_and_those_of_the_flat_one_do_not() -> None:
    assert not Specimen(preset("nuclei-2d")).truth().z_um.any()
    z_um = Specimen(preset("nuclei-3d")).truth().z_um
    assert z_um.min() < -15.0
    assert z_um.max() > 15.0


def test_spots_have_a_dye_of_their_own() -> None:
    config = preset("spots")
    assert [line.structure for line in config.all_lines()] == ["nucleus", "spots"]
    specimen = Specimen(config)
    assert np.bincount(specimen.spots().cells).min() == config.spots_per_cell
    specimen.take_light(np.full(len(specimen.truth()), 10.0), 1.0, line=1)
    assert specimen.spots().dye.sum() < 0.9 * specimen.spots(0).dye.sum()
