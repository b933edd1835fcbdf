"""Sums over a residual: of neighbours, and of blocks on pictures shrunk four times."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from models.regions import SHRINK, Regions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

_BLOCK_PX = 16
_BLOCK_ALARM = 4.0


class Small(NamedTuple):
    """What is needed of a frame on a picture shrunk four times, (Y/4, X/4) float32 each.

    `z2` are squares of the residual, `calm` is the residual without hot pixels.
    """

    z: Image
    z2: Image
    calm: Image
    photons: Image
    variance_e2: Image

    def rows(self, rows: slice) -> Small:
        """Return the part that belongs to rows of the frame."""
        part = slice(rows.start // SHRINK, rows.stop // SHRINK)
        return Small(*(image[part] for image in self))


class Calm(NamedTuple):
    """The calm part of a background, where the estimate doubts no more than on average.

    `power` is the mean square of the residual with what is `kept` of the noise given back; `lit` is
    the share of the noise which is the light's own, not the camera's.
    """

    power: float = 1.0
    kept: float = 0.0
    pixels: float = 0.0
    lit: float = 0.0


def calm_part(small: Small, kept: Image, regions: Regions, read_e2: Image, excess: float) -> Calm:
    """Measure it; `kept` and `read_e2` are shrunk, too. `excess` is the camera's noise factor."""
    mean = regions.mean(kept, cells=False)
    if not mean >= 0.0:  # no background, or not a number
        return Calm()
    is_calm = cv2.bitwise_and(cv2.compare(kept, mean, cv2.CMP_LE), regions.is_cell ^ 1)
    few = cv2.countNonZero(is_calm)
    if not few:
        return Calm()
    power, doubt, light_e, camera_e2 = (
        float(cv2.mean(each, is_calm)[0]) for each in (small.z2, kept, small.photons, read_e2)
    )
    light_e2 = max(excess * light_e, 0.0)
    lit = light_e2 / max(light_e2 + camera_e2, 1e-6)
    return Calm(power + doubt, doubt, float(SHRINK**2 * few), lit)


def neighbours(z: Image) -> float:
    """Return the mean of the sums of products with the right and the lower neighbour."""
    flat, width = z.ravel(), z.shape[1]
    across = float(np.dot(flat[1:], flat[:-1])) - float(np.dot(z[1:, 0], z[:-1, -1]))
    down = float(np.dot(flat[width:], flat[:-width]))
    return 0.5 * (across + down)


def shrink_into(image: Image, out: Image) -> None:
    """Write the means over blocks of 4 x 4 px into `out`, (Y/4, X/4).

    In two steps of two, for which OpenCV has vector code: half the time of one step of four.
    """
    rows, columns = out.shape
    if rows:
        whole = image[: rows * SHRINK, : columns * SHRINK]
        half = cv2.resize(whole, (2 * columns, 2 * rows), interpolation=cv2.INTER_AREA)
        cv2.resize(half, (columns, rows), dst=out, interpolation=cv2.INTER_AREA)


def pooled(image: Image, *, highest: bool) -> Image:
    """Return the highest (or lowest) of each block of 4 x 4 px; what is left over is dropped."""
    rows, columns = (n // SHRINK for n in image.shape)
    reach = np.maximum if highest else np.minimum
    of_rows = image[: rows * SHRINK : SHRINK].copy()
    for step in range(1, SHRINK):
        reach(of_rows, image[step : rows * SHRINK : SHRINK], out=of_rows)
    out = of_rows[:, : columns * SHRINK : SHRINK].copy()
    for step in range(1, SHRINK):
        reach(out, of_rows[:, step : columns * SHRINK : SHRINK], out=out)
    return out


def bad_blocks(calm: Image) -> float:
    """Return the share of 16 x 16 blocks whose mean is beyond 4 sigma; `calm` is shrunk already."""
    side = _BLOCK_PX // SHRINK
    rows, columns = (n // side for n in calm.shape)
    whole = calm[: rows * side, : columns * side]
    means = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
    return float(np.mean(np.abs(means) * _BLOCK_PX > _BLOCK_ALARM))
