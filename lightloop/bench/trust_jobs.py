"""The work of the bench in pieces, each with seeds of its own, on all cores at once.

A worker process opens the network once. The same pieces give the same numbers, however many
workers there are.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from lightloop.bench import trust_frames as show
from lightloop.bench.trust_closed import Audited, close_loop
from lightloop.bench.trust_cover import Points, joined, points_of
from lightloop.bench.trust_focus import count_defocus
from lightloop.bench.trust_score import Counted, count, count_good
from models.package import Package, shipped
from models.train import trust_films as known
from models.type_shift import load_types
from realtime.trust import TrustWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from models.train.trust_films import Denoisers

_PIECE = {"open": 125, "closed": 50, "good": 10, "fault": 10, "defocus": 10}
"""Scenes of a piece of each kind of work."""


class Job(NamedTuple):
    """A piece of work: so many scenes of a kind, or of a fault."""

    kind: str
    seed: tuple[int, ...]
    scenes: int
    fault: str = ""


class Done(NamedTuple):
    """What a piece found; what it was not about is empty."""

    kind: str
    points: Points
    audits: tuple[Audited, ...] = ()
    counted: Counted | None = None


def jobs(kind: str, seed: int, scenes: int, fault: str = "") -> list[Job]:
    """Cut work into pieces with seeds of their own."""
    each = _PIECE[kind]
    starts = range(0, scenes, each)
    return [
        Job(kind, (seed, *fault.encode(), number), min(each, scenes - start), fault)
        for number, start in enumerate(starts)
    ]


def run_all(package: str, work: Sequence[Job]) -> Iterator[Done]:
    """Do the pieces on all cores; each core does one at a time."""
    workers = min(os.cpu_count() or 1, len(work))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawn, initializer=_open, initargs=(package,)) as pool:
        yield from pool.map(_do, work)


class _Stand:
    """What a worker keeps: the network, and who makes a watch that has seen nothing."""

    denoise: Denoisers
    package: Package


def _open(package: str) -> None:
    cv2.setNumThreads(1)
    _Stand.package = Package.load(shipped(package), task="denoise")
    _Stand.denoise = known.Denoisers(_Stand.package)


def watches(package: Package) -> Callable[[int], TrustWatch]:
    """Return who makes a watch that has seen nothing, for one of the cameras."""
    limits, scales = package.manifest.limits, package.manifest.conformal
    types, most_e = load_types(package), package.manifest.photons_max_e

    def new(camera: int) -> TrustWatch:
        shape = (known.SIZE, known.SIZE)
        return TrustWatch(shape, show.calibration(camera), limits, most_e, scales, types)

    return new


def _do(job: Job) -> Done:
    new, denoise = watches(_Stand.package), _Stand.denoise
    most_e = _Stand.package.manifest.photons_max_e
    if job.kind == "open":
        return Done("open", _open_loop(np.random.default_rng(job.seed), denoise, new, job.scenes))
    if job.kind in ("closed", "loops"):  # of loops, every frame
        rng = np.random.default_rng(job.seed)
        ends = [close_loop(rng, denoise, new, most_e) for _ in range(job.scenes)]
        if job.kind == "loops":
            return Done("loops", joined([points for e in ends for points in e.every]))
        points, audits = joined([e.points for e in ends]), tuple(e.audit for e in ends if e.audit)
        return Done("closed", points, audits)
    if job.kind == "good":
        return Done("good", {}, counted=count_good(job.seed, denoise, new, job.scenes, most_e))
    if job.kind == "defocus":
        return Done("fault", {}, counted=count_defocus(job.scenes, first=job.seed[-1] * job.scenes))
    return Done("fault", {}, counted=count(job.fault, job.seed, denoise, new, job.scenes))


def _open_loop(
    rng: np.random.Generator, denoise: Denoisers, new: Callable[[int], TrustWatch], scenes: int
) -> Points:
    """Compare expected and true errors of scenes that have nothing to do with each other."""
    by_camera = [new(camera) for camera in range(len(known.READ_NOISE_E))]
    parts = []
    for number in range(scenes):
        scene, adu, answer = known.last_of_film(rng, denoise, in_any_light=0.0)
        watch = by_camera[scene.camera]
        trust = watch(show.info(number, adu.shape, position=number), adu, answer)
        parts.append(points_of(watch.regions, answer, scene, trust))
    return joined(parts)
