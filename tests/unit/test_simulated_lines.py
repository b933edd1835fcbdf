from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from acquire.simulated.config import LASER, LineConfig, SimulatedScopeConfig
from acquire.simulated.photophysics.damage import action_weight
from acquire.simulated.photophysics.photophysics import Photophysics
from acquire.simulated.specimen.specimen import Specimen

RED = LineConfig(
    name="Laser561",
    wavelength_nm=561.0,
    max_irradiance_w_cm2=20.0,
    structure="cell",
    extinction=72_000.0,
    bleach_yield=8e-6,
)


def test_the_plain_fields_are_the_first_line() -> None:
    config = SimulatedScopeConfig(signal_e_per_j_cm2=123.0, extra_lines=(RED,))
    first, second = config.all_lines()
    assert (first.name, first.wavelength_nm, first.signal_e_per_j_cm2) == (LASER, 488.0, 123.0)
    assert second == RED


def test_every_line_is_a_line_of_the_light_box() -> None:
    lines = SimulatedScopeConfig(extra_lines=(RED,)).lines()
    assert [(line.name, line.wavelength_nm, line.max_irradiance_w_cm2) for line in lines] == [
        (LASER, 488.0, 5.0),
        ("Laser561", 561.0, 20.0),
    ]


def test_each_line_has_the_bleaching_and_the_harm_of_its_dye_and_colour() -> None:
    config = SimulatedScopeConfig(extra_lines=(RED,))
    green, red = (Photophysics.of(config, line) for line in config.all_lines())
    yields = RED.bleach_yield * RED.extinction * RED.wavelength_nm / (2.4e-6 * 56_000.0 * 488.0)
    assert red.bleach_per_j_cm2 / green.bleach_per_j_cm2 == pytest.approx(yields)
    assert red.damage_weight / green.damage_weight == pytest.approx(
        action_weight(561.0) / action_weight(488.0)
    )


def test_two_lines_of_one_name_are_refused() -> None:
    twin = RED.model_copy(update={"name": LASER})
    with pytest.raises(ValidationError, match="a name of its own"):
        SimulatedScopeConfig(extra_lines=(twin,))


@pytest.mark.parametrize(
    "value", [{"name": ""}, {"name": "a/b"}, {"extinction": 0.0}, {"wavelength_nm": 200.0}]
)
def test_a_line_that_makes_no_sense_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LineConfig.model_validate({**RED.model_dump(), **value})


def two_lines(**values: object) -> Specimen:
    return Specimen(SimulatedScopeConfig.model_validate({"n_cells": 5, **values}))


def test_a_line_bleaches_its_own_dye_and_no_other_and_harms_by_its_own_weight() -> None:
    specimen = two_lines(extra_lines=(RED,))
    n = len(specimen.truth())
    before = specimen.dye(0), specimen.dye(1)
    specimen.take_light(np.full(n, 2.0), 1.0, 1)
    assert np.array_equal(specimen.dye(0), before[0])
    assert (specimen.dye(1) < before[1]).all()
    by_red = specimen.truth().damage
    specimen.take_light(np.full(n, 2.0), 1.0, 0)
    assert (specimen.dye(0) < before[0]).all()
    assert (specimen.truth().damage - by_red > 5.0 * by_red).all()


def test_all_dyes_are_made_anew_in_the_dark() -> None:
    specimen = two_lines(extra_lines=(RED,), recovery_h=0.1, cycle_h=1000.0)
    n = len(specimen.truth())
    fresh = [specimen.dye(line) for line in (0, 1)]
    for line in (0, 1):
        specimen.take_light(np.full(n, 50.0), 1.0, line)
    assert (specimen.dye(1) < 0.9 * fresh[1]).all()
    specimen.advance_to(3600.0)
    for line in (0, 1):
        assert specimen.dye(line) == pytest.approx(fresh[line], rel=0.02)
