"""`lightloop score`: how right tracks are, by the field's own measures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import complain, exit_status, paper

if TYPE_CHECKING:
    from lightloop.scoring.scores import Scores

SIDE = "CTC folder, .geff, .csv, .xml (TrackMate), .npz (napari), run.h5"


def score(
    result: Annotated[Path, typer.Argument(help=f"What was found: {SIDE}.")],
    truth: Annotated[Path, typer.Argument(help="What is true: the same, or run.truth.h5.")],
    field: Annotated[int, typer.Option(min=0, help="Field of view, from 0.")] = 0,
    is_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Say how right tracks are: LNK, TRA, CHOTA, BIO, and F1 of links and divisions."""
    with exit_status():
        from lightloop.scoring.scores import check_installed
        from lightloop.scoring.scores import score as score_sides
        from lightloop.scoring.sides import side_of

        check_installed()
        true = side_of(truth, is_truth=True, field=field)
        told = side_of(result, is_truth=False, field=field)
        got = score_sides(told, true)
        if is_json:
            print(_json(got, told.what, true.what))
        else:
            _print(got, told.what, true.what)


def _json(got: Scores, result: str, truth: str) -> str:
    import json

    values = {key: None if value != value else value for key, value in got.values.items()}
    return json.dumps(
        {
            "result": result,
            "truth": truth,
            "matched_by": got.how,
            "scores": values,
            "cells": {"true": got.n_truth, "found": got.n_result, "matched": got.n_matched},
            "links": {"true": got.links[0], "found": got.links[1]},
            "divisions": {"true": got.divisions[0], "found": got.divisions[1]},
        },
        indent=1,
    )


def _print(got: Scores, result: str, truth: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from lightloop.scoring.scores import ALL

    page = paper()
    page.print(f"{result} against {truth}", soft_wrap=True)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("score")
    table.add_column("", justify="right")
    table.add_column("says")
    table.add_column("computed by")
    for key, (name, by, says) in ALL.items():
        value = got.values[key]
        table.add_row(name, "none" if value != value else f"{value:.4f}", says, by)
    page.print(table)
    page.print(
        f"cells in frames: {got.n_truth} true, {got.n_result} found, {got.n_matched} matched by "
        f"{got.how}",
        soft_wrap=True,
    )
    page.print(
        f"links: {got.links[0]} true, {got.links[1]} found; divisions: {got.divisions[0]} true, "
        f"{got.divisions[1]} found"
    )
    if got.is_strange:
        complain("note: hardly a true cell was found: are the two of the same film and field?")
