"""What is drawn of a skipped plane: so much of a network's, of a blend and of a straight line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.axial_base import Shown


class Candidates(NamedTuple):
    """A plane as it may be drawn, (Y, X) photo-electrons.

    All that the network says; what it corrects, a cubic where four planes are known; and the
    straight line between two.
    """

    network: NDArray[np.float32]
    blend: NDArray[np.float32]
    line: NDArray[np.float32]


def light_of(squared: NDArray[np.float32], pedestal: float) -> NDArray[np.float32]:
    """Turn squares of stabilised light into photo-electrons, in place; never below 0."""
    np.multiply(squared, np.float32(0.25), out=squared)
    np.subtract(squared, np.float32(pedestal), out=squared)
    return np.maximum(squared, np.float32(0.0), out=squared)


def line_between(
    shown: Sequence[Shown],
    fraction: float,
    work: NDArray[np.float32],
    out: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Write the straight line of the squares of two stabilised planes, lower and upper."""
    lower, upper = shown[0].restored, shown[1].restored
    np.multiply(lower, lower, out=out)
    np.multiply(out, np.float32(1.0 - fraction), out=out)
    np.multiply(upper, upper, out=work)
    np.multiply(work, np.float32(fraction), out=work)
    return np.add(out, work, out=out)


def mixed(
    drawn: Candidates,
    weight: float,
    line_weight: float,
    work: NDArray[np.float32],
    out: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Write the blend with so much of the network's correction and so much of the line.

    Never below 0: a share of the line above 1, or below 0, can lead there.
    """
    np.copyto(out, drawn.blend)
    for part, share in ((drawn.network, weight), (drawn.line, line_weight)):
        if share:
            np.subtract(part, drawn.blend, out=work)
            np.multiply(work, np.float32(share), out=work)
            np.add(out, work, out=out)
    return np.maximum(out, np.float32(0.0), out=out)
