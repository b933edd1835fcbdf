"""What a dye stains, as things to draw: nuclei, cell bodies, or spots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.optics import chromatin, sections
from acquire.simulated.optics.chromatin import Wardrobe
from acquire.simulated.optics.rendering import Blobs, Points
from acquire.simulated.optics.sections import Atlas

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.config import SimulatedScopeConfig
    from acquire.simulated.specimen.cells import Column, Nuclei, Spots

    Patch = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Gaze:
    """Where the microscope looks.

    Attributes
    ----------
    corner_um
        Stage coordinates x, y of the image's first pixel, um.
    focus_um
        Height of the focal plane, um.
    pixel_um
        Size of a pixel at the sample, um.
    """

    corner_um: tuple[float, float]
    focus_um: float
    pixel_um: float

    def to_pixels(self, x_um: Column, y_um: Column) -> tuple[Column, Column]:
        """Return where stage coordinates lie on the image, x and y, pixels."""
        return (
            (x_um - self.corner_um[0]) / self.pixel_um,
            (y_um - self.corner_um[1]) / self.pixel_um,
        )


class Stains:
    """Makes things to draw from cells; keeps each cell's look.

    Attributes
    ----------
    atlas
        What cells look like inside.
    """

    def __init__(self, config: SimulatedScopeConfig) -> None:
        self._nucleus_um = config.nucleus_um
        self._body_um = config.nucleus_um * config.cell_ratio
        self._is_flat = config.psf == "gaussian"
        self._wardrobe = Wardrobe()
        self.atlas = Atlas()

    def nuclei(self, nuclei: Nuclei, light: Column, gaze: Gaze) -> Blobs:
        """Return the nuclei; `light` is e- per pixel of a young one with all that dye, (n,)."""
        x_px, y_px = gaze.to_pixels(nuclei.x_um, nuclei.y_um)
        # The dye is spread over the nucleus: a condensed one is smaller and brighter.
        spread = self._nucleus_um**2 / (nuclei.long_um * nuclei.short_um)

        def paint(i: int, height: float, roundness: float) -> Patch:
            key, condensed = int(nuclei.keys[i]), float(nuclei.condensed[i])
            fallen = float(nuclei.fragmented[i])
            if self._is_flat:
                look = self._wardrobe.of(key, dead=fallen > 0.0)
                return look.shown(condensed, fallen)
            section = self.atlas.of(key).at(height, condensed, roundness)
            if fallen <= 0.0:
                return section
            pieces = chromatin.fragments(key, sections.SIDE, sections.REACH)
            return chromatin.between(section, pieces, fallen)

        return Blobs(
            x_px,
            y_px,
            nuclei.z_um - gaze.focus_um,
            nuclei.long_um / gaze.pixel_um,
            nuclei.short_um / gaze.pixel_um,
            None if self._is_flat else nuclei.depth_um,
            nuclei.angle,
            light * spread,
            paint,
            chromatin.REACH if self._is_flat else sections.REACH,
        )

    def bodies(self, nuclei: Nuclei, light: Column, gaze: Gaze) -> Blobs:
        """Return the cell bodies; `light` is e- per pixel of each, (n,)."""
        x_px, y_px = gaze.to_pixels(nuclei.x_um, nuclei.y_um)
        radius_px = nuclei.cyto_um / gaze.pixel_um
        return Blobs(
            x_px,
            y_px,
            nuclei.z_um - gaze.focus_um,
            radius_px,
            radius_px,
            None if self._is_flat else nuclei.depth_um,
            nuclei.angle,
            light,
            lambda i, *_: self.atlas.of(int(nuclei.keys[i])).body,
            sections.REACH,
        )

    def dyed_bodies(self, nuclei: Nuclei, light: Column, gaze: Gaze) -> Blobs:
        """Return the cell bodies; `light` is e- per pixel of a lonely one with all that dye."""
        return self.bodies(nuclei, light * (self._body_um / nuclei.cyto_um) ** 2, gaze)

    def spots(self, spots: Spots, nuclei: Nuclei, light: Column, gaze: Gaze, area: float) -> Points:
        """Return the spots.

        Parameters
        ----------
        light
            Photo-electrons in the middle pixel of a spot in focus, for each cell, (n,).
        area
            Pixels over which a spot in focus would spread were it evenly bright.
        """
        x_px, y_px = gaze.to_pixels(spots.x_um, spots.y_um)
        order = np.argsort(nuclei.ids)
        place = np.searchsorted(nuclei.ids, spots.cells, sorter=order)
        found = order[np.minimum(place, max(len(order) - 1, 0))] if len(order) else place
        return Points(x_px, y_px, spots.z_um - gaze.focus_um, light[found] * area)
