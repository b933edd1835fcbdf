"""How much of each cell lies at each height above the focus, and what it looks like there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

LEAST = 1e-3  # a share of a cell that is not worth drawing


@dataclass(frozen=True, slots=True)
class Slices:
    """Pieces of cells, as columns of equal length.

    Attributes
    ----------
    cell, layer
        Which cell a piece is of, and at which height it is drawn.
    share
        Of the cell; all pieces of a cell add up to 1.
    radius
        Of the piece, relative to the cell's largest section.
    height
        Of the piece's middle above the cell's, in semi-axes, -1 to 1.
    """

    cell: NDArray[np.intp]
    layer: NDArray[np.intp]
    share: Values
    radius: Values
    height: Values


def cut(centre_um: Values, semi_um: Values, heights_um: Values) -> Slices:
    """Cut ellipsoids into slices at given heights.

    What lies between two heights is given to both, the nearer the more, so that an image changes
    smoothly while the focus moves. Beyond the first and the last height all goes to that one.

    Parameters
    ----------
    centre_um, semi_um
        Height of each cell's middle and its semi-axis along it, (n,) um.
    heights_um
        Heights at which pieces can be drawn, rising, (m,) um, m >= 2.
    """
    semi_um = np.maximum(semi_um, 1e-3)[:, None]
    # Knots of the hats, in semi-axes from the middle of each cell: (n, m).
    knots = (heights_um - centre_um[:, None]) / semi_um
    inner = np.clip(knots, -1.0, 1.0)
    volume, moment, square = _below(inner)
    # Between neighbouring knots, (n, m - 1): volume, and its moments about the cell's middle.
    volume, moment, square = (np.diff(v, axis=1) for v in (volume, moment, square))
    width = np.diff(knots, axis=1)
    upper = (moment - knots[:, :-1] * volume) / width  # integral of (u - a) / (b - a)
    lower = volume - upper
    upper_moment = (square - knots[:, :-1] * moment) / width
    lower_moment = moment - upper_moment
    share = _join(lower, upper)
    first = _join(lower_moment, upper_moment)
    # Lengths of the cell within each hat, for the mean section there.
    length, middle = np.diff(inner, axis=1), np.diff(0.5 * inner**2, axis=1)
    upper_length = (middle - knots[:, :-1] * length) / width
    span = _join(length - upper_length, upper_length)
    _add_ends(share, first, span, inner)
    cell, layer = np.nonzero(share > LEAST)
    kept = share[cell, layer]
    total = np.bincount(cell, kept, len(centre_um))[cell]
    area = 4.0 / 3.0 * kept / np.maximum(span[cell, layer], 1e-12)
    height = first[cell, layer] / kept
    return Slices(cell, layer, kept / total, np.sqrt(np.clip(area, 0.01, 1.0)), height)


def cut_sheets(centre_um: Values, heights_um: Values) -> Slices:
    """Cut cells without thickness: each lies between two heights, the nearer gets more of it."""
    last = len(heights_um) - 1
    place = np.interp(centre_um, heights_um, np.arange(last + 1.0))
    below = np.minimum(place.astype(np.intp), last - 1)
    n = len(centre_um)
    cell = np.concatenate([np.arange(n), np.arange(n)])
    share = np.concatenate([1.0 - (place - below), place - below])
    layer = np.concatenate([below, below + 1])
    kept = share > LEAST
    ones = np.ones(int(kept.sum()))
    return Slices(cell[kept], layer[kept], share[kept], ones, 0.0 * ones)


def _below(u: Values) -> tuple[Values, Values, Values]:
    """Return the part of the unit ball below a height u, and its first and second moment.

    Its section has the area 1 - u^2; the whole ball counts 1.
    """
    volume = 0.75 * (u - u**3 / 3.0) + 0.5
    moment = 0.75 * (u**2 / 2.0 - u**4 / 4.0)
    square = 0.75 * (u**3 / 3.0 - u**5 / 5.0)
    return volume, moment, square


def _join(lower: Values, upper: Values) -> Values:
    """Return for each knot what lies towards it from above and from below, (n, m)."""
    joined = np.zeros((lower.shape[0], lower.shape[1] + 1))
    joined[:, :-1] += lower
    joined[:, 1:] += upper
    return joined


def _add_ends(share: Values, first: Values, span: Values, inner: Values) -> None:
    """Give what lies beyond the first and the last knot to these, in place."""
    under, under_moment, _ = _below(inner[:, 0])
    over, over_moment, _ = _below(inner[:, -1])
    bottom_moment = _below(np.array(-1.0))[1]
    share[:, 0] += under
    first[:, 0] += under_moment - bottom_moment
    span[:, 0] += inner[:, 0] + 1.0
    share[:, -1] += 1.0 - over
    first[:, -1] += bottom_moment - over_moment
    span[:, -1] += 1.0 - inner[:, -1]
