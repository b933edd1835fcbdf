"""Whether nuclei are found as well in a stack of which every other plane was skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from lightloop.bench.models_axial import Restorers
from models.blind_noise import estimate

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.package import Package

STEP, PIXEL_UM, Z_UM = 0.35, 0.26, 0.29
"""Distance of planes, depths of field (as `models.train.real_stacks` guesses it), and voxels."""
NUCLEUS_UM, REACH_UM = 3.0, 4.0
"""Sigma of the blur that makes a nucleus one hill, and how far its top may lie from its middle."""


def nucleus_f1(
    axial: Package, folder: Path, *, sabotage: bool = False
) -> tuple[dict[str, float], list[str]]:
    """Find the nuclei of `zstack_cells3d_nuclei` in the whole stack and in two restored ones.

    The network has learnt from the first 60 % of these planes, our denoiser from 85 %. A few of the
    skipped planes say how much the network counts (`models.axial_check`).
    """
    import h5py

    with h5py.File(folder / "zstack_cells3d_nuclei.h5", "r") as file:
        planes, labels = np.asarray(file["zyx"]), np.asarray(file["label"])
    guess = estimate(planes)
    net = Restorers(axial, planes.shape[1:], guess.camera, 1.0)
    raw = np.maximum((planes.astype(np.float32) - guess.offset_adu) / guess.gain_adu_per_e, 0.0)
    ours, theirs = raw.copy(), raw.copy()
    skipped = range(3, len(planes) - 3, 2)
    net.check(
        dict(enumerate(planes)), skipped[:: max(len(skipped) // 4, 1)], 2 * STEP, guess.camera
    )
    for k in skipped:
        around = {away: planes[k + away] for away in (-3, -1, 1, 3)}
        ours[k], _, theirs[k] = net.middle(around, 2 * STEP, sabotage=sabotage)
    net.close()
    middles = _middles(labels)
    scores = {name: f1(find_nuclei(stack), middles) for name, stack in
              (("all planes", raw), ("network", ours), ("rival", theirs))}  # fmt: skip
    words = ", ".join(f"{name} {score:.3f}" for name, score in scores.items())
    lines = ["", f"nuclei found in zstack_cells3d_nuclei ({len(middles)} labelled), F1: {words}"]
    return {"models_axial_nucleus_f1_gain": scores["network"] - scores["rival"]}, lines


def find_nuclei(stack: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the tops of bright hills, (N, 3) um: above Otsu's threshold, highest for 1.5 sigma."""
    sigma = (NUCLEUS_UM / Z_UM / 2, NUCLEUS_UM / PIXEL_UM / 2, NUCLEUS_UM / PIXEL_UM / 2)
    smooth = ndimage.gaussian_filter(np.sqrt(stack), sigma)
    reach = [2 * int(1.5 * s) + 1 for s in sigma]
    top = float(smooth.max())
    levels = np.round(smooth / max(top, 1e-9) * 255).astype(np.uint8)
    threshold, _ = cv2.threshold(levels.reshape(1, -1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    tops = (smooth == ndimage.maximum_filter(smooth, reach)) & (levels > threshold)
    return np.asarray(np.argwhere(tops) * np.array([Z_UM, PIXEL_UM, PIXEL_UM]), np.float64)


def _middles(labels: NDArray[Any]) -> NDArray[np.float64]:
    names = np.unique(labels[labels > 0])
    middles = np.array(ndimage.center_of_mass(labels > 0, labels, names), float)
    return np.asarray(middles * np.array([Z_UM, PIXEL_UM, PIXEL_UM]), np.float64)


def f1(found: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """Return 2 right / (found + true); each is matched once, within reach."""
    if not len(found) or not len(true):
        return 0.0
    far = cdist(found, true)
    pairs = linear_sum_assignment(np.where(far <= REACH_UM, far, 1e3))
    right = int(np.sum(far[pairs] <= REACH_UM))
    return 2.0 * right / (len(found) + len(true))
