"""Skipped planes to learn from: two measured planes, and the one between them to be found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models import noise
from models.train import noisy, volumes
from models.train.batch import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Image = NDArray[np.float32]

MAX_DEPTHS_OF_FIELD = 4.0
"""The network sees no larger distance than this; see `models.package.Manifest`."""
_AS_TAKEN, _NOISE_FREE, _ALONE = 0.6, 0.2, 0.1
"""Shares of real examples that keep their own noise, of the others that have none, and of all that
are shown no planes further out (proposed)."""
_MAGNIFIED, _MOST_MAGNIFIED = 0.4, 4.0
"""Share of clean examples that are seen through a stronger objective, and how much: where pixels
are small, noise is left in what a denoiser restores, and planes further out help (proposed)."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Planes as a camera took them, (Z, Y, X) photo-electrons, and its read noise, rms e-."""

    electrons: Image
    read_noise_e: float


@dataclass(frozen=True, slots=True)
class Stack:
    """Clean planes, one above the other.

    Attributes
    ----------
    planes
        (Z, Y, X) float32, 0 to about 1.
    step
        Distance of neighbours, depths of field.
    is_step_known
        False for real stacks of unknown optics: training varies what it tells the network.
    raw
        The planes as they were taken, with their own noise; None for simulated ones.
    """

    planes: Image
    step: float
    is_step_known: bool = True
    raw: Raw | None = None


def simulated_stacks(seed: int, count: int) -> list[Stack]:
    """Return ``count`` simulated stacks, always the same for one seed."""
    rng = np.random.default_rng(seed)
    stacks = []
    for _ in range(count):
        fine = 4 if rng.random() < 0.65 else 2
        stacks.append(Stack(volumes.make_stack(rng, per_depth_of_field=fine), 1.0 / fine))
    return stacks


def gap(rng: np.random.Generator, planes: int) -> tuple[int, int]:
    """Draw how many steps apart the measured planes are, and which step between is wanted."""
    most = min(planes - 1, 16)
    kind = rng.random()
    steps = int(rng.integers(2, most + 1)) if rng.random() < 0.5 else int(rng.integers(2, 7))
    steps = min(steps, most)
    if kind < 0.5:  # every other plane is skipped
        steps = max(2 * (steps // 2), 2)
        return steps, steps // 2
    if kind < 0.8 and most >= 3:  # two of three are
        steps = max(3 * (steps // 3), 3)
        return steps, steps // 3 * int(rng.integers(1, 3))
    return steps, int(rng.integers(1, steps))


def axial_sample(
    rng: np.random.Generator, stacks: Sequence[Stack], size: int, *, outer: bool = False
) -> Sample:
    """Return one example: lower and upper plane, distance and fraction; the plane between them.

    Parameters
    ----------
    outer
        Whether to add the next planes below and above, as far away again; where the stack ends
        before, the lower and the upper plane stand in for them.
    """
    stack = stacks[int(rng.integers(len(stacks)))]
    is_raw = stack.raw is not None and rng.random() < _AS_TAKEN
    steps, wanted = gap(rng, min(len(stack.planes), int(MAX_DEPTHS_OF_FIELD / stack.step) + 1))
    planes = stack.raw.electrons if stack.raw is not None and is_raw else stack.planes
    first = int(rng.integers(0, len(planes) - steps))
    last, below, above = first + steps, first - steps, first + 2 * steps
    which = [first, first + wanted, last]
    if outer:
        is_alone = rng.random() < _ALONE
        which.append(first if below < 0 or is_alone else below)
        which.append(last if above >= len(planes) or is_alone else above)
    some = _part(rng, planes[which], size, may_magnify=not is_raw)
    some = np.rot90(some, int(rng.integers(4)), (1, 2))
    some = some[:, :, ::-1] if rng.random() < 0.5 else some
    fraction = wanted / steps
    if rng.random() < 0.5:
        order = [2, 1, 0, 4, 3][: len(some)]
        some, which, fraction = some[order], [which[k] for k in order], 1.0 - fraction
    some = np.ascontiguousarray(some)
    distance = steps * stack.step * (1.0 if stack.is_step_known else float(rng.lognormal(0, 0.3)))
    extra = (min(distance, MAX_DEPTHS_OF_FIELD), fraction)
    if stack.raw is not None and is_raw:
        sample = _as_taken(some, stack.raw.read_noise_e, extra)
    else:
        sample = _exposed(rng, some, extra)
    for k, twin, image, of_twin in ((3, 0, 2, 0), (4, 2, 3, 1)):
        if outer and which[k] == which[twin]:  # what stands in has the same noise
            sample.images[image] = sample.images[of_twin]
    return sample


def _part(rng: np.random.Generator, planes: Image, size: int, *, may_magnify: bool) -> Image:
    """Cut a square of ``size`` px out of all planes; of clean ones a smaller one at times."""
    cut = size
    if may_magnify and rng.random() < _MAGNIFIED:
        cut = int(np.ceil(size / rng.uniform(1.0, _MOST_MAGNIFIED)))
    y, x = (int(rng.integers(0, n - cut + 1)) for n in planes.shape[1:])
    some = planes[:, y : y + cut, x : x + cut]
    if cut == size:
        return some
    big = [cv2.resize(plane, (size, size), interpolation=cv2.INTER_CUBIC) for plane in some]
    return np.asarray(np.maximum(np.stack(big), 0.0), np.float32)


def _exposed(rng: np.random.Generator, some: Image, extra: tuple[float, float]) -> Sample:
    """Let a simulated camera take all planes but the second."""
    photons = noisy.light(rng, some)
    camera = noisy.random_camera(rng, (some.shape[1], some.shape[2]))
    taken = np.delete(photons, 1, axis=0)
    electrons = taken / camera.wrong
    if rng.random() >= _NOISE_FREE:
        electrons = camera.expose(rng, taken)
    images = noise.forward(electrons, 1.0, 0.0, camera.read_noise_e).astype(np.float32)
    clean = noise.forward(photons[1] / camera.wrong, 1.0, 0.0, camera.read_noise_e)
    return Sample(images, between(images[:2], extra[1]), clean.astype(np.float32), extra)


def _as_taken(some: Image, read_noise_e: float, extra: tuple[float, float]) -> Sample:
    """Learn a plane as it was taken, noise and all, from the planes around it.

    The root of noisy light is less, in the mean, than the root of the light: what is missing is
    taken from the light around.
    """
    images = noise.forward(some, 1.0, 0.0, read_noise_e).astype(np.float32)
    base = between(images[[0, 2]], extra[1])
    light = np.maximum(noise.inverse_unbiased(base, read_noise_e), 0.0)
    target = images[1] + noise.forward(light, 1.0, 0.0, read_noise_e) - base
    taken = np.delete(images, 1, axis=0)
    return Sample(taken, base, target.astype(np.float32), extra, target_variance=1.0)


def between(images: NDArray[np.float32], fraction: float) -> Image:
    """Return the blend of both smoothed planes, which the network corrects, (Y, X)."""
    lower, upper = (noisy.smoothed(image) for image in images)
    return np.asarray((1.0 - fraction) * lower + fraction * upper, np.float32)
