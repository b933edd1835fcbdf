"""The page about the truth says what is so."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import h5py
import pytest

from lightloop.cli.app import app
from tests.unit.truth_samples import nuclei, write_truth

PAGE = (Path(__file__).parents[2] / "docs" / "truth.md").read_text("utf-8")
FILM = [nuclei((0, -1, -6, -3), (1, -1, 6, 4))] * 11


def test_the_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_truth(tmp_path / "movie.truth.h5", FILM)
    example = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)[0]
    (tmp_path / "example.py").write_text(example, "utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path("example.py")
    assert "[0 1]" in capsys.readouterr().out


def test_every_dataset_is_in_the_table(tmp_path: Path) -> None:
    path = write_truth(tmp_path / "a.h5", FILM[:1])
    told = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    with h5py.File(path) as file:
        assert told == set(file) - {"config", "status", "commit"}


def test_every_command_is_a_verb() -> None:
    verbs = {command.name for command in app.registered_commands}
    assert set(re.findall(r"^lightloop (\w+)", PAGE, re.MULTILINE)) <= verbs
