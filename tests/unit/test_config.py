from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lightloop.config import ConfigError, RunConfig, load, parse
from lightloop.config.plan_table import read_plan
from lightloop.config.schema import models_in, schema

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


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_who_takes_no_image_gets_the_same_values_without_reading_the_plan(path: Path) -> None:
    assert parse(path.read_text("utf-8"), path.name, reads_plan=False) == load(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_exposure_ms = 1e9", "max_exposure_ms must be"),
        ("max_exposure_ms = inf", "must be a finite number"),
        ("max_exposure_ms = true", "max_exposure_ms must be"),
        ("max_exposure_ms = 0.5", "max_exposure_ms"),
        ("max_power_fraction = 1.5", "max_power_fraction must be"),
        ("max_power_fraction = nan", "must be a finite number"),
        ("max_step_up = 0", "max_step_up must be"),
        ("budget_j_cm2 = -8", "budget_j_cm2 must be"),
        ('budget_j_cm2 = "8"', "budget_j_cm2 must be"),
        ("budget = 8", "unknown key"),
        ('gate = "always-on"', "has a switch"),
    ],
)
def test_who_takes_no_image_is_as_strict_with_every_light(text: str, said: str) -> None:
    key = "budget_j_cm2" if text == "budget = 8" else text.partition(" ")[0]
    wrong = changed(line(key), text)
    with pytest.raises(ConfigError, match=said) as to_all:
        parse(wrong)
    with pytest.raises(ConfigError) as to_one:
        parse(wrong, reads_plan=False)
    assert str(to_one.value) == str(to_all.value)


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
        ("", r"\[scope\] is missing"),
        (DEMO + '\n[sample]\nid = "dish/9"', r'id is made of the letters A to Z .*, got "dish/9"$'),
        (DEMO + "\nchanel = 3", r"policy|loop\.chanel: unknown key"),
        (changed("n_cells", "n_cell"), r"scope.*n_cell: unknown key \(did you mean 'n_cells'\?\)"),
        (changed("pace_s", "pase_s"), r"loop\.pase_s: unknown key \(did you mean 'pace_s'\?\)"),
        (changed("shutter_device", "shuter_device"), r"light '488'.*mean 'shutter_device'"),
        (changed("max_step_up", "max_stepup"), r"limits\.max_stepup.*\(did you mean 'max_step_up'"),
        (changed("loops = 300", "loop = 300"), r"plan\.time_plan"),
        (changed(line("[plan]"), "[plan]\ntime_pln = 1"), r"plan\.time_pln.*did you mean 'time_pl"),
        (changed(line("exposure_ms"), "exposure_ms = 0.0"), r"exposure_ms must .*than 0, got 0"),
        (changed(line("exposure_ms"), "exposure_ms = nan"), r"must be a finite number, got nan"),
        (changed(line("exposure_ms"), "exposure_ms = inf"), r"must be a finite number, got inf"),
        (changed(line("exposure_ms"), "exposure_ms = -1"), r"'GFP'\.exposure_ms must .*got -1"),
        (changed(line("exposure_ms"), 'exposure_ms = "9"'), r"must .*valid number, got"),
        (changed(line("exposure_ms"), 'exposure_ms = "9 ms"'), r"\(write 9, without quotes"),
        (changed(line("power_fraction"), "power_fraction = 20"), r"a fraction: 20 % is 0\.2\)"),
        (changed(line("exposure_ms"), "exposure_ms = true"), r"exposure_ms must .*got true"),
        (changed(line("exposure_ms"), ""), r"channel 'GFP'\.exposure_ms is missing"),
        (changed(line("budget_j_cm2"), "budget_j_cm2 = nan"), r"must be a finite number, got nan"),
        (changed(line("budget_j_cm2"), ""), r"light '488'\.limits\.budget_j_cm2 is missing"),
        (without("[[light]]", "[[channel]]"), r"^bad\.toml: \[\[light\]\] is missing$"),
        (changed('light = "488"', 'light = "561"'), r"wants light '561', declared are 488"),
        (changed(line("kind = \"simulated\""), 'kind = "micromanager"'), r"mean 'micro-manager'"),
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


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            line("exposure_ms"),
            "exposure_ms = -1",
            "channel 'GFP'.exposure_ms must be greater than 0, got -1",
        ),
        (
            line("exposure_ms"),
            "exposure_ms = inf",
            "channel 'GFP'.exposure_ms must be a finite number, got inf",
        ),
        (
            line("max_exposure_ms"),
            "max_exposure_ms = nan",
            "light '488'.limits.max_exposure_ms must be a finite number, got nan",
        ),
        ('name = "488"', "", "light.0.name is missing"),
        ('name = "GFP"', 'name = ""', 'channel.0.name must have at least 1 character, got ""'),
        (
            'kind = "snr"',
            'kind = "snrr"',
            "policy.kind: 'snrr' is none of fixed, snr, python (did you mean 'snr'?)",
        ),
        ('kind = "snr"', "", "policy.kind is missing: it says which kind of policy this is"),
        (
            line("gate"),
            'gate = "camra"',
            "light '488'.gate: 'camra' is none of camera, sequencer, software, always-on"
            " (did you mean 'camera'?)",
        ),
        ("[plan]", "[network]", "[plan] is missing"),
        ("[[channel]]", "[channel]", "channel must be written [[channel]], in double brackets"),
        ("loops = 300", "loops = 0", "plan.time_plan.loops must be greater than 0, got 0"),
        ("loops = 300", "loop = 300", "plan.time_plan: unknown key 'loop' (did you mean 'loops'?)"),
        (", loops = 300", "", "plan.time_plan needs duration or loops as well"),
        (
            "seconds = 120",
            "second = 120",
            "plan.time_plan.interval: unknown unit 'second' (did you mean 'seconds'?)",
        ),
        (
            "seconds = 120",
            "seconds = true",
            "plan.time_plan.interval.seconds must be a number, got true",
        ),
        (
            "seconds = 120",
            "seconds = 1e300",
            "plan.time_plan.interval.seconds must be less than 1e+09, got 1e300",
        ),
        (
            "{ seconds = 120 }",
            '"x"',
            'plan.time_plan.interval must be a length of time such as { seconds = 10 }, got "x"',
        ),
        ("[plan]", "[plan]\nz_plan = { range = 3 }", "plan.z_plan needs step as well"),
        (
            "[plan]",
            "[plan]\nz_plan = { range = 'a', step = 1 }",
            'plan.z_plan.range must be a valid number, got "a"',
        ),
        (
            "[plan]",
            "[plan]\nz_plan = { range = nan, step = 1 }",
            "plan.z_plan.range must be a finite number, got nan",
        ),
        (
            "{ interval = { seconds = 120 }, loops = 300 }",
            "{ interval = 0, duration = { seconds = 3 } }",
            "plan.time_plan: an interval of 0 s never fills a duration",
        ),
        ("[plan]", "[plan]\nstage_positions = 3", "plan.stage_positions is not understood: 3"),
        (
            "[plan]",
            "[plan]\nstage_positions = [[0, 0]]",
            "plan.stage_positions must be tables such as { x = 0, y = 0 }, in um, got [[0,0]]",
        ),
        (
            "[plan]",
            "[plan]\nstage_positions = [{ x = 1, Y = 2 }]",
            "plan.stage_positions.0: unknown key 'Y'; known: grid_col, grid_row, name, plate_col, "
            "plate_row, properties, sequence, x, y, z",
        ),
        (
            "[plan]",
            "[plan]\nz_plan = { range = 3, step = 1, go_upp = true }",
            "plan.z_plan: unknown key 'go_upp' (did you mean 'go_up'?)",
        ),
        (
            "[plan]",
            "[plan]\naxis_order = 'qq'",
            'plan.axis_order must be made of the letters t, p, g, c and z, got "qq"',
        ),
    ],
)
def test_one_mistake_is_one_plain_sentence(old: str, new: str, said: str) -> None:
    text = without("[plan]", "[policy]") if new == "[network]" else changed(old, new)
    with pytest.raises(ConfigError) as caught:
        parse(text, "mine.toml")
    assert str(caught.value) == f"mine.toml: {said}"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('[["Camera", "Binning"]]', "scope.properties.0 must have at least 3 entries"),
        ('["Camera"]', 'scope.properties.0 must be a list, got "Camera"'),
        ("3", "scope.properties must be a list, got 3"),
    ],
)
def test_a_property_is_three_words(value: str, said: str) -> None:
    text = (CONFIGS / "demo-camera.toml").read_text("utf-8")
    old = next(text for text in text.splitlines() if text.startswith("properties"))
    with pytest.raises(ConfigError) as caught:
        parse(text.replace(old, f"properties = {value}"), "mine.toml")
    assert str(caught.value) == f"mine.toml: {said}"


def test_a_missing_list_of_tables_is_asked_for_in_double_brackets() -> None:
    with pytest.raises(ConfigError, match=r"^mine\.toml: \[\[channel\]\] is missing$"):
        parse(without("[[channel]]", "[plan]"), "mine.toml")
    with pytest.raises(ConfigError, match=r"^mine\.toml: \[\[channel\]\] is missing$"):
        parse("channel = []\n" + without("[[channel]]", "[plan]"), "mine.toml")


def test_every_mistake_of_several_is_said() -> None:
    text = changed(line("exposure_ms"), "exposure_ms = -1").replace("loops = 300", "loops = 0")
    text = text.replace(line("min_exposure_ms"), "min_exposure_ms = -3")
    with pytest.raises(ConfigError) as caught:
        parse(text)
    said = str(caught.value).splitlines()
    assert len(said) == 2, "the plan is looked at when its channels are right"
    assert "light '488'.limits.min_exposure_ms must be greater" in said[0]
    assert "channel 'GFP'.exposure_ms must be greater than 0" in said[1]


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["interval", "loops", "seconds", "phases", "step", "range", "x"]),
                inner,
                max_size=3,
            )
        ),
        max_leaves=6,
    ),
    st.sampled_from(["time_plan", "z_plan", "stage_positions", "grid_plan", "axis_order"]),
)
def test_any_plan_is_a_sequence_or_one_plain_sentence(value: Any, key: str) -> None:
    try:
        read_plan({key: value}, [{"config": "GFP"}])
    except ValueError as error:
        said = str(error)
    else:
        return
    assert said.startswith("plan")
    assert "Plan." not in said


def test_simulated_time_is_refused_where_the_light_is_real() -> None:
    text = (CONFIGS / "demo-camera.toml").read_text("utf-8")
    with pytest.raises(ConfigError, match="light is real here"):
        parse(text.replace('clock = "host"', 'clock = "simulated"'))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: there is no such file"):
        load(tmp_path / "none.toml")


def test_a_file_that_is_no_plain_text_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'title = "Zellen f\xfcr heute"')
    with pytest.raises(ConfigError, match=r"latin\.toml: is no plain text in UTF-8 \(byte 17\)"):
        load(tmp_path / "latin.toml")


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
    assert stored == schema(), "run: lightloop schema > configs/lightloop.schema.json"


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
    for cls in set(models_in(RunConfig)):
        assert cls.model_config.get("frozen"), cls
        assert cls.model_config.get("extra") == "forbid", cls
        # else each process would read the sources of all configs at its start: 0.07 s of processor
        assert not cls.model_config.get("use_attribute_docstrings"), cls
    config = parse(DEMO)
    with pytest.raises(ValidationError, match="frozen"):
        config.title = "other"  # type: ignore[misc]


def test_the_plan_holds_the_channels_of_the_config() -> None:
    sequence = parse(DEMO).sequence()
    assert [c.config for c in sequence.channels] == ["GFP"]
    assert sequence.sizes["t"] == tomllib.loads(DEMO)["plan"]["time_plan"]["loops"]


def test_a_key_of_the_top_that_slid_into_a_table_is_sent_back() -> None:
    text = (
        (CONFIGS / "demo.toml").read_text("utf-8").replace("title =", '[sample]\nid = "a"\ntitle =')
    )
    with pytest.raises(ConfigError, match=r"sample\.title: title stands above the first \[table\]"):
        parse(text, "mine.toml")


def test_a_misspelt_file_is_told_with_its_near_miss(tmp_path: Path) -> None:
    (tmp_path / "demo.toml").write_text("", "utf-8")
    with pytest.raises(ConfigError, match=r"no such file \(did you mean .*demo\.toml\?\)"):
        load(tmp_path / "dmeo.toml")
    with pytest.raises(ConfigError, match=r"there is no such file$"):
        load(tmp_path / "nowhere" / "demo.toml")
