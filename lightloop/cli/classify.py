"""`lightloop classify`: learns to tell cells apart, from a run whose cells were labelled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lightloop.cli.door import exit_status, paper
from lightloop.cli.progress import progress_bar


def classify(
    run: Annotated[Path, typer.Option("--from", metavar="RUN", help="Run file to learn from.")],
    labels: Annotated[
        Path, typer.Option(help="Table with columns cell, kind; also t and position if needed.")
    ],
    out: Annotated[Path, typer.Option(help="Classifier to write, such as kinds.json.")],
) -> None:
    """Learn to tell cells apart by kind, from cells that you have labelled."""
    with exit_status():
        from lightloop.learning.kinds import classify as learn
        from lightloop.learning.kinds_labels import read_labels
        from realtime.errors import KindsError
        from realtime.kinds import write_classifier

        if out.exists():
            raise KindsError(f"{out} exists already; please choose another name")
        told = read_labels(labels)
        with progress_bar("looking") as show:
            made = learn(run, told, show)
        write_classifier(out, made)
        page = paper()
        page.print(str(out), soft_wrap=True)
        cells = ", ".join(
            f"{count} {kind}" for kind, count in zip(made.kinds, made.cells, strict=True)
        )
        page.print(f"learnt from {cells} cells of {run.name}", soft_wrap=True)
        guess = 1 / len(made.kinds)
        page.print(
            f"of cells that it had not learnt from, {made.accuracy:.0%} of the images are right "
            f"(by guessing {guess:.0%})",
            soft_wrap=True,
        )
        page.print(f'use it in a run: [kinds] file = "{out.name}"', soft_wrap=True, markup=False)
