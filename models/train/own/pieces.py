"""Small questions of a sampler: where to cut, how bright it is, which pairs are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models import noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.train.own.examples import Example

    Image = NDArray[np.float32]


def shown_light(base: Image, read: float) -> Image:
    """Return the light that a smoothed stabilised image shows; it holds none of a target's noise.

    A second blur: what counts here is the level, not the structure.
    """
    soft = cv2.GaussianBlur(base, (0, 0), 1.0)
    return np.maximum(np.asarray(noise.inverse_unbiased(soft, read), np.float32), 0.0)


def draw_window(rng: np.random.Generator, shape: tuple[int, ...], size: int) -> tuple[slice, slice]:
    """Draw a square; its corner lies on even pixels, so that binning never depends on it."""
    y, x = (2 * int(rng.integers(0, (n - size) // 2 + 1)) for n in shape[-2:])
    return slice(y, y + size), slice(x, x + size)


def same_relation(example: Example) -> tuple[int, int, float]:
    """Tell which pairs share one gain and offset: both takes, and the ratio of light in 20 %."""
    step = round(float(np.log(max(example.gain, 1e-6)) / np.log(1.2)))
    return example.images[-1].take, example.target.take, float(step)
