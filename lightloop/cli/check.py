"""`lightloop check` and `lightloop schema`: whether a config is right, and what it would take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import complain, exit_status, paper, text_of

if TYPE_CHECKING:
    from rich.table import Table

    from lightloop.config import RunConfig
    from lightloop.predict import LightPrediction, Prediction


def check(
    config: Annotated[Path, typer.Argument(help="Run config, a TOML file.")],
    frames: Annotated[
        int, typer.Option(min=0, help="End after this many frames; 0: the plan's.")
    ] = 0,
    out: Annotated[Path | None, typer.Option(help="Run file that would be written.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a config without giving light: dose, time, disk, and every device that it names."""
    with exit_status():
        from lightloop.calibrations import resolve
        from lightloop.check import (
            check_keeper,
            check_network,
            check_output,
            check_policy,
            check_room,
            check_run,
            check_scope,
        )
        from lightloop.config import parse
        from lightloop.predict import predict
        from lightloop.rehearsals import words
        from lightloop.sample import Stage, check_sample
        from lightloop.unattended import only_software

        wanted = resolve(parse(text_of(config), config.name), config.name)
        name = config.name
        check_run(wanted, predict(wanted, frames), name)
        check_network(wanted, name)
        check_policy(wanted, name)
        stage = Stage(wanted)
        chip = check_scope(wanted, name, stage.look)
        prediction = predict(wanted, frames, chip)
        taken = check_sample(wanted, prediction, name, stage.field_um(chip), stage.at_um)
        check_keeper(wanted, name)
        folder = out.absolute().parent if out is not None else Path.cwd()
        need = prediction.disk_bytes
        free = check_output(out, need) if out is not None else check_room(folder, need)
        if as_json:
            import msgspec

            print(msgspec.json.encode(prediction).decode())
            return
        page = paper()
        page.print(_table(wanted, prediction, folder, free, taken))
        for word in words(wanted, name):
            style = "yellow" if word.is_warning else "dim"
            page.print(f"rehearsal: {word.text}", style=style, soft_wrap=True, markup=False)
        if bare := only_software(wanted):
            page.print(f"light: {bare}", style="yellow", soft_wrap=True, markup=False)
        _say_if_unattended(wanted, prediction, name)
        page.print(f"{name}: ok")


def _say_if_unattended(config: RunConfig, prediction: Prediction, name: str) -> None:
    """Warn of a run that would be refused if nobody watched it; whether one will is not known."""
    from lightloop.config import ConfigError
    from lightloop.unattended import check_unattended

    try:
        check_unattended(config, prediction, name)
    except ConfigError as error:
        complain(f"this run would be refused with --headless: {error}")


def schema() -> None:
    """Print the JSON schema of a run config, for editors."""
    with exit_status():
        from lightloop.config.schema import schema as text

        print(text(), end="")


def _table(
    config: RunConfig, seen: Prediction, folder: Path, free: int, taken: dict[str, float]
) -> Table:
    from rich.table import Table

    from lightloop.calibrations import in_words
    from lightloop.plan_words import notes

    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    fields = f", {seen.fields} fields of view" if seen.fields > 1 else ""
    table.add_row("frames", f"{seen.frames} in {seen.shots} shots{fields}")
    for number, said in enumerate(in_words(config)):
        table.add_row("" if number else "calibration", said)
    for what, said in notes(config):
        table.add_row(what, said)
    table.add_row("experiment", _time(seen.experiment_s))
    least = " at least" if config.loop.clock == "simulated" else ""
    table.add_row("on this machine", _time(seen.host_s) + least)
    for light in seen.lights:
        table.add_row(f"dose, {light.light}", _dose(light))
        table.add_row("", f"light on for {_time(light.on_s)} of each field")
        if light.audit_dose:
            share = light.audit_dose / light.dose
            table.add_row("", f"of it {light.audit_dose:.4g} {light.unit} ({share:.1%}) for audits")
        if light.saved_dose:
            saved, share = light.saved_dose, light.saved_dose / light.dose
            said = f"skipped planes save 0 to {saved:.4g} {light.unit} (0 to {share:.1%}) of it"
            table.add_row("", said)
        if config.sample.id:
            before = f"{taken[light.light]:.4g} {light.unit}"
            table.add_row("", f"sample {config.sample.id!r} took up to {before} there before")
    if seen.bleached_fraction is not None:
        table.add_row("bleaching", f"{seen.bleached_fraction:.0%} of the dye, simulated")
    raw, packed = seen.raw_bytes / 1e9, seen.disk_bytes / 1e9
    table.add_row("disk", f"{packed:.2f} GB packed ({raw:.2f} GB raw), {free / 1e9:.1f} GB free")
    table.add_row("", f"at {folder}")
    return table


def _dose(light: LightPrediction) -> str:
    share = light.dose / light.budget
    return (
        f"{light.dose:.4g} {light.unit} for each field with the first settings held: "
        f"{share:.0%} of the budget of {light.budget:.4g}"
    )


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    if seconds < 7200:
        return f"{seconds / 60:.3g} min"
    return f"{seconds / 3600:.3g} h"
