"""`lightloop doctor`: whether this machine can do it, and what to do where it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import complain, exit_status, paper, print_json
from lightloop.cli.options import AsJson
from lightloop.status import FAILED

if TYPE_CHECKING:
    from rich.table import Table

    from lightloop.doctor.finding import Finding, Verdict

MARKS = {"ok": ("ok", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "bold red")}
NAME_WIDTH = 14  # of the longest check


def doctor(
    config: Annotated[
        Path | None, typer.Option("-c", "--config", help="Also check this run config.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at this machine: one line for each thing that a run needs."""
    with exit_status():
        from lightloop.doctor import examine

        page = paper()
        findings = []
        for finding in examine(config):
            findings.append(finding)
            if not as_json:
                page.print(_line(finding))
        if as_json:
            print_json(findings)
        else:
            _say_next([finding.verdict for finding in findings])
    if any(finding.verdict == "fail" for finding in findings):
        raise typer.Exit(FAILED)


def _line(finding: Finding) -> Table:
    """Return one finding as a line; what is too long for it goes on below its own words."""
    from rich.table import Table
    from rich.text import Text

    mark, style = MARKS[finding.verdict]
    text = Text(finding.value)
    if finding.fix:
        text.append(f" -> {finding.fix}", "bold")
    row = Table.grid(padding=(0, 1, 0, 0))
    row.add_column(width=4)
    row.add_column(width=NAME_WIDTH, no_wrap=True)
    row.add_column(overflow="fold")
    row.add_row(Text(mark, style), finding.name, text)
    return row


def _say_next(verdicts: list[Verdict]) -> None:
    """Say what the verdicts mean together, and what may be done now."""
    if "fail" in verdicts:
        complain("a run needs what FAILs here: what to do stands behind the arrow")
    else:
        paper().print("next: lightloop demo", style="dim")
