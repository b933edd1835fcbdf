"""The table of rooms in CONTRIBUTING.md is a map of the house as it stands."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("lightloop", "gui", "realtime", "acquire", "models")
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
ROOMS = PAGE.split("\n## Rooms\n")[1].split("\n## ")[0]
ROWS = {
    folder: re.findall(r"\]\((.+?)\)", begin)
    for folder, begin in re.findall(r"^\| `(.+?)` \| .+? \| (.+) \|$", ROOMS, re.MULTILINE)
}
LOOSE = [  # files of realtime itself
    file
    for files in re.findall(r"^\| [^`|]+ \| (`.+`) \|$", ROOMS, re.MULTILINE)
    for file in re.findall(r"`(.+?)`", files)
]
HOUSE = {
    path.parent.relative_to(ROOT).as_posix()
    for floor in FLOORS
    for path in (ROOT / floor).rglob("*.py")
} | {"models/weights"}


def test_every_folder_is_on_the_map_and_none_that_is_gone() -> None:
    assert sorted(set(ROWS)) == sorted(HOUSE)


@pytest.mark.parametrize("folder", sorted(ROWS))
def test_reading_begins_in_a_file_of_that_folder(folder: str) -> None:
    assert ROWS[folder], "say where to begin"
    for file in ROWS[folder]:
        assert (ROOT / file).is_file(), file
        assert file.startswith(f"{folder}/")


def test_every_file_of_realtime_itself_is_on_the_map_once() -> None:
    files = [path.stem for path in (ROOT / "realtime").glob("*.py") if path.stem != "__init__"]
    assert sorted(LOOSE) == sorted(files)


def test_the_floors_come_in_their_order_and_each_before_its_rooms() -> None:
    order = [folder.split("/")[0] for folder in ROWS]
    assert [floor for floor in FLOORS if floor in order] == list(dict.fromkeys(order))
    assert order == sorted(order, key=FLOORS.index), "a floor's rooms stand together"
    for floor in FLOORS:
        assert next(folder for folder in ROWS if folder.split("/")[0] == floor) == floor


@pytest.mark.parametrize("floor", FLOORS)
def test_the_first_line_of_a_file_says_what_it_is_for(floor: str) -> None:
    for path in (ROOT / floor).rglob("*.py"):
        docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        assert len(docstring.split("\n")[0]) > 15, path
