"""`lightloop doctor`: whether this machine can do it, and what to do where it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lightloop.cli.door import exit_status, paper, print_json
from lightloop.status import FAILED

MARKS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "bold red")}


def doctor(
    config: Annotated[
        Path | None, typer.Option("-c", "--config", help="Also check this run config.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at this machine: one line for each thing that a run needs."""
    with exit_status():
        from rich.text import Text

        from lightloop.doctor import examine

        page = paper()
        findings = []
        for finding in examine(config):
            findings.append(finding)
            if as_json:
                continue
            mark, style = MARKS[finding.verdict]
            line = Text.assemble((mark, style), f" {finding.name:<22} {finding.value}")
            if finding.fix:
                line.append(f" -> {finding.fix}", "bold")
            page.print(line, soft_wrap=True)
        if as_json:
            print_json(findings)
    if any(finding.verdict == "fail" for finding in findings):
        raise typer.Exit(FAILED)
