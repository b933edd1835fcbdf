"""`lightloop simulate`: a movie of simulated cells, and everything that is true of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import exit_status, paper
from lightloop.cli.progress import progress_bar

if TYPE_CHECKING:
    from acquire.simulated.config import SimulatedScopeConfig

PRESETS = "nuclei-2d, nuclei-3d, spots, dense, sparse, calcium"  # a test compares: help is quick
BYTES_PER_PIXEL = 3.0  # image, image without noise, masks; packed, measured on the presets


def simulate(
    preset: Annotated[str, typer.Argument(help=f"What to film: {PRESETS}.")],
    out: Annotated[Path, typer.Option(help="Run file to write; its truth comes beside it.")],
    frames: Annotated[int, typer.Option(min=1, max=10**6, help="Time points.")] = 100,
    interval_s: Annotated[
        float, typer.Option(min=0, max=1e6, help="Time from one to the next, s.")
    ] = 120.0,
    exposure_ms: Annotated[
        float, typer.Option(min=0.01, max=60_000, help="Exposure of every image, ms.")
    ] = 20.0,
    power: Annotated[
        float, typer.Option(min=0, max=1, help="Power of every line, as a fraction of full.")
    ] = 0.2,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Another seed, other cells.")] = 1,
    planes: Annotated[int, typer.Option(min=1, max=1000, help="Planes around the focus.")] = 1,
    step_um: Annotated[
        float, typer.Option(min=0.01, max=1000, help="Distance between the planes, um.")
    ] = 1.0,
) -> None:
    """Film simulated cells at fixed light, without a loop, and write down the truth."""
    with exit_status():
        from acquire.simulated.movie import Movie
        from lightloop.check.files import check_output
        from lightloop.config import ConfigError
        from lightloop.simulate import simulate as film
        from realtime.truth import truth_path

        movie = Movie(
            _config(preset, seed), frames, interval_s, exposure_ms, power, planes, step_um
        )
        if frames > 1 and movie.stack_s > interval_s:
            raise ConfigError(
                f"the images of one time point take {movie.stack_s:g} s, but --interval-s is "
                f"{interval_s:g}: a longer interval, shorter exposures or fewer planes"
            )
        need = int(BYTES_PER_PIXEL * movie.n_frames * movie.shape[0] * movie.shape[1])
        for path in (out, truth_path(out)):
            check_output(path, need)
        with progress_bar("filming") as on_progress:
            done = film(movie, preset, out, on_progress)
        page, room = paper(), movie.config.field_scale**2
        dose = ", ".join(f"{line} {total:.4g} J/cm2" for line, total in done.dose_j_cm2.items())
        page.print(f"{done.path}: {done.n_frames} images, {dose}", soft_wrap=True)
        page.print(
            f"{done.truth}: {done.n_cells} cells in the whole specimen, {room:g} times the field "
            f"of view (each daughter is one more); {done.divisions} divided, {done.deaths} died",
            soft_wrap=True,
        )


def _config(name: str, seed: int) -> SimulatedScopeConfig:
    """Return a preset by its name.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    from difflib import get_close_matches
    from typing import get_args

    from acquire.simulated.presets import PresetName, preset
    from lightloop.config import ConfigError

    for known in get_args(PresetName):
        if name == known:
            return preset(known, seed)
    near = get_close_matches(name, get_args(PresetName), 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ConfigError(f"there is no preset {name!r}, only {PRESETS}{hint}")
