"""The field of a sample that took most of a line, wherever it lies: the one that a budget ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from acquire.dose.fluence import FluenceMap
from acquire.dose.tiles import TILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acquire.dose.footprint import Footprint
    from acquire.dose.tiles import Tiles

BLOCK = 256  # pixels of the map that are looked at at once, across
LEAST_SHARE = 1e-9  # of the strongest pixel; below it is rounding, and no light


class Brightest(NamedTuple):
    """The field with the highest mean dose.

    Attributes
    ----------
    x_um, y_um
        Where the stage stands for it.
    mean
        Its mean dose over the lit area, J/cm2 or relative.
    lit_um2
        How much of the sample took any light of the line.
    """

    x_um: float
    y_um: float
    mean: float
    lit_um2: float


def strongest(planes: Sequence[Tiles]) -> float:
    """Return a bound of the dose of the strongest spot: exact where all light has one pitch."""
    return sum(max((float(tile.max()) for _, tile in plane.items()), default=0.0)
               for plane in planes)  # fmt: skip


def brightest_field(planes: Sequence[Tiles], footprint: Footprint) -> Brightest:
    """Look at every place where a field could be, and return the one that took most.

    No field of any run took more: theirs are among those that are looked at.

    Parameters
    ----------
    planes
        All light of one line (`acquire.sample.record`).
    footprint
        What an exposure lights: how large a field is.
    """
    from scipy.signal import oaconvolve

    map_, pitch_um = FluenceMap(footprint, planes), footprint.pitch_um
    lit = footprint.is_lit.astype(np.float64)
    rows, columns = lit.shape
    least = LEAST_SHARE * strongest(planes)
    best, lit_px = Brightest(0.0, 0.0, 0.0, 0.0), 0
    for row, column in _blocks(planes, footprint):
        y_um = (row + np.arange(BLOCK + rows - 1) + 0.5) * pitch_um
        x_um = (column + np.arange(BLOCK + columns - 1) + 0.5) * pitch_um
        fluence = map_.at(np.tile(x_um, len(y_um)), np.repeat(y_um, len(x_um)))
        fluence = fluence.reshape(len(y_um), len(x_um))
        lit_px += int(np.count_nonzero(fluence[:BLOCK, :BLOCK] > least))
        means = oaconvolve(fluence, lit[::-1, ::-1], "valid") / lit.sum()
        at = np.unravel_index(int(means.argmax()), means.shape)
        if means[at] > best.mean:
            middle_y, middle_x = row + int(at[0]) + 0.5 * rows, column + int(at[1]) + 0.5 * columns
            best = Brightest(middle_x * pitch_um, middle_y * pitch_um, float(means[at]), 0.0)
    return best._replace(lit_um2=lit_px * pitch_um**2)


def _blocks(planes: Sequence[Tiles], footprint: Footprint) -> set[tuple[int, int]]:
    """Return the first pixel of each block that a field which took any light may begin in."""
    rows, columns = footprint.shape
    found = set()
    for plane in planes:
        side = TILE * plane.pitch_um / footprint.pitch_um  # of a tile, in pixels of the footprint
        for (row, column), _ in plane.items():
            top, left = int(row * side // 1) - rows, int(column * side // 1) - columns
            below, beyond = int(-(-(row + 1) * side // 1)), int(-(-(column + 1) * side // 1))
            found |= {
                (r * BLOCK, c * BLOCK)
                for r in range(top // BLOCK, (below - 1) // BLOCK + 1)
                for c in range(left // BLOCK, (beyond - 1) // BLOCK + 1)
            }
    return found
