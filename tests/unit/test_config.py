from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from lightloop.config import ConfigError, RunConfig, load, parse, schema

CONFIGS = Path(__file__).parents[2] / "configs"
DEMO = (CONFIGS / "demo.toml").read_text("utf-8")
SHIPPED = sorted(path for path in CONFIGS.glob("*.toml") if path.name != "bars.toml")


def changed(old: str, new: str) -> str:
    assert DEMO.count(old) == 1, f"{old!r} is {DEMO.count(old)} times in demo.toml"
    return DEMO.replace(old, new)


def line(begin: str) -> str:
    """Return the one line of demo.toml that begins so."""
    found = [text for text in DEMO.splitlines() if text.startswith(begin)]
    assert len(found) == 1, found
    return found[0]


def without(first: str, last: str) -> str:
    """Return demo.toml without the lines from one to another."""
    start = DEMO.index(first)
    return DEMO[:start] + DEMO[DEMO.index(last, start) :]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_config_is_right(path: Path) -> None:
    assert load(path).light
    assert path.read_text("utf-8").startswith("#:schema ./lightloop.schema.json\n")


def test_no_property_that_is_set_at_start_may_be_a_lights() -> None:
    text = (CONFIGS / "demo-camera.toml").read_text("utf-8")
    old = '["Camera", "BitDepth", "16"]'
    assert text.count(old) == 1
    lit = text.replace(old, '["White Light Shutter", "State", "1"]')
    with pytest.raises(ConfigError, match=r"sets White Light Shutter State, .*light 'white'"):
        parse(lit)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"scope is missing"),
        (DEMO + "\nchanel = 3", r"policy|loop\.chanel: unknown key"),
        (changed("n_cells", "n_cell"), r"scope.*n_cell: unknown key \(did you mean 'n_cells'\?\)"),
        (changed("pace_s", "pase_s"), r"loop\.pase_s: unknown key \(did you mean 'pace_s'\?\)"),
        (changed("shutter_device", "shuter_device"), r"light\.0.*\(did you mean 'shutter_device'"),
        (changed("max_step_up", "max_stepup"), r"limits\.max_stepup.*\(did you mean 'max_step_up'"),
        (changed("loops = 300", "loop = 300"), r"plan\.time_plan"),
        (changed(line("[plan]"), "[plan]\ntime_pln = 1"), r"plan\.time_pln.*did you mean 'time_pl"),
        (changed(line("exposure_ms"), "exposure_ms = 0.0"), r"exposure_ms: .*than 0, got 0"),
        (changed(line("exposure_ms"), "exposure_ms = nan"), r"channel\.0\.exposure_ms: .*got"),
        (changed(line("exposure_ms"), "exposure_ms = inf"), r"channel\.0\.exposure_ms: .*got"),
        (changed(line("exposure_ms"), "exposure_ms = -1"), r"channel\.0\.exposure_ms: .*got -1"),
        (changed(line("exposure_ms"), 'exposure_ms = "9"'), r"exposure_ms: .*valid number, got"),
        (changed(line("exposure_ms"), "exposure_ms = true"), r"exposure_ms: .*got true"),
        (changed(line("exposure_ms"), ""), r"channel\.0\.exposure_ms is missing"),
        (changed(line("budget_j_cm2"), "budget_j_cm2 = nan"), r"budget_j_cm2: .*got"),
        (changed(line("budget_j_cm2"), ""), r"light\.0\.limits\.budget_j_cm2 is missing"),
        (without("[[light]]", "[[channel]]"), r"^bad\.toml: \[\[light\]\] is missing$"),
        (changed('light = "488"', 'light = "561"'), r"wants light '561', declared are 488"),
        (changed(line("kind = \"simulated\""), 'kind = "micromanager"'), r"scope: .*micromanager"),
        (changed(line("gate"), 'gate = "always-on"'), r"has a switch"),
        (changed(line("lit_area_um2"), ""), r"power_mw_at_maximum and lit_area_um2 belong"),
        ("title = ", r"not TOML"),
    ],
)  # fmt: skip
def test_says_what_is_wrong_and_where(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=said) as caught:
        load(file)
    assert all(line.startswith("bad.toml: ") for line in str(caught.value).splitlines())


def test_simulated_time_is_refused_where_the_light_is_real() -> None:
    text = (CONFIGS / "demo-camera.toml").read_text("utf-8")
    with pytest.raises(ConfigError, match="light is real here"):
        parse(text.replace('clock = "host"', 'clock = "simulated"'))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read"):
        load(tmp_path / "none.toml")


@settings(max_examples=40, deadline=None)
@given(st.floats(), st.sampled_from(["exposure_ms", "budget_j_cm2", "pace_s", "lit_area_um2"]))
def test_no_number_passes_its_bounds(value: float, key: str) -> None:
    text = changed(line(key), f"{key} = {value!r}")
    try:
        config = parse(text)
    except ConfigError:
        return
    found = {
        "exposure_ms": config.channel[0].exposure_ms,
        "budget_j_cm2": config.light[0].limits.budget_j_cm2,
        "pace_s": config.loop.pace_s,
        "lit_area_um2": config.light[0].lit_area_um2,
    }[key]
    assert found is not None
    assert 0 <= found < float("inf")


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_config_or_one_clear_complaint(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^config: "):
        parse(text)


def test_the_schema_in_configs_is_that_of_the_code() -> None:
    stored = (CONFIGS / "lightloop.schema.json").read_text("utf-8")
    assert json.loads(stored) == json.loads(schema()), (
        "run: lightloop schema > configs/lightloop.schema.json"
    )


def test_every_key_is_explained_in_the_schema() -> None:
    definitions = json.loads(schema())["$defs"]
    silent = [
        f"{name}.{key}"
        for name, definition in definitions.items()
        for key, field in definition.get("properties", {}).items()
        if "description" not in field and "const" not in field and "$ref" not in field
    ]
    assert silent == []


def test_every_config_class_is_frozen_and_refuses_unknown_keys() -> None:
    for cls in set(_config_classes(RunConfig)):
        assert cls.model_config.get("frozen"), cls
        assert cls.model_config.get("extra") == "forbid", cls
    config = parse(DEMO)
    with pytest.raises(ValidationError, match="frozen"):
        config.title = "other"  # type: ignore[misc]


def test_the_plan_holds_the_channels_of_the_config() -> None:
    sequence = parse(DEMO).sequence()
    assert [c.config for c in sequence.channels] == ["GFP"]
    assert sequence.sizes["t"] == tomllib.loads(DEMO)["plan"]["time_plan"]["loops"]


def _config_classes(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _config_classes(field.annotation)
    for part in getattr(annotation, "__args__", ()):
        yield from _config_classes(part)
