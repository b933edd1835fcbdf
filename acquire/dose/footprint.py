"""What one exposure lights: the lit area, and how the light is spread over it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from acquire.errors import SettingRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.light.source import LightSource

PIXELS_ACROSS = 64
"""Pixels of the dose map across a lit area. A dose is exact; where its edge lies is known to half a
pixel, 0.8 % of the area's side (proposed: finer than a field's overlap, 32 KB a field)."""

BEYOND_CHIP = 1.25
"""Sides of a lit area that nobody measured, over those of the camera's field of view; proposed:
what is lit and not seen is harmed all the same."""


@dataclass(frozen=True, eq=False, slots=True)
class Footprint:
    """Light of one exposure on the grid of the dose map, centred on the stage's position.

    Attributes
    ----------
    pitch_um
        Side of a pixel, um.
    weights
        Irradiance of each pixel relative to the mean over the lit area, (Y, X) float64; 0 is not
        lit. Its mean over the lit pixels is 1, so a dose is always that of the field's mean.
    """

    pitch_um: float
    weights: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        width_um: float,
        height_um: float,
        shape: Literal["rectangle", "ellipse"] = "rectangle",
        rim: float = 1.0,
    ) -> Footprint:
        """Make the footprint of a lit area.

        Parameters
        ----------
        rim
            Irradiance at its rim (an ellipse) or in its corners (a rectangle) relative to its
            centre; between them it falls as a Gaussian beam's does. 1 is flat.

        Raises
        ------
        SettingRefused
            If there is no such area.
        """
        if not (0 < width_um < math.inf and 0 < height_um < math.inf and 0 < rim <= 1):
            raise SettingRefused(
                f"a lit area needs two sides above 0 um and a rim above 0 and up to 1, got "
                f"{width_um} x {height_um} um, rim {rim}"
            )
        pitch_um = math.sqrt(width_um * height_um) / PIXELS_ACROSS
        columns, rows = (max(1, round(side / pitch_um)) for side in (width_um, height_um))
        y = ((np.arange(rows) + 0.5) * 2.0 / rows - 1.0)[:, None]
        x = ((np.arange(columns) + 0.5) * 2.0 / columns - 1.0)[None, :]
        aspect = height_um / width_um
        if shape == "ellipse":
            radius = x**2 + y**2
            weights = np.where(radius <= 1.0, rim**radius, 0.0)
        else:  # a round beam, cut by a rectangular stop
            weights = rim ** ((x**2 + (aspect * y) ** 2) / (1.0 + aspect**2))
        return cls(pitch_um, weights / weights[weights > 0].mean())

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the grid that the lit area covers."""
        rows, columns = self.weights.shape
        return rows, columns

    @property
    def peak(self) -> float:
        """Strongest irradiance relative to the mean."""
        return float(self.weights.max())

    @property
    def is_lit(self) -> NDArray[np.bool_]:
        """Which pixels are lit, (Y, X)."""
        return self.weights > 0

    @property
    def area_um2(self) -> float:
        """The lit area."""
        return float(np.count_nonzero(self.weights)) * self.pitch_um**2

    def corner(self, x_um: float, y_um: float) -> tuple[int, int]:
        """Return row and column of the map's pixel that the footprint begins at."""
        rows, columns = self.weights.shape
        return (
            round(y_um / self.pitch_um - 0.5 * rows),
            round(x_um / self.pitch_um - 0.5 * columns),
        )

    def coarser(self) -> Footprint:
        """Return the same light on a grid of twice the pitch."""
        rows, columns = self.weights.shape
        padded = np.pad(self.weights, ((0, rows % 2), (0, columns % 2)))
        blocks = padded.reshape(-(-rows // 2), 2, -(-columns // 2), 2).mean(axis=(1, 3))
        return Footprint(2.0 * self.pitch_um, blocks / blocks[blocks > 0].mean())


def footprint_of(source: LightSource, chip_um: tuple[float, float]) -> Footprint:
    """Return what an exposure of a light source lights.

    Parameters
    ----------
    chip_um
        Width and height of the camera's field of view, which an unknown lit area is taken to pass
        by a quarter.
    """
    is_round = source.lit_shape == "ellipse"
    if source.lit_area_um2 is not None:
        box_um2 = source.lit_area_um2 * (4.0 / math.pi if is_round else 1.0)
        width_um = math.sqrt(box_um2 * source.lit_aspect)
        height_um = math.sqrt(box_um2 / source.lit_aspect)
    elif is_round:
        width_um = height_um = math.hypot(*chip_um)
    else:
        width_um, height_um = (BEYOND_CHIP * side for side in chip_um)
    return Footprint.of(width_um, height_um, source.lit_shape, source.lit_rim)


@lru_cache(maxsize=256)
def peak_of(shape: Literal["rectangle", "ellipse"], aspect: float, rim: float) -> float:
    """Return the strongest irradiance of a lit area over its mean."""
    return Footprint.of(aspect, 1.0, shape, rim).peak
