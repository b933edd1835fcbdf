"""How far can the verdict on a restored image be believed? Coverage, detection, false alarms, cost.

Every frame has a known truth. Intervals are judged on scenes that are drawn anew and shown once,
and on the last frames of loops in which a policy chose the light; each fault is shown for ten
frames of a scene; good scenes are shown for ten, and every flag is a false one. Sabotage: the
network states half the error that it does, and its frames are never doubted.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lightloop.bench import trust_frames as show
from lightloop.bench.report import Measured, Options
from lightloop.bench.trust_cover import cover, joined
from lightloop.bench.trust_jobs import jobs, run_all
from lightloop.bench.trust_looking import measure_looking
from lightloop.bench.trust_score import FAULTS, added, table_of
from models.package import Package, shipped
from models.train import trust_films as known
from models.type_shift import load_types
from realtime.trust import TrustWatch

if TYPE_CHECKING:
    from lightloop.bench.trust_cover import Row
    from lightloop.bench.trust_jobs import Done, Job
    from lightloop.bench.trust_score import Counted

PACKAGE = "denoise-2d"
OPEN, CLOSED, SCENES, GOOD = 7_000, 4_400, 60, 1_000
SEED = 27_183
"""None of these scenes was looked at while thresholds were chosen. Four good ones of `SEED + 4`
were, so that others are shown now; and more: what is flagged once is flagged ten times, and of 400
scenes one would decide."""
LEAST_FRAMES = 500
"""Of an octave that is judged, in full."""
SIDE_PX = 512
COST_FRAMES = 60


def run(options: Options) -> Measured:
    """Measure the network that runs by default, or a shipped one that is named.

    Of networks for looking the coverage alone: nothing is decided by their images, so that nothing
    is flagged.
    """
    name = options.network or PACKAGE
    package = Package.load(shipped(name))
    if package.manifest.task in ("superres", "axial"):
        return measure_looking(package, options)
    return measure(name, options, prefix="trust")


def measure(package: str, options: Options, prefix: str, share: float = 1.0) -> Measured:
    """Measure a package; `share` of the scenes, for networks that take long."""
    scale = (0.1 if options.thin else 1.0) * share
    work = _work(options, scale)
    done = list(run_all(package, work))
    size = scale if options.scale == 1.0 else options.scale
    least = max(int(LEAST_FRAMES * size), 5)
    values, rows = _coverage(done, least, sabotage=options.sabotage)
    values |= _audits(done)
    counted = added([each.counted for each in done if each.counted is not None])
    if options.sabotage:
        counted = [c if c.name == "good" else c._replace(found=0) for c in counted]
    values |= _flags(counted)
    cost_ms = _cost_ms(Package.load(shipped(package), task="denoise"))
    values["watch_ms"] = float(np.mean(cost_ms))
    named = {f"{prefix}_{name}": value for name, value in values.items()}
    return Measured(named, {"watch_ms": cost_ms}, table_of(rows, counted))


def _work(options: Options, scale: float) -> list[Job]:
    """Return all pieces of work; long ones first, that no core is left with one at the end."""
    scenes = options.times(int(SCENES * scale), least=3)
    work = jobs("closed", SEED, options.times(int(CLOSED * scale), least=40))
    work += jobs("open", SEED + 1, options.times(int(OPEN * scale), least=40))
    for fault in FAULTS:
        work += jobs("fault", SEED + 2, scenes, fault)
    work += jobs("defocus", SEED + 3, scenes)
    return work + jobs("good", SEED + 5, options.times(int(GOOD * scale), least=6))


def _coverage(
    done: list[Done], least: int, *, sabotage: bool
) -> tuple[dict[str, float], dict[str, list[Row]]]:
    """Return coverage and width in open and in closed loop, and their tables."""
    values: dict[str, float] = {}
    rows: dict[str, list[Row]] = {}
    for loop, prefix in (("open", ""), ("closed", "closed_")):
        points = joined([each.points for each in done if each.kind == loop])
        found, rows[loop] = cover(points, least, sabotage=sabotage)
        values |= {f"{prefix}{name}": value for name, value in found.items()}
    return values, rows


def _audits(done: list[Done]) -> dict[str, float]:
    """Return how far audits are from the truth where all of them are taken together.

    Fields differ in light, so that each counts by the share that it is off: the mean of squared
    errors found, over those that were true.
    """
    audits = [audit for each in done for audit in each.audits if audit.true_e > 0]
    if not audits:
        return {}
    squares = np.array([(a.found_e / a.true_e) ** 2 for a in audits])
    return {"audit_off": abs(float(np.sqrt(squares.mean())) - 1.0), "audits": float(len(audits))}


def _flags(counted: list[Counted]) -> dict[str, float]:
    rates = {each.name: each.found / each.shown for each in counted}
    false = rates.pop("good")
    values = {f"{name}_found": rate for name, rate in rates.items()}
    return values | {"detection_worst": min(rates.values()), "false_per_1000": 1e3 * false}


def _cost_ms(package: Package) -> list[float]:
    """Return the processor's time that the watch takes for frames of 512 x 512 px, ms each.

    On one thread: the time that it works, not that in which it waits for other programs.
    """
    camera, rng = 1, np.random.default_rng(SEED)
    scene = known.draw(rng, SIDE_PX, "cells")._replace(camera=camera)
    manifest, shape = package.manifest, (SIDE_PX, SIDE_PX)
    watch = TrustWatch(
        shape, show.calibration(camera), manifest.limits, manifest.photons_max_e,
        manifest.conformal, load_types(package),
    )  # fmt: skip
    times, threads = [], cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with known.Denoisers(package, SIDE_PX) as denoise:
            for number in range(COST_FRAMES):
                adu = known.frame(rng, scene)
                answer = denoise(adu, camera)
                start = time.thread_time_ns()
                watch(show.info(number, shape), adu, answer)
                times.append((time.thread_time_ns() - start) * 1e-6)
    finally:
        cv2.setNumThreads(threads)
    return times
