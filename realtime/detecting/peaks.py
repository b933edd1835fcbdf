"""The highest places of an image: how high between the pixels, and which of them are one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SADDLE = 0.9
"""Two centres are one nucleus where the way between them is hardly narrower (measured)."""

_FEW = 100
"""Places up to which a table of all distances is the faster one (measured)."""
_WAY = np.linspace(0.0, 1.0, 9)[None, :, None]
"""Places on the way from one centre to another (proposed)."""


def between_pixels(
    image: NDArray[np.float32], y: NDArray[np.intp], x: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return how much higher the top of a parabola is than the pixels (y, x), (N,)."""
    height, width = image.shape
    flat, at = image.reshape(-1), y * width + x
    here = flat[at]
    twice, more = 2 * here, np.zeros(len(y), np.float32)
    for place, last, step in ((y, height - 1, width), (x, width - 1, 1)):
        before = flat[at - step * (place > 0)]
        after = flat[at + step * (place < last)]
        bend = np.minimum(before - twice + after, -1e-12)
        after -= before
        more -= after * after / (8 * bend)
    return np.asarray(np.minimum(more, 0.1 * np.abs(here)))


def pairs_within(places: NDArray[Any], reach: float) -> NDArray[np.intp]:
    """Return all pairs of places, (N, 2), that are no farther apart than `reach`, (K, 2), sorted.

    The same as `scipy.spatial.cKDTree.query_pairs`, which is slower for a few.
    """
    n = len(places)
    if n > _FEW:
        pairs = cKDTree(places).query_pairs(reach, output_type="ndarray")
        return np.asarray(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])
    y, x = places.T
    away, across = np.subtract.outer(y, y), np.subtract.outer(x, x)
    away *= away
    across *= across
    away += across
    first, second = np.divmod((away.reshape(-1) <= reach * reach).nonzero()[0], n)
    once = first < second
    return np.stack((first[once], second[once]), axis=1)


def distinct(depth: NDArray[np.float32], peaks: NDArray[np.intp], near: float) -> NDArray[np.intp]:
    """Return the peaks that are nuclei of their own, deepest first.

    Of two peaks nearer than `near`, the shallower is dropped where the depth half-way between
    them is hardly less than its own: there is no waist, so they are one nucleus.
    """
    if len(peaks) < 2:
        return peaks
    height = depth[peaks[:, 0], peaks[:, 1]]
    peaks = peaks[np.argsort(-height, kind="stable")]
    pairs = pairs_within(peaks, near)
    if len(pairs) == 0:
        return peaks
    a, b = peaks[pairs[:, 0]], peaks[pairs[:, 1]]
    way = np.rint(a[:, None] + _WAY * (b - a)[:, None]).astype(np.intp)
    waist = depth[way[..., 0], way[..., 1]].min(axis=1)
    is_one = waist >= _SADDLE * depth[b[:, 0], b[:, 1]]
    dropped = np.zeros(len(peaks), bool)
    for first, second in pairs[is_one].tolist():
        if not dropped[first]:
            dropped[second] = True
    return peaks[~dropped]
