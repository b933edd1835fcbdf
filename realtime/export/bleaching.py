"""How fast a channel fades with the light that it was given, and what would be without it.

A model, not a measurement, so what is corrected stands in a column of its own: all cells of a field
are taken to fade alike, as an exponential of the dose of the channel's light (Patterson and Piston,
Biophys. J. 78, 2159 (2000), for one photon and weak light), and not to change on the whole
otherwise. Where cells are born brighter or dimmer, this is not so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

LEAST_POINTS = 10
"""Measurements beyond one for each cell; with fewer no rate is given (proposed)."""
LEAST_SIGMA = 2.0
"""Standard errors that a rate must be above 0 to be believed; else nothing is corrected (proposed:
a rate that is noise would only add noise)."""
_FAR = 4.0  # robust standard deviations from which a point is no part of the fit (proposed)
_MAD_TO_SIGMA = 1.4826


class Fading(NamedTuple):
    """Rate of fading, for each unit of dose, and its standard error; NaN where it is not known."""

    rate: float
    error: float

    def correct(self, value: float, dose: float) -> float:
        """Return what a value would be if nothing had faded since the run began."""
        return float(value * np.exp(self.rate * dose))


UNKNOWN = Fading(float("nan"), float("nan"))


def fading(
    cells: Iterable[tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> Fading:
    """Fit the rate at which cells fade, each about its own mean.

    Parameters
    ----------
    cells
        For each cell: dose of the field so far, and brightness per dose, (n,) each.

    Returns
    -------
    Fading
        Its rate is 0 where no fading is seen: cells that become brighter are not bleaching.
    """
    doses, logs, n_cells = [], [], 0
    for dose, value in cells:
        good = np.isfinite(value) & np.isfinite(dose) & (value > 0)
        if np.count_nonzero(good) > 1:
            log = np.log(value[good])
            doses.append(dose[good] - dose[good].mean())
            logs.append(log - log.mean())
            n_cells += 1
    if not doses:
        return UNKNOWN
    d, y = np.concatenate(doses), np.concatenate(logs)
    if len(d) - n_cells < LEAST_POINTS or not np.any(d):
        return UNKNOWN
    slope = float(d @ y / (d @ d))
    rest = y - slope * d
    near = np.abs(rest) <= _FAR * _MAD_TO_SIGMA * np.median(np.abs(rest)) + 1e-12
    d, y = d[near], y[near]
    free = len(d) - n_cells - 1
    if free < 1 or not np.any(d):
        return UNKNOWN
    slope = float(d @ y / (d @ d))
    error = float(np.sqrt(np.sum((y - slope * d) ** 2) / free / (d @ d)))
    return Fading(-slope if -slope > LEAST_SIGMA * error else 0.0, error)
