"""What Windows does otherwise with text: paths, marks, code pages."""

from __future__ import annotations

import ctypes
import io
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from acquire.core_loading import load_system, new_core
from acquire.errors import DeviceMissing
from acquire.light.own_core import PartCore
from acquire.plain_path import load_file, plain_path
from lightloop import __main__ as front_door
from lightloop.cli.door import print_json
from lightloop.config import ConfigError, parse
from lightloop.config.reading import load, read_text
from lightloop.scoring.forests import forest_of_table
from tests.run_helpers import SMALL


class ShortNames:
    """Windows as far as short names go."""

    def __init__(self, name: str) -> None:
        self._name = name

    def GetShortPathNameW(self, _: str, into: Any, __: int) -> int:
        into.value = self._name
        return len(self._name)


def short_names(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda library: {"kernel32": ShortNames(name)}[library])


class Core:
    def __init__(self) -> None:
        self.loaded: list[str] = []

    def loadSystemConfiguration(self, path: str) -> None:
        self.loaded.append(path)


def test_a_path_of_ascii_is_micro_managers_own_on_windows() -> None:
    core = Core()
    load_file(core, Path("/scope/my scope.cfg"), "win32")
    assert core.loaded == [str(Path("/scope/my scope.cfg"))]


def test_a_path_with_an_umlaut_reaches_micro_manager_by_its_short_name_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = tmp_path / "scope.cfg"
    short.write_text(ONE_DEVICE, "utf-8")

    class Lengthening(type(new_core(""))):  # type: ignore[misc]
        def loadSystemConfiguration(self, _: str) -> None:
            pytest.fail("pymmcore-plus makes a long name of it again")

    core = Lengthening()
    short_names(monkeypatch, str(short))
    load_file(core, Path("C:/Users/Müller/scope.cfg"), "win32")
    assert "Blue" in core.getLoadedDevices()
    core.unloadAllDevices()


def test_a_disk_without_short_names_is_said_before_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    short_names(monkeypatch, "C:/Users/Müller/Temp")
    with pytest.raises(DeviceMissing, match="TEMP and TMP"):
        plain_path(Path("C:/Users/Müller/Temp"), "win32")


def test_elsewhere_any_path_will_do() -> None:
    path = Path("/home/müller/scope.cfg")
    assert plain_path(path, "linux") == plain_path(path, "darwin") == path


ONE_DEVICE = "Device,Blue,DemoCamera,DShutter\nProperty,Core,Initialize,1\n"
CODE_PAGE_CONFIG = (
    b"# Ger\xe4te\nDevice,Blue,DemoCamera,DShutter\nDevice,Red,DemoCamera,DShutter\n"
    b"Property,Blue,Note,450 \xb5m\nProperty,Core,Initialize,1\n"
)


def test_a_keeper_loads_a_file_in_a_code_page_as_micro_manager_wrote_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, seen = tmp_path / "scope.cfg", []
    system.write_bytes(CODE_PAGE_CONFIG)
    part = PartCore(system, {"Blue"})
    monkeypatch.setattr(
        "acquire.light.own_core.load_file", lambda _, path: seen.append(path.read_bytes())
    )
    part.load()
    part.unload()
    assert b"Property,Blue,Note,450 \xb5m" in seen[0]
    assert b"Red" not in seen[0]


def test_a_file_in_a_folder_with_an_umlaut_loads_here(tmp_path: Path) -> None:
    system = tmp_path / "Gerät" / "scope.cfg"
    system.parent.mkdir()
    system.write_text(ONE_DEVICE, "utf-8")
    core = load_system(system)
    assert "Blue" in core.getLoadedDevices()
    core.unloadAllDevices()


def test_a_config_that_notepad_saved_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load(path) == parse(SMALL)


def test_a_config_that_powershell_wrote_is_refused_with_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(SMALL.encode("utf-16"))
    with pytest.raises(ConfigError, match="writes UTF-16"):
        read_text(path)


@pytest.mark.parametrize(
    "line",
    [
        r'system = "C:\temp\new.cfg"',  # TOML itself would read a tab and a line's end
        r'system = "C:\Users\Me\scope.cfg"',
        r'system = "\\server\share\scope.cfg"',
    ],
)
def test_a_path_of_windows_in_double_quotes_is_answered_with_how_to_write_it(line: str) -> None:
    with pytest.raises(ConfigError, match="between single quotes"):
        parse(f'[scope]\nkind = "micro-manager"\n{line}\n', "run.toml")


@pytest.mark.parametrize(
    "line",
    [
        r"system = 'C:\temp\new.cfg'",
        r'system = "C:\\temp\\new.cfg"',
        r'system = "C:/temp/new.cfg"',
        r'system = "demo"  # or "C:\temp"',
    ],
)
def test_a_path_of_windows_that_toml_understands_is_taken(line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(f'[scope]\nkind = "micro-manager"\n{line}\n', "run.toml")
    assert "quotes" not in str(refused.value)
    assert "[[light]] is missing" in str(refused.value)


def page_in(code_page: str, monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding=code_page, write_through=True))
    return raw


class Named(msgspec.Struct):
    title: str


@pytest.mark.parametrize("code_page", ["cp1251", "cp932", "cp437", "cp1252", "ascii", "utf-8"])
def test_what_programs_read_is_whole_in_every_code_page(
    code_page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = page_in(code_page, monkeypatch)
    thing = Named('3 µm² "Zellkörper" \u2192 \u65e5\u672c \U0001f52c')
    print_json(thing)
    assert msgspec.json.decode(raw.getvalue(), type=Named) == thing


def test_a_letter_that_a_code_page_lacks_ends_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = page_in("cp1251", monkeypatch)
    monkeypatch.setattr("lightloop.cli.app", lambda: sys.stdout.write("1.5 J/cm², 3 µm"))
    monkeypatch.setattr(front_door, "check_names", lambda: None)
    front_door.main()
    assert raw.getvalue().decode("cp1251").split() == ["1.5", "J/cm?,", "3", "µm"]


@pytest.mark.parametrize("code_page", ["cp1252", "cp437", "cp932", "cp1251"])
def test_the_help_of_the_command_line_is_printed_in_every_code_page(
    code_page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = page_in(code_page, monkeypatch)
    monkeypatch.setattr("sys.argv", ["lightloop", "run", "--help"])
    monkeypatch.setattr(front_door, "check_names", lambda: None)
    with pytest.raises(SystemExit) as left:
        front_door.main()
    assert left.value.code == 0
    assert "--headless" in raw.getvalue().decode(code_page)


def test_a_table_that_excel_saved_can_be_scored(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    path.write_text("cell,parent,t,y_px,x_px\r\n1,-1,0,2.5,3.5\r\n", "utf-8-sig", newline="")
    assert forest_of_table(path).n_times == 1
