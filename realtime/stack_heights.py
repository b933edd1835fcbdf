"""How high cells lie that were found in the projection of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from realtime.detections import Detections


def heights(found: Detections, stack: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return how high cells are, in planes, (N,): the middle of their light.

    That is the centroid of what a cell's middle holds above the half of its height, over the
    planes that hang together with the brightest (proposed).
    """
    if not len(found):
        return np.zeros(0)
    sigma = max(0.5, 0.25 * float(np.sqrt(np.median(found.area_px) / np.pi)))
    rows = np.clip(np.rint(found.y_px).astype(int), 0, stack[0].shape[0] - 1)
    columns = np.clip(np.rint(found.x_px).astype(int), 0, stack[0].shape[1] - 1)
    light = np.stack([cv2.GaussianBlur(plane, (0, 0), sigma)[rows, columns] for plane in stack])
    light = light.astype(np.float64)
    top = light.argmax(axis=0)
    above = light - 0.5 * (light.max(axis=0) + light.min(axis=0))
    weight = np.maximum(above, 0.0)
    plane = np.arange(len(stack))[:, None]
    for step in (1, -1):  # what lies beyond a dark plane is another cell
        is_on = np.ones(len(top), bool)
        order = range(len(stack)) if step > 0 else range(len(stack) - 1, -1, -1)
        for z in order:
            beyond = (z - top) * step > 0
            is_on &= ~beyond | (weight[z] > 0)
            weight[z] = np.where(beyond & ~is_on, 0.0, weight[z])
    total = weight.sum(axis=0)
    middle = (weight * plane).sum(axis=0) / np.where(total > 0, total, 1.0)
    return np.asarray(np.where(total > 0, middle, top))
