"""`lightloop demo` and `lightloop run`: one run, from a config to its summary."""

from __future__ import annotations

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
from lightloop.status import DONE, FAILED, NOT_DARK

if TYPE_CHECKING:
    from lightloop.task import RunTask

Headless = Annotated[bool, typer.Option("--headless", help="Show no window.")]
Frames = Annotated[int, typer.Option(min=0, help="End after this many frames; 0: the plan's.")]
Out = Annotated[Path | None, typer.Option(help="Run file to write, such as run.h5.")]
Seed = Annotated[int, typer.Option(min=-1, help="Seed of the simulated cells; -1: the config's.")]
Truth = Annotated[
    bool, typer.Option("--truth", help="Write what only the simulated cells know beside the run.")
]
Screenshot = Annotated[
    Path | None, typer.Option(help="Save a picture of the window at the end of the run.")
]
Attended = Annotated[
    bool, typer.Option("--attended", help="A person stays at the microscope, window or not.")
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Write a full log to stderr.")]


def demo(
    headless: Headless = False,
    frames: Frames = 0,
    out: Out = None,
    seed: Seed = -1,
    truth: Truth = False,
    screenshot: Screenshot = None,
    verbose: Verbose = False,
) -> None:
    """Watch simulated living cells with as little light as it takes. Needs no microscope."""
    with exit_status(is_verbose=verbose):
        text = files("configs").joinpath("demo.toml").read_text("utf-8")
        _run(
            text, "demo.toml", headless, frames, out, seed, truth, screenshot, verbose, is_demo=True
        )


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
    attended: Attended = False,
    verbose: Verbose = False,
) -> None:
    """Run the experiment that a config describes."""
    with exit_status(is_verbose=verbose):
        text, name = _wanted(config, unfinished, out)
        _run(
            text, name, headless, frames, out, seed, truth, screenshot, verbose,
            unfinished=unfinished, is_attended=attended,
        )  # fmt: skip


def _wanted(config: Path | None, unfinished: Path | None, out: Path | None) -> tuple[str, str]:
    """Return the text of a run's config, and what to call it in complaints."""
    from lightloop.config import ConfigError
    from lightloop.resume import read_unfinished, refuse_gone_on

    if config is not None and unfinished is None:
        return text_of(config), config.name
    if unfinished is not None and config is None:
        refuse_gone_on(unfinished, *([out.parent] if out is not None else []))
        return read_unfinished(unfinished).config_toml, unfinished.name
    raise ConfigError("give a run config, or --continue and a run file: its config is in it")


def _run(
    text: str,
    name: str,
    headless: bool,
    frames: int,
    out: Path | None,
    seed: int,
    truth: bool,
    screenshot: Path | None,
    verbose: bool,
    *,
    is_demo: bool = False,
    unfinished: Path | None = None,
    is_attended: bool = False,
) -> None:
    from acquire.simulated.config import SimulatedScopeConfig
    from lightloop.calibrations import resolve
    from lightloop.check import (
        check_network,
        check_output,
        check_picture,
        check_policy,
        check_run,
    )
    from lightloop.check_lights import check_lights
    from lightloop.config import ConfigError, MicroManagerConfig, parse
    from lightloop.predict import predict
    from lightloop.rehearsals import words
    from lightloop.sample import check_record
    from lightloop.task import RunTask
    from lightloop.unattended import check_unattended
    from lightloop.witness import wants_truth

    config = resolve(parse(text, name), name)
    if seed >= 0 and not isinstance(config.scope, SimulatedScopeConfig):
        raise ConfigError(f"--seed is for a simulated specimen, and {name} drives a real scope")
    prediction = predict(config, frames)
    check_run(config, prediction, name)
    check_lights(config, name)
    if not (is_attended or (has_screen() and not headless)):
        check_unattended(config, prediction, name)
    check_record(config, name)
    check_network(config, name)
    check_policy(config, name)
    if out is not None:
        check_output(out, prediction.disk_bytes)
    has_truth = wants_truth(config, out, name, is_asked=truth)
    if screenshot is not None:
        check_picture(screenshot)
    if isinstance(config.scope, MicroManagerConfig):
        for word in words(config, name):
            complain(word.text)
    task = RunTask(
        text,
        name,
        str(out.absolute()) if out is not None else "",
        with_window=wants_window(headless=headless, screenshot=screenshot is not None),
        ends_with_window=is_demo,
        screenshot=str(screenshot.absolute()) if screenshot is not None else "",
        max_shots=prediction.shots if frames else 0,
        goes_on_with=str(unfinished.absolute()) if unfinished is not None else "",
        seed=seed,
        truth=has_truth,
        is_verbose=verbose,
    )
    supervise_and_report(task)


def supervise_and_report(task: RunTask) -> None:
    """Run a task to its end, print what it came to, and leave with its status."""
    from lightloop.cli.summary_table import summary_table
    from lightloop.supervise import supervise

    outcome = supervise(task)
    if outcome.summary is not None:
        paper().print(summary_table(outcome.summary, task.out))
        _doubt_size(task, outcome.summary.cell_px)
    if outcome.exit_code in (FAILED, NOT_DARK) or (outcome.summary is None and outcome.reason):
        complain(outcome.reason)
    if outcome.exit_code != DONE:
        raise typer.Exit(outcome.exit_code)


def _doubt_size(task: RunTask, seen_px: float) -> None:
    """Say if the cells are far larger or smaller than the detector was told."""
    if not seen_px:
        return
    from lightloop.cell_size import doubt_of_size
    from lightloop.config import parse

    config = parse(task.config_toml, task.config_name)
    if config.follow == "cells" and (doubt := doubt_of_size(config.detect.diameter_px, seen_px)):
        complain(f"note: {doubt}, or see what lightloop track measures in the recording")
