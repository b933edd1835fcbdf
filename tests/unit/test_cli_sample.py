"""`lightloop sample` in the words that a biologist reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lightloop.config import parse
from lightloop.sample.diary import note_run
from lightloop.task import RunTask
from tests.unit.cli_calls import DEMO, call
from tests.unit.test_sample import CONFIG
from tests.unit.test_sample_light import give


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIGHTLOOP_SAMPLES", str(tmp_path))
    return tmp_path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config whose sample has had 5 of its 8 J/cm2, in a run that is gone."""
    path = tmp_path / "mine.toml"
    path.write_text(CONFIG)
    wanted = parse(CONFIG)
    note_run(wanted, RunTask("", "mine.toml", str(tmp_path / "monday.h5")))
    give(wanted, (120.0, -40.0, 5.0))
    return path


def test_all_samples_are_listed_with_their_light(config: Path, folder: Path) -> None:
    folder.joinpath("sample-dish 8.dose").write_bytes(b"nothing")
    status, out, said = call("sample")
    assert status == 0
    (row,) = [line for line in out.splitlines() if line.startswith("dish 7")]
    assert row.split()[2:7] == ["488", "5", "J/cm2", "5", "J/cm2"]
    assert "DAMAGED" in out
    assert "sample 'dish 8' cannot be read" in said


def test_a_sample_is_told_with_its_place_its_runs_and_what_is_left(config: Path) -> None:
    status, out, _ = call("sample", "dish 7", "--config", str(config))
    text = " ".join(out.split())
    assert status == 0
    assert "5 J/cm2: mean of the field that took most, at 12" in text
    assert "3 J/cm2 left there of a budget of 8 (38%)" in text
    assert "mine.toml" in text
    assert "monday.h5 (gone)" in text
    assert call("sample", "--config", str(config))[1] == out, "the config names the sample"
    assert "budget" not in call("sample", "dish 7")[1]


def test_programs_get_the_numbers(config: Path) -> None:
    told = json.loads(call("sample", "dish 7", "--config", str(config), "--json")[1])
    assert told["lights"][0]["left"] == pytest.approx(3.0)
    assert told["lights"][0]["mean"] == pytest.approx(5.0)
    assert told["runs"][0]["config"] == "mine.toml"
    assert [one["sample"] for one in json.loads(call("sample", "--json")[1])] == ["dish 7"]


def test_a_misspelt_sample_and_a_config_without_one_are_bad_usage(config: Path) -> None:
    status, _, said = call("sample", "dsh 7")
    assert status == 2
    assert "did you mean 'dish 7'?" in said
    status, _, said = call("sample", "--config", DEMO)
    assert status == 2
    assert "names no sample" in said


def test_where_there_is_no_sample_yet_it_says_how_one_begins() -> None:
    status, _, said = call("sample")
    assert status == 0
    assert "[sample] id" in said
    assert call("sample", "dish 7")[0] == 2
