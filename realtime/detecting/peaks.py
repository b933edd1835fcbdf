"""The highest places of an image: how high between the pixels, and which of them are one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SADDLE = 0.9
"""Two centres are one nucleus where the way between them is hardly narrower (measured)."""


def between_pixels(
    image: NDArray[np.float32], y: NDArray[np.intp], x: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return how much higher the top of a parabola is than the pixels (y, x), (N,)."""
    more = np.zeros(len(y), np.float32)
    here = image[y, x]
    for down, right in ((1, 0), (0, 1)):
        before = image[np.maximum(y - down, 0), np.maximum(x - right, 0)]
        after = image[
            np.minimum(y + down, image.shape[0] - 1), np.minimum(x + right, image.shape[1] - 1)
        ]
        bend = np.minimum(before - 2 * here + after, -1e-12)
        more -= (after - before) ** 2 / (8 * bend)
    return np.asarray(np.minimum(more, 0.1 * np.abs(here)))


def distinct(depth: NDArray[np.float32], peaks: NDArray[np.intp], near: float) -> NDArray[np.intp]:
    """Return the peaks that are nuclei of their own, deepest first.

    Of two peaks nearer than `near`, the shallower is dropped where the depth half-way between
    them is hardly less than its own: there is no waist, so they are one nucleus.
    """
    if len(peaks) < 2:
        return peaks
    height = depth[peaks[:, 0], peaks[:, 1]]
    peaks = peaks[np.argsort(-height, kind="stable")]
    pairs = cKDTree(peaks).query_pairs(near, output_type="ndarray")
    if len(pairs) == 0:
        return peaks
    pairs = np.sort(pairs, axis=1)
    a, b = peaks[pairs[:, 0]], peaks[pairs[:, 1]]
    part = np.linspace(0.0, 1.0, 9)[None, :, None]
    way = np.rint(a[:, None] + part * (b - a)[:, None]).astype(np.intp)
    waist = depth[way[..., 0], way[..., 1]].min(axis=1)
    is_one = waist >= _SADDLE * depth[b[:, 0], b[:, 1]]
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    dropped = np.zeros(len(peaks), bool)
    for first, second in pairs[order][is_one[order]].tolist():
        if not dropped[first]:
            dropped[second] = True
    return peaks[~dropped]
