"""The texture of a nucleus, painted once for each cell on the unit disc."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Patch = NDArray[np.float32]

SIDE = 64  # pixels of a patch
FRAGMENT_STREAM = 1  # of a key's random numbers, beside those of the look
REACH = 1.25  # a patch shows -REACH..REACH semi-axes
MAX_LOOKS = 2048  # kept in memory: 2048 cells x 2 x 16 KiB = 64 MiB at most, 96 if all are dead
FRAGMENTS = (4, 10)  # apoptotic bodies that a nucleus falls into; proposed


@dataclass(frozen=True, slots=True)
class Look:
    """Brightness of one cell on the unit disc, mean 1 over it, (SIDE, SIDE) each.

    Attributes
    ----------
    loose
        In interphase: a flat dome with chromatin texture and dark nucleoli.
    condensed
        In mitosis: smooth in the plate, strands at its rim.
    fragments
        In a dead cell: a handful of smooth balls. None in one that was not dead when last seen.
    """

    loose: Patch
    condensed: Patch
    fragments: Patch | None = None

    def shown(self, condensed: float, fragmented: float = 0.0) -> Patch:
        """Return the look of a nucleus whose chromatin is so far condensed, and fallen apart."""
        patch = between(self.loose, self.condensed, condensed)
        if self.fragments is None:
            return patch
        return between(patch, self.fragments, fragmented)


def between(first: Patch, second: Patch, share: float) -> Patch:
    """Return a look that has gone a share of the way from the first to the second, 0 to 1."""
    if share < 0.01:
        return first
    if share > 0.99:
        return second
    blended: Patch = cv2.addWeighted(first, 1.0 - share, second, share, 0.0)
    return blended


class Wardrobe:
    """Paints each cell's look when it is first seen, and keeps it while there is room."""

    def __init__(self) -> None:
        self._looks: dict[int, Look] = {}
        span = np.linspace(-REACH, REACH, SIDE, dtype=np.float32)
        self._x, self._y = np.meshgrid(span, span)
        self._radius = np.hypot(self._x, self._y)

    def of(self, key: int, *, dead: bool = False) -> Look:
        """Return the look of the cell with a key; with fragments if it is dead."""
        look = self._looks.pop(key, None) or self._paint(key)
        if dead and look.fragments is None:
            look = replace(look, fragments=fragments(key, SIDE, REACH))
        self._looks[key] = look  # the one seen last stands last
        if len(self._looks) > MAX_LOOKS:
            del self._looks[next(iter(self._looks))]  # not seen for longest; painted again the same
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
        return Look(_unit_mean(loose), _unit_mean(condensed))

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


@lru_cache(maxsize=512)
def fragments(key: int, side: int, reach: float) -> Patch:
    """Return the remains of a dead nucleus, balls in the unit disc, mean 1 over it, (side, side).

    Parameters
    ----------
    reach
        The patch shows -reach..reach semi-axes.
    """
    rng = np.random.Generator(np.random.Philox(key=[key, FRAGMENT_STREAM]))
    span = np.linspace(-reach, reach, side)
    total = np.zeros((side, side))
    for _ in range(int(rng.integers(*FRAGMENTS))):
        distance, angle = 0.75 * np.sqrt(rng.random()), 2 * np.pi * rng.random()
        size = 0.12 + 0.16 * rng.random()
        x, y = distance * np.cos(angle), distance * np.sin(angle)
        from_middle = ((span - x)[None, :] ** 2 + (span - y)[:, None] ** 2) / size**2
        total += np.sqrt(np.clip(1.0 - from_middle, 0.0, None))
    patch = _unit_mean(total, reach)
    patch.flags.writeable = False  # every caller gets the same one
    return patch


def _unit_mean(patch: NDArray[np.floating], reach: float = REACH) -> Patch:
    pixel_area = (2.0 * reach / (len(patch) - 1)) ** 2
    scaled: Patch = (patch * (np.pi / (patch.sum() * pixel_area))).astype(np.float32)
    return scaled
