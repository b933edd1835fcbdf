"""What Windows does otherwise with files: names that are taken for a moment, devices, cases."""

from __future__ import annotations

import importlib
import os
from pathlib import Path, PureWindowsPath
from types import ModuleType

import pytest

from lightloop.check.files import check_output, check_picture
from lightloop.config import ConfigError
from lightloop.file_names import doubt_of_name
from realtime.run_file.opening import first_line

PLACES = ["acquire.in_place", "models.in_place"]


class Looker:
    """Somebody who has a file open for a while, as a guard against viruses has."""

    def __init__(self, place: ModuleType, monkeypatch: pytest.MonkeyPatch, looks: int) -> None:
        self.left, self.waited_s = looks, 0.0
        self._replace = os.replace
        monkeypatch.setattr(place.os, "replace", self.replace)
        monkeypatch.setattr(place.time, "sleep", self.sleep)

    def replace(self, draft: Path, path: Path) -> None:
        if self.left:
            self.left -= 1
            raise PermissionError(13, "The process cannot access the file", str(draft))
        self._replace(draft, path)

    def sleep(self, seconds: float) -> None:
        self.waited_s += seconds


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def draft_of(folder: Path) -> tuple[Path, Path]:
    draft, path = folder / "file.new", folder / "file"
    draft.write_bytes(b"new")
    path.write_bytes(b"old")
    return draft, path


def test_a_file_that_somebody_looks_at_on_windows_gets_its_name_a_moment_later(
    place: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, path = draft_of(tmp_path)
    looker = Looker(place, monkeypatch, 3)
    place.put_in_place(draft, path, "win32")
    assert path.read_bytes() == b"new"
    assert not draft.exists()
    assert 0 < looker.waited_s < 0.1


def test_who_never_lets_go_of_a_file_on_windows_is_an_error_after_half_a_second(
    place: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, path = draft_of(tmp_path)
    looker = Looker(place, monkeypatch, 1000)
    with pytest.raises(PermissionError):
        place.put_in_place(draft, path, "win32")
    assert path.read_bytes() == b"old"
    assert draft.exists()
    assert 0.5 < looker.waited_s < 1.0


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_elsewhere_a_refusal_is_one_at_once(
    platform: str, place: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, path = draft_of(tmp_path)
    looker = Looker(place, monkeypatch, 1)
    with pytest.raises(PermissionError):
        place.put_in_place(draft, path, platform)
    assert looker.waited_s == 0.0


def test_another_trouble_than_a_looker_is_not_waited_for(
    place: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looker = Looker(place, monkeypatch, 0)
    with pytest.raises(FileNotFoundError):
        place.put_in_place(tmp_path / "nothing", tmp_path / "file", "win32")
    assert looker.waited_s == 0.0


def test_no_file_of_ours_gets_its_name_in_another_way() -> None:
    """The standard ways end at the first look of somebody else, once in a thousand files."""
    house = Path(__file__).parents[2]
    ways = (
        "os.replace(",
        "os.rename(",
        "draft.replace(",
        "fresh.replace(",
        ".rename(",
        "Path(name).replace(",
    )
    found = [
        f"{path.relative_to(house).as_posix()}: {line.strip()}"
        for part in ("acquire", "models", "realtime", "lightloop", "gui")
        for path in (house / part).rglob("*.py")
        if path.name != "in_place.py"
        for line in path.read_text("utf-8").splitlines()
        if any(way in line for way in ways)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("path", "doubt"),
    [
        ("C:\\runs\\NUL.h5", "device"),
        ("C:\\runs\\com1.h5", "device"),
        ("C:\\runs\\aux\\run.h5", "device"),
        ("C:\\runs\\run 12:30.h5", "':'"),
        ("C:\\runs\\what?.h5", "'?'"),
        ("C:\\runs\\dish 1. \\run.h5", "ends with"),
        ("C:\\" + "long\\" * 50 + "run.h5", "characters"),
    ],
)
def test_a_name_that_windows_takes_for_something_else_is_refused_there(
    path: str, doubt: str
) -> None:
    assert doubt in doubt_of_name(PureWindowsPath(path), "win32")
    assert doubt_of_name(PureWindowsPath(path), "linux") == ""


@pytest.mark.parametrize(
    "path",
    [
        "C:\\runs\\run.h5",
        "C:\\runs\\..\\run.h5",
        "\\\\server\\share\\Zellen µ\\run 1.h5",
        "D:\\console\\aux1.nul.h5",
    ],
)
def test_an_honest_name_is_taken_on_windows(path: str) -> None:
    assert doubt_of_name(PureWindowsPath(path), "win32") == ""


def test_a_run_and_a_picture_are_refused_such_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightloop.check.files.doubt_of_name", lambda _: "a device")
    with pytest.raises(ConfigError, match="a device; choose another name"):
        check_output(tmp_path / "nul.h5", 0)
    with pytest.raises(ConfigError, match="a device; choose another name"):
        check_picture(tmp_path / "nul.png")


def test_a_run_that_a_drive_does_not_lock_is_told_with_what_to_do() -> None:
    said = "Unable to synchronously open file (unable to lock file, errno = 11, error message = '')"
    assert "HDF5_USE_FILE_LOCKING" in first_line(BlockingIOError(said))
    assert first_line(OSError("no such thing\nmore")) == "no such thing"
