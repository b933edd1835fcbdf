"""Teaching a network on one's own light: what ten minutes of `lightloop train` give and take away.

By the command that people type, in a process of its own. On 200 simulated frames; and, with
`--data`, on half of the fields of w2s, judged on other fields against VST + BM3D, where that is
installed. Needs torch, and a quarter of an hour for each. What was forgotten is measured on drawn
specimens that neither the training nor its own card knows. Sabotage: almost no time to learn in,
and what was learnt is blurred.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lightloop.bench import models_nets as nets
from lightloop.bench.models_denoise import GIVEN, Scores, add_bm3d, table_of
from lightloop.bench.report import Measured, Options
from lightloop.config import ConfigError
from models.package import Package
from models.train.noisy import expose
from models.train.scenes import make_scene
from models.train.score import GAIN, OFFSET, READ_E, psnr_db, to_adu

if TYPE_CHECKING:
    from lightloop.bench.models_sets import Pair

    Part = tuple[dict[str, float], list[str]]

MINUTES, THREADS, FRAMES = 9.0, 2, 200
"""Nine minutes of learning, so that all of it, files and start included, takes ten."""
_LEAST_MINUTES = 0.2
_W2S_MEAN_OF = 400
OWN = "after own training"
_SCENES, _SCENE_PX, _SEED = 24, 256, 27_195
_PEAKS_E = (3.0, 10.0, 30.0, 100.0)


class Taught(NamedTuple):
    """A finished training: the package, the wall time, and what its own card says, dB."""

    package: Package
    minutes: float
    own_gain_db: float
    old_loss_db: float


def run(options: Options) -> Measured:
    """Teach, and judge what was learnt."""
    missing = [name for name in ("torch", "onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise ConfigError(f'training needs {", ".join(missing)}: pip install -e ".[train]"')
    minutes = max(_LEAST_MINUTES, MINUTES * options.scale)
    if options.sabotage:
        minutes = _LEAST_MINUTES
    values, lines = _simulated(options, minutes)
    if options.data is not None:
        more, rows = _w2s(options.data, minutes, sabotage=options.sabotage)
        values |= {name: max(values.get(name, value), value) for name, value in more.items()}
        lines += rows
    return Measured(values, table="\n".join(lines))


def _simulated(options: Options, minutes: float) -> Part:
    """Teach on a simulated recording, as the page on training shows it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        frames = options.times(FRAMES, least=40)
        _lightloop(
            "simulate", "nuclei-2d", "--out", str(folder / "cells.h5"), "--frames", str(frames),
            "--interval-s", "60", "--exposure-ms", "4",
        )  # fmt: skip
        taught = teach(
            folder / "own", minutes, "--from", str(folder / "cells.h5"), "--mode", "noise2noise"
        )
        lost = forgotten_db(taught.package, nets.denoisers()["fast"], sabotage=options.sabotage)
    values = _values(taught)
    values["training_old_loss_db"] = max(values["training_old_loss_db"], lost)
    return values, [
        f"{frames} simulated frames: {_words(taught)}",
        f"specimens that nobody has seen: {-lost:+.2f} dB (photo-electrons)",
    ]


def forgotten_db(own: Package, before: Package, *, sabotage: bool) -> float:
    """Return what a taught network is worse by than the one it began with, mean over specimens."""
    rng = np.random.default_rng(_SEED)
    lost, camera = [], (GAIN, OFFSET, READ_E)
    for number in range(_SCENES):
        peak_e = _PEAKS_E[number % len(_PEAKS_E)]
        truth = 0.2 + peak_e * np.maximum(make_scene(rng, _SCENE_PX), 0.0).astype(np.float64)
        adu = to_adu(expose(rng, truth, READ_E).electrons)[None]
        was = nets.restore(before, adu, camera)
        now = nets.restore(own, adu, camera, sabotage=sabotage)
        lost.append(psnr_db(was, truth) - psnr_db(now, truth))
    return float(np.mean(lost))


def _w2s(data: Path, minutes: float, *, sabotage: bool) -> Part:
    """Teach on half of the fields of w2s; judge on fields of the other half."""
    import h5py

    from lightloop.bench.models_sets import load

    with h5py.File(data / "denoise_w2s_pairs.h5", "r") as file:
        noisy, clean = np.asarray(file["noisy"]), np.asarray(file["clean"])
        fields = np.asarray(file["fov_channel"])[:, 0]
    judged = load(data)["w2s"]
    train = half_of(fields, {pair.field for pair in judged})
    with TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "noisy.npy", noisy[np.isin(fields, train)])
        np.save(folder / "clean.npy", clean[np.isin(fields, train)])
        taught = teach(
            folder / "own", minutes, "--from", str(folder / "noisy.npy"), "--mode", "paired",
            "--clean", str(folder / "clean.npy"), "--averaged", str(_W2S_MEAN_OF), "--axes", "PYX",
        )  # fmt: skip
        scores = judge(taught.package, judged, sabotage=sabotage)
    values = _values(taught)
    for name, rival, bar in (
        (OWN, f"VST + BM3D, {GIVEN}", "training_w2s_over_bm3d_low_db"),
        (OWN, "best, shipped", "training_w2s_gain_db"),
    ):
        gain = scores.over(name, rival)
        if gain is not None:
            values[bar] = gain.low if bar.endswith("low_db") else gain.mean
    lines = ["", f"w2s, {len(train)} of {len(np.unique(fields))} fields: {_words(taught)}"]
    return values, lines + table_of([scores])


def half_of(fields: np.ndarray[Any, Any], judged: set[int]) -> list[int]:
    """Return half of all fields to learn from, spread evenly, none of which judges."""
    free = [int(field) for field in np.unique(fields) if int(field) not in judged]
    count = min(len(np.unique(fields)) // 2, len(free))
    return [free[k] for k in np.linspace(0, len(free) - 1, count).astype(int)]


def judge(package: Package, pairs: list[Pair], *, sabotage: bool = False) -> Scores:
    """Score a taught network beside the shipped ones, BM3D and the filters, camera as guessed."""
    from lightloop.bench import models_rivals as rivals

    scores = Scores("w2s", pairs)
    scores.add("noisy", [pair.noisy for pair in pairs])
    scores.add_best("Gaussian", rivals.gauss, rivals.SIGMAS_PX)
    for role, each in nets.denoisers().items():
        images = [nets.restore(each, pair.noisy[None], pair.given) for pair in pairs]
        scores.add(f"{role}, shipped", images)
    images = [
        nets.restore(package, pair.noisy[None], pair.given, sabotage=sabotage) for pair in pairs
    ]
    scores.add(OWN, images)
    add_bm3d([scores], (GIVEN,))
    return scores


def teach(out: Path, minutes: float, *words: str) -> Taught:
    """Run `lightloop train denoise` as people do; nothing of it is left in this process."""
    begun = time.monotonic()
    _lightloop(
        "train", "denoise", *words, "--out", str(out), "--minutes", f"{minutes:g}", "--threads",
        str(THREADS),
    )  # fmt: skip
    wall = (time.monotonic() - begun) / 60.0
    package = Package.load(out)
    said = json.loads((out / "scores.json").read_text("utf-8"))["own"]
    return Taught(
        package, wall, said["own_after_db"] - said["own_before_db"],
        said["old_before_db"] - said["old_after_db"],
    )  # fmt: skip


def _lightloop(*words: str) -> None:
    """Run a command of ours; what it complains of is in the error."""
    found = subprocess.run(
        [sys.executable, "-m", "lightloop", *words], capture_output=True, text=True, check=False
    )
    if found.returncode != 0:
        raise ConfigError(f"lightloop {' '.join(words)} failed: {found.stderr.strip()[-500:]}")


def _values(taught: Taught) -> dict[str, float]:
    return {
        "training_minutes": taught.minutes,
        "training_old_loss_db": taught.old_loss_db,
    }


def _words(taught: Taught) -> str:
    return (
        f"{taught.minutes:.1f} minutes on {THREADS} threads; held-out images of its own "
        f"{taught.own_gain_db:+.2f} dB, simulated specimens (old data) "
        f"{-taught.old_loss_db:+.2f} dB (both in the stabilised domain)"
    )
