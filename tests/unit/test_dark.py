from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from acquire.errors import DeviceMissing, SettingRefused
from lightloop import dark
from lightloop.cli.app import app
from lightloop.config import parse

DEMO_CAMERA = files("configs").joinpath("demo-camera.toml").read_text("utf-8")


class OneShutter:
    """As much of a core as one shutter needs; it may disobey."""

    def __init__(self, *, obeys: bool = True) -> None:
        self.is_open, self.obeys = True, obeys

    def setAutoShutter(self, on: bool) -> None:
        assert not on

    def getLoadedDevices(self) -> tuple[str, ...]:
        return ("White Light Shutter", "Shutter")

    def getLoadedDevicesOfType(self, kind: int) -> tuple[str, ...]:
        return ()

    def setShutterOpen(self, label: str, is_open: bool) -> None:
        self.is_open = is_open or not self.obeys

    def getShutterOpen(self, label: str) -> bool:
        return self.is_open


def switched(core: OneShutter, **about: Any) -> tuple[dark.Darkened, ...]:
    config = parse(DEMO_CAMERA, "test")
    light = config.light[0].model_copy(
        update={"shutter_device": "Shutter", "power_device": "", "power_property": ""} | about
    )
    lit = config.model_copy(update={"light": (light,)})
    return dark.switch_off(lit, lambda system, sources: core)


def test_a_light_is_switched_off_and_read_back() -> None:
    core = OneShutter()
    assert [one.is_dark for one in switched(core)] == [True]
    assert not core.is_open


def test_a_read_back_that_only_repeats_is_not_called_a_proof() -> None:
    (one,) = switched(OneShutter(), read_back="cached")
    assert "look" in one.text


def test_a_light_that_does_not_obey_is_named() -> None:
    (one,) = switched(OneShutter(obeys=False))
    assert not one.is_dark


def test_lights_that_cannot_be_reached_are_not_called_dark() -> None:
    config = parse(DEMO_CAMERA, "test")

    def held(*_: object) -> Any:
        raise DeviceMissing("COM3 is in use")

    with pytest.raises(SettingRefused, match=r"DARK NOT CONFIRMED.*COM3 is in use"):
        dark.switch_off(config, held)


def test_the_command_ends_with_a_status_of_its_own_where_a_light_may_be_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scope.toml"
    path.write_text(DEMO_CAMERA, "utf-8")
    lit = (dark.Darkened("white", False, "was told to close and still says that it is on"),)
    monkeypatch.setattr(dark, "switch_off", lambda config: lit)
    done = CliRunner().invoke(app, ["dark", str(path)])
    assert done.exit_code == 3
    assert "NOT DARK" in done.output


def test_a_simulated_light_ends_with_its_run(tmp_path: Path) -> None:
    path = tmp_path / "demo.toml"
    path.write_text(files("configs").joinpath("demo.toml").read_text("utf-8"), "utf-8")
    done = CliRunner().invoke(app, ["dark", str(path)])
    assert done.exit_code == 0
    assert "nothing is on" in done.output
