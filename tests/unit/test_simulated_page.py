"""docs/simulated.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from acquire.simulated.config import Assumption, SimulatedScopeConfig
from acquire.simulated.photophysics import damage
from acquire.simulated.presets import PRESETS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "simulated.md").read_text(encoding="utf-8")


def test_every_image_of_the_page_is_there_and_has_a_script_that_draws_it() -> None:
    images = re.findall(r"!\[[^]]*\]\((images/([a-z_]+)\.(?:png|jpg))\)", PAGE)
    assert len(images) == 2
    for path, name in images:
        assert (DOCS / path).is_file()
        assert (DOCS / "figures" / f"{name}.py").is_file()
        assert f"python -m docs.figures.{name}" in PAGE


@pytest.mark.parametrize("setting", get_args(Assumption))
def test_every_assumption_stands_on_the_page(setting: str) -> None:
    assert f'"{setting}"' in PAGE


@pytest.mark.parametrize("name", list(PRESETS))
def test_every_preset_stands_on_the_page(name: str) -> None:
    assert name in PAGE


def test_every_field_that_the_page_names_exists() -> None:
    fields = set(SimulatedScopeConfig.model_fields) | {"lifetime_ns"}
    named = set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+)+)`", PAGE))
    assert len(named) > 10
    assert named <= fields


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    said = (
        f"{100 * damage.FAILS_UNHARMED:.1f} % + {100 * damage.FAILS_BY_HARM:.1f} % · "
        f"H(E, {damage.FAILS_J_CM2}, {damage.FAILS_POWER})",
        f"{damage.MITOSIS_MIN} min + {damage.MITOSIS_MORE_MIN} min · H(E, {damage.MITOSIS_J_CM2},",
        f"{damage.DEATH_PER_H} /h · H(E, {damage.DEATH_J_CM2:g}, {damage.DEATH_POWER:g})",
        f"| threshold | {damage.THRESHOLD_J_CM2} J/cm²",
        f"1 at {damage.UV_NM:g} nm, a tenth for each {damage.DECADE_NM:g} nm more",
        f"(I / {damage.UV_W_CM2:g} W/cm²)",
    )
    config = SimulatedScopeConfig()
    said += (
        f"beta, `damage_power` | {config.damage_power} |",
        f"rho, `damage_by_dye` | {config.damage_by_dye},",
        f"`repair_h` | {config.repair_h:g} h |",
        f"`bleach_scale = {config.bleach_scale:g}`",
    )
    for words in said:
        assert words in PAGE
