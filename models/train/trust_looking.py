"""Measure the stated error of networks for looking: finer pixels, planes between planes.

As `models.train.trust` does it for denoisers: what was true of simulated images that no network
learnt from, beside what the network states of them, by region and by octave of light.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from models import conformal
from models.axial import AxialInterpolator
from models.conformal import Conformal, octave
from models.regions import shrunk
from models.stated import Stated
from models.superres import VIEWS, SuperResolver
from models.train.binned import binned
from models.train.noisy import expose
from models.train.scenes import make_scene
from models.train.trust_films import (
    BACKGROUND_E,
    GAIN_ADU_PER_E,
    OFFSET_ADU,
    PEAK_E,
    READ_NOISE_E,
    SATURATION_ADU,
    Seen,
)
from models.train.volumes import LAYERS, LAYERS_PER_DEPTH_OF_FIELD, make_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from models.package import Package
    from models.read_out import Denoised

    Light = NDArray[np.float64]
    Rows = dict[str, list[Seen]]
    Shown = tuple[Denoised, Light]

logger = logging.getLogger(__name__)

IMAGES, SEED = {"superres": 3_200, "axial": 1_600}, 90_921
"""Images to learn the scales from, of each task. Coverage is measured on others: `coverage`."""
_COARSE_PX, _PLANE_PX = 128, 128
_LOOKS = 5
"""Drawings of light, camera and planes of each stack: it takes longer than all of them."""
_FEWEST = 40
"""Images of an octave whose coverage is told."""


def looked(package: Package, images: int, seed: int) -> Rows:
    """Return what a package states of simulated images, and what is true, by region."""
    shown = {"superres": fine_images, "axial": planes_between}[package.manifest.task]
    stated = Stated(package.manifest)
    rows: Rows = {"cells": [], "background": []}
    for number, (answer, truth) in enumerate(shown(package, images, seed)):
        if number % 200 == 0:
            logger.info("%s: image %d of %d", package.model_id, number, images)
        for region, found in rows.items():
            seen = _compare(stated, answer, truth, cells=region == "cells")
            if np.isfinite(seen).all() and seen.stated_e > 0:
                found.append(seen)
    return rows


def scales(rows: Rows) -> dict[str, float]:
    """Return the scales for a package's manifest."""
    found: dict[str, float] = {}
    for region, seen in rows.items():
        found |= conformal.fit(region, *np.array(seen, float).T)
    return found


class Held(NamedTuple):
    """How often the 80 % interval held the true error: of a region in an octave of light.

    Attributes
    ----------
    region, octave, images
        What was looked at.
    share, width
        Images whose true error lay in the interval; its median width over the true error.
    """

    region: str
    octave: int
    images: int
    share: float
    width: float


def coverage(known: Mapping[str, float], rows: Rows, fewest: int = _FEWEST) -> list[Held]:
    """Return how often the intervals of known scales hold, octave by octave."""
    expect, table = Conformal(known), []
    for region, seen in rows.items():
        octaves = np.array([octave(each.mean_e) for each in seen])
        for number in np.unique(octaves):
            chosen = [seen[int(i)] for i in np.flatnonzero(octaves == number)]
            if len(chosen) < fewest:
                continue
            said = [expect(e.stated_e, e.mean_e, cells=region == "cells") for e in chosen]
            pairs = list(zip(said, chosen, strict=True))
            share = float(np.mean([s.low_e <= e.true_e <= s.high_e for s, e in pairs]))
            width = float(np.median([(s.high_e - s.low_e) / e.true_e for s, e in pairs]))
            table.append(Held(region, int(number), len(chosen), share, width))
    return table


def _compare(stated: Stated, answer: Denoised, truth_e: Light, *, cells: bool) -> Seen:
    """Return stated and true error and light of a region, per pixel of the camera."""
    regions = stated.regions(answer)
    squares = shrunk(((answer.photons - truth_e) ** 2).astype(np.float32))
    true = stated.fine * regions.mean(squares, cells=cells) ** 0.5
    said = stated.stated_e(answer, regions, cells=cells)
    return Seen(said, true, regions.mean(regions.photons, cells=cells))


def _light(rng: np.random.Generator) -> tuple[float, float, int]:
    """Draw peak and background, e- a camera pixel, evenly over octaves, and a camera."""
    peak, background = (
        float(np.exp(rng.uniform(*np.log(reach)))) for reach in (PEAK_E, BACKGROUND_E)
    )
    return peak, background, int(rng.integers(len(READ_NOISE_E)))


def _taken(rng: np.random.Generator, photons: NDArray[Any], camera: int) -> NDArray[np.uint16]:
    shot = expose(rng, np.asarray(photons, np.float64), READ_NOISE_E[camera])
    adu = np.round(OFFSET_ADU + GAIN_ADU_PER_E * shot.electrons)
    return np.clip(adu, 0, SATURATION_ADU).astype(np.uint16)


def fine_images(package: Package, images: int, seed: int) -> Iterator[Shown]:
    """Show drawn specimens to a camera of coarse pixels; looked at in one to eight ways."""
    rng, shape = np.random.default_rng(seed), (_COARSE_PX, _COARSE_PX)
    with ExitStack() as stack:
        each = [
            stack.enter_context(
                closing(SuperResolver(package, shape, GAIN_ADU_PER_E, OFFSET_ADU, read))
            )
            for read in READ_NOISE_E
        ]
        for _ in range(images):
            peak, background, camera = _light(rng)
            scene = np.maximum(make_scene(rng, 2 * _COARSE_PX), 0.0).astype(np.float64)
            truth = (background + peak * scene) / 4.0
            each[camera].views = int(rng.integers(1, len(VIEWS) + 1))  # as there is time for
            yield each[camera](_taken(rng, binned(truth), camera)), truth


def planes_between(package: Package, images: int, seed: int) -> Iterator[Shown]:
    """Show every so many planes of drawn stacks; one between two of them is asked for."""
    rng, shape = np.random.default_rng(seed), (_PLANE_PX, _PLANE_PX)
    with ExitStack() as stack:
        each = [
            stack.enter_context(
                closing(
                    AxialInterpolator(
                        package, shape, GAIN_ADU_PER_E, OFFSET_ADU, read, depth_of_field_um=1.0
                    )
                )
            )
            for read in READ_NOISE_E
        ]
        for number in range(images):
            if number % _LOOKS == 0:
                volume = np.maximum(make_stack(rng, _PLANE_PX), 0.0).astype(np.float64)
            peak, background, camera = _light(rng)
            photons = background + peak * volume
            yield _between(rng, photons, each[camera], partial(_taken, rng, camera=camera))


def _between(
    rng: np.random.Generator,
    photons: Light,
    net: AxialInterpolator,
    take: Callable[[Light], NDArray[np.uint16]],
) -> Shown:
    """Take two planes of a stack, half of the time the next ones too; ask for one in between."""
    apart = int(rng.integers(2, 3 * LAYERS_PER_DEPTH_OF_FIELD + 1))
    lower = int(rng.integers(0, LAYERS - apart))
    wanted = int(rng.integers(1, apart))
    far = [lower - apart, lower + 2 * apart] if rng.random() < 0.5 else [-1, -1]
    below, above = (take(photons[z]) if 0 <= z < LAYERS else None for z in far)
    answer = net(
        take(photons[lower]), take(photons[lower + apart]), apart / LAYERS_PER_DEPTH_OF_FIELD,
        wanted / apart, below, above,
    )  # fmt: skip
    return answer, photons[lower + wanted]
