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
        Of an even disc as wide as the piece (same second moment), relative to the cell's largest
        section.
    height
        Of the piece's middle above the cell's, in semi-axes, -1 to 1.
    roundness
        0: the piece is as thin as a disc; 1: it is most of the cell, thick in the middle.
    """

    cell: NDArray[np.intp]
    layer: NDArray[np.intp]
    share: Values
    radius: Values
    height: Values
    roundness: Values


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
    knots = (heights_um - centre_um[:, None]) / semi_um  # in semi-axes from each middle, (n, m)
    moments = _below(np.clip(knots, -1.0, 1.0))
    share, first = (_by_knot(moments[k], moments[k + 1], knots) for k in (0, 1))
    wide = _by_knot(moments[3], moments[4], knots)
    _add_ends((share, first, wide), (moments[0], moments[1], moments[3]))
    cell, layer = np.nonzero(share > LEAST)
    kept = share[cell, layer]
    total = np.bincount(cell, kept, len(centre_um))[cell]
    radius = np.sqrt(np.clip(wide[cell, layer] / kept, 0.01, 1.0))
    spacing = np.gradient(heights_um)[layer] / semi_um[cell, 0]
    return Slices(
        cell,
        layer,
        kept / total,
        radius,
        first[cell, layer] / kept,
        np.clip(2.0 * spacing - 1.0, 0.0, 1.0),  # flat below half a semi-axis, round above one
    )


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
    return Slices(cell[kept], layer[kept], share[kept], ones, 0.0 * ones, 0.0 * ones)


def _below(u: Values) -> tuple[Values, Values, Values, Values, Values]:
    """Return integrals over the unit ball from its bottom to a height u; the whole ball counts 1.

    Of a = 1 - u^2 (the area of a section): a, a u, a u^2; then a^2, a^2 u.
    """
    u3, u5 = u**3 / 3.0, u**5 / 5.0
    return (
        0.75 * (u - u3) + 0.5,
        0.75 * (u**2 / 2.0 - u**4 / 4.0 - 0.25),
        0.75 * (u3 - u5) + 0.1,
        0.75 * (u - 2.0 * u3 + u5) + 0.4,
        0.75 * (u**2 / 2.0 - u**4 / 2.0 + u**6 / 6.0 - 1.0 / 6.0),
    )


def _by_knot(below: Values, below_u: Values, knots: Values) -> Values:
    """Return what belongs to each knot of what lies between the first and the last, (n, m).

    Parameters
    ----------
    below, below_u
        Integrals of f and of f u up to each knot, (n, m).
    """
    whole, moment = np.diff(below, axis=1), np.diff(below_u, axis=1)
    upper = (moment - knots[:, :-1] * whole) / np.diff(knots, axis=1)
    shares = np.zeros_like(knots)
    shares[:, :-1] += whole - upper
    shares[:, 1:] += upper
    return shares


def _add_ends(shares: tuple[Values, ...], below: tuple[Values, ...]) -> None:
    """Give what lies beyond the first and the last knot to these, in place."""
    whole = (1.0, 0.0, 0.8)  # integrals of a, a u and a^2 over the ball
    for share, part, total in zip(shares, below, whole, strict=True):
        share[:, 0] += part[:, 0]
        share[:, -1] += total - part[:, -1]
