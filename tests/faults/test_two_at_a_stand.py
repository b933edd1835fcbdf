"""Two programs at one microscope, and `lightloop dark` beside a run: a light with one port."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acquire.core_loading import load_system
from lightloop.cli.app import app
from lightloop.config import parse
from lightloop.supervision.one_at_a_time import FOLDER_VARIABLE, hold_stand
from tests.lasting_light import LastingLight
from tests.lasting_stand import config_of, write_system

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def box() -> Iterator[LastingLight]:
    box = LastingLight()
    yield box
    box.close()


@pytest.fixture
def config(box: LastingLight, tmp_path: Path) -> Path:
    path = tmp_path / "stand.toml"
    path.write_text(config_of(write_system(tmp_path, box.port)), "utf-8")
    return path


def test_a_second_run_of_a_microscope_is_refused_and_gives_no_light(
    box: LastingLight, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "stands"))
    words = [sys.executable, "-m", "lightloop", "run", str(config), "--headless"]
    with hold_stand(parse(config.read_text("utf-8"), config.name)):
        done = subprocess.run(
            [*words, "--out", str(tmp_path / "run.h5")],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("lightloop: ")]
    assert "in use by another lightloop" in said[-1]
    assert not any(is_lit for _, is_lit in box.events)


def test_dark_by_hand_beside_a_run_says_that_it_cannot_and_after_it_that_it_did(
    box: LastingLight, config: Path
) -> None:
    core = load_system(config.with_suffix(".cfg"))
    core.setShutterOpen("Laser", True)
    assert box.is_lit
    done = CliRunner().invoke(app, ["dark", str(config)])
    assert done.exit_code == 3
    assert "DARK NOT CONFIRMED" in done.output
    assert "another program may hold its port" in " ".join(done.output.split())
    assert box.turned_away == 1
    core.unloadAllDevices()
    assert box.is_lit, "it outlives its program"
    done = CliRunner().invoke(app, ["dark", str(config)])
    assert (done.exit_code, box.is_lit) == (0, False), done.output
