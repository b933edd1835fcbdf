from __future__ import annotations

import pytest
from pydantic import ValidationError

from acquire.simulated.config import LASER, LineConfig, SimulatedScopeConfig
from acquire.simulated.damage import action_weight
from acquire.simulated.photophysics import Photophysics

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
