"""`lightloop check` and `lightloop schema`: whether a config is right, and what it would take."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from lightloop.cli.door import complain, exit_status, paper, print_json, text_of
from lightloop.cli.options import AsJson, ConfigFile, Frames
from lightloop.cli.words import counted, facts, span, volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from lightloop.config import RunConfig
    from lightloop.predict.light import LightPrediction
    from lightloop.predict.prediction import Prediction
    from lightloop.rehearse.kept import Word


class Looked(NamedTuple):
    """What was found where everything is as it should be.

    Attributes
    ----------
    folder, free
        Where the run file would be, and how many bytes are free there.
    taken
        The most that any field of the plan has taken before, by light.
    """

    prediction: Prediction
    folder: Path
    free: int
    taken: dict[str, float]


def check(
    config: ConfigFile,
    frames: Frames = 0,
    out: Annotated[Path | None, typer.Option(help="Run file that would be written.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a config without giving light: dose, time, disk, and every device that it names."""
    with exit_status():
        from lightloop.calibrate.calibrations import resolve
        from lightloop.config import parse
        from lightloop.rehearse.kept import words

        name = config.name
        wanted = resolve(parse(text_of(config), name), name)
        seen = _look(wanted, name, frames, out)
        if as_json:
            print_json(seen.prediction)
            return
        said = words(wanted, name)
        page = paper()
        page.print(facts(chain(_rows(wanted, seen), _doubts(wanted), _ends(wanted, said))))
        _say_if_unattended(wanted, seen.prediction, name)
        if any(word.is_warning for word in said):
            next_ = f"lightloop rehearse {config}"
        else:
            next_ = f"lightloop run {config} --out run.h5"
        page.print(f"next: {next_}", style="dim", soft_wrap=True, markup=False)
        page.print(f"{name}: ok", markup=False)


def _doubts(config: RunConfig) -> Iterator[tuple[str, Text]]:
    """Say what numbers cannot be believed, and what that does to the run."""
    from rich.text import Text

    from lightloop.check.words import doubt_of_photons

    if doubt := doubt_of_photons(config):
        yield "photons", Text(doubt, "yellow")


def _ends(config: RunConfig, said: list[Word]) -> Iterator[tuple[str, Text]]:
    """Say what is known of how the light of this stand ends, and what is to be doubted."""
    from rich.text import Text

    from lightloop.rehearse.unattended import only_software

    for number, word in enumerate(said):
        style = "yellow" if word.is_warning else ""
        yield "" if number else "rehearsal", Text(word.text, style)
    if bare := only_software(config):
        yield "end of light", Text(bare, "yellow")


def _look(config: RunConfig, name: str, frames: int, out: Path | None) -> Looked:
    """Look at all that a config names; whatever is wrong is refused in one sentence."""
    from lightloop.check.checks import check_network, check_policy, check_run
    from lightloop.check.files import check_output, check_room
    from lightloop.check.scope import check_keeper, check_scope
    from lightloop.predict.prediction import predict
    from lightloop.sample.account import Stage, check_sample

    check_run(config, predict(config, frames), name)
    check_network(config, name)
    check_policy(config, name)
    stage = Stage(config)
    chip = check_scope(config, name, stage.look)
    prediction = predict(config, frames, chip)
    taken = check_sample(config, prediction, name, stage.field_um(chip), stage.at_um)
    check_keeper(config, name)
    folder = out.absolute().parent if out is not None else Path.cwd()
    need = prediction.disk_bytes
    free = check_output(out, need) if out is not None else check_room(folder, need)
    return Looked(prediction, folder, free, taken)


def _say_if_unattended(config: RunConfig, prediction: Prediction, name: str) -> None:
    """Warn of a run that would be refused if nobody watched it; whether one will is not known."""
    from lightloop.config import ConfigError
    from lightloop.rehearse.unattended import check_unattended

    try:
        check_unattended(config, prediction, name)
    except ConfigError as error:
        complain(f"this run would be refused with --headless: {error}")


def schema() -> None:
    """Print the JSON schema of a run config, for editors."""
    with exit_status():
        from lightloop.config.schema import schema as text

        print(text(), end="")


def _rows(config: RunConfig, looked: Looked) -> Iterator[tuple[str, str]]:
    from lightloop.calibrate.calibrations import in_words
    from lightloop.check.words import notes

    seen = looked.prediction
    fields = f", {seen.fields} fields of view" if seen.fields > 1 else ""
    yield "frames", f"{seen.frames} in {counted(seen.shots, 'shot')}{fields}"
    for number, said in enumerate(in_words(config)):
        yield "" if number else "calibration", said
    yield from notes(config)
    yield "experiment", span(seen.experiment_s)
    least = " at least" if config.loop.clock == "simulated" else ""
    yield "on this machine", span(seen.host_s) + least
    for light in seen.lights:
        yield from _of_light(config, light, looked.taken)
    if seen.bleached_fraction is not None:
        yield "bleaching", f"{seen.bleached_fraction:.0%} of the dye, simulated"
    yield (
        "disk",
        f"{volume(seen.disk_bytes)} packed ({volume(seen.raw_bytes)} raw), {volume(looked.free)} "
        f"free at {looked.folder}",
    )


def _of_light(
    config: RunConfig, light: LightPrediction, taken: dict[str, float]
) -> Iterator[tuple[str, str]]:
    """Say what one light would give to each field, and what it gave before."""
    yield (
        f"dose, {light.light}",
        f"{light.dose:.3g} {light.unit} for each field with the first settings held: "
        f"{light.dose / light.budget:.0%} of the budget of {light.budget:.4g}",
    )
    yield "", f"light on for {span(light.on_s)} of each field"
    if light.audit_dose:
        share = light.audit_dose / light.dose
        yield "", f"of it {light.audit_dose:.3g} {light.unit} ({share:.1%}) for audits"
    if light.saved_dose:
        saved, share = light.saved_dose, light.saved_dose / light.dose
        yield "", f"skipped planes save 0 to {saved:.3g} {light.unit} (0 to {share:.1%}) of it"
    if config.sample.id:
        before = f"{taken[light.light]:.3g} {light.unit}"
        yield "", f"sample {config.sample.id!r} took up to {before} there before"
