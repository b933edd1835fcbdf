"""All verbs in one list. Each imports what it needs when it is called, so help comes at once."""

from __future__ import annotations

from typing import Annotated

import typer

from lightloop.cli import (
    bench,
    calibrate,
    check,
    classify,
    dark,
    doctor,
    export,
    inspection,
    networks,
    recorded,
    rehearse,
    replay,
    rescue,
    run,
    sample,
    score,
    simulate,
    track,
    train,
    truth,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

BEFORE, RUN, AFTER, WITHOUT = "Before a run", "A run", "After a run", "Without a microscope"


def _say_version(is_wanted: bool) -> None:
    if is_wanted:
        from importlib.metadata import version

        print(f"lightloop {version('lightloop')}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=_say_version, is_eager=True, help="Say which version this is."
    ),
]


@app.callback()
def main(version: Version = False) -> None:
    """See more with less light. Start with: lightloop demo."""


app.command("demo", rich_help_panel=BEFORE)(run.demo)
app.command("doctor", rich_help_panel=BEFORE)(doctor.doctor)
app.command("check", rich_help_panel=BEFORE)(check.check)
app.add_typer(calibrate.app, name="calibrate", rich_help_panel=BEFORE)
app.command("rehearse", rich_help_panel=BEFORE)(rehearse.rehearse)

app.command("run", rich_help_panel=RUN)(run.run)
app.command("dark", rich_help_panel=RUN)(dark.dark)
app.command("sample", rich_help_panel=RUN)(sample.sample)

app.command("inspect", rich_help_panel=AFTER)(inspection.inspect)
app.command("replay", rich_help_panel=AFTER, cls=replay.ReplayCommand)(replay.replay)
app.command("export", rich_help_panel=AFTER)(export.export)
app.command("track", rich_help_panel=AFTER)(track.track)
app.command("classify", rich_help_panel=AFTER)(classify.classify)
app.command("score", rich_help_panel=AFTER)(score.score)
app.command("verify", rich_help_panel=AFTER)(rescue.verify)
app.command("repair", rich_help_panel=AFTER)(rescue.repair)

app.command("simulate", rich_help_panel=WITHOUT)(simulate.simulate)
app.command("truth", rich_help_panel=WITHOUT)(truth.truth)
app.command("import", rich_help_panel=WITHOUT)(recorded.import_images)
app.command("train", rich_help_panel=WITHOUT)(train.train)
app.add_typer(networks.app, name="models", rich_help_panel=WITHOUT)
app.command("bench", rich_help_panel=WITHOUT)(bench.bench)
app.command("schema", rich_help_panel=WITHOUT)(check.schema)
