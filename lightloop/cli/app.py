"""All verbs in one list. Each imports what it needs when it is called, so help comes at once."""

from __future__ import annotations

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
    help="See more with less light. Start with: lightloop demo",
)

app.command("demo")(run.demo)
app.command("run")(run.run)
app.command("check")(check.check)
app.command("simulate")(simulate.simulate)
app.command("truth")(truth.truth)
app.command("import")(recorded.import_images)
app.command("replay", cls=replay.ReplayCommand)(replay.replay)
app.command("export")(export.export)
app.command("track")(track.track)
app.command("classify")(classify.classify)
app.command("score")(score.score)
app.command("inspect")(inspection.inspect)
app.command("verify")(rescue.verify)
app.command("repair")(rescue.repair)
app.command("rehearse")(rehearse.rehearse)
app.command("dark")(dark.dark)
app.command("doctor")(doctor.doctor)
app.command("bench")(bench.bench)
app.add_typer(calibrate.app, name="calibrate")
app.add_typer(networks.app, name="models")
app.command("train")(train.train)
app.command("schema")(check.schema)
