"""What only a simulator knows of an exposure: its image without noise, and whose each pixel is.

The truth is for judging what a controller made of the images. No policy ever sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.light.light_source import Exposed
    from acquire.simulated.optics.optics import Window
    from acquire.simulated.specimen.cells import Nuclei, Spots

    Column = NDArray[np.float64]
    Mask = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Seen:
    """One exposure, as only the bench knows it.

    Attributes
    ----------
    t_s, exposed_s
        Experiment time at its start, and how long it lasted, s.
    window
        Part of the chip that was read out, pixels.
    position_um
        Stage x, y, and the height that is in focus, um: drift is in it.
    given
        Light that the sample took, by line, at the centre of the field.
    nuclei
        All cells, as they are at the end of the exposure.
    lit
        Irradiance at each cell relative to the centre of the field, (n,); 0 outside.
    expected_e
        Photo-electrons that the camera could expect, dark current included, (Y, X) float32.
    is_lost
        The camera made the exposure and lost the frame.
    spots
        Sub-resolution spots, where the specimen has some.
    """

    t_s: float
    exposed_s: float
    window: Window
    position_um: tuple[float, float, float]
    given: Exposed
    nuclei: Nuclei
    lit: Column
    expected_e: NDArray[np.float32]
    is_lost: bool = False
    spots: Spots | None = None

    def dose_j_cm2(self, lines: tuple[str, ...]) -> Column:
        """Return the dose of each cell in this exposure and since the last one, (n, lines)."""
        fluence, stray = self.given.fluence_j_cm2, self.given.stray_j_cm2
        centre = np.array([fluence.get(line, 0.0) + stray.get(line, 0.0) for line in lines])
        dose: Column = self.lit[:, None] * centre
        return dose


@dataclass(frozen=True, slots=True)
class Chip:
    """How the sample lies on the camera: rows and columns of the whole chip, um of a pixel."""

    height: int
    width: int
    pixel_um: float

    def to_pixels(self, seen: Seen, of: Nuclei | Spots | None = None) -> tuple[Column, Column]:
        """Return where cells or spots lie in the window that was read out: y and x, pixels.

        Parameters
        ----------
        of
            None: the cells.
        """
        x_um, y_um, _ = seen.position_um
        of = seen.nuclei if of is None else of
        y = (of.y_um - y_um) / self.pixel_um + 0.5 * (self.height - 1) - seen.window.y
        x = (of.x_um - x_um) / self.pixel_um + 0.5 * (self.width - 1) - seen.window.x
        return y, x


def instance_mask(seen: Seen, chip: Chip) -> Mask:
    """Return whose nucleus each pixel shows, (Y, X) uint32: the cell's id + 1, or 0 for nobody's.

    A specimen with depth is cut by the plane in focus, (x/a)^2 + (y/b)^2 + (z/c)^2 <= 1; a flat
    one, whose centres are all at one height, shows its outlines at any focus. Where two nuclei
    claim a pixel, it belongs to the one that it lies deeper in.
    """
    nuclei = seen.nuclei
    mask = np.zeros((seen.window.height, seen.window.width), np.uint32)
    y_px, x_px = chip.to_pixels(seen)
    share = _section(nuclei, seen.position_um[2])
    long_px = nuclei.long_um / chip.pixel_um
    short_px = nuclei.short_um / chip.pixel_um
    reach = long_px * share
    is_near = (
        (share > 0)
        & (np.abs(x_px - 0.5 * mask.shape[1]) <= 0.5 * mask.shape[1] + reach)
        & (np.abs(y_px - 0.5 * mask.shape[0]) <= 0.5 * mask.shape[0] + reach)
    )
    depth = np.full(mask.shape, np.inf, np.float32)  # squared distance, in semi-axes
    cos, sin = np.cos(nuclei.angle), np.sin(nuclei.angle)
    for i in np.flatnonzero(is_near):
        y0, y1 = _span(y_px[i], reach[i], mask.shape[0])
        x0, x1 = _span(x_px[i], reach[i], mask.shape[1])
        dy = np.arange(y0, y1)[:, None] - y_px[i]
        dx = np.arange(x0, x1)[None, :] - x_px[i]
        along = (cos[i] * dx + sin[i] * dy) / long_px[i]
        across = (cos[i] * dy - sin[i] * dx) / short_px[i]
        distance = along**2 + across**2 + (1.0 - share[i] ** 2)
        area = depth[y0:y1, x0:x1]
        owns = (distance <= 1.0) & (distance < area)
        area[owns] = distance[owns]
        mask[y0:y1, x0:x1][owns] = nuclei.ids[i] + 1
    return mask


def _section(nuclei: Nuclei, focus_um: float) -> Column:
    """Return the size of each nucleus in the plane of focus relative to its outline, (n,), 0..1."""
    z_um = nuclei.z_um
    if not len(z_um) or np.ptp(z_um) == 0.0:
        return np.ones(len(z_um))
    off = (z_um - focus_um) / np.maximum(nuclei.depth_um, 1e-9)
    share: Column = np.sqrt(np.clip(1.0 - off**2, 0.0, None))
    return share


def _span(centre: float, reach: float, size: int) -> tuple[int, int]:
    return max(int(np.ceil(centre - reach)), 0), min(int(np.floor(centre + reach)) + 1, size)
