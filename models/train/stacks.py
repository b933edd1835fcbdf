"""Skipped planes to learn from: two measured planes, and the one between them to be found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    """

    planes: Image
    step: float
    is_step_known: bool = True


def simulated_stacks(seed: int, count: int) -> list[Stack]:
    """Return ``count`` simulated stacks, always the same for one seed."""
    rng = np.random.default_rng(seed)
    step = 1.0 / volumes.LAYERS_PER_DEPTH_OF_FIELD
    return [Stack(volumes.make_stack(rng), step) for _ in range(count)]


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


def axial_sample(rng: np.random.Generator, stacks: Sequence[Stack], size: int) -> Sample:
    """Return one example: lower and upper plane, distance and fraction; the plane between them."""
    stack = stacks[int(rng.integers(len(stacks)))]
    steps, wanted = gap(rng, len(stack.planes))
    first = int(rng.integers(0, len(stack.planes) - steps))
    y, x = (int(rng.integers(0, n - size + 1)) for n in stack.planes.shape[1:])
    three = stack.planes[[first, first + wanted, first + steps], y : y + size, x : x + size]
    three = np.rot90(three, int(rng.integers(4)), (1, 2))
    three = three[:, :, ::-1] if rng.random() < 0.5 else three
    fraction = wanted / steps
    if rng.random() < 0.5:
        three, fraction = three[::-1], 1.0 - fraction
    photons = noisy.light(rng, np.ascontiguousarray(three))
    camera = noisy.random_camera(rng, (size, size))
    electrons = camera.expose(rng, photons[[0, 2]])
    images = noise.forward(electrons, 1.0, 0.0, camera.read_noise_e).astype(np.float32)
    clean = noise.forward(photons[1] / camera.wrong, 1.0, 0.0, camera.read_noise_e)
    distance = steps * stack.step * (1.0 if stack.is_step_known else float(rng.lognormal(0, 0.3)))
    extra = (min(distance, MAX_DEPTHS_OF_FIELD), fraction)
    return Sample(images, between(images, fraction), clean.astype(np.float32), extra)


def between(images: NDArray[np.float32], fraction: float) -> Image:
    """Return the blend of both smoothed planes, which the network corrects, (Y, X)."""
    lower, upper = (noisy.smoothed(image) for image in images)
    return np.asarray((1.0 - fraction) * lower + fraction * upper, np.float32)
