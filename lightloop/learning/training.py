"""From recordings to a network that learnt from them; a training that was killed goes on."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import shutil
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from acquire.in_place import put_in_place
from lightloop.config import ConfigError
from models.package import Package, list_shipped, shipped
from models.train.own.examples import find_examples
from models.train.own.samples import Sampler
from models.train.own.splits import split_examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lightloop.learning.material import Material
    from models.train.own.examples import Mode, Task
    from models.train.own.splits import Split
    from models.train.own.takes import Take
    from models.train.own.teach import Taught

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
    save_every_s
        How often the training is saved, s; None for every minute. It may change on the way.
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
    save_every_s: float | None = None


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
    smallest = int(min(min(take.frames[0].shape) for take in takes))
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
    put_in_place(draft, note)
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
    begun = time.monotonic()
    from models.train.own.finish import Origin, write_package  # torch: seconds, or a minute
    from models.train.own.teach import Lesson, teach

    lesson = Lesson(
        sampler, split, init, minutes=asked.minutes, steps=asked.steps, seed=asked.seed,
        threads=asked.threads, save_every_s=asked.save_every_s,
        spent_s=time.monotonic() - begun,
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
