"""The rehearsal of a stand, end to end, against a light whose delays and faults are known."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from importlib.resources import files
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from typer.testing import CliRunner

from acquire.simulated import LightBoxClient
from acquire.simulated.light.light_words import BoxFaults
from lightloop.cli.app import app
from lightloop.config import parse
from lightloop.rehearse import rehearsal as rehearse
from lightloop.rehearse.kept import FOLDER_VARIABLE, LineFigures, load

SLIDE = files("configs").joinpath("calibration.toml").read_text("utf-8")
SMALL = SLIDE.replace("n_cells = 0", "n_cells = 0\nheight = 64\nwidth = 64")
DEMO = files("configs").joinpath("demo-camera.toml").read_text("utf-8")
# A busy machine may stand still for a second: that is no reason to revoke the light.
DEMO += "\n[guard]\nlease_margin_ms = 5000\n"
OPEN_MS, CLOSE_MS = 60.0, 90.0
# A frame's time, and that of the host's own commands on a busy machine.
SLACK_MS = 40.0


class Seen(NamedTuple):
    """What a rehearsal said, and what was kept of its only light."""

    out: str
    err: str
    line: LineFigures


@pytest.fixture(autouse=True, scope="module")
def patience() -> Iterator[None]:
    """A program needs no three seconds to look at a meter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rehearse, "METER_S", rehearse.SHINE_S)
        yield


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "rehearsals"))
    return tmp_path / "rehearsals"


def slide(folder: Path) -> Path:
    path = folder / "slide.toml"
    delays = f'gate = "camera"\nopen_delay_ms = {OPEN_MS}\nclose_delay_ms = {CLOSE_MS}'
    path.write_text(SMALL.replace('gate = "camera"', delays), "utf-8")
    return path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return slide(tmp_path)


@pytest.fixture(scope="module")
def measured(patience: None, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """A rehearsal of a light that comes and goes late, with a meter beside the camera."""
    at = tmp_path_factory.mktemp("measured")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(at / "rehearsals"))
        box_of(patch)(lambda light: light.set_delays(OPEN_MS * 1e-3, CLOSE_MS * 1e-3))
        path = slide(at)
        code, out, err = rehearsed(path, "--meter", typed="2.0\n0.04\n0.0\n")
        assert code == 0, err
        found = load(parse(path.read_text("utf-8")))
        assert found is not None
        (line,) = found.lines
        return Seen(out, err, line)


Prepare = Callable[[Callable[[LightBoxClient], object]], None]


def box_of(monkeypatch: pytest.MonkeyPatch) -> Prepare:
    """Let something be done to the light before the rehearsal begins."""

    def prepare(do: Callable[[LightBoxClient], object]) -> None:
        def client(pipe: Connection) -> LightBoxClient:
            made = LightBoxClient(pipe)
            do(made)
            return made

        monkeypatch.setattr(rehearse, "_client", client)

    return prepare


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Prepare:
    return box_of(monkeypatch)


def rehearsed(config: Path, *more: str, typed: str = "") -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["rehearse", str(config), "-y", *more], input=typed)
    logging.getLogger().handlers.clear()
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert not psutil.Process().children(recursive=True) or all(
        "resource_tracker" in " ".join(child.cmdline())
        for child in psutil.Process().children(recursive=True)
    )
    return done.exit_code, done.stdout, done.stderr


def test_the_figures_are_those_of_the_light(measured: Seen) -> None:
    line = measured.line
    assert line.seen_by == "camera"
    assert line.open_ms == pytest.approx(OPEN_MS, abs=SLACK_MS)
    assert line.close_ms == pytest.approx(CLOSE_MS, abs=SLACK_MS)
    assert line.keeper_ms is not None
    # The keeper's own way is free here, and it takes the power too: no grace, no shutter's delay.
    assert -SLACK_MS < line.keeper_ms < 50.0 + SLACK_MS
    assert line.off_share == pytest.approx(0.0, abs=1e-2)
    assert 0.0 < line.dose < 0.1  # a hundredth of the power, for a few seconds
    assert "kept:" in measured.out


def test_a_power_meter_is_a_second_witness_beside_the_camera(measured: Seen) -> None:
    assert "look at the meter" in measured.err
    # Of two witnesses the one that saw more light is believed: the camera saw less.
    assert measured.line.closed_share == pytest.approx(0.02), "what only the meter saw"


def test_what_no_camera_sees_is_the_devices_own_word_and_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "demo-camera.toml"  # Micro-Manager's: its camera draws waves, light or not
    path.write_text(DEMO, "utf-8")
    code, out, err = rehearsed(path)
    assert code == 0, err
    found = load(parse(path.read_text("utf-8")))
    assert found is not None
    (line,) = found.lines
    assert (line.seen_by, line.off_share, line.frame_ms) == ("read-back", None, None)
    assert line.keeper_ms is not None
    assert 0.0 < line.keeper_ms < 1000.0  # a second core is loaded in it
    assert "nobody has looked for leaks" in out
    assert "nobody has seen it go dark but its own read-back" in err
    assert "only programs end light 'white'" in err


def test_a_light_that_says_it_is_dark_and_shines_is_found_by_the_camera(
    config: Path, folder: Path, box: Prepare
) -> None:
    box(lambda light: light.set_faults(BoxFaults(refuses_dark=True, lies=True)))
    code, _, err = rehearsed(config)
    assert code == 3
    assert "DARK NOT CONFIRMED" in err
    assert "whatever the device says" in err
    assert not list(folder.glob("*.json"))  # nobody is to take it for a rehearsed stand


@pytest.mark.parametrize(
    ("typed", "says", "status"),
    [("2.0\n1.5\n1.5\n", "DARK NOT CONFIRMED: 75%", 3), ("2.0\nnan\n0\n", "nan", 1)],
)
def test_a_meter_that_shows_light_or_nonsense_is_no_rehearsal(
    config: Path, folder: Path, typed: str, says: str, status: int
) -> None:
    code, _, err = rehearsed(config, "--meter", typed=typed)
    assert code == status, err
    assert says in err
    assert not list(folder.glob("*.json"))


def test_where_no_camera_sees_the_light_the_meter_alone_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "demo-camera.toml"
    path.write_text(DEMO, "utf-8")
    code, _, err = rehearsed(path, "--meter", typed="2.0\n0.0\n0.0\n")
    assert code == 0, err
    found = load(parse(path.read_text("utf-8")))
    assert found is not None
    assert (found.lines[0].seen_by, found.lines[0].off_share) == ("meter", 0.0)
