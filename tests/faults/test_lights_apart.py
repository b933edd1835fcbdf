"""One light that cannot be reached, or does not obey, never keeps the others on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acquire.core_loading import load_system
from acquire.errors import ScopeError
from acquire.light.own_core import OwnWay
from acquire.light.port import LightPort
from acquire.light.source import LightSource
from lightloop.cli.app import app
from tests.lasting_light import LastingLight
from tests.lasting_stand import config_of

BLUE = LightSource(name="laser", wavelength_nm=488, shutter_device="Laser")
GREEN = LightSource(name="green", wavelength_nm=561, shutter_device="Green")
SECOND = """
[[light]]
name = "green"
wavelength_nm = 561.0
shutter_device = "Green"

[light.limits]
budget_j_cm2 = 10.0

[[channel]]
"""


@pytest.fixture
def boxes() -> Iterator[tuple[LastingLight, LastingLight]]:
    found = LastingLight(), LastingLight()
    yield found
    for box in found:
        box.close()


def system_of(folder: Path, blue: int, green: int) -> Path:
    path = folder / "two.cfg"
    path.write_text(
        "Property,Core,Initialize,0\n"
        "#py pyDevice,Laser,tests.lasting_light,LastingShutter\n"
        f"#py Property,Laser,Port,{blue}\n"
        "#py pyDevice,Green,tests.lasting_light,LastingShutter\n"
        f"#py Property,Green,Port,{green}\n"
        "Property,Core,Initialize,1\n",
        "utf-8",
    )
    return path


def light_up(system: Path) -> None:
    core = load_system(system)
    port = LightPort(core, [BLUE, GREEN])
    assert port.set_open(BLUE, True)
    assert port.set_open(GREEN, True)
    core.unloadAllDevices()


def free_port() -> int:
    """Return a port at which nobody is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("unplugged", [0, 1])
def test_a_light_that_cannot_be_reached_does_not_keep_the_other_one_on(
    boxes: tuple[LastingLight, LastingLight], tmp_path: Path, unplugged: int
) -> None:
    light_up(system_of(tmp_path, boxes[0].port, boxes[1].port))
    assert [box.is_lit for box in boxes] == [True, True]
    ports = [box.port for box in boxes]
    ports[unplugged] = free_port()
    way = OwnWay(system_of(tmp_path, *ports), [BLUE, GREEN])
    for _ in range(2):  # the keeper tries again and again
        with pytest.raises(ScopeError):
            way.go_dark()
    assert [box.is_lit for box in boxes] == [unplugged == 0, unplugged == 1]


def test_a_light_that_comes_back_is_dark_at_the_next_try(
    boxes: tuple[LastingLight, LastingLight], tmp_path: Path
) -> None:
    system = system_of(tmp_path, boxes[0].port, boxes[1].port)
    light_up(system)
    way = OwnWay(system, [BLUE, GREEN])
    with socket.create_connection(("127.0.0.1", boxes[0].port)) as holder:
        holder.sendall(b"hey")
        assert holder.recv(2) == b"ok"
        with pytest.raises(ScopeError):
            way.go_dark()
        assert [box.is_lit for box in boxes] == [True, False]
    assert comes_dark(way)
    assert not boxes[0].is_lit


def comes_dark(way: OwnWay) -> bool:
    """Try as the keeper does: the box needs a moment to see that its port is free."""
    for _ in range(200):
        try:
            return way.go_dark()
        except ScopeError:
            continue
    return False


def test_lights_that_are_all_there_are_dark_at_once(
    boxes: tuple[LastingLight, LastingLight], tmp_path: Path
) -> None:
    system = system_of(tmp_path, boxes[0].port, boxes[1].port)
    light_up(system)
    assert OwnWay(system, [BLUE, GREEN]).go_dark()
    assert not any(box.is_lit for box in boxes)


def test_a_light_whose_driver_fails_does_not_keep_the_other_one_on(
    boxes: tuple[LastingLight, LastingLight], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = system_of(tmp_path, boxes[0].port, boxes[1].port)
    light_up(system)
    dark = LightPort.dark

    def fail(self: LightPort, source: LightSource) -> bool:
        if source is BLUE:
            raise ScopeError("the driver does not answer")
        return dark(self, source)

    monkeypatch.setattr(LightPort, "dark", fail)
    with pytest.raises(ScopeError, match="does not answer"):
        OwnWay(system, [BLUE, GREEN]).go_dark()
    assert [box.is_lit for box in boxes] == [True, False]


def test_by_hand_too_each_light_is_tried_and_named(
    boxes: tuple[LastingLight, LastingLight], tmp_path: Path
) -> None:
    light_up(system_of(tmp_path, boxes[0].port, boxes[1].port))
    system = system_of(tmp_path, free_port(), boxes[1].port)
    path = tmp_path / "two.toml"
    path.write_text(config_of(system).replace("\n[[channel]]\n", SECOND), "utf-8")
    result = CliRunner().invoke(app, ["dark", str(path)])
    assert result.exit_code == 3, result.output
    assert "laser: NOT DARK" in result.output
    assert "green: dark" in result.output
    assert [box.is_lit for box in boxes] == [True, False]


def without_adapter(system: Path) -> Path:
    """Let Micro-Manager lack the adapter of the first light: then it loads none of the file."""
    text = system.read_text("utf-8").splitlines()
    path = system.with_name("lacking.cfg")
    lines = ["Device,Laser,NoSuchAdapter,Laser" if "Device,Laser" in one else one for one in text]
    path.write_text("\n".join(one for one in lines if "Property,Laser" not in one), "utf-8")
    return path


def test_devices_that_do_not_load_together_are_tried_one_by_one(
    boxes: tuple[LastingLight, LastingLight], tmp_path: Path
) -> None:
    system = system_of(tmp_path, boxes[0].port, boxes[1].port)
    light_up(system)
    way = OwnWay(without_adapter(system), [BLUE, GREEN])
    for _ in range(2):
        with pytest.raises(ScopeError, match="NoSuchAdapter"):
            way.go_dark()
        assert [box.is_lit for box in boxes] == [True, False]


def test_a_light_that_is_not_as_declared_holds_no_port_of_the_others(
    boxes: tuple[LastingLight, LastingLight], tmp_path: Path
) -> None:
    system = system_of(tmp_path, boxes[0].port, boxes[1].port)
    light_up(system)
    wrong = BLUE.model_copy(update={"power_device": "Laser", "power_property": "NoSuch"})
    way = OwnWay(system, [wrong, GREEN])
    for _ in range(2):
        with pytest.raises(ScopeError, match="NoSuch"):
            way.go_dark()
        assert [box.is_lit for box in boxes] == [True, False]


def test_by_hand_too_it_holds_none(
    boxes: tuple[LastingLight, LastingLight], tmp_path: Path
) -> None:
    system = system_of(tmp_path, boxes[0].port, boxes[1].port)
    light_up(system)
    path = tmp_path / "two.toml"
    text = config_of(system).replace("\n[[channel]]\n", SECOND)
    wrong = 'shutter_device = "Laser"\npower_device = "Laser"\npower_property = "NoSuch"'
    assert text.count('shutter_device = "Laser"') == 1
    path.write_text(text.replace('shutter_device = "Laser"', wrong), "utf-8")
    result = CliRunner().invoke(app, ["dark", str(path)])
    assert result.exit_code == 3, result.output
    assert [box.is_lit for box in boxes] == [True, False]


def test_by_hand_too_devices_are_tried_one_by_one(
    boxes: tuple[LastingLight, LastingLight], tmp_path: Path
) -> None:
    system = system_of(tmp_path, boxes[0].port, boxes[1].port)
    light_up(system)
    path = tmp_path / "two.toml"
    text = config_of(without_adapter(system)).replace("\n[[channel]]\n", SECOND)
    path.write_text(text, "utf-8")
    result = CliRunner().invoke(app, ["dark", str(path)])
    assert result.exit_code == 3, result.output
    assert "cannot be reached" in result.output
    assert "green: dark" in result.output
    assert [box.is_lit for box in boxes] == [True, False]
