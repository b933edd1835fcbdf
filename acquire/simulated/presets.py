"""Frozen descriptions of typical samples, so that a number measured today can be measured again.

A preset says every number that it rests on: a default that changes later does not change it. A test
holds their fingerprints; whoever changes one on purpose measures anew what rests on it.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from acquire.simulated.config import SimulatedScopeConfig

PresetName: TypeAlias = Literal["nuclei-2d", "nuclei-3d", "spots", "dense", "sparse", "calcium"]

Values: TypeAlias = dict[str, Any]

# HeLa H2B-GFP through a 20x objective on a 6.5 um camera, as in the demo.
_NUCLEI_2D: Values = {
    "height": 512,
    "width": 512,
    "pixel_um": 0.325,
    "n_cells": 60,
    "field_scale": 2.0,
    "nucleus_um": 3.3,
    "cycle_h": 20.0,
    "speed_um_h": 18.0,
    "persistence_min": 20.0,
    "specimen_depth_um": 0.0,
    "nucleus_flatness": 0.6,
    "cell_ratio": 2.0,
    "death_per_h": 0.002,
    "spots_per_cell": 0,
    "spot_diffusion_um2_s": 0.001,
    "flashes_per_min": 0.0,
    "flash_gain": 2.0,
    "flash_decay_s": 2.0,
    "step_s": 60.0,
    "wavelength_nm": 488.0,
    "max_irradiance_w_cm2": 5.0,
    "extra_lines": (),
    "vignette": 0.25,
    "illumination_tilt": 0.0,
    "illumination_fringe": 0.0,
    "psf": "gaussian",
    "immersion_index": 1.33,
    "specimen_index": 1.33,
    "above_coverslip_um": 0.0,
    "emission_nm": 510.0,
    "pinhole_au": 1.0,
    "autofluorescence_e_per_j_cm2": 0.0,
    "focus_drift_um_h": 0.0,
    "focus_wander_um": 0.0,
    "transmitted": "phase",
    "lamp_e_s": 200_000.0,
    "signal_e_per_j_cm2": 6000.0,
    "background_e_per_j_cm2": 800.0,
    "numerical_aperture": 0.75,
    "assumption": "d50x1",
    "bleach_scale": 60.0,  # times EGFP, so that an hour shows it; proposed
    "bleach_power": 1.0,
    "recovery_h": 20.0,
    "damage_scale": 10.0,  # times the CHO cells of the dose response; proposed
    "damage_by_dye": 0.2,
    "damage_power": 1.2,
    "repair_h": 2.0,
    "background_e": 0.2,
    "dark_current_e_s": 0.5,
    "gain_adu_per_e": 2.0,
    "offset_adu": 100.0,
    "read_noise_e": 1.6,
    "quantum_efficiency": 1.0,
    "full_well_e": 1e7,
    "bit_depth": 16,
    "pixel_maps": False,
    "shutter_kind": "global",
    "line_time_us": 0.0,
    "max_exposure_ms": 10_000.0,
}

# Cells in a gel, through a 40x water objective: round nuclei at all heights.
_NUCLEI_3D: Values = _NUCLEI_2D | {
    "n_cells": 60,
    "field_scale": 1.5,
    "specimen_depth_um": 40.0,
    "nucleus_flatness": 0.85,
    "speed_um_h": 12.0,
    "numerical_aperture": 0.95,
    "psf": "widefield",
}

# A few cells under a 100x oil objective; spots smaller than the resolution wander in each nucleus,
# stained by a second, red dye.
_SPOTS: Values = _NUCLEI_2D | {
    "pixel_um": 0.065,
    "n_cells": 6,
    "nucleus_um": 4.5,
    "speed_um_h": 6.0,
    "spots_per_cell": 12,
    "step_s": 1.0,
    "numerical_aperture": 1.4,
    "immersion_index": 1.515,
    "specimen_index": 1.515,
    "extra_lines": (
        {
            "name": "Laser561",
            "wavelength_nm": 561.0,
            "structure": "spots",
            "extinction": 100_000.0,
            "signal_e_per_j_cm2": 20_000.0,
            "background_e_per_j_cm2": 400.0,
        },
    ),
}

# A crowded sheet: 1,000 cells in the view of a large chip.
_DENSE: Values = _NUCLEI_2D | {
    "height": 2048,
    "width": 2048,
    "n_cells": 1000,
    "field_scale": 1.2,
    "nucleus_um": 5.5,
    "cell_ratio": 1.6,
    "speed_um_h": 10.0,
}

_SPARSE: Values = _NUCLEI_2D | {"n_cells": 8, "field_scale": 3.0}

# A nuclear calcium indicator in cells that sit still and flash.
_CALCIUM: Values = _NUCLEI_2D | {
    "n_cells": 40,
    "cycle_h": 1000.0,
    "speed_um_h": 1.0,
    "death_per_h": 0.0,
    "flashes_per_min": 3.0,
    "flash_gain": 3.0,
    "flash_decay_s": 1.5,
}

PRESETS: dict[PresetName, Values] = {
    "nuclei-2d": _NUCLEI_2D,
    "nuclei-3d": _NUCLEI_3D,
    "spots": _SPOTS,
    "dense": _DENSE,
    "sparse": _SPARSE,
    "calcium": _CALCIUM,
}


def preset(name: PresetName, seed: int = 1) -> SimulatedScopeConfig:
    """Return the microscope and specimen of a preset."""
    from acquire.simulated.config import SimulatedScopeConfig

    return SimulatedScopeConfig(preset=name, seed=seed)


def fingerprint(name: PresetName) -> str:
    """Return a hash of all the values that a preset says."""
    text = json.dumps(PRESETS[name], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
