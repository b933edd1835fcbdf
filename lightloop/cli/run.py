"""`lightloop demo` and `lightloop run`: one run, from a config to its summary."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import (
    complain,
    exit_status,
    has_screen,
    paper,
    text_of,
    wants_window,
)
from lightloop.cli.options import (
    Attended,
    Frames,
    Headless,
    Out,
    Screenshot,
    Seed,
    Theme,
    Truth,
    Verbose,
)
from lightloop.status import DONE, FAILED, NOT_DARK

if TYPE_CHECKING:
    from lightloop.config import RunConfig
    from lightloop.predict.prediction import Prediction
    from lightloop.summary import Summary
    from lightloop.task import RunTask


@dataclass(frozen=True)
class Asked:
    """What was asked for beside the config."""

    headless: bool
    frames: int
    out: Path | None
    seed: int
    truth: bool
    screenshot: Path | None
    is_verbose: bool
    theme: str = ""
    is_demo: bool = False
    unfinished: Path | None = None
    is_attended: bool = False


def demo(
    headless: Headless = False,
    frames: Frames = 0,
    out: Out = None,
    seed: Seed = -1,
    truth: Truth = False,
    screenshot: Screenshot = None,
    theme: Theme = "",
    verbose: Verbose = False,
) -> None:
    """Watch simulated living cells with as little light as it takes. Needs no microscope."""
    with exit_status(is_verbose=verbose):
        text = files("configs").joinpath("demo.toml").read_text("utf-8")
        asked = Asked(
            headless, frames, out, seed, truth, screenshot, verbose, theme, is_demo=True
        )  # fmt: skip
        supervise_and_report(_task(text, "demo.toml", asked))


def run(
    config: Annotated[Path | None, typer.Argument(help="Run config, a TOML file.")] = None,
    unfinished: Annotated[
        Path | None,
        typer.Option("--continue", help="Run file to go on with: its plan, and its budget."),
    ] = None,
    headless: Headless = False,
    frames: Frames = 0,
    out: Out = None,
    seed: Seed = -1,
    truth: Truth = False,
    screenshot: Screenshot = None,
    theme: Theme = "",
    attended: Attended = False,
    verbose: Verbose = False,
) -> None:
    """Run the experiment that a config describes."""
    with exit_status(is_verbose=verbose):
        text, name = _wanted(config, unfinished, out)
        asked = Asked(
            headless, frames, out, seed, truth, screenshot, verbose, theme,
            unfinished=unfinished, is_attended=attended,
        )  # fmt: skip
        task = _task(text, name, asked)
        if out is None:
            complain("note: this run is not kept; to keep it, say --out run.h5")
        supervise_and_report(task)


def _wanted(config: Path | None, unfinished: Path | None, out: Path | None) -> tuple[str, str]:
    """Return the text of a run's config, and what to call it in complaints."""
    from lightloop.config import ConfigError
    from lightloop.resume import read_unfinished, refuse_gone_on

    if config is not None and unfinished is None:
        return text_of(config), config.name
    if unfinished is not None and config is None:
        refuse_gone_on(unfinished, *([out.parent] if out is not None else []))
        return read_unfinished(unfinished).config_toml, unfinished.name
    raise ConfigError(
        "give a run config, such as a copy of configs/demo.toml, or --continue and a run file: "
        "its config is in it"
    )


def _task(text: str, name: str, asked: Asked) -> RunTask:
    """Return what the processes have to do, after everything that can be refused before light."""
    from lightloop.build.witness import wants_truth
    from lightloop.calibrate.calibrations import resolve
    from lightloop.check.words import doubt_of_photons
    from lightloop.config import MicroManagerConfig, parse
    from lightloop.predict.prediction import predict
    from lightloop.rehearse.kept import words
    from lightloop.task import RunTask

    config = resolve(parse(text, name), name)
    prediction = predict(config, asked.frames)
    _check(config, prediction, name, asked)
    has_truth = wants_truth(config, asked.out, name, is_asked=asked.truth)
    if doubt := doubt_of_photons(config):
        complain(f"note: {doubt}")
    if isinstance(config.scope, MicroManagerConfig):
        for word in words(config, name):
            complain(word.text)
    screenshot = asked.screenshot
    with_window = wants_window(headless=asked.headless, screenshot=screenshot is not None)
    if not with_window and sys.stderr.isatty():  # hours without a sign of life would worry anybody
        complain(_patience(prediction))
    return RunTask(
        text,
        name,
        _absolute(asked.out),
        with_window=with_window,
        ends_with_window=asked.is_demo,
        screenshot=_absolute(screenshot),
        theme=asked.theme,
        max_shots=prediction.shots if asked.frames else 0,
        goes_on_with=_absolute(asked.unfinished),
        seed=asked.seed,
        truth=has_truth,
        is_verbose=asked.is_verbose,
    )


def _check(config: RunConfig, prediction: Prediction, name: str, asked: Asked) -> None:
    """Refuse what can be refused before a process is started."""
    from acquire.simulated.config import SimulatedScopeConfig
    from lightloop.check.checks import check_network, check_policy, check_run
    from lightloop.check.files import check_output, check_picture
    from lightloop.check.lights import check_lights
    from lightloop.config import ConfigError
    from lightloop.rehearse.unattended import check_unattended
    from lightloop.sample.account import check_record

    if asked.seed >= 0 and not isinstance(config.scope, SimulatedScopeConfig):
        raise ConfigError(f"--seed is for a simulated specimen, and {name} drives a real scope")
    check_run(config, prediction, name)
    check_lights(config, name)
    if not (asked.is_attended or (has_screen() and not asked.headless)):
        check_unattended(config, prediction, name)
    check_record(config, name)
    check_network(config, name)
    check_policy(config, name)
    if asked.out is not None:
        check_output(asked.out, prediction.disk_bytes)
    if asked.screenshot is not None:
        check_picture(asked.screenshot)


def _patience(prediction: Prediction) -> str:
    from lightloop.cli.words import counted, span

    shots = counted(prediction.shots, "shot")
    return f"{shots}, {span(prediction.host_s)} at least; Ctrl-C stops in order, light off first"


def _absolute(path: Path | None) -> str:
    return str(path.absolute()) if path is not None else ""


def supervise_and_report(task: RunTask) -> None:
    """Run a task to its end, print what it came to, and leave with its status."""
    from lightloop.cli.summary_table import summary_table
    from lightloop.supervision.supervisor import supervise

    outcome = supervise(task)
    if outcome.summary is not None:
        paper().print(summary_table(outcome.summary, task.out))
        _doubt_size(task, outcome.summary.cell_px)
        _say_next(task, outcome.summary)
    if outcome.exit_code in (FAILED, NOT_DARK) or (outcome.summary is None and outcome.reason):
        complain(outcome.reason)
    if outcome.exit_code != DONE:
        raise typer.Exit(outcome.exit_code)


def _doubt_size(task: RunTask, seen_px: float) -> None:
    """Say if the cells are far larger or smaller than the detector was told."""
    if not seen_px:
        return
    from lightloop.config import parse
    from lightloop.tracking.cell_size import doubt_of_size

    config = parse(task.config_toml, task.config_name)
    if config.follow == "cells" and (doubt := doubt_of_size(config.detect.diameter_px, seen_px)):
        complain(f"note: {doubt}, or see what lightloop track measures in the recording")


def _say_next(task: RunTask, summary: Summary) -> None:
    """Say what may be done with a run that is over; a replay is looked at by who asked for it."""
    if task.replay is not None or not summary.frames:
        return
    page = paper()
    if not task.out:
        if task.ends_with_window:
            page.print("to keep a run: lightloop demo --out run.h5", style="dim")
        return
    run = _as_typed(Path(task.out))
    for begin, verb, more in (
        ("next:", "inspect", ""),
        ("     ", "replay", ""),
        ("     ", "export", " --ome-tiff --tracks csv"),
    ):
        text = f"{begin} lightloop {verb} {run}{more}"
        page.print(text, style="dim", soft_wrap=True, markup=False)


def _as_typed(path: Path) -> str:
    """Return a path as a person would type it here."""
    text = str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    return f'"{text}"' if " " in text else text
