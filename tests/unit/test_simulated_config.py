from __future__ import annotations

import math
import subprocess
import sys

import pytest
from pydantic import ValidationError

import acquire.simulated
from acquire.simulated.config import LASER, SimulatedScopeConfig
from lightloop.config.schema import words_of

NUMBERS = [
    name
    for name, field in SimulatedScopeConfig.model_fields.items()
    if field.annotation in (int, float)
]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, -1, 1e12])
def test_no_number_is_without_bounds(name: str, value: float) -> None:
    with pytest.raises(ValidationError):
        SimulatedScopeConfig.model_validate({name: value})


def test_every_field_says_what_it_is() -> None:
    words = words_of(SimulatedScopeConfig)
    assert [name for name in SimulatedScopeConfig.model_fields if not words.get(name)] == ["kind"]


def test_the_light_box_and_the_calibration_follow_from_the_config() -> None:
    config = SimulatedScopeConfig(wavelength_nm=561.0, gain_adu_per_e=0.5)
    (line,) = config.lines()
    assert (line.name, line.wavelength_nm) == (LASER, 561.0)
    assert config.calibration().gain_adu_per_e == 0.5


def test_every_exported_name_exists() -> None:
    assert sorted(set(acquire.simulated.__all__)) == sorted(acquire.simulated.__all__)
    for name in acquire.simulated.__all__:
        assert hasattr(acquire.simulated, name)


def test_the_face_imports_nothing_heavy() -> None:
    heavy = ("cv2", "scipy", "pymmcore", "pymmcore_plus", "zmq")
    code = f"import sys, acquire.simulated; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
