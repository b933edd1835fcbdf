"""`lightloop replay`: its pace, its verdict, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightloop.task import RunTask
from tests.unit import run_samples as samples
from tests.unit.cli_calls import bring_in, call, keep_tasks


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list[RunTask]:
    return keep_tasks(monkeypatch)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    code, said, err = bring_in(tmp_path)
    assert code == 0, err
    assert "3 frames in 3 shots" in said
    return tmp_path / "run.h5"


@pytest.mark.parametrize(
    ("words", "pace", "speed"),
    [
        ([], "max", 1.0),
        (["--max"], "max", 1.0),
        (["--step"], "step", 1.0),
        (["--real-time"], "real-time", 1.0),
        (["--real-time", "2.5"], "real-time", 2.5),
        (["--real-time", "--headless"], "real-time", 1.0),
    ],
)
def test_a_replay_keeps_the_pace_that_was_asked(
    tasks: list[RunTask], recording: Path, words: list[str], pace: str, speed: float
) -> None:
    code, _, err = call("replay", str(recording), "--headless", *words)
    assert code == 0, err
    replay = tasks[0].replay
    assert replay is not None
    assert (replay.pace, replay.speed) == (pace, speed)
    assert not replay.verify
    assert tasks[0].config_name == "replay.toml", "an import has no config of its own"


def test_a_verified_replay_goes_in_lock_step(tasks: list[RunTask], tmp_path: Path) -> None:
    samples.write_run(tmp_path / "run.h5", n_shots=2, n_frames=1)
    code, _, err = call("replay", str(tmp_path / "run.h5"), "--headless", "--verify")
    assert code == 0, err
    replay = tasks[0].replay
    assert replay is not None
    assert (replay.pace, replay.verify) == ("step", True)


def test_no_window_keeps_a_verdict_waiting(
    tasks: list[RunTask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")  # a screen, as far as anybody can tell
    samples.write_run(tmp_path / "run.h5", n_shots=2, n_frames=1)
    assert call("replay", str(tmp_path / "run.h5"))[0] == 0
    assert call("replay", str(tmp_path / "run.h5"), "--verify")[0] == 0
    assert [task.with_window for task in tasks] == [True, False]


def test_an_import_cannot_be_verified(tasks: list[RunTask], recording: Path) -> None:
    code, _, err = call("replay", str(recording), "--headless", "--verify")
    assert code == 2
    assert err.startswith("lightloop: ")
    assert "is an import: it holds no decisions to verify" in err
    assert tasks == []


def test_a_picture_of_a_replay_that_cannot_be_written_is_refused(
    tasks: list[RunTask], recording: Path
) -> None:
    code, _, err = call("replay", str(recording), "--screenshot", "no/folder/x.png")
    assert code == 2
    assert "there is no folder" in err
    assert tasks == []
