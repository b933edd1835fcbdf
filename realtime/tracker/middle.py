"""Medians and quantiles of short columns, many times a shot: without numpy's care for all cases."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEDIAN_MISS = {2: math.sqrt(2 * math.log(2.0)), 3: 1.5382}
"""Median distance of a Gaussian cloud from its middle, in standard deviations of an axis, by
dimension: of the Rayleigh and of the Maxwell distribution."""


def quantiles(values: NDArray[np.float64], *shares: float) -> list[float]:
    """Return the values below which such shares lie, between neighbours on a straight line.

    The same as `numpy.quantile` of a column of numbers, in a third of the time for a hundred.
    """
    line = np.sort(values)
    told = []
    for share in shares:
        at = share * (len(line) - 1)
        low = int(at)
        high = min(low + 1, len(line) - 1)
        told.append(float(line[low] + (at - low) * (line[high] - line[low])))
    return told


def median(values: NDArray[np.float64]) -> float:
    """Return the middle of some numbers; there must be one at least."""
    return quantiles(values, 0.5)[0]
