"""What a training step eats: normalised planes in, a base image and the image to be found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MU, SD = 8.0, 6.0
"""Mean and standard deviation of stabilised training images, rounded: constants for ever."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples for one step; images in the stabilised domain (noise of 1).

    Attributes
    ----------
    planes
        Network input, (N, C, Y, X) float32, already normalised.
    base
        What the network corrects, (N, 1, Y', X') float32, stabilised.
    target
        What it should say, (N, 1, Y', X') float32, stabilised.
    target_variance
        Of the noise in ``target``: 0 for a clean one, about 1 for a second noisy frame; one number
        or one for each pixel, (N, 1, Y', X').
    weight
        How much each pixel of ``target`` counts, (N, 1, Y', X') float32; None: all the same. A
        blind spot counts only where its input was hidden.
    """

    planes: NDArray[np.float32]
    base: NDArray[np.float32]
    target: NDArray[np.float32]
    target_variance: float | NDArray[np.float32] = 0.0
    weight: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One example.

    Attributes
    ----------
    images
        What goes in, (C, Y, X) float32, stabilised.
    base, clean
        What the network corrects and what it should say, (Y', X') float32, stabilised.
    extra
        Values of the constant planes, as the network wants them.
    target_variance
        Of the noise in ``clean``: 0, or 1 where it is a frame as it was taken.
    """

    images: NDArray[np.float32]
    base: NDArray[np.float32]
    clean: NDArray[np.float32]
    extra: tuple[float, ...] = ()
    target_variance: float = 0.0


def normalised(stabilised: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return network input from stabilised images: the same map for every frame for ever."""
    return np.asarray((stabilised - np.float32(MU)) / np.float32(SD), np.float32)


def collate(samples: Sequence[Sample]) -> Batch:
    """Return a batch of samples."""
    planes = [_planes(sample) for sample in samples]
    base = np.stack([sample.base for sample in samples])[:, None]
    clean = np.stack([sample.clean for sample in samples])[:, None]
    known = np.array([sample.target_variance for sample in samples], np.float32)
    return Batch(
        np.stack(planes), np.asarray(base, np.float32), np.asarray(clean, np.float32),
        known[:, None, None, None] if known.any() else 0.0,
    )  # fmt: skip


def _planes(sample: Sample) -> NDArray[np.float32]:
    images = normalised(sample.images)
    constant = [np.full((1, *images.shape[1:]), value, np.float32) for value in sample.extra]
    return np.concatenate([images, *constant])
