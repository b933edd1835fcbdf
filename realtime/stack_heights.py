"""How high cells lie that were found in the projection of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from realtime.detections import Detections


def above_first(at_um: Mapping[int, float]) -> NDArray[np.float64]:
    """Return how far each plane lies from the plan's first one, um, on the way to its last one.

    Planes that were skipped leave the others where they are. Where the first one itself was not
    taken, its place follows from the others, for planes are evenly spaced.

    Parameters
    ----------
    at_um
        Height of the stage at each plane that was taken, two or more, by its number in the plan.
    """
    number = np.array(list(at_um), np.float64)
    height = np.array(list(at_um.values()))
    slope, first = np.polyfit(number, height, 1)
    if 0 in at_um:
        first = at_um[0]
    return np.asarray((height - first) * (1.0 if slope >= 0 else -1.0))


def heights(
    found: Detections,
    stack: Sequence[NDArray[np.float32]],
    plane_at: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return how high cells are, (N,): the middle of their light.

    That is the centroid of what a cell's middle holds above the half of its height, over the
    planes that hang together with the brightest (proposed). A plane counts for the stretch to the
    middle between it and its neighbours, so that more planes in one place draw no cell there.

    Parameters
    ----------
    found
        What was found in the maximum of the planes.
    stack
        The planes from the lowest to the highest, photo-electrons, (Y, X) each.
    plane_at
        Where they lie, increasing, in the unit of the answer; None: at 0, 1, 2, ...
    """
    if not len(found):
        return np.zeros(0)
    at = np.arange(float(len(stack))) if plane_at is None else plane_at
    light = _light_of(found, stack)
    top = light.argmax(axis=0)
    above = light - 0.5 * (light.max(axis=0) + light.min(axis=0))
    weight = np.maximum(above, 0.0)
    for step in (1, -1):  # what lies beyond a dark plane is another cell
        is_on = np.ones(len(top), bool)
        order = range(len(stack)) if step > 0 else range(len(stack) - 1, -1, -1)
        for z in order:
            beyond = (z - top) * step > 0
            is_on &= ~beyond | (weight[z] > 0)
            weight[z] = np.where(beyond & ~is_on, 0.0, weight[z])
    weight *= _stretches(at)[:, None]
    total = weight.sum(axis=0)
    middle = (weight * at[:, None]).sum(axis=0) / np.where(total > 0, total, 1.0)
    return np.asarray(np.where(total > 0, middle, at[top]))


def _light_of(found: Detections, stack: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return what each cell's middle holds in each plane, photo-electrons a pixel, (Z, N)."""
    sigma = max(0.5, 0.25 * float(np.sqrt(np.median(found.area_px) / np.pi)))
    rows = np.clip(np.rint(found.y_px).astype(int), 0, stack[0].shape[0] - 1)
    columns = np.clip(np.rint(found.x_px).astype(int), 0, stack[0].shape[1] - 1)
    light = [cv2.GaussianBlur(plane, (0, 0), sigma)[rows, columns] for plane in stack]
    return np.stack(light).astype(np.float64)


def _stretches(at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of the height each plane stands for; beyond the ends, as much as within."""
    if len(at) < 2:
        return np.ones(len(at))
    gaps = np.diff(at)
    return np.asarray(0.5 * (np.concatenate((gaps[:1], gaps)) + np.concatenate((gaps, gaps[-1:]))))
