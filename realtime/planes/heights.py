"""How high cells lie that were found in the projection of a stack."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from realtime.detections import Detections
    from realtime.wire import Tracks


_SHAPE = 0.04
"""Standard deviation of the middle of the light around that of the cell, as a share of how high it
is seen to be (proposed; fits simulated nuclei)."""
_CUT = 0.15
"""The same where an end of the stack cuts it (proposed)."""


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


def with_heights(found: Detections, known: Tracks, *, is_deep: bool) -> Detections:
    """Return what was found in as many dimensions as its field is followed in.

    A shot that says nothing of heights, such as one of a single plane, moves no cell up or down:
    what is found has the height of the known cell that is nearest to it.
    """
    if is_deep == (found.z_px is not None):
        return found
    if not is_deep:
        return replace(found, z_px=None, z_sd_px=None)
    if not known.ids:
        return replace(found, z_px=np.zeros(len(found)))
    tree = cKDTree(np.column_stack((known.y_px, known.x_px)))
    _, nearest = tree.query(np.column_stack((found.y_px, found.x_px)))
    return replace(found, z_px=np.asarray(known.z_px)[nearest])


class Heights(NamedTuple):
    """How high cells lie, and how sure that is: means and standard deviations, (N,) each."""

    at: NDArray[np.float64]
    sd: NDArray[np.float64]


def heights(
    found: Detections,
    stack: Sequence[NDArray[np.float32]],
    plane_at: NDArray[np.float64] | None = None,
) -> Heights:
    """Return how high cells are: the middle of their light.

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
        return Heights(np.zeros(0), np.zeros(0))
    at = np.arange(float(len(stack))) if plane_at is None else plane_at
    light, n_pixels = _light_of(found, stack)
    weight = _of_one_cell(light) * _stretches(at)[:, None]
    total = np.maximum(weight.sum(axis=0), 1e-12)
    middle = (weight * at[:, None]).sum(axis=0) / total
    middle = np.where(weight.any(axis=0), middle, at[light.argmax(axis=0)])
    off = np.where(weight > 0, at[:, None] - middle, 0.0) * _stretches(at)[:, None] / total
    noise = (np.maximum(light, 0.0) + found.read_noise_e**2) / n_pixels
    return Heights(middle, np.sqrt((off**2 * noise).sum(axis=0) + _unseen(weight > 0, at) ** 2))


def _of_one_cell(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return light above the half of its height, 0 beyond a dark plane: that is another cell."""
    top = light.argmax(axis=0)
    half = 0.5 * (light.max(axis=0) + light.min(axis=0))
    weight: NDArray[np.float64] = np.maximum(light - half, 0.0)
    for step in (1, -1):
        is_on = np.ones(len(top), bool)
        order = range(len(light)) if step > 0 else range(len(light) - 1, -1, -1)
        for z in order:
            beyond = (z - top) * step > 0
            is_on &= ~beyond | (weight[z] > 0)
            weight[z] = np.where(beyond & ~is_on, 0.0, weight[z])
    return weight


def _unseen(is_on: NDArray[np.bool_], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far off the middle may be for want of planes, standard deviation, (N,).

    One plane leaves open where in its stretch the cell lies, and each further one halves, thirds,
    ... that. A cell that the end of the stack cuts may go on there by as much as is seen of it.
    The middle of the light is no better known as that of the cell than to a share of its height.
    """
    stretch = _stretches(at)[:, None]
    seen = (is_on * stretch).sum(axis=0)
    count = np.maximum(is_on.sum(axis=0), 1)
    is_cut = is_on[0] | is_on[-1]
    step = np.where(seen > 0, seen / count, stretch.max())
    parts = (step / (np.sqrt(12.0) * count), _SHAPE * seen, np.where(is_cut, _CUT * seen, 0.0))
    return np.asarray(np.sqrt(sum(part**2 for part in parts)))


def _light_of(
    found: Detections, stack: Sequence[NDArray[np.float32]]
) -> tuple[NDArray[np.float64], float]:
    """Return what each cell's middle holds, photo-electrons a pixel, (Z, N), and of how many."""
    sigma = max(0.5, 0.25 * float(np.sqrt(np.median(found.area_px) / np.pi)))
    reach = int(np.ceil(3 * sigma))
    height, width = stack[0].shape
    rows = np.clip(np.rint(found.y_px).astype(int), 0, height - 1)
    columns = np.clip(np.rint(found.x_px).astype(int), 0, width - 1)
    n_pixels = 4 * np.pi * sigma**2  # noise of a Gaussian mean
    if len(found) * (2 * reach + 1) ** 2 > height * width:  # then a whole image is blurred sooner
        size = (2 * reach + 1, 2 * reach + 1)
        blurred = [cv2.GaussianBlur(plane, size, sigma)[rows, columns] for plane in stack]
        return np.stack(blurred).astype(np.float64), n_pixels
    kernel = cv2.getGaussianKernel(2 * reach + 1, sigma)[:, 0]
    offsets = np.arange(-reach, reach + 1)
    down = _reflected(rows[:, None] + offsets, height)[:, :, None]
    across = _reflected(columns[:, None] + offsets, width)[:, None, :]
    flat = (down * width + across).reshape(len(found), -1)
    weight = np.outer(kernel, kernel).ravel()
    return np.stack([plane.ravel()[flat] @ weight for plane in stack]), n_pixels


def _reflected(index: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Return indices beyond a border as OpenCV's blur takes them: mirrored at the last pixel."""
    inside = np.abs(index)
    inside = (size - 1) - np.abs((size - 1) - inside)
    return np.asarray(inside.clip(0, size - 1))


def _stretches(at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of the height each plane stands for; beyond the ends, as much as within."""
    if len(at) < 2:
        return np.ones(len(at))
    gaps = np.diff(at)
    return np.asarray(0.5 * (np.concatenate((gaps[:1], gaps)) + np.concatenate((gaps, gaps[-1:]))))
