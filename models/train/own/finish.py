"""From a taught network to a package: written aside, whole, and only then given its name."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from models import type_shift
from models.engines import open_engine
from models.errors import ModelError
from models.in_place import put_in_place
from models.package import Package
from models.train import pack
from models.train.own.textures import own_types
from models.train.own.trust import measured_scales
from models.train.own.verdict import curve_svg, verdict
from models.unet import count_parameters

if TYPE_CHECKING:
    from pathlib import Path

    from models.manifest import Manifest
    from models.train.own.teach import Lesson, Taught

_TOLERANCE_OF_SEEN = 3.0
_LEAST_TOLERANCE = {"f32": 1e-4}
"""Other processors round otherwise: f32 is not held to what was seen on one of them."""

_CARD = """# {name}, version {version}

Taught by `lightloop train` on somebody's own recordings; it begins with {begins}.

- **Task**: {task}, {parameters} parameters.
- **Learnt from**: {mode} images, {n_train} examples; {how}, {n_held_out} examples.
{sources}
- **Camera**: {camera}. Not for another camera, or another mode of it, without looking at its
  residuals first.
- **Target**: {target}
- **Light**: {photons_min_e:g} to {photons_max_e:g} photo-electrons per pixel.
- **Made by**: `{command}` in {minutes:.1f} minutes.

| stabilised domain, range 20, dB | before | after |
| --- | --- | --- |
| recordings, held out | {own_before_db:.2f} | {own_after_db:.2f} |
| simulated specimens (old data) | {old_before_db:.2f} | {old_after_db:.2f} |

The noise of the held-out targets is known and taken off. {blend}

**Over-fit?** {verdict}. The curve: `curve.svg`, `curve.csv`.

It may lower the light only while its residuals look like camera noise (`models.residuals`).
"""
_NOISY = (
    "noisy images. Their known bias in the stabilised domain was taken off and their known "
    "variance is part of the likelihood, so the answer is that of a network taught by clean images "
    '(inverse "posterior-mean"), and its variance is that of the restored image, without the '
    "noise of the target."
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the images came from, for card and manifest.

    Attributes
    ----------
    sources
        One line per recording.
    camera
        Its calibration, in words.
    """

    sources: tuple[str, ...]
    camera: str
    command: str


def write_package(out: Path, lesson: Lesson, taught: Taught, origin: Origin) -> Package:
    """Write the package of a taught network, prove it, and give it its name.

    Raises
    ------
    ModelError
        If something of that name is there already, or no engine answers as the network does.
    """
    if out.exists():
        raise ModelError(f"{out} exists already: choose another name for the package")
    draft = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(draft, ignore_errors=True)  # of an attempt that was killed
    try:
        manifest = _manifest(out.name, lesson, taught, origin)
        pack.pack(draft, taught.net, taught.looks, manifest)
        svg = curve_svg(taught.looks, out.name)
        (draft / "curve.svg").write_text(svg, encoding="utf-8", newline="\n")
        card = _card(manifest, lesson, taught, origin)
        (draft / "card.md").write_text(card, encoding="utf-8", newline="\n")
        numbers = json.dumps({"own": _numbers(taught)}, indent=1) + "\n"
        (draft / "scores.json").write_text(numbers, encoding="utf-8", newline="\n")
        pack.seal(draft, manifest)
        tolerances = _tolerances(Package.load(draft), manifest)
        manifest = msgspec.structs.replace(manifest, tolerance_rms=tolerances)
        pack.seal(draft, manifest)
        if manifest.task == "denoise":
            takes, held_out = lesson.sampler.takes, lesson.split.held_out
            scales = measured_scales(Package.load(draft), takes, held_out)
            _write_types(draft, lesson)
            pack.seal(draft, msgspec.structs.replace(manifest, conformal=scales))
        _prove(Package.load(draft))
        put_in_place(draft, out)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return Package.load(out)


def _write_types(draft: Path, lesson: Lesson) -> None:
    """Write what the network learnt from looks like; nothing where too little was seen to say."""
    before = type_shift.load_types(lesson.init) if lesson.init is not None else None
    takes, examples = lesson.sampler.takes, lesson.split.train
    types = own_types(Package.load(draft), takes, examples, before)
    if types is not None:
        np.savez(draft / type_shift.TRUST, **types._asdict())


def _manifest(name: str, lesson: Lesson, taught: Taught, origin: Origin) -> Manifest:
    sources = origin.sources
    if lesson.init is not None:
        return msgspec.structs.replace(
            lesson.init.manifest, name=name, version="own-1", command=origin.command,
            sources=(*sources, f"began with {lesson.init.model_id}"), conformal={}, sha256={},
        )  # fmt: skip
    extra = ("dz", "fraction") if lesson.sampler.task == "axial" else ()
    return pack.restoring_manifest(
        name, lesson.sampler.task, "own-1", taught.net, extra, origin.command, sources
    )


def _tolerances(package: Package, manifest: Manifest) -> dict[str, float]:
    """Measure how far the engines of this machine are off, and allow three times that.

    Never more than what packages allow anyway: an engine that is further off stays refused.
    """
    frames, _ = package.test_vector()
    found = dict(manifest.tolerance_rms)
    for precision, most in manifest.tolerance_rms.items():
        try:
            engine = open_engine(package, frames.shape[2:], "auto", precision, 1)
        except ModelError:  # not on this machine: what is allowed stays as it is
            continue
        seen = _TOLERANCE_OF_SEEN * engine.parity_rms
        engine.close()
        found[precision] = min(max(seen, _LEAST_TOLERANCE.get(precision, 0.0)), most)
    return found


def _prove(package: Package) -> None:
    """Open it as a run would: checks every sum, and the parity of an engine."""
    frames, _ = package.test_vector()
    open_engine(package, frames.shape[2:], "auto", "auto", 1).close()


def _numbers(taught: Taught) -> dict[str, float | None]:
    names = ("own_before_db", "own_after_db", "old_before_db", "old_after_db", "share", "seconds")
    values = {name: float(getattr(taught, name)) for name in names}
    return {name: value if np.isfinite(value) else None for name, value in values.items()}


def _card(manifest: Manifest, lesson: Lesson, taught: Taught, origin: Origin) -> str:
    blend = "All weights are new."
    if lesson.init is not None and taught.share < 1.0:
        blend = (
            f"The weights are a mixture: {taught.share:.0%} new, the rest those of "
            f"{lesson.init.model_id}, so that the old data are not forgotten."
        )
    split, mode = lesson.split, lesson.sampler.mode
    return _CARD.format(
        **{name: getattr(manifest, name) for name in manifest.__struct_fields__
           if name not in ("sources", "target")},
        begins="nothing" if lesson.init is None else lesson.init.model_id,
        parameters=count_parameters(taught.net), mode=mode, n_train=len(split.train),
        n_held_out=len(split.held_out), how=split.how, camera=origin.camera, target=_NOISY,
        sources="\n".join(f"  - {source}" for source in origin.sources),
        minutes=taught.seconds / 60.0, own_before_db=taught.own_before_db,
        own_after_db=taught.own_after_db, old_before_db=taught.old_before_db,
        old_after_db=taught.old_after_db, blend=blend, verdict=verdict(taught.looks),
    )  # fmt: skip
