"""`lightloop train`: a network learns from your own recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lightloop.cli.door import complain, exit_status, paper
from lightloop.cli.options import GainAduPerE, OffsetAdu, ReadNoiseE
from lightloop.cli.progress import learning_bar
from lightloop.cli.train_options import (
    Averaged,
    Axes,
    Channel,
    Clean,
    Fresh,
    From,
    Index,
    Init,
    Minutes,
    Mode,
    More,
    NewPackage,
    NumericalAperture,
    SaveEvery,
    Seed,
    Steps,
    StepUm,
    Task,
    Threads,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightloop.learning.material import Material
    from lightloop.learning.training import Asked
    from models.package import Package
    from models.train.own.teach import Taught

RUNS = (".h5", ".hdf5")


def train(
    task: Task,
    more: More = None,
    first: From = None,
    mode: Mode = "blind-spot",
    init: Init = "shipped",
    out: NewPackage = None,
    minutes: Minutes = 10.0,
    steps: Steps = 20_000,
    seed: Seed = 1,
    threads: Threads = 1,
    channel: Channel = "",
    axes: Axes = "",
    gain_adu_per_e: GainAduPerE = None,
    offset: OffsetAdu = None,
    read_noise: ReadNoiseE = None,
    clean: Clean = None,
    averaged: Averaged = 16.0,
    step_um: StepUm = 1.0,
    na: NumericalAperture = None,
    index: Index = 1.0,
    save_every: SaveEvery = 60.0,
    fresh: Fresh = False,
) -> None:
    """Teach a network on your own light. A training that was killed goes on where it was."""
    with exit_status():
        from lightloop.config import ConfigError
        from lightloop.learning import training
        from lightloop.learning.material import joined

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
        _teach(asked, material, package)


def _teach(asked: Asked, material: Material, package: Package | None) -> None:
    """Learn, and say from what, how well, and how the network that came out is used."""
    from lightloop.learning import training

    checkpoint, goes_on = training.open_work(asked, material, package)
    sampler, split = training.prepare(asked, material, package)
    page = paper()
    for line in _announced(material, len(split.train), len(split.held_out), split.how):
        page.print(line, soft_wrap=True)
    if goes_on:
        page.print("going on with the training that was broken off")
    with learning_bar() as on_step:
        taught, made = training.train(
            asked, material, sampler, split, package, _command(asked), checkpoint, on_step
        )
    for line in _told(taught, len(split.held_out)):
        page.print(line, soft_wrap=True)
    folder = made.folder if made.folder.is_absolute() else f"./{made.folder.as_posix()}"
    use = f', for a run: [network] denoise = "{folder}"' if asked.task == "denoise" else ""
    page.print(f"{made.folder}: {made.model_id}{use}", soft_wrap=True, markup=False)


def _material(
    path: str,
    channel: str,
    axes: str,
    camera: tuple[float | None, float | None, float | None],
    step_um: float,
) -> Material:
    from lightloop.cli.recorded import file_and_dataset
    from lightloop.config import ConfigError
    from lightloop.learning import material as reading
    from lightloop.recordings.camera import given_or_estimated

    file, dataset = file_and_dataset(path)
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
    from lightloop.cli.recorded import file_and_dataset
    from lightloop.config import ConfigError
    from lightloop.learning import material as reading

    if len(recordings) > 1:
        raise ConfigError("--clean belongs to one stack: give one --from")
    file, dataset = file_and_dataset(clean)
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
