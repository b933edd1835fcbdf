"""What each task learns from: specimens, samples, and the shape of its network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models.train.batch import Batch, Sample, collate
from models.train.binned import UPSCALE, binned_sample
from models.train.movies import movie_sample
from models.train.real import load_real
from models.train.real_stacks import load_real_stacks
from models.train.restored import IMAGES, restored_planes
from models.train.scenes import make_scene
from models.train.stacks import axial_sample, simulated_stacks
from models.unet import LiteUNet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Material = tuple[list[Any], list[Any], list[str]]

_SCENE_PX, _SCENES, _HELD_OUT_SCENES = 192, 1500, 60
_STACKS, _HELD_OUT_STACKS = 300, 40
_REAL_SHARE = 0.3
"""Of the stacks that train (proposed)."""
_HELD_OUT_BATCHES, _HELD_OUT_SIZE = 6, 16
_BATCH = 4


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one task is taught.

    Attributes
    ----------
    task, in_frames, extra_channels, upscale
        As in `models.package.Manifest`.
    crop_px
        Height and width of the network's input while it learns.
    material
        Gathers specimens: seed, folder of real images or None -> to train, held out, sources.
    sample
        Makes one example from a list of specimens.
    finish
        Adds to a batch what is computed for all of it at once.
    """

    task: str
    in_frames: int
    extra_channels: tuple[str, ...]
    upscale: int
    crop_px: int
    material: Callable[[int, Path | None], Material]
    sample: Callable[[np.random.Generator, Sequence[Any], int], Sample]
    finish: Callable[[Batch], Batch] | None = None

    def network(self, base: int, seed: int) -> LiteUNet:
        """Return the network, untrained: first weights are drawn from ``seed``."""
        torch.manual_seed(seed)
        return LiteUNet(self.in_frames + len(self.extra_channels), base, self.upscale)

    def batch_at(self, specimens: Sequence[Any], seed: int) -> Callable[[int], Batch]:
        """Return what makes the batch of a step, always the same for one seed."""
        return lambda step: self.batch(np.random.default_rng((seed, step)), specimens, _BATCH)

    def held_out(self, specimens: Sequence[Any], seed: int) -> list[Batch]:
        """Return the batches by which training is judged."""
        rng = np.random.default_rng(10_000 + seed)
        return [self.batch(rng, specimens, _HELD_OUT_SIZE) for _ in range(_HELD_OUT_BATCHES)]

    def batch(self, rng: np.random.Generator, specimens: Sequence[Any], count: int) -> Batch:
        """Return ``count`` examples."""
        batch = collate([self.sample(rng, specimens, self.crop_px) for _ in range(count)])
        return batch if self.finish is None else self.finish(batch)


def simulated_specimens(seed: int, count: int) -> list[NDArray[np.float32]]:
    """Return ``count`` simulated specimens, always the same for one seed."""
    rng = np.random.default_rng(seed)
    return [make_scene(rng, _SCENE_PX) for _ in range(count)]


def _images(seed: int, data: Path | None, smallest_px: int = 0) -> Material:
    train = simulated_specimens(seed, _SCENES)
    held_out = simulated_specimens(seed + 1, _HELD_OUT_SCENES)
    if data is None:
        return train, held_out, []
    real, real_held_out, sources = load_real(data)
    train += [image for image in real if min(image.shape) >= smallest_px]
    held_out += [image for image in real_held_out if min(image.shape) >= smallest_px]
    return train, held_out, sources


def _stacks(seed: int, data: Path | None) -> Material:
    train = simulated_stacks(seed, _STACKS)
    held_out = simulated_stacks(seed + 1, _HELD_OUT_STACKS)
    if data is None:
        return train, held_out, []
    sets, real_held_out, sources = load_real_stacks(data)
    each = int(_STACKS * _REAL_SHARE / (1 - _REAL_SHARE) / len(sets))
    train += [stacks[index % len(stacks)] for stacks in sets for index in range(each)]
    return train, held_out + real_held_out, sources


def _movie(rng: np.random.Generator, scenes: Sequence[Any], size: int, *, frames: int) -> Sample:
    return movie_sample(rng, scenes, frames, size)


def recipe(task: str, in_frames: int = 5) -> Recipe:
    """Return the recipe of a task: "denoise" (of ``in_frames`` frames), "superres" or "axial".

    Of 6 images "axial" sees both planes raw, and four as `denoise-2d` restores them; else both raw.

    Raises
    ------
    ValueError
        If there is none for that task.
    """
    if task == "denoise":
        return Recipe(task, in_frames, (), 1, 112, _images, partial(_movie, frames=in_frames))
    if task == "superres":
        fine_px = UPSCALE * 96
        return Recipe(
            task, 1, (), UPSCALE, 96, partial(_images, smallest_px=fine_px), binned_sample
        )
    if task == "axial" and in_frames == IMAGES:
        extra = ("dz", "fraction")
        sample = partial(axial_sample, outer=True)
        return Recipe(task, IMAGES, extra, 1, 96, _stacks, sample, restored_planes())
    if task == "axial":
        return Recipe(task, 2, ("dz", "fraction"), 1, 96, _stacks, axial_sample)
    raise ValueError(f"no recipe for the task {task!r}; there are: denoise, superres, axial")
