"""`lightloop dark`: switch every light of a config off, now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lightloop.cli.door import complain, exit_status, paper, text_of
from lightloop.status import NOT_DARK


def dark(
    config: Annotated[Path, typer.Argument(help="Run config, a TOML file.")],
) -> None:
    """Switch off every light that a config declares, and read each one back.

    Ends with status 0 if all are dark, and 3 if a light may still be on. A run that is going on
    is stopped from its window (STOP LIGHT) or with Ctrl-C: it holds the devices.
    """
    with exit_status():
        from acquire.errors import ScopeError
        from lightloop.config import parse
        from lightloop.dark import switch_off

        wanted = parse(text_of(config), config.name)
        try:
            found = switch_off(wanted)
        except ScopeError as error:
            complain(str(error))
            raise typer.Exit(NOT_DARK) from error
        page = paper()
        if not found:
            page.print("the microscope is simulated: its light ends with its run, nothing is on")
        for one in found:
            style = "green" if one.is_dark else "bold red"
            page.print(
                f"{one.light}: [{style}]{'dark' if one.is_dark else 'NOT DARK'}[/] {one.text}"
            )
        if not all(one.is_dark for one in found):
            complain("DARK NOT CONFIRMED: switch the light off by hand")
            raise typer.Exit(NOT_DARK)
