"""The only way in. It looks at the import names first, because they are not ours alone."""

from __future__ import annotations

import io
import sys
from importlib.metadata import packages_distributions

PARTS = ("lightloop", "acquire", "realtime", "models", "gui", "configs")


def foreign_names(owner: str = "lightloop") -> dict[str, list[str]]:
    """Return our import names that another distribution provides too, and which ones do."""
    found = packages_distributions()
    others = {part: sorted(set(found.get(part, [])) - {owner}) for part in PARTS}
    return {part: names for part, names in others.items() if names}


def check_names() -> None:
    """Refuse to run where another distribution provides one of our import names."""
    for part, others in foreign_names().items():
        raise SystemExit(
            f"lightloop: the import name {part!r} is also provided by {', '.join(others)}. "
            "Uninstall it, or give lightloop a virtual environment of its own."
        )


def main() -> None:
    """Run one command. Exit status: 0 done, 1 failed, 2 bad usage or config, 130 interrupted."""
    check_names()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a letter that a code page lacks ends no run
    from lightloop.cli import app  # only now: with a foreign name about, this import may lie

    app()


if __name__ == "__main__":
    main()
