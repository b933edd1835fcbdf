"""The window looks as it did last time; where that is not known, nothing fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from gui.remembered import last_theme, remember_theme


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "new folder" / "window.json"
    monkeypatch.setenv("LIGHTLOOP_WINDOW", str(path))
    return path


def test_a_theme_that_was_chosen_is_there_again() -> None:
    assert last_theme() == "dark"
    remember_theme("red")
    assert last_theme() == "red"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"theme": "pink"}', '{"theme": ["red"]}', "\ud800"]
)
def test_a_file_that_says_nothing_known_means_dark(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert last_theme() == "dark"


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(file: Path) -> None:
    file.parent.write_text("in the way")
    remember_theme("red")
    assert last_theme() == "dark"
