from __future__ import annotations

import pytest

from lightloop import __main__ as front_door


def test_names_the_distribution_that_shares_our_import_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = {"acquire": ["lightloop", "acquire-imaging", "acquire-imaging"], "numpy": ["numpy"]}
    monkeypatch.setattr(front_door, "packages_distributions", lambda: found)
    with pytest.raises(SystemExit, match=r"'acquire' is also provided by acquire-imaging\. "):
        front_door.check_names()


def test_is_silent_where_the_names_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"acquire": ["lightloop"], "x": ["y"]}
    monkeypatch.setattr(front_door, "packages_distributions", lambda: found)
    front_door.check_names()


def test_a_foreign_name_is_refused_before_any_verb_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(front_door, "packages_distributions", lambda: {"gui": ["lightloop", "g"]})
    monkeypatch.setattr("sys.argv", ["lightloop", "no such verb"])
    with pytest.raises(SystemExit, match=r"^lightloop: the import name 'gui'"):
        front_door.main()
