"""`lightloop inspect`: what is in a run file, and why a decision was made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lightloop.cli.door import exit_status, paper


def inspect(
    run: Annotated[Path, typer.Argument(help="Run file.")],
    why: Annotated[
        int | None, typer.Option("--why", min=0, help="Explain the light of one frame.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is in a run file: frames, gaps, dose, decisions and their reasons."""
    with exit_status():
        from realtime.inspection import explain, inspect_run

        found = inspect_run(run) if why is None else explain(run, why)
        if as_json:
            import msgspec

            print(msgspec.json.encode(found).decode())
            return
        paper().print(str(found))
