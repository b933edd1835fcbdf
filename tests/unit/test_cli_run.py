"""`lightloop demo` and `run`: what is asked of the processes, and with or without a window."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

import lightloop.supervision.supervisor
from lightloop.cli.door import wants_window
from lightloop.config import ConfigError
from lightloop.supervision.supervisor import Outcome
from lightloop.task import RunTask
from tests.unit.cli_calls import CONFIGS, DEMO, SUMMARY, call, keep_tasks


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list[RunTask]:
    return keep_tasks(monkeypatch)


@pytest.mark.parametrize(("seen_px", "is_told"), [(0.0, False), (24.0, False), (41.0, True)])
def test_a_run_whose_cells_are_of_another_size_says_so_at_its_end(
    monkeypatch: pytest.MonkeyPatch, seen_px: float, *, is_told: bool
) -> None:
    seen = msgspec.structs.replace(SUMMARY, cell_px=seen_px)
    monkeypatch.setattr(
        lightloop.supervision.supervisor, "supervise", lambda task: Outcome(0, seen, "")
    )
    _, _, stderr = call("run", DEMO, "--headless")
    told = "detect.diameter_px says 20"
    assert (told in stderr) is is_told


def test_the_demo_asks_for_what_its_flags_say(tasks: list[RunTask], tmp_path: Path) -> None:
    out = tmp_path / "run.h5"
    code, said, _ = call("demo", "--headless", "--frames", "7", "--seed", "5", "--out", str(out))
    assert code == 0
    task = tasks[0]
    assert (task.max_shots, task.seed, task.out) == (7, 5, str(out))
    assert not task.with_window
    assert task.config_name == "demo.toml"
    assert "dark: read back" in said


def test_the_light_of_the_window_may_be_chosen(tasks: list[RunTask]) -> None:
    assert call("demo", "--headless")[0] == 0
    assert call("run", DEMO, "--headless", "--theme", "red")[0] == 0
    assert [task.theme for task in tasks] == ["", "red"]
    assert call("demo", "--theme", "pink")[0] == 2


def test_a_run_with_a_gain_that_nobody_told_says_what_that_means(
    tasks: list[RunTask], tmp_path: Path
) -> None:
    text = (CONFIGS / "demo-camera.toml").read_text("utf-8")
    (tmp_path / "mine.toml").write_text(text.replace("gain_adu_per_e = 1.0\n", ""), "utf-8")
    _, _, stderr = call("run", str(tmp_path / "mine.toml"), "--attended", "--headless")
    assert "note: nobody told the gain of the camera, so 1 count is taken for 1" in stderr
    assert tasks, "it is no reason not to run"


def test_without_frames_the_plan_decides(tasks: list[RunTask]) -> None:
    assert call("run", DEMO, "--headless")[0] == 0
    assert tasks[0].max_shots == 0


def test_a_run_says_whether_it_is_kept_and_what_may_be_done_with_it(
    tasks: list[RunTask], tmp_path: Path
) -> None:
    _, said, err = call("run", DEMO, "--headless")
    assert "note: this run is not kept; to keep it, say --out run.h5" in err
    assert "next: " not in said
    _, said, err = call("run", DEMO, "--headless", "--out", str(tmp_path / "mine.h5"))
    assert "is not kept" not in err
    assert f"next: lightloop inspect {tmp_path / 'mine.h5'}\n" in said
    assert "to keep a run: lightloop demo --out run.h5" in call("demo", "--headless")[1]


@pytest.mark.parametrize("code", [0, 1, 130])
def test_the_status_of_the_run_is_the_status_of_the_command(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    outcome = Outcome(code, SUMMARY if code != 1 else None, "the keeper died")
    monkeypatch.setattr(lightloop.supervision.supervisor, "supervise", lambda _: outcome)
    found, _, err = call("demo", "--headless")
    assert found == code
    assert ("lightloop: the keeper died" in err) == (code == 1)


@pytest.mark.parametrize("verb", ["check", "run"])
def test_a_broken_policy_file_is_found_before_any_light(
    tasks: list[RunTask], tmp_path: Path, verb: str
) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("raise RuntimeError('not yet')\n", "utf-8")
    text = (CONFIGS / "demo.toml").read_text("utf-8")
    start, end = text.index("[policy]"), text.index("[loop]")
    policy = f'[policy]\nkind = "python"\npath = {json.dumps(str(mine))}\n'
    (tmp_path / "own.toml").write_text(text[:start] + policy + text[end:], "utf-8")
    code, _, err = call(verb, str(tmp_path / "own.toml"))
    assert code == 2
    assert re.match(r"lightloop: own\.toml: policy: .*mine\.py: RuntimeError: not yet", err)
    assert tasks == []


@pytest.fixture
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightloop.cli.door.has_screen", lambda: False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)


def test_without_a_screen_the_run_goes_on_without_a_window(
    no_screen: None, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyqtgraph")
    assert not wants_window(headless=False, screenshot=False)
    assert "no screen" in capsys.readouterr().err


def test_a_picture_needs_no_screen(no_screen: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyqtgraph")
    import os

    monkeypatch.setenv("QT_QPA_PLATFORM", "")
    assert wants_window(headless=True, screenshot=True)
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"


def test_a_window_without_qt_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'pip install -e "\.\[gui\]"'):
        wants_window(headless=False, screenshot=False)
    assert not wants_window(headless=True, screenshot=False)
