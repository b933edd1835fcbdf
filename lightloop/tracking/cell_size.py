"""How large cells are, read from images; and whether that is what the detector was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.detect import Detector
from realtime.detecting.spots import SpotDetector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from realtime.detecting.config import DetectorConfig

ROUNDS = 8
"""Rounds of "look with this size, take the size that is seen"; it stands still before."""
SAME = 0.05
"""Change of the size, as a share, that is none."""
FAR = 1.5
"""A size that is wrong by more than this costs cells (docs/tracking.md)."""
SMALLEST_PX, LARGEST_PX = 3.0, 500.0


def diameter_of(areas_px: ArrayLike) -> float:
    """Return the diameter of a usual cell, px: that of a circle of the median area; 0: no cell."""
    areas = np.asarray(areas_px, np.float64)
    return 2 * float(np.sqrt(np.median(areas) / np.pi)) if areas.size else 0.0


def measured_diameter(
    images: Sequence[NDArray[np.float32]], config: DetectorConfig, read_noise_e: float
) -> float:
    """Return the diameter at which the detector sees what it was told to look for, px.

    Looked at with too small a diameter, cells fall to pieces, and yet the pieces are larger
    than was said; so the size that is seen is tried next, until it stands still.

    Parameters
    ----------
    images
        Photo-electrons, (Y, X) each, restored or raw.
    config
        How to look; its `diameter_px` is where the search begins.
    """
    told = size = config.diameter_px
    for _ in range(ROUNDS):
        look = config.model_copy(update={"diameter_px": size, "network": ""})
        of = SpotDetector if config.kind == "spots" else Detector
        detect = of(look, read_noise_e)
        seen = diameter_of(np.concatenate([detect(image).area_px for image in images]))
        if not seen and size > 2 * SMALLEST_PX:  # a wide filter blurs small cells away
            size /= 2
            continue
        if not seen:
            return told
        seen = float(np.clip(seen, SMALLEST_PX, LARGEST_PX))
        is_same = abs(seen - size) < SAME * size
        size = seen
        if is_same:
            break
    return size


def doubt_of_size(told_px: float, seen_px: float) -> str:
    """Return what to say of a `detect.diameter_px` that is far from what is seen; else ""."""
    if not seen_px or max(told_px / seen_px, seen_px / told_px) <= FAR:
        return ""
    return (
        f"cells are about {seen_px:.0f} px across, and detect.diameter_px says {told_px:g}: "
        f"set diameter_px = {seen_px:.0f} under [detect]"
    )
