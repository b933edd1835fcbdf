"""How far can the verdict on a restored image be believed? Coverage, detection, false alarms, cost.

Every frame has a known truth. Each scene of the intervals is drawn anew and shown once; each fault
is shown for ten frames of a scene; good scenes are shown for twenty, and every flag is a false one.
Sabotage: the network states half the error that it does, and its frames are never doubted.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from lightloop.bench import trust_frames as show
from lightloop.bench.report import Measured, Options
from lightloop.bench.trust_focus import count_defocus
from lightloop.bench.trust_score import FAULTS, Counted, count, count_good, table_of
from models.conformal import octave
from models.package import Package, shipped
from models.train import trust as known
from models.type_shift import load_types
from realtime.trust import TrustWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.train.trust import Denoisers, Seen
    from realtime.policy.observation import Trust

PACKAGE = "denoise-2d"
DRAWN, SCENES, GOOD_FRAMES = 5_500, 60, 20
SEED = 4_111
LEAST_FRAMES = 500
"""Of an octave that is judged, in full."""
SIDE_PX = 512
COST_FRAMES = 60


class Point(NamedTuple):
    """One region of one frame: what was true, and what was expected."""

    seen: Seen
    low_e: float
    high_e: float


def run(options: Options) -> Measured:
    """Measure on one core: what counts is the cost of the test, not of its threads."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return _measure(options)
    finally:
        cv2.setNumThreads(threads)


def _measure(options: Options) -> Measured:
    package = Package.load(shipped(PACKAGE), task="denoise")
    scale = 0.1 if options.thin else 1.0
    with known.Denoisers(package) as denoise:
        watches = _watches(package)
        points = _intervals(denoise, watches, options.times(int(DRAWN * scale), least=40))
        scenes = options.times(int(SCENES * scale), least=3)
        counted = [count(name, denoise, watches, scenes) for name in FAULTS]
        most_e = package.manifest.photons_max_e
        good = count_good(denoise, watches, 2 * scenes, GOOD_FRAMES, most_e)
    counted.append(count_defocus(scenes))
    cost_ms = _cost_ms(package)
    least = max(int(LEAST_FRAMES * (scale if options.scale == 1.0 else options.scale)), 5)
    return _report(points, counted, good, cost_ms, least, sabotage=options.sabotage)


def _watches(package: Package) -> Callable[[int], TrustWatch]:
    """Return who makes a watch that has seen nothing, for one of the cameras."""
    limits, scales = package.manifest.limits, package.manifest.conformal
    types = load_types(package)

    def new(camera: int) -> TrustWatch:
        shape = (known.SIZE, known.SIZE)
        most = package.manifest.photons_max_e
        return TrustWatch(shape, show.calibration(camera), limits, most, scales, types)

    return new


def _intervals(
    denoise: Denoisers, watches: Callable[[int], TrustWatch], frames: int
) -> dict[str, list[Point]]:
    """Compare expected and true errors of frames that have nothing to do with each other."""
    rng = np.random.default_rng(SEED)
    by_camera = [watches(camera) for camera in range(len(known.READ_NOISE_E))]
    points: dict[str, list[Point]] = {"cells": [], "background": []}
    for number in range(frames):
        scene = known.draw(rng)
        adu = known.frame(rng, scene)
        answer = denoise(adu, scene.camera)
        watch = by_camera[scene.camera]
        trust = watch(show.info(number, adu.shape, position=number), adu, answer)
        for cells, region in ((True, "cells"), (False, "background")):
            seen = known.compare(watch.regions, answer, scene, cells=cells)
            if np.isfinite(seen).all():
                points[region].append(Point(seen, *_interval(trust, cells=cells)))
    return points


def _interval(trust: Trust, *, cells: bool) -> tuple[float, float]:
    if cells:
        return trust.rmse_low_e, trust.rmse_high_e
    return trust.background_low_e, trust.background_high_e


def _cost_ms(package: Package) -> list[float]:
    """Return how long the watch takes for each frame of 512 x 512 px, ms."""
    camera, rng = 1, np.random.default_rng(SEED)
    scene = known.draw(rng, SIDE_PX, "cells")._replace(camera=camera)
    manifest, shape = package.manifest, (SIDE_PX, SIDE_PX)
    watch = TrustWatch(
        shape, show.calibration(camera), manifest.limits, manifest.photons_max_e,
        manifest.conformal, load_types(package),
    )  # fmt: skip
    times = []
    with known.Denoisers(package, SIDE_PX) as denoise:
        for number in range(COST_FRAMES):
            adu = known.frame(rng, scene)
            answer = denoise(adu, camera)
            start = time.perf_counter_ns()
            watch(show.info(number, shape), adu, answer)
            times.append((time.perf_counter_ns() - start) * 1e-6)
    return times


def _report(
    points: dict[str, list[Point]],
    counted: list[Counted],
    good: Counted,
    cost_ms: list[float],
    least: int,
    *,
    sabotage: bool,
) -> Measured:
    values, rows = _coverage(points, least, sabotage=sabotage)
    if sabotage:
        counted = [each._replace(found=0) for each in counted]
    rates = {each.name: each.found / each.shown for each in counted}
    values["trust_detection_worst"] = min(rates.values())
    values |= {f"trust_{name}_found": rate for name, rate in rates.items()}
    values["trust_false_per_1000"] = 1e3 * good.found / good.shown
    values["trust_watch_ms"] = float(np.median(cost_ms))
    return Measured(values, {"watch_ms": cost_ms}, table_of(rows, counted, good))


def _coverage(
    points: dict[str, list[Point]], least: int, *, sabotage: bool
) -> tuple[dict[str, float], list[tuple[str, int, int, float, float]]]:
    """Return the worst coverage and width of octaves with enough frames, and a row for each."""
    rows = []
    for region, all_points in points.items():
        octaves = np.array([octave(point.seen.mean_e) for point in all_points])
        for each in np.unique(octaves):
            chosen = [all_points[int(i)] for i in np.flatnonzero(octaves == each)]
            true = np.array([point.seen.true_e for point in chosen])
            low, high = (
                np.array([getattr(point, side) for point in chosen]) for side in ("low_e", "high_e")
            )
            if sabotage:
                low, high = 0.5 * low, 0.5 * high
            inside = float(np.mean((low <= true) & (true <= high)))
            width = float(np.median((high - low) / true))
            rows.append((region, int(each), len(chosen), inside, width))
    judged = [row for row in rows if row[2] >= least]
    values = {
        "trust_octaves": float(len(judged)),
        "trust_coverage_off": max((abs(row[3] - 0.8) for row in judged), default=1.0),
        "trust_width": max((row[4] for row in judged), default=1.0),
    }
    return values, rows
