"""The options of `lightloop train`: what to learn from, how, and what is known of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

# What to learn, and from what.
Task = Annotated[
    Literal["denoise", "superres", "axial"], typer.Argument(help="What the network is for.")
]
More = Annotated[list[str] | None, typer.Argument(metavar="[RUN]...", help="More recordings.")]
From = Annotated[
    list[str] | None,
    typer.Option("--from", metavar="RUN", help="Run file, or TIFF, .npy, file.h5:dataset."),
]
Mode = Annotated[
    Literal["paired", "noise2noise", "blind-spot"],
    typer.Option(
        help="paired: bright exposures between dim ones; noise2noise: frames in a row; "
        "blind-spot: noisy images, nothing else."
    ),
]
Init = Annotated[str, typer.Option(help="shipped, none, or the name or folder of a package.")]
NewPackage = Annotated[
    Path | None, typer.Option("--out", help="Folder of the new package; else my-TASK.")
]

# How long, and how.
Minutes = Annotated[float, typer.Option(min=0.05, max=10_000, help="Time for all of it.")]
Steps = Annotated[int, typer.Option(min=1, max=10**7, help="Steps at most.")]
Seed = Annotated[
    int, typer.Option(min=0, max=2**31 - 1, help="Another seed, other examples at each step.")
]
Threads = Annotated[int, typer.Option(min=1, max=256, help="CPU threads to learn with.")]
SaveEvery = Annotated[
    float, typer.Option(min=0.0, max=3600, help="How often to save what was learnt, s.")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Forget a training that was broken off.")]

# What is known of a stack from elsewhere; a run file says all of it itself.
Channel = Annotated[str, typer.Option(help="Channel to take: name, or number in a stack.")]
Axes = Annotated[str, typer.Option(help="Axes of a stack, such as TYX.")]
Clean = Annotated[
    str | None,
    typer.Option(metavar="STACK", help="Bright or averaged images, one for each of a stack."),
]
Averaged = Annotated[
    float, typer.Option(min=1, max=1e6, help="How many times the light of a stack those have.")
]
StepUm = Annotated[float, typer.Option(min=0.001, max=1000, help="Between planes of a stack, um.")]
NumericalAperture = Annotated[
    float | None, typer.Option(min=0.05, max=1.7, help="Numerical aperture (axial).")
]
Index = Annotated[
    float, typer.Option(min=1.0, max=1.6, help="Refractive index of the medium (axial).")
]
