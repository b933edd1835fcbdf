"""Teach a network on somebody's own light, without letting it forget what it knew. Needs torch."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.package import WEIGHTS
from models.train.fit import Look, Plan, fit
from models.train.own.blend import blend, scores_of
from models.train.own.prefetch import Prefetch
from models.train.recipes import recipe, simulated_specimens
from models.train.stacks import simulated_stacks
from models.unet import LiteUNet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from models.package import Package
    from models.train.batch import Batch
    from models.train.own.samples import Sampler
    from models.train.own.splits import Split
    from models.train.recipes import Recipe

    Weights = dict[str, torch.Tensor]

logger = logging.getLogger(__name__)

_REHEARSE_EVERY = 3
"""Each third batch is a simulated one: what is not rehearsed is forgotten (Robins 1995)."""
_BATCH = 4
_HELD_OUT_BATCHES, _HELD_OUT_SIZE = 8, 8
_OLD_BATCHES, _OLD_SIZE = 6, 16
_SCENES, _STACKS = 120, 30
_OVERHEAD = 0.15
"""Share of the allowed minutes for all that is not training: specimens, scores, packing. What the
beginning takes beyond half of it, on a slow or busy machine, is expected of the end, too."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is to be taught.

    Attributes
    ----------
    init
        Package to begin with; None begins from nothing.
    base
        Channels of the finest level where it begins from nothing.
    minutes
        For all of it.
    save_every_s
        How often a checkpoint is written, s; None for every minute.
    spent_s
        Seconds that are gone already, of starting and of reading the recordings.
    """

    sampler: Sampler
    split: Split
    init: Package | None
    base: int = 16
    minutes: float = 10.0
    steps: int = 20_000
    seed: int = 1
    threads: int = 1
    save_every_s: float | None = None
    spent_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Taught:
    """A taught network and how good it is; dB are in the stabilised domain, range 20.

    Attributes
    ----------
    own_before_db, own_after_db
        On the held-out part of the recordings; the noise of its targets is taken off. `before` is
        what the network corrects where there was none.
    old_before_db, old_after_db
        On simulated specimens that it never saw; NaN where it began from nothing.
    share
        Of the new weights; the rest are those it began with, for the old data's sake.
    """

    net: LiteUNet
    looks: list[Look]
    own_before_db: float
    own_after_db: float
    old_before_db: float
    old_after_db: float
    share: float
    seconds: float


def teach(
    lesson: Lesson,
    checkpoint: Path | None = None,
    on_step: Callable[[int, float], None] | None = None,
    on_look: Callable[[Look], None] | None = None,
) -> Taught:
    """Train on the recordings, rehearse the simulated specimens, and keep the best of both.

    Parameters
    ----------
    checkpoint, on_step, on_look
        As in `models.train.fit.fit`.

    Raises
    ------
    ModelError
        If nothing was gained on the held-out part, or the training diverged.
    """
    start = time.monotonic()
    torch.set_num_threads(lesson.threads)
    sampler, split = lesson.sampler, lesson.split
    rehearsal = recipe(sampler.task, sampler.in_frames)
    specimens, unseen = _specimens(rehearsal, lesson.seed)
    own, old = _held_out(lesson, rehearsal, unseen)
    net, first = _network(lesson, rehearsal)
    before = scores_of(net, own, old)

    def batch_at(step: int) -> Batch:
        rng = np.random.default_rng((lesson.seed, step))
        if step % _REHEARSE_EVERY == 0:
            return rehearsal.batch(rng, specimens, _BATCH)
        return sampler.batch(rng, split.train, _BATCH, plain=False)

    with Prefetch(batch_at) as ahead:
        looks = fit(
            net, ahead, own, _plan(lesson),
            on_look=on_look, on_step=on_step, checkpoint=checkpoint,
            save_every_s=lesson.save_every_s,
            spent_s=beyond_overhead_s(lesson, lesson.spent_s + time.monotonic() - start),
        )  # fmt: skip
    share, after = blend(net, first, before, own, old)
    is_new = first is None
    return Taught(
        net, looks, before.base_db if is_new else before.own_db, after.own_db,
        float("nan") if is_new else before.old_db, after.old_db, share, time.monotonic() - start,
    )  # fmt: skip


def beyond_overhead_s(lesson: Lesson, begun_s: float) -> float:
    """Return what a slow beginning takes from the time to learn in, s: its end is as slow."""
    return max(0.0, 2.0 * begun_s - _OVERHEAD * 60.0 * lesson.minutes)


def _network(lesson: Lesson, rehearsal: Recipe) -> tuple[LiteUNet, Weights | None]:
    """Return the network to begin with, and its weights if it has learnt before."""
    torch.manual_seed(lesson.seed)
    if lesson.init is None:
        return rehearsal.network(lesson.base, lesson.seed), None
    net = LiteUNet.of(lesson.init.manifest)
    first = {k: torch.from_numpy(v) for k, v in lesson.init.arrays(WEIGHTS).items()}
    net.load_state_dict(first)
    return net, {k: v.clone() for k, v in first.items()}


def _plan(lesson: Lesson) -> Plan:
    """Fit the training into the minutes. A resumed training must have the same plan."""
    is_fine_tuning = lesson.init is not None
    return Plan(
        steps=lesson.steps, minutes=(1.0 - _OVERHEAD) * lesson.minutes,
        rate=3e-4 if is_fine_tuning else 3e-3, seed=lesson.seed, check_every=150, patience=12,
        is_fine_tuning=is_fine_tuning, threads=lesson.threads,
    )  # fmt: skip


def _specimens(rehearsal: Recipe, seed: int) -> tuple[list[Any], list[Any]]:
    """Return simulated specimens to rehearse, and others to judge by."""
    if rehearsal.task == "axial":
        return simulated_stacks(seed, _STACKS), simulated_stacks(seed + 1, _STACKS // 2)
    return simulated_specimens(seed, _SCENES), simulated_specimens(seed + 1, _SCENES // 3)


def _held_out(
    lesson: Lesson, rehearsal: Recipe, unseen: list[Any]
) -> tuple[list[Batch], list[Batch]]:
    """Return what to judge by: recordings that were held out, and specimens it never saw."""
    sampler, held_out = lesson.sampler, lesson.split.held_out
    own = _batches(
        lesson.seed, _HELD_OUT_BATCHES,
        lambda rng: sampler.batch(rng, held_out, _HELD_OUT_SIZE, plain=True),
    )  # fmt: skip
    old = _batches(
        lesson.seed + 1, _OLD_BATCHES, lambda rng: rehearsal.batch(rng, unseen, _OLD_SIZE)
    )
    return own, old


def _batches(seed: int, count: int, draw: Callable[[np.random.Generator], Batch]) -> list[Batch]:
    rng = np.random.default_rng((seed, 20_000))
    return [draw(rng) for _ in range(count)]
