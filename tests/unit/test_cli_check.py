"""`lightloop check` and `schema`: what a run would take, or why it cannot be."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.unit.cli_calls import CONFIGS, DEMO, call


def test_check_prints_dose_time_and_disk(tmp_path: Path) -> None:
    code, said, _ = call("check", DEMO, "--out", str(tmp_path / "run.h5"))
    assert code == 0
    for word in ("300 in 300 shots", "J/cm2", "% of the budget of", "bleaching", " MB packed"):
        assert word in said
    assert said.rstrip().endswith("demo.toml: ok")


def test_check_looks_at_no_run_file_that_it_was_not_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.h5").write_bytes(b"somebody's work")
    code, said, err = call("check", DEMO)
    assert code == 0, err
    assert "GB free" in said
    code, _, err = call("check", DEMO, "--out", "run.h5")
    assert code == 2
    assert "exists already" in err


def test_check_speaks_json_to_programs(tmp_path: Path) -> None:
    code, said, _ = call("check", DEMO, "--frames", "10", "--json", "--out", str(tmp_path / "r.h5"))
    assert code == 0
    seen = json.loads(said)
    assert seen["frames"] == 10
    assert seen["lights"][0]["unit"] == "J/cm2"


def test_check_refuses_a_run_over_its_budget(tmp_path: Path) -> None:
    path = tmp_path / "greedy.toml"
    text = (CONFIGS / "demo.toml").read_text("utf-8")
    path.write_text(re.sub(r"budget_j_cm2 = [\d.]+", "budget_j_cm2 = 0.1", text), "utf-8")
    code, _, err = call("check", str(path))
    assert code == 2
    assert err.startswith("lightloop: greedy.toml: over budget")


def test_a_wrong_device_is_said_with_its_file(tmp_path: Path) -> None:
    text = (CONFIGS / "demo.toml").read_text("utf-8").replace('"Laser488"', '"Lazer488"')
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    code, _, err = call("check", str(tmp_path / "mine.toml"))
    assert code == 2
    assert err.startswith("lightloop: mine.toml: ")
    assert "did you mean 'Laser488'" in err


def test_the_schema_is_json() -> None:
    code, said, _ = call("schema")
    assert code == 0
    assert json.loads(said)["title"] == "RunConfig"
