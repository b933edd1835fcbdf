"""The options that several verbs share, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

# A run, live or replayed.
Headless = Annotated[bool, typer.Option("--headless", help="Show no window.")]
Out = Annotated[Path | None, typer.Option(help="Run file to write, such as run.h5.")]
Screenshot = Annotated[
    Path | None, typer.Option(help="Save a picture of the window at the end of the run.")
]
Theme = Annotated[
    Literal["dark", "red", ""],
    typer.Option(metavar="dark|red", help="Light of the window (F3); else as it was last."),
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Write a full log to stderr.")]
Frames = Annotated[int, typer.Option(min=0, help="End after this many frames; 0: the plan's.")]
Seed = Annotated[int, typer.Option(min=-1, help="Seed of the simulated cells; -1: the config's.")]
Truth = Annotated[
    bool, typer.Option("--truth", help="Write what only the simulated cells know beside the run.")
]
Attended = Annotated[
    bool, typer.Option("--attended", help="A person stays at the microscope, window or not.")
]

# A config, and what is asked before the light goes on.
ConfigFile = Annotated[Path, typer.Argument(help="Run config, a TOML file.")]
StandConfig = Annotated[Path, typer.Argument(help="Run config of this microscope, a TOML file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

# A recording that is there.
RunFile = Annotated[Path, typer.Argument(help="Run file, any of its parts.")]
GainAduPerE = Annotated[
    float | None, typer.Option(help="Camera gain, ADU per electron; else estimated.")
]
OffsetAdu = Annotated[float | None, typer.Option(help="Dark level, ADU; else estimated.")]
ReadNoiseE = Annotated[float | None, typer.Option(help="Read noise, electrons; else estimated.")]
