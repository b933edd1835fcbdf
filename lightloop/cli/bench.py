"""`lightloop bench`: measure what is promised, and say what is not met."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import complain, exit_status, paper
from lightloop.status import FAILED

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from lightloop.bench import Bar, Report


def bench(
    name: Annotated[str, typer.Argument(help="Name of a bench.")] = "",
    list_all: Annotated[bool, typer.Option("--list", help="Print every bench and bar.")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write rows, raw samples and versions.")
    ] = None,
    must_meet: Annotated[
        bool, typer.Option("--assert", help="Fail unless every bar is met.")
    ] = False,
    sabotage: Annotated[
        bool, typer.Option("--sabotage", help="Break what the bench guards: it must notice.")
    ] = False,
    thin: Annotated[
        bool, typer.Option("--thin", help="A small form of a bench that takes hours in full.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="Folder of recorded images, where a bench wants some.")
    ] = None,
    network: Annotated[
        str, typer.Option(help="A network to judge instead of the usual one: trust alone.")
    ] = "",
) -> None:
    """Measure this machine against the project's promises (configs/bars.toml)."""
    with exit_status():
        from lightloop.bench import Options, find, load_bars, measure
        from lightloop.config import ConfigError

        page = paper()
        if list_all or not name:
            page.print(_list(load_bars()))
            return
        find(name)  # a wrong name is said before anything is measured
        if network and name != "trust":
            raise ConfigError(f"--network: bench {name} judges no single network; trust does")
        report = measure(name, Options(sabotage, data, thin=thin, network=network))
        page.print(_table(report))
        if report.table:
            print(report.table)  # as it is: rich would fold its lines
        if json_file is not None:
            json_file.write_bytes(report.to_json())
    unmet = [row for row in report.rows if not row.ok]
    if must_meet and unmet:
        for row in unmet:
            found = "was not measured" if row.value is None else f"is {row.value:.4g} {row.unit}"
            complain(f"bench {name}: {row.name} {found}; the bar is {row.bound:g} {row.unit}")
        raise typer.Exit(FAILED)


def _table(report: Report) -> Table:
    from rich import box
    from rich.table import Table

    title = f"{report.bench}, sabotaged" if report.is_sabotaged else report.bench
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("bar")
    table.add_column("measured", justify="right")
    table.add_column("bound", justify="right")
    table.add_column("unit")
    table.add_column("")
    for row in report.rows:
        value = "not measured" if row.value is None else f"{row.value:.4g}"
        mark = "[green]met[/]" if row.ok else "[bold red]NOT MET[/]"
        table.add_row(row.name, value, f"{row.bound:g}", row.unit, mark)
    return table


def _list(bars: tuple[Bar, ...]) -> Group:
    """Return every bar below its bench: what is promised, and in the next lines what it means."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    lines: list[Text | Padding] = []
    bench = ""
    for bar in bars:
        if bar.bench != bench:
            bench = bar.bench
            lines.append(Text(f"lightloop bench {bench}", "bold"))
        bound = Text(f"{bar.name}: {bar.direction} {bar.bound:g} {bar.unit}")
        lines += [Padding(bound, (0, 0, 0, 2)), Padding(Text(bar.means, "dim"), (0, 0, 0, 6))]
    return Group(*lines)
