"""From recordings to a network that learnt from them: reads files, hands arrays to `models`."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
import shutil
import warnings
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lightloop.config import ConfigError
from models.package import Package, list_shipped, shipped
from models.train.own.examples import find_examples
from models.train.own.samples import Sampler
from models.train.own.splits import split_examples
from models.train.own.takes import Camera, Take
from realtime.image_source import open_source
from realtime.run_file import RunReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from acquire.calibration import Calibration
    from acquire.frame import FrameInfo
    from lightloop.calibrate import Estimate
    from models.train.own.examples import Mode, Task
    from models.train.own.splits import Split
    from models.train.own.teach import Taught

MEMORY_BYTES = 2_000_000_000
"""Pixels that are held at once; of longer recordings, stretches spread over their time."""
STRETCH = 16
"""Frames in a row that are kept together: a network sees a few past ones."""
PREFERRED = ("best", "fast", "2d")
"""Which shipped network is meant by "shipped", by the end of its name."""
CHECKPOINT, ABOUT = "checkpoint.npz", "asked.json"


@dataclass(frozen=True, slots=True)
class Asked:
    """What `lightloop train` was asked for.

    Attributes
    ----------
    init
        "shipped", "none", or the name or folder of a package.
    numerical_aperture, refractive_index
        Of the objective; "axial" needs them.
    """

    task: Task
    mode: Mode
    init: str
    out: Path
    minutes: float = 10.0
    steps: int = 20_000
    seed: int = 1
    threads: int = 1
    numerical_aperture: float | None = None
    refractive_index: float = 1.0


@dataclass(frozen=True, slots=True)
class Material:
    """What was read: takes, one line about each recording, and what its camera is."""

    takes: tuple[Take, ...]
    sources: tuple[str, ...]
    camera: str
    wavelength_nm: float = 0.0


def require_torch() -> None:
    """Refuse to begin where the parts for training are not installed.

    Raises
    ------
    ConfigError
        The text says what to install.
    """
    missing = [n for n in ("torch", "onnx", "onnxscript") if importlib.util.find_spec(n) is None]
    if missing:
        raise ConfigError(
            f'training needs {", ".join(missing)}: pip install -e ".[train]" '
            "(running a network needs none of them)"
        )


def package_to_begin_with(task: Task, init: str) -> Package | None:
    """Return the package whose weights are the first ones; None for none.

    Raises
    ------
    ConfigError, ModelError
        If there is none for the task, or it is damaged.
    """
    if init == "none":
        return None
    if init == "shipped":
        names = [n for n in list_shipped() if Package.load(shipped(n)).manifest.task == task]
        if not names:
            raise ConfigError(f"no network for {task} is shipped: say --init none, or a package")
        for ending in PREFERRED:
            names = sorted(names, key=lambda name: not name.endswith(ending))
            if names[0].endswith(ending):
                break
        return Package.load(shipped(names[0]), task=task)
    is_path = any(sign in init for sign in "/\\.")
    return Package.load(Path(init) if is_path else shipped(init), task=task)


def read_run(path: Path, channel: str = "", room_bytes: int = MEMORY_BYTES) -> Material:
    """Read the frames of a run, field by field, channel by channel, plane by plane.

    Raises
    ------
    RunFileError
        If the run cannot be read.
    ConfigError
        If it has no such channel.
    """
    with RunReader(path) as reader:
        cameras = {camera.label: camera.calibration for camera in reader.start.cameras}
        groups: dict[tuple[str, str, int, int], list[FrameInfo]] = defaultdict(list)
        channels = sorted({info.applied.channel for info in reader.infos})
        if channel and channel not in channels:
            raise ConfigError(f"{path}: no channel {channel!r}, only {', '.join(channels)}")
        for info in reader.infos:
            if not channel or info.applied.channel == channel:
                key = (info.camera, info.applied.channel, info.index.p, info.index.z)
                groups[key].append(info)
        frame_bytes = 2 * max((i.height * i.width for i in reader.infos), default=1)
        most = max(room_bytes // frame_bytes // max(len(groups), 1), STRETCH)
        takes = [_take(reader, kept(infos, most), cameras[key[0]]) for key, infos in groups.items()]
        session = reader.start.session_id
        first = next(iter(cameras.values()))
        wavelength_nm = max((i.applied.wavelength_nm for i in reader.infos), default=0.0)
        name = reader.name
    count = sum(len(take.frames) for take in takes)
    source = f"run {session} ({name}): {count} frames of {', '.join(channels)}"
    return Material(tuple(takes), (source,), camera_words(first), wavelength_nm)


def kept(infos: Sequence[FrameInfo], most: int) -> list[FrameInfo]:
    """Return all frames, or where there are too many, stretches spread evenly over the time."""
    if len(infos) <= most:
        return list(infos)
    stretches = max(most // STRETCH, 1)
    first = np.linspace(0, len(infos) - STRETCH, stretches).astype(int)
    chosen = sorted({int(k) + step for k in first for step in range(STRETCH)})
    return [infos[k] for k in chosen]


def _take(reader: RunReader, infos: Sequence[FrameInfo], calibration: Calibration) -> Take:
    one = infos[0]
    applied = [info.applied for info in infos]
    light = np.array([a.dose_j_cm2 or a.exposure_read_ms * a.power_read_fraction for a in applied])
    run = reader.start.session_id[:8]
    return Take(
        run=run,
        field=f"{run} position {one.index.p}",
        channel=one.applied.channel,
        plane=one.index.z,
        z_um=one.position_um[2],
        frames=[reader.pixels(info.seq) for info in infos],
        times=np.array([info.index.t for info in infos]),
        t_s=np.array([info.t_s for info in infos]),
        light=light,
        camera=as_camera(calibration),
        line=one.applied.light,
    )


def read_stack(
    path: Path,
    dataset: str,
    axes: str,
    channel: int,
    calibration: Calibration | None,
    estimate: Estimate,
    step_um: float = 1.0,
) -> Material:
    """Read a stack of images (TIFF, .npy, a dataset of an HDF5 file); see `open_source`.

    What it does not say is not invented: the light counts as constant, and without a calibration
    the camera's line ``var = a * mean + b`` is fitted blindly and called estimated.

    Raises
    ------
    RunFileError
        If it cannot be read.
    ConfigError
        If its noise cannot be estimated.
    """
    with open_source(path, dataset, axes, channel) as source:
        n_times, n_fields, n_planes = source.counts
        images = {at: source.plane(*at) for at in np.ndindex(n_times, n_fields, n_planes)}
        full_scale, shift, name = source.full_scale_adu, source.shift_adu, source.name
    pixels = list(images.values())
    camera = _stack_camera(pixels, calibration, estimate, full_scale, shift, name)
    takes = []
    for p, z in np.ndindex(n_fields, n_planes):
        takes.append(
            Take(
                run=name,
                field=f"{name} position {p}",
                channel=f"channel {channel}",
                plane=z,
                z_um=z * step_um,
                frames=[images[t, p, z] for t in range(n_times)],
                times=np.arange(n_times),
                t_s=np.arange(n_times, dtype=np.float64),
                light=np.ones(n_times),
                camera=camera,
            )  # fmt: skip
        )
    words = (
        f"{camera.source}: gain {camera.gain_adu_per_e:.4g} ADU/e-, offset "
        f"{camera.offset_adu:.4g} ADU, read noise {camera.read_noise_e:.3g} e-"
    )
    return Material(tuple(takes), (f"{name}: {len(pixels)} images",), words)


def _stack_camera(
    pixels: list[np.ndarray[tuple[int, ...], np.dtype[np.uint16]]],
    calibration: Calibration | None,
    estimate: Estimate,
    full_scale_adu: float,
    shift_adu: int,
    name: str,
) -> Camera:
    if calibration is not None:
        return Camera(
            calibration.gain_adu_per_e, calibration.offset_adu + shift_adu,
            calibration.read_noise_e, min(calibration.saturation_adu, full_scale_adu), "as given",
        )  # fmt: skip
    some = np.stack(pixels[:: max(len(pixels) // STRETCH, 1)][:STRETCH])
    try:
        guess = estimate(some.astype(np.uint8) if full_scale_adu <= 255 else some)
    except ValueError as error:
        raise ConfigError(
            f"{name}: its noise cannot be estimated ({error}): give --gain-adu-per-e, --offset and "
            "--read-noise"
        ) from error
    return Camera(
        guess.gain_adu_per_e, guess.offset_adu, guess.read_noise_e, full_scale_adu,
        "estimated blindly from the images, not measured",
    )  # fmt: skip


def as_camera(calibration: Calibration) -> Camera:
    """Return what training needs of a calibration."""
    return Camera(
        calibration.gain_adu_per_e, calibration.offset_adu, calibration.read_noise_e,
        calibration.saturation_adu, calibration.source,
    )  # fmt: skip


def camera_words(calibration: Calibration) -> str:
    """Say what a calibration is, for the card."""
    name = f", {calibration.id}" if calibration.id else ""
    return (
        f"{calibration.source}{name}: gain {calibration.gain_adu_per_e:.4g} ADU/e-, offset "
        f"{calibration.offset_adu:.4g} ADU, read noise {calibration.read_noise_e:.3g} e-"
    )


def joined(parts: Sequence[Material]) -> Material:
    """Put several recordings together."""
    return Material(
        tuple(take for part in parts for take in part.takes),
        tuple(source for part in parts for source in part.sources),
        "; ".join(dict.fromkeys(part.camera for part in parts)),
        max(part.wavelength_nm for part in parts),
    )


def prepare(asked: Asked, material: Material, init: Package | None) -> tuple[Sampler, Split]:
    """Find the examples and split them.

    Raises
    ------
    ConfigError
        If images are too small, or "axial" is not told the objective.
    ModelError
        If the recordings hold no examples of that mode, or too few.
    """
    in_frames = {"denoise": 5, "superres": 1, "axial": 2}[asked.task]
    if init is not None:
        in_frames = init.manifest.in_frames
    examples = find_examples(material.takes, asked.task, asked.mode, in_frames)
    split = split_examples(examples, asked.seed)
    sampler = Sampler(
        material.takes, asked.task, asked.mode, in_frames, _crop_px(asked.task, material.takes),
        _depth_of_field_um(asked, material),
    )  # fmt: skip
    sampler.fit_relations(examples)
    return sampler, split


def _crop_px(task: Task, takes: Sequence[Take]) -> int:
    fine = 2 if task == "superres" else 1
    smallest = min(min(take.frames[0].shape) for take in takes)
    most = 96 if task != "denoise" else 112
    size = min(most, smallest // fine // 8 * 8)
    if size < 32:
        raise ConfigError(
            f"training for {task} needs images of at least {32 * fine} px, found {smallest}"
        )
    return size


def _depth_of_field_um(asked: Asked, material: Material) -> float:
    """Return ``wavelength * n / NA^2`` (wave optics' depth of field; Inoue & Spring, 1997)."""
    if asked.task != "axial":
        return 1.0
    if asked.numerical_aperture is None:
        raise ConfigError("training for axial needs the objective: give --na, such as --na 0.75")
    wavelength_um = (material.wavelength_nm or 520.0) * 1e-3
    return wavelength_um * asked.refractive_index / asked.numerical_aperture**2


def work_folder(out: Path) -> Path:
    """Return where a training keeps what it needs to go on after a kill."""
    return out.with_name(f"{out.name}.training")


def open_work(asked: Asked, material: Material, init: Package | None) -> tuple[Path, bool]:
    """Make or find the folder of a training; say whether it goes on with an earlier one.

    Raises
    ------
    ConfigError
        If the folder belongs to another training, or the package is there already.
    """
    if asked.out.exists():
        raise ConfigError(f"{asked.out} exists already: choose another name with --out")
    about = _about(asked, material, init)
    folder = work_folder(asked.out)
    note = folder / ABOUT
    if note.exists():
        if note.read_text("utf-8") != about:
            raise ConfigError(
                f"{folder} belongs to a training with other settings or recordings: give the same "
                "again to go on with it, or --fresh to begin anew"
            )
        return folder / CHECKPOINT, (folder / CHECKPOINT).exists()
    folder.mkdir(parents=True, exist_ok=True)
    draft = note.with_name(f"{note.name}.part")
    draft.write_text(about, encoding="utf-8", newline="\n")
    os.replace(draft, note)
    return folder / CHECKPOINT, False


def forget_work(out: Path) -> None:
    """Delete what a training kept for going on."""
    shutil.rmtree(work_folder(out), ignore_errors=True)


def _about(asked: Asked, material: Material, init: Package | None) -> str:
    """Describe a training: what must be equal for one to go on with it."""
    content = hashlib.sha256()
    for take in material.takes:
        content.update(f"{take.name} {len(take.frames)} {take.camera}".encode())
        content.update(take.frames[0].tobytes())
        content.update(take.frames[-1].tobytes())
    facts = {
        "task": asked.task, "mode": asked.mode, "minutes": asked.minutes, "steps": asked.steps,
        "seed": asked.seed, "init": init.model_id if init is not None else "none",
        "init_sha256": init.manifest.sha256 if init is not None else {},
        "sources": list(material.sources), "pixels_sha256": content.hexdigest(),
    }  # fmt: skip
    return json.dumps(facts, indent=1) + "\n"


def train(
    asked: Asked,
    material: Material,
    sampler: Sampler,
    split: Split,
    init: Package | None,
    command: str,
    checkpoint: Path,
    on_step: Callable[[int, float], None],
) -> tuple[Taught, Package]:
    """Teach, and write the package; see `models.train.own.teach` and `finish`."""
    from models.train.own.finish import Origin, write_package
    from models.train.own.teach import Lesson, teach

    lesson = Lesson(
        sampler, split, init, minutes=asked.minutes, steps=asked.steps, seed=asked.seed,
        threads=asked.threads,
    )  # fmt: skip
    taught = teach(lesson, checkpoint, on_step)
    origin = Origin(material.sources, material.camera, command)
    with _without_chatter():
        package = write_package(asked.out, lesson, taught, origin)
    forget_work(asked.out)
    return taught, package


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Keep torch's exporter from telling the person what it thinks of its own parts."""
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        exporter.setLevel(level)
