"""`lightloop models`: the networks that are here, and what each was made for."""

from __future__ import annotations

from typing import Annotated

import typer

from lightloop.cli.door import exit_status, paper

app = typer.Typer(no_args_is_help=True, help="Show the networks that are here.")


@app.command("list")
def list_models() -> None:
    """List the model packages that come with lightloop."""
    with exit_status():
        from models.package import Package, list_shipped, shipped

        page = paper()
        for name in list_shipped():
            package = Package.load(shipped(name))
            page.print(f"{name}  {package.manifest.task}  {package.manifest.version}")


@app.command("info")
def info(name: Annotated[str, typer.Argument(help="Name of a package, or its folder.")]) -> None:
    """Show what a network is for: its card."""
    with exit_status():
        from lightloop.build import load_package

        package = load_package(name)
        page = paper()
        page.print(f"{package.model_id}, checked: every file is the one that was packed")
        card = package.folder / "card.md"
        if card.is_file():
            page.print(card.read_text("utf-8"), markup=False, soft_wrap=True)  # tables stay whole
