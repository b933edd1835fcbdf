"""`lightloop replay`: a run from before, again: for looking, for verifying, for asking what if."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer
from typer.core import TyperCommand

from lightloop.cli.door import exit_status, paper, text_of, wants_window
from lightloop.cli.options import Headless, Out, RunFile, Screenshot, Theme, Verbose
from lightloop.cli.run import supervise_and_report
from lightloop.status import FAILED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightloop.task import ReplayTask, RunTask

LONE = {"--real-time": "1", "--verify": "full"}
"""Options that may stand alone, and what they then mean."""


RealTime = Annotated[
    float | None,
    typer.Option("--real-time", min=0.001, metavar="[X]", help="As recorded, X times faster."),
]
AtMost = Annotated[bool, typer.Option("--max", help="As fast as it goes (default).")]
Step = Annotated[bool, typer.Option("--step", help="Lock-step: each shot waits for its decision.")]
Verify = Annotated[
    Literal["policy", "full"] | None,
    typer.Option(
        metavar="[policy|full]",
        help="Fail if a decision differs from the recorded one. policy: decide again on what was "
        "seen then, on any machine; full: look again as well (default).",
    ),
]
WhatIf = Annotated[
    str | None,
    typer.Option(
        metavar="policy=KIND|FILE.toml",
        help="What another policy would propose, such as policy=fixed. Open loop: the light stays "
        "that of the run.",
    ),
]
OtherConfig = Annotated[
    Path | None, typer.Option("-c", "--config", help="Decide by this config instead.")
]
First = Annotated[int, typer.Option("--from", min=0, help="First frame to play.")]
Last = Annotated[int | None, typer.Option("--to", min=0, help="Last frame to play.")]
WaitFor = Annotated[
    int, typer.Option(min=0, max=100, metavar="N", help="Begin when N clients listen.")
]


class ReplayCommand(TyperCommand):
    """Lets `--real-time` and `--verify` stand alone."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a lone option its value, before anything else is read."""
        given: list[str] = []
        for place, word in enumerate(args):
            given.append(word)
            if word in LONE and not _is_value(word, args[place + 1 : place + 2]):
                given.append(LONE[word])
        return super().parse_args(ctx, given)


def _is_value(option: str, words: Sequence[str]) -> bool:
    if option == "--verify":
        return bool(words) and words[0] in ("policy", "full")
    try:
        return bool(words) and float(words[0]) > 0
    except ValueError:
        return False


def replay(
    run: RunFile,
    real_time: RealTime = None,
    at_most: AtMost = False,
    step: Step = False,
    verify: Verify = None,
    what_if: WhatIf = None,
    config: OtherConfig = None,
    first: First = 0,
    last: Last = None,
    wait_for: WaitFor = 0,
    headless: Headless = False,
    out: Out = None,
    screenshot: Screenshot = None,
    theme: Theme = "",
    verbose: Verbose = False,
) -> None:
    """Play a run again: the same worker, recorder and window, no microscope, no light."""
    with exit_status(is_verbose=verbose):
        from lightloop.config import ConfigError
        from lightloop.replaying import OPEN_LOOP, policy_instead
        from lightloop.task import ReplayTask

        if sum((real_time is not None, at_most, step)) > 1:
            raise ConfigError("--real-time, --max and --step exclude each other")
        if verify and (first or last is not None or what_if):
            raise ConfigError("--verify is about the whole run, as it was decided then")
        text, name, size = _recorded(run, config, verifies=verify is not None)
        if what_if is not None:
            text = policy_instead(text, name, what_if)
        if verify == "policy":
            _verify_policy(run, text, name)
            return
        again = ReplayTask(
            str(run.absolute()),
            "real-time" if real_time is not None else "step" if step or verify else "max",
            real_time or 1.0,
            verify is not None,
            first,
            -1 if last is None else last,
            wait_for,
            OPEN_LOOP.format(what_if) if what_if else "",
            what_if is not None,
        )
        shown = _Shown(out, screenshot, headless or verify is not None, verbose, theme)
        supervise_and_report(_task(text, name, again, shown, size))


class _Shown(NamedTuple):
    """Where a replay is to be seen. A verdict is waited for in the terminal, without a window."""

    out: Path | None
    screenshot: Path | None
    headless: bool
    verbose: bool
    theme: str = ""


def _recorded(run: Path, config: Path | None, *, verifies: bool) -> tuple[str, str, int]:
    """Return the text of the config to decide by, what to call it, and the size of the run."""
    from lightloop.config import ConfigError
    from realtime.run_file import RunReader

    with RunReader(run) as reader:
        recorded, size = reader.text("config"), reader.size_bytes
        is_import = reader.start.origin.startswith("import")
    if verifies and is_import:
        raise ConfigError(f"{run} is an import: it holds no decisions to verify")
    return *_config(recorded, run, config), size


def _task(text: str, name: str, again: ReplayTask, shown: _Shown, size: int) -> RunTask:
    """Return what the processes have to do; what cannot be written is refused before."""
    from lightloop.check.files import check_output, check_picture
    from lightloop.task import RunTask

    out, screenshot = shown.out, shown.screenshot
    if out is not None:
        check_output(out, size)
    if screenshot is not None:
        check_picture(screenshot)
    return RunTask(
        text,
        name,
        str(out.absolute()) if out is not None else "",
        with_window=wants_window(headless=shown.headless, screenshot=screenshot is not None),
        ends_with_window=True,
        screenshot=str(screenshot.absolute()) if screenshot is not None else "",
        theme=shown.theme,
        replay=again,
        is_verbose=shown.verbose,
    )


def _config(recorded: str, run: Path, config: Path | None) -> tuple[str, str]:
    """Return the text of the config to decide by, and what to call it."""
    if config is not None:
        return text_of(config), config.name
    if recorded:
        return recorded, f"the config in {run.name}"
    return files("configs").joinpath("replay.toml").read_text("utf-8"), "replay.toml"


def _verify_policy(run: Path, text: str, name: str) -> None:
    from lightloop.replaying import verify_decisions

    is_confirmed, words = verify_decisions(run, text, name)
    paper().print(words, soft_wrap=True)
    if not is_confirmed:
        raise typer.Exit(FAILED)
