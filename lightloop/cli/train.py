"""`lightloop train`: a network learns from your own recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lightloop.cli.door import complain, exit_status, paper

if TYPE_CHECKING:
    from lightloop.training import Asked
    from lightloop.training_material import Material
    from models.train.own.teach import Taught

Task = Literal["denoise", "superres", "axial"]
Mode = Literal["paired", "noise2noise", "blind-spot"]
RUNS = (".h5", ".hdf5")


def train(
    task: Annotated[Task, typer.Argument(help="What the network is for.")],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="More recordings.")
    ] = None,
    first: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="RUN", help="Run file, or TIFF, .npy, file.h5:dataset."),
    ] = None,
    mode: Annotated[
        Mode,
        typer.Option(
            help="paired: bright exposures between dim ones; noise2noise: frames in a row; "
            "blind-spot: noisy images, nothing else."
        ),
    ] = "blind-spot",
    init: Annotated[
        str, typer.Option(help="shipped, none, or the name or folder of a package.")
    ] = "shipped",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the new package; else my-TASK.")
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.05, max=10_000, help="Time for all of it.")
    ] = 10.0,
    steps: Annotated[int, typer.Option(min=1, max=10**7, help="Steps at most.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Of all that is drawn.")] = 1,
    threads: Annotated[int, typer.Option(min=1, max=256, help="CPU threads to learn with.")] = 1,
    channel: Annotated[str, typer.Option(help="Channel to take: name, or number in a stack.")] = "",
    axes: Annotated[str, typer.Option(help="Axes of a stack, such as TYX.")] = "",
    gain_adu_per_e: Annotated[
        float | None, typer.Option(help="Camera of a stack: ADU per electron; else estimated.")
    ] = None,
    offset: Annotated[float | None, typer.Option(help="Its dark level, ADU.")] = None,
    read_noise: Annotated[float | None, typer.Option(help="Its read noise, electrons.")] = None,
    clean: Annotated[
        str | None,
        typer.Option(metavar="STACK", help="Bright or averaged images, one for each of a stack."),
    ] = None,
    averaged: Annotated[
        float, typer.Option(min=1, max=1e6, help="How many times the light those have.")
    ] = 16.0,
    step_um: Annotated[
        float, typer.Option(min=0.001, max=1000, help="Between planes of a stack, um.")
    ] = 1.0,
    na: Annotated[
        float | None, typer.Option(min=0.05, max=1.7, help="Numerical aperture (axial).")
    ] = None,
    index: Annotated[
        float, typer.Option(min=1.0, max=1.6, help="Refractive index of the medium (axial).")
    ] = 1.0,
    save_every: Annotated[
        float, typer.Option(min=0.0, max=3600, help="How often to save what was learnt, s.")
    ] = 60.0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget a training that was broken off.")
    ] = False,
) -> None:
    """Teach a network on your own light. A training that was killed goes on where it was."""
    with exit_status():
        from lightloop import training
        from lightloop.config import ConfigError
        from lightloop.training_material import joined

        training.require_torch()
        recordings = [*(first or []), *(more or [])]
        if not recordings:
            raise ConfigError("what to learn from? Say --from RUN, or several of them")
        target = out if out is not None else Path(f"my-{task}")
        asked = training.Asked(
            task, mode, init, target, minutes, steps, seed, threads, na, index, save_every
        )
        package = training.package_to_begin_with(task, init)
        camera = (gain_adu_per_e, offset, read_noise)
        material = joined([_material(path, channel, axes, camera, step_um) for path in recordings])
        if clean is not None:
            material = _with_clean(material, clean, recordings, channel, axes, averaged)
        if fresh:
            training.forget_work(target)
        checkpoint, goes_on = training.open_work(asked, material, package)
        sampler, split = training.prepare(asked, material, package)
        page = paper()
        for line in _announced(material, len(split.train), len(split.held_out), split.how):
            page.print(line, soft_wrap=True)
        if goes_on:
            page.print("going on with the training that was broken off")
        with _progress() as on_step:
            taught, made = training.train(
                asked, material, sampler, split, package, _command(asked), checkpoint, on_step
            )
        for line in _told(taught, len(split.held_out)):
            page.print(line, soft_wrap=True)
        folder = made.folder if made.folder.is_absolute() else f"./{made.folder.as_posix()}"
        use = f', for a run: [network] denoise = "{folder}"' if task == "denoise" else ""
        page.print(f"{made.folder}: {made.model_id}{use}", soft_wrap=True, markup=False)


def _material(
    path: str,
    channel: str,
    axes: str,
    camera: tuple[float | None, float | None, float | None],
    step_um: float,
) -> Material:
    from lightloop import training_material as reading
    from lightloop.calibrate import given_or_estimated
    from lightloop.cli.recorded import _file_and_dataset
    from lightloop.config import ConfigError

    file, dataset = _file_and_dataset(path)
    if file.suffix.lower() in RUNS and not dataset and not axes:
        return reading.read_run(file, channel)
    if channel and not channel.isdecimal():
        raise ConfigError(f"{path}: the channel of a stack is a number from 0, got {channel!r}")
    calibration, estimate = given_or_estimated(*camera)
    material = reading.read_stack(
        file, dataset, axes, int(channel or 0), calibration, estimate, step_um
    )
    if calibration is None:
        complain(f"{path}: camera {material.camera}")
    return material


def _with_clean(
    material: Material, clean: str, recordings: list[str], channel: str, axes: str, averaged: float
) -> Material:
    from lightloop import training_material as reading
    from lightloop.cli.recorded import _file_and_dataset
    from lightloop.config import ConfigError

    if len(recordings) > 1:
        raise ConfigError("--clean belongs to one stack: give one --from")
    file, dataset = _file_and_dataset(clean)
    return reading.with_clean(material, file, dataset, axes, int(channel or 0), averaged)


def _announced(material: Material, n_train: int, n_held_out: int, how: str) -> Iterator[str]:
    yield from material.sources
    yield f"camera, {material.camera}"
    yield f"{n_train} examples to learn from, {n_held_out} held out ({how})"


def _told(taught: Taught, n_held_out: int) -> Iterator[str]:
    from models.train.own.verdict import verdict

    gain = taught.own_after_db - taught.own_before_db
    yield (
        f"held-out images of yours: {taught.own_before_db:.2f} -> {taught.own_after_db:.2f} dB "
        f"({gain:+.2f} dB, {n_held_out} examples)"
    )
    if taught.old_before_db == taught.old_before_db:  # NaN: it knew nothing before
        change = taught.old_after_db - taught.old_before_db
        yield (
            f"simulated specimens (old data): {taught.old_before_db:.2f} -> "
            f"{taught.old_after_db:.2f} dB ({change:+.2f} dB)"
        )
    yield verdict(taught.looks)
    yield f"{taught.looks[-1].step} steps, {taught.seconds / 60:.1f} minutes"


def _command(asked: Asked) -> str:
    return (
        f"lightloop train {asked.task} --from RUNS --mode {asked.mode} --init {asked.init} "
        f"--minutes {asked.minutes:g} --seed {asked.seed}"
    )


@contextmanager
def _progress() -> Iterator[Callable[[int, float], None]]:
    """Show how far it is and when it will be done, on stderr, if somebody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("learning, step {task.fields[step]}"), BarColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        job = bar.add_task("learning", total=1.0, step=0)
        yield lambda step, share: bar.update(job, completed=share, step=step)
