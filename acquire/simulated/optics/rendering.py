"""From cells to light on the chip: every piece of a cell drawn at its height, then blurred."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.optics.canvas import Sheet, develop, splat, stamp
from acquire.simulated.optics.slicing import Slices, cut, cut_sheets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from acquire.simulated.optics.blur import BlurStack

    Image = NDArray[np.float32]
    Values = NDArray[np.float64]
    Painter = Callable[[int, float, float], Image]

POINT_PX = 0.8  # what is smaller on its sheet is drawn as a point


@dataclass(frozen=True, slots=True)
class Blobs:
    """Ellipsoids that shine, as columns of equal length.

    Attributes
    ----------
    x_px, y_px
        Centres on the image, pixels.
    z_um
        Height above the focal plane, um.
    long_px, short_px, semi_um
        Semi-axes across and along the light; no semi_um: sheets without thickness.
    angle
        Of the long axis against x, radians.
    light
        Photo-electrons per pixel, mean over the ellipse, as if all were in one sheet.
    paint, reach
        Return the brightness of a piece of blob i of a height and a roundness (as in `Slices`), on
        -reach..reach, mean 1.
    """

    x_px: Values
    y_px: Values
    z_um: Values
    long_px: Values
    short_px: Values
    semi_um: Values | None
    angle: Values
    light: Values
    paint: Painter
    reach: float


@dataclass(frozen=True, slots=True)
class Points:
    """Points that shine: place on the image, height above focus, photo-electrons, (n,) each."""

    x_px: Values
    y_px: Values
    z_um: Values
    light: Values


class Scene:
    """What one exposure shows; things are added, then it is developed once."""

    def __init__(self, stack: BlurStack, shape: tuple[int, int]) -> None:
        self._stack = stack
        self._shape = shape
        self._sheets: dict[float, Sheet] = {}
        heights = stack.heights_um
        self._heights_um = (
            np.concatenate([-heights[:0:-1], heights]) if stack.is_symmetric else heights
        )

    def add_blobs(self, blobs: Blobs) -> None:
        """Add blobs at all heights; sheets that all lie at one height get exactly its blur."""
        n = len(blobs.light)
        if n and blobs.semi_um is None and self._stack.is_gaussian and np.ptp(blobs.z_um) == 0.0:
            blur = self._stack.exactly(float(blobs.z_um[0]))
            sheet = self._sheets.setdefault(np.inf, Sheet.blank(blur, self._shape))
            one, none = np.ones(n), np.zeros(n)
            whole = np.arange(n)
            _draw(sheet, blobs, Slices(whole, whole, one, one, none, none), whole)
            return
        if blobs.semi_um is None:
            slices = cut_sheets(blobs.z_um, self._heights_um)
        else:
            slices = cut(blobs.z_um, blobs.semi_um, self._heights_um)
        for sheet, pieces in self._by_sheet(slices):
            _draw(sheet, blobs, slices, pieces)

    def add_points(self, points: Points) -> None:
        """Add points at all heights."""
        slices = cut_sheets(points.z_um, self._heights_um)
        for sheet, pieces in self._by_sheet(slices):
            cell = slices.cell[pieces]
            x, y = sheet.to_sheet(points.x_px[cell], points.y_px[cell])
            light = points.light[cell] * slices.share[pieces] * 0.25**sheet.blur.level
            splat(sheet.pixels, x, y, light)

    def develop(self) -> Image:
        """Return the photo-electrons, (Y, X) float32."""
        return develop(list(self._sheets.values()), self._shape)

    def _by_sheet(self, slices: Slices) -> Sequence[tuple[Sheet, NDArray[np.intp]]]:
        """Return for each height that somebody is at its sheet and the pieces on it."""
        found = []
        for layer in np.unique(slices.layer):
            height = float(self._heights_um[layer])
            blur = self._stack.at(height)
            if not blur.passes:
                continue  # the pinhole lets nothing through from there
            height = abs(height) if self._stack.is_symmetric else height
            if height not in self._sheets:
                self._sheets[height] = Sheet.blank(blur, self._shape)
            found.append((self._sheets[height], np.flatnonzero(slices.layer == layer)))
        return found


def _draw(sheet: Sheet, blobs: Blobs, slices: Slices, pieces: NDArray[np.intp]) -> None:
    """Draw some pieces of blobs on one sheet."""
    size = 2.0**sheet.blur.level
    which, radius = slices.cell[pieces], slices.radius[pieces]
    x, y = sheet.to_sheet(blobs.x_px[which], blobs.y_px[which])
    long, short = blobs.long_px[which] * radius / size, blobs.short_px[which] * radius / size
    light = blobs.light[which] * slices.share[pieces] / radius**2
    rows, columns = sheet.pixels.shape
    edge = blobs.reach * long + 1.0
    seen = (x > -edge) & (x < columns + edge) & (y > -edge) & (y < rows + edge) & (light > 0.0)
    small = seen & (short < POINT_PX)
    if small.any():
        total = (np.pi * light * long * short)[small]
        splat(sheet.pixels, x[small], y[small], total)
    angle, height, roundness = blobs.angle[which], slices.height[pieces], slices.roundness[pieces]
    for i in np.flatnonzero(seen & ~small).tolist():
        stamp(
            sheet.pixels,
            blobs.paint(int(which[i]), float(height[i]), float(roundness[i])),
            float(light[i]),
            (float(x[i]), float(y[i])),
            (float(long[i]), float(short[i])),
            float(angle[i]),
            blobs.reach,
        )
