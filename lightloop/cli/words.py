"""How the command line says numbers and facts: counts, times, sizes, and a table of two columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table
    from rich.text import Text


def counted(number: int, what: str) -> str:
    """Return a number of things: "1 cell", "2 cells"."""
    return f"{number} {what}" + ("" if number == 1 else "s")


def span(seconds: float) -> str:
    """Return a length of time in the unit that a person would use, with three digits."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    if seconds < 5400:
        return f"{seconds / 60:.3g} min"
    return f"{seconds / 3600:.3g} h"


def volume(n_bytes: float) -> str:
    """Return a size on disk: MB, or GB where it is large."""
    return f"{n_bytes / 1e6:.3g} MB" if n_bytes < 1e9 else f"{n_bytes / 1e9:.3g} GB"


def between(low: float, high: float) -> str:
    """Return the bounds of something with three digits, or one number where they are equal."""
    texts = f"{low:.3g}", f"{high:.3g}"
    return texts[0] if texts[0] == texts[1] else " to ".join(texts)


def facts(rows: Iterable[tuple[str, str | Text]]) -> Table:
    """Return a table of what, and how much; what stands in brackets is no markup."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for what, how_much in rows:
        table.add_row(what, Text(how_much) if isinstance(how_much, str) else how_much)
    return table
