"""`lightloop models`: the networks that are here, and what each was made for."""

from __future__ import annotations

from typing import Annotated

import typer

from lightloop.cli.door import exit_status, paper

app = typer.Typer(no_args_is_help=True, help="Show the networks that are here.")


@app.command("list")
def list_models() -> None:
    """List the model packages."""
    with exit_status():
        from models.package import shipped

        page = paper()
        for name in shipped():
            page.print(name)


@app.command("info")
def info(name: Annotated[str, typer.Argument(help="Name of a package, or a path.")]) -> None:
    """Show the card of one model package."""
    with exit_status():
        from models.package import load_package

        paper().print(str(load_package(name)))
