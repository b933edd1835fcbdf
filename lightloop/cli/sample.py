"""`lightloop sample`: what light a sample has had in all runs, and what is left of its budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import complain, exit_status, paper, print_json, text_of
from lightloop.cli.options import AsJson
from lightloop.cli.words import counted, facts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from lightloop.config import RunConfig
    from lightloop.sample.diary import RunOfSample
    from lightloop.sample.light import LightHad

MOST_RUNS = 12  # of the newest; --json has them all


def sample(
    sample_id: Annotated[
        str, typer.Argument(metavar="ID", help="Sample, by its id in a config; else a list of all.")
    ] = "",
    config: Annotated[
        Path | None,
        typer.Option(help="Run config: how much of its budgets is left; its sample, without ID."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what light a sample has had in all its runs: how much, where, when, in which runs."""
    with exit_status():
        from lightloop.sample.account import sample_folder

        wanted = _parsed(config) if config is not None else None
        chosen = sample_id or (wanted.sample.id if wanted is not None else "")
        folder = sample_folder()
        if chosen:
            _tell(folder, chosen, wanted, as_json=as_json)
        elif config is not None:
            from lightloop.config import ConfigError

            raise ConfigError(
                f"{config.name} names no sample: give it one ([sample] id), or say which you mean: "
                f"lightloop sample ID --config {config}"
            )
        else:
            _list(folder, as_json=as_json)


def _parsed(path: Path) -> RunConfig:
    from lightloop.calibrate.calibrations import resolve
    from lightloop.config import parse

    return resolve(parse(text_of(path), path.name), path.name)


def _list(folder: Path, *, as_json: bool) -> None:
    """List all samples; one whose record is damaged keeps nobody from seeing the others."""
    from rich.table import Table

    from acquire.sample.record import SampleError
    from acquire.sample.shelf import last_written, samples_in
    from lightloop.sample.light import lights_had

    page, known = paper(), samples_in(folder)
    if as_json:
        print_json([_record(folder, name, None) for name in known])
        return
    page.print(f"{folder}", style="dim", soft_wrap=True, markup=False)
    if not known:
        complain('there are none yet: a config with [sample] id = "dish 7" begins one')
        return
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    for column in ("sample", "light", "brightest field", "strongest spot", "fields", "last light"):
        table.add_column(column, no_wrap=True)
    for name in known:
        try:
            rows = [_cells(had) for had in lights_had(folder, name)]
        except SampleError as error:
            complain(str(error))
            rows = [("DAMAGED", "", "", "")]
        when = _time(last_written(folder, name))
        for number, row in enumerate(rows):
            table.add_row(*((name, *row, when) if number == 0 else ("", *row, "")))
    page.print(table)
    page.print('next: lightloop sample "ID"', style="dim", markup=False)


def _cells(had: LightHad) -> tuple[str, str, str, str]:
    mean = f"{had.mean:.3g} {had.unit}" if had.brightest is not None else "?"
    return had.light, mean, f"{had.highest:.3g} {had.unit}", _fields(had)


def _fields(had: LightHad) -> str:
    """Return how many fields the lit area is worth."""
    if not had.fields:
        return "?" if had.highest else "0"
    return f"{max(1.0, had.fields):.2g}"


def _tell(folder: Path, name: str, config: RunConfig | None, *, as_json: bool) -> None:
    from acquire.sample.shelf import last_written, samples_in
    from lightloop.sample.diary import runs_of
    from lightloop.sample.light import lights_had

    if name not in (known := samples_in(folder)):
        _refuse(name, known, folder)
    if as_json:
        print_json(_record(folder, name, config))
        return
    lights, runs = lights_had(folder, name, config), runs_of(folder, name)
    when = last_written(folder, name)
    paper().print(facts(_rows(name, lights, when, runs)))


def _record(folder: Path, name: str, config: RunConfig | None) -> dict[str, object]:
    """Return all that is known of a sample, for programs."""
    from acquire.sample.shelf import last_written
    from lightloop.sample.diary import runs_of
    from lightloop.sample.light import lights_had

    return {
        "sample": name,
        "lights": [
            {**one._asdict(), "mean": one.mean, "unit": one.unit}
            for one in lights_had(folder, name, config)
        ],
        "last_light": last_written(folder, name),
        "runs": [run._asdict() for run in runs_of(folder, name)],
    }


def _refuse(name: str, known: list[str], folder: Path) -> None:
    from lightloop.config import ConfigError
    from lightloop.config.complaints import near_miss

    hint = near_miss(name, set(known)) if known else ": there is none yet"
    raise ConfigError(f"there is no sample {name!r} in {folder}{hint}")


def _rows(
    name: str, lights: list[LightHad], when: datetime, runs: list[RunOfSample]
) -> Iterator[tuple[str, str]]:
    yield "sample", name
    for had in lights:
        yield f"dose, {had.light}", _dose(had)
        if had.budget is not None and had.left is not None:
            least = "at least " if had.brightest is None else ""
            share = f"{had.left / had.budget:.0%}"
            left = f"{least}{had.left:.3g} {had.unit}"
            yield "", f"{left} left there of a budget of {had.budget:.4g} ({share})"
        if had.fields:
            yield "", f"lit area: {_fields(had)} x that of one field"
    yield "last light", _time(when)
    if not runs:
        yield "runs", "none is listed: they were made before lightloop kept a list"
        return
    if (more := len(runs) - MOST_RUNS) > 0:
        yield "runs", f"{counted(more, 'run')} before these; --json lists all"
    for number, run in enumerate(runs[-MOST_RUNS:]):
        kept = run.out or "not kept"
        gone = " (gone)" if run.out and not Path(run.out).exists() else ""
        title = "runs" if number == 0 and more <= 0 else ""
        yield title, f"{_time(run.began)}  {run.config}  {kept}{gone}"


def _dose(had: LightHad) -> str:
    if not had.highest:
        return "no light yet"
    if had.brightest is None:
        return (
            f"{had.highest:.3g} {had.unit} at its strongest spot; no run says how large a field is"
        )
    at = f"{had.brightest.x_um:.0f}, {had.brightest.y_um:.0f} um"
    return (
        f"{had.mean:.3g} {had.unit}: mean of the field that took most, at {at} of the stage; "
        f"{had.highest:.3g} at the strongest spot of all"
    )


def _time(when: datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M UTC")
