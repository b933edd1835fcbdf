"""The texture of a nucleus, painted once for each cell on the unit disc."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Patch = NDArray[np.float32]

SIDE = 64  # pixels of a patch
REACH = 1.25  # a patch shows -REACH..REACH semi-axes
MAX_PATCHES = 2048  # kept in memory: 2048 cells x 2 x 16 KiB = 64 MiB at most


@dataclass(frozen=True, slots=True)
class Look:
    """Brightness of one cell on the unit disc, mean 1 over it, (SIDE, SIDE) each.

    Attributes
    ----------
    loose
        In interphase: a flat dome with chromatin texture and dark nucleoli.
    condensed
        In mitosis: smooth in the plate, strands at its rim.
    """

    loose: Patch
    condensed: Patch


class Wardrobe:
    """Paints each cell's look when it is first seen, and keeps it while there is room."""

    def __init__(self) -> None:
        self._looks: dict[int, Look] = {}
        span = np.linspace(-REACH, REACH, SIDE, dtype=np.float32)
        self._x, self._y = np.meshgrid(span, span)
        self._radius = np.hypot(self._x, self._y)

    def of(self, key: int) -> Look:
        """Return the look of the cell with a key."""
        look = self._looks.get(key)
        if look is None:
            if len(self._looks) >= MAX_PATCHES:
                self._looks.clear()  # dead cells go, living ones are painted again the same
            look = self._looks[key] = self._paint(key)
        return look

    def _paint(self, key: int) -> Look:
        rng = np.random.Generator(np.random.Philox(key=key))
        grain = self._noise(rng, 2.2) + 0.8 * self._noise(rng, 5.0)
        # Light collected through an ellipsoid goes with its thickness, sqrt(1 - r^2); flattened
        # because adherent nuclei are.
        dome = np.clip(1.0 - self._radius**2, 0.0, None) ** 0.3
        loose = dome * np.clip(1.0 + 0.20 * grain, 0.2, None)
        for _ in range(int(rng.integers(1, 4))):
            loose *= self._hole(rng)
        strands = self._noise(rng, 2.5)
        ball = np.clip(1.0 - self._radius**2, 0.0, None) ** 0.5
        condensed = ball * np.clip(1.0 + 0.35 * strands * self._radius, 0.0, None)
        return Look(self._unit_mean(loose), self._unit_mean(condensed))

    def _noise(self, rng: np.random.Generator, sigma_px: float) -> Patch:
        """Return smooth noise of unit variance."""
        white = rng.standard_normal((SIDE, SIDE), dtype=np.float32)
        smooth: Patch = cv2.GaussianBlur(white, (0, 0), sigma_px)
        return smooth / np.float32(smooth.std())

    def _hole(self, rng: np.random.Generator) -> Patch:
        """Return a factor with one nucleolus: a soft dark spot off the rim."""
        distance, angle = 0.6 * np.sqrt(rng.random()), 2 * np.pi * rng.random()
        size = 0.12 + 0.10 * rng.random()
        x, y = distance * np.cos(angle), distance * np.sin(angle)
        spot = np.exp(-((self._x - x) ** 2 + (self._y - y) ** 2) / (2 * size**2))
        hole: Patch = 1.0 - 0.55 * spot
        return hole

    def _unit_mean(self, patch: NDArray[np.floating]) -> Patch:
        pixel_area = (2.0 * REACH / (SIDE - 1)) ** 2
        scaled: Patch = (patch * (np.pi / (patch.sum() * pixel_area))).astype(np.float32)
        return scaled
