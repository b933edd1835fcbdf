"""How cells look, in a few numbers that stay when the light, or the turn of a cell, changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.detections import Detections

RADII = (0.0, 0.25, 0.5, 0.75, 1.0, 1.3)
"""Of the circles that a cell is sampled on, over the radius of a disc of its area (proposed)."""
OUTSIDE = 1.8
"""Of the circle that says how bright the surroundings are (proposed)."""
_TURNS = 16
_QUIET = 25.0
"""Percentile of the surroundings that is background: other cells are brighter (proposed)."""
_MOST_ROWS = 16_384  # OpenCV samples at most 32767 rows in one go

LOOKS = (
    "log_area_um2",
    "eccentricity",
    "log_relative_brightness",
    *(f"brightness_at_{radius:g}" for radius in RADII),
    *(f"unevenness_at_{radius:g}" for radius in RADII[1:]),
)
"""Names of the numbers, in their order."""


def looks_of(image: NDArray[np.float32], found: Detections, pixel_um: float) -> NDArray[np.float64]:
    """Return how each cell looks, (N, len(LOOKS)); NaN where nobody can tell.

    Brightness is over that of the cell itself, and the cell's over the median of its shot: light
    does not come in. Circles have no direction, so a turn of the cell does not either.

    Parameters
    ----------
    image
        Photo-electrons, (Y, X), in which the cells were found.
    pixel_um
        Size of a pixel at the sample.
    """
    if not len(found):
        return np.empty((0, len(LOOKS)))
    radius = np.sqrt(np.maximum(found.area_px, 1.0) / np.pi)
    light = _on_circles(image, found, radius)  # (N, circles, turns)
    dark = np.percentile(light[:, -1], _QUIET, axis=1)
    signal = np.where(found.signal_e > 0, found.signal_e, np.nan)
    light = (light[:, :-1] - dark[:, None, None]) / signal[:, None, None]
    usual = np.nanmedian(signal) if np.isfinite(signal).any() else np.nan
    shape = found.eccentricity if found.eccentricity is not None else np.zeros(len(found))
    return np.column_stack(
        (
            np.log(np.maximum(found.area_px, 1.0) * pixel_um**2),
            shape,
            np.log(signal / usual),
            light.mean(axis=2),
            light[:, 1:].std(axis=2),
        )
    )


def _on_circles(
    image: NDArray[np.float32], found: Detections, radius: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the light on circles around each cell, from the inside out, photo-electrons."""
    turns = 2 * np.pi * np.arange(_TURNS) / _TURNS
    circles = radius[:, None, None] * np.array((*RADII, OUTSIDE))[None, :, None]
    y = (found.y_px[:, None, None] + circles * np.sin(turns)).reshape(len(found), -1)
    x = (found.x_px[:, None, None] + circles * np.cos(turns)).reshape(len(found), -1)
    parts = [
        cv2.remap(
            image,
            x[n : n + _MOST_ROWS].astype(np.float32),
            y[n : n + _MOST_ROWS].astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for n in range(0, len(found), _MOST_ROWS)
    ]
    return np.concatenate(parts).reshape(len(found), len(RADII) + 1, _TURNS).astype(np.float64)
