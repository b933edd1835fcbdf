"""How long the networks take on this processor, and on one that knows no more than AVX2.

And what fewer bits cost in decibels.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import NamedTuple

import numpy as np

from lightloop.bench.models_score import db
from models.denoise import Denoiser
from models.engines import open_engine
from models.engines.survey import time_frames
from models.errors import EngineUnavailable, ParityError
from models.package import Package, shipped
from models.train.noisy import expose
from models.train.scenes import make_scene
from models.train.score import GAIN, OFFSET, READ_E, to_adu

SIDE_PX, THREADS, FRAMES = 512, 2, 100
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2"}
_SEED, _LOSS_PX, _LOSS_SCENES, _LOSS_PEAKS_E = 9_401, 192, 8, (3.0, 30.0, 100.0)


class Speed(NamedTuple):
    """One network in one precision; `why_not` where it does not run."""

    name: str
    processor: str
    precision: str
    median_ms: float
    p99_ms: float
    why_not: str = ""


def here(names: list[str], processor: str, frames: int = FRAMES) -> list[Speed]:
    """Time packages in every precision of OpenVINO, in this process."""
    return [_time(n, processor, kind, frames) for n in names for kind in ("bf16", "int8", "f32")]


def _time(name: str, processor: str, precision: str, frames: int) -> Speed:
    package = Package.load(shipped(name))
    nothing = float("nan")
    try:
        engine = open_engine(package, (SIDE_PX, SIDE_PX), "openvino", precision, THREADS)
    except (EngineUnavailable, ParityError) as err:
        return Speed(name, processor, precision, nothing, nothing, str(err))
    try:
        times = time_frames(engine, frames)
    finally:
        engine.close()
    return Speed(
        name, processor, precision, float(np.median(times)), float(np.percentile(times, 99))
    )


def with_avx2(names: list[str], frames: int = FRAMES) -> list[Speed]:
    """Time packages in a process of its own that may not use more than AVX2."""
    code = (
        "import json; from lightloop.bench import models_speed as s; "
        f"print(json.dumps(s.here({names!r}, 'AVX2', {frames})))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **AVX2}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return [Speed(*each) for each in json.loads(run.stdout.splitlines()[-1])]


def loss_db(package: Package) -> dict[str, float]:
    """Return by how many dB a denoiser's answers are worse than in float32, by precision."""
    rng, side = np.random.default_rng(_SEED), _LOSS_PX
    scenes = [np.maximum(make_scene(rng, side), 0.0).astype(float) for _ in range(_LOSS_SCENES)]
    truths = [0.2 + peak_e * scene for peak_e in _LOSS_PEAKS_E for scene in scenes]
    frames = [to_adu(expose(rng, truth, READ_E).electrons) for truth in truths]
    found = {}
    for precision in ("f32", "bf16", "int8"):
        try:
            denoise = Denoiser(package, (side, side), GAIN, OFFSET, READ_E, "openvino", precision)
        except (EngineUnavailable, ParityError):
            continue
        values = []
        for adu, truth in zip(frames, truths, strict=True):
            denoise.forget()
            values.append(db(denoise(adu).photons, truth))
        denoise.close()
        found[precision] = float(np.mean(values))
    return {kind: found["f32"] - value for kind, value in found.items() if kind != "f32"}


def table_of(speeds: list[Speed]) -> list[str]:
    """Write what was measured."""
    lines = [
        "", f"speed: {SIDE_PX} x {SIDE_PX} px, OpenVINO, {THREADS} threads, the network alone", "",
        "| network | processor | precision | median, ms | p99, ms |",
        "| --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for s in speeds:
        times = f"{s.median_ms:.1f} | {s.p99_ms:.1f}" if not s.why_not else f"{_short(s.why_not)} |"
        lines.append(f"| {s.name} | {s.processor} | {s.precision} | {times} |")
    return lines


def _short(reason: str) -> str:
    return reason if len(reason) <= 70 else reason[:67] + "..."


def values_of(speeds: list[Speed], roles: dict[str, str]) -> dict[str, float]:
    """Return what the bars ask for; NaN where a precision does not run, which meets no bar."""
    by = {(s.name, s.processor, s.precision): s for s in speeds}
    values = {}
    for role in ("fast", "best"):
        name = roles.get(role, "")
        small = by.get((name, "AVX2", "int8"))
        if small is not None:
            values[f"models_{role}_avx2_int8_ms"] = small.median_ms
        half = by.get((name, "all of it", "bf16"))
        if half is not None:
            values[f"models_{role}_bf16_ms"] = half.median_ms
    ran = [s.p99_ms / s.median_ms for s in speeds if not s.why_not]
    values["models_p99_over_median"] = max(ran)
    return values
