"""The table of rooms in CONTRIBUTING.md is a map of the house as it stands."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]
FLOORS = ("lightloop", "gui", "realtime", "acquire", "models")
DOCS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/decisions/*.md")]
NO_NAMES = {  # they look like names in our files, and are none
    "lightloop.acquire",  # what was not built: docs/decisions/001-structure.md
    "lightloop.exe",
    "lightloop.processes.NAME",  # any of them
}
NAMED = re.compile(rf"`((?:{'|'.join(FLOORS)})(?:\.\w+)+)`|\b((?:{'|'.join(FLOORS)})/[\w/]+\.py)\b")
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


def is_there(name: str) -> bool:
    """Look for a dotted name: a folder, a file, or a word in the file that it leads to."""
    place, rest = ROOT, name.split(".")
    while rest and (place / rest[0]).is_dir():
        place /= rest.pop(0)
    file = place / "__init__.py"
    if rest and (place / f"{rest[0]}.py").is_file():
        file = place / f"{rest.pop(0)}.py"
    return not rest or re.search(rf"\b{rest[0]}\b", file.read_text("utf-8")) is not None


def names_that_are_gone(files: Iterable[Path]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}: {dotted or path}"
        for file in files
        for dotted, path in NAMED.findall(file.read_text("utf-8"))
        if dotted not in NO_NAMES and not (is_there(dotted) if dotted else (ROOT / path).is_file())
    ]


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


def test_what_the_pages_name_is_there() -> None:
    assert names_that_are_gone(DOCS) == []


@pytest.mark.parametrize("floor", FLOORS)
def test_what_comments_and_errors_name_is_there(floor: str) -> None:
    assert names_that_are_gone((ROOT / floor).rglob("*.py")) == []


def test_a_name_that_is_gone_is_noticed() -> None:
    assert is_there("realtime.client.StreamClient")
    assert is_there("lightloop.build")
    assert not is_there("lightloop.build_pipeline")
    assert not is_there("realtime.client.Listener2")
