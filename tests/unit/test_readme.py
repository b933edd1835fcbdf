"""The README names every verb that there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from lightloop import status
from lightloop.cli.app import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
TABLE = [row for row in README.splitlines() if row.startswith("| `")]


def verbs() -> set[str]:
    """Return every verb, with those of a group in full: "models list"."""
    found = {command.name for command in app.registered_commands}
    for group in app.registered_groups:
        assert group.typer_instance is not None
        found |= {f"{group.name} {verb.name}" for verb in group.typer_instance.registered_commands}
    return {name for name in found if name is not None}


def test_the_table_of_verbs_is_complete_and_true() -> None:
    spoken = re.findall(r"`([a-z]+(?: [a-z]+)?)(?: [A-Z[][^`]*)?`", "\n".join(TABLE))
    assert set(spoken) == verbs()


def test_every_exit_status_is_told() -> None:
    told = README[README.index("Exit status:") :].split("\n\n", 1)[0]
    for number in (status.FAILED, status.MISUSED, status.NOT_DARK, status.INTERRUPTED):
        assert re.search(rf"\b{number} [a-z]|\b{number} a\n", told), number


def test_every_page_is_linked_from_the_front() -> None:
    for page in sorted((ROOT / "docs").glob("*.md")):
        assert f"(docs/{page.name})" in README, page.name
