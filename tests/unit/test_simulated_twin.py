"""The unlit twin, and the bias that it measures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.specimen.specimen import Specimen
from acquire.simulated.specimen.twin import Bias, Twin

CONFIG = SimulatedScopeConfig(
    n_cells=40, height=1024, width=1024, cycle_h=2.0, repair_h=1e6, step_s=120.0, field_scale=1.2
)


def run(dose_j_cm2: float, config: SimulatedScopeConfig = CONFIG, hours: float = 4.0) -> Bias:
    lit, twin = Specimen(config), Twin(config)
    lit.take_light(np.full(len(lit.truth()), dose_j_cm2), 1.0)
    lit.advance_to(hours * 3600.0)
    return twin.bias(lit)


@pytest.fixture(scope="module")
def biases() -> list[Bias]:
    return [run(dose) for dose in (0.0, 30.0, 300.0)]


def test_without_light_there_is_no_bias(biases: list[Bias]) -> None:
    dark = biases[0]
    assert dark.lit == dark.unlit
    assert (dark.lost_divisions, dark.cycle_delay_h, dark.speed_ratio) == (0.0, 0.0, 1.0)


def test_without_damage_there_is_no_bias_in_any_light() -> None:
    bias = run(1e4, CONFIG.model_copy(update={"damage_scale": 0.0}), hours=2.0)
    assert bias.lit == bias.unlit


def test_more_light_costs_more_divisions_time_and_speed(biases: list[Bias]) -> None:
    lost = [bias.lost_divisions for bias in biases]
    assert lost == sorted(lost)
    assert lost[2] > lost[1] > 0.1
    assert biases[1].cycle_delay_h > 0.05
    speeds = [bias.speed_ratio for bias in biases]
    assert speeds == sorted(speeds, reverse=True)
    assert speeds[2] < speeds[1] < 0.95
    assert biases[2].lit.deaths > biases[0].lit.deaths


def test_the_twin_counts_what_the_config_says(biases: list[Bias]) -> None:
    unlit = biases[0].unlit
    # A walk of rms speed v has the mean speed v sqrt(pi) / 2 in two dimensions.
    assert unlit.speed_um_h == pytest.approx(18.0 * math.sqrt(math.pi) / 2.0, rel=0.1)
    assert unlit.cycle_h == pytest.approx(2.0, rel=0.15)
    assert unlit.alive > 2.5 * 40


def test_only_the_cells_that_stood_in_the_field_are_counted() -> None:
    twin = Twin(CONFIG)
    start = twin.specimen.truth()
    half_um = 0.5 * 1024 * CONFIG.pixel_um
    outside = (np.abs(start.x_um) > half_um) | (np.abs(start.y_um) > half_um)
    assert outside.sum() > 5
    assert not twin.founders & set(start.ids[outside].tolist())
    assert len(twin.founders) == len(start) - outside.sum()


def test_what_cannot_be_compared_yet_is_nan() -> None:
    bias = run(0.0, CONFIG.model_copy(update={"n_cells": 0}), hours=0.1)
    assert math.isnan(bias.lost_divisions)
    assert math.isnan(bias.cycle_delay_h)
    assert math.isnan(bias.speed_ratio)
