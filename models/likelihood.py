"""How likely are these counts, if the light was this? Poisson photo-electrons, normal read noise.

References
----------
Snyder, Helstrom, Lanterman, Faisal & White, J. Opt. Soc. Am. A 12(2), 1995 (the CCD's likelihood).
"""

from __future__ import annotations

from math import ceil, log, pi
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Values = NDArray[np.float64]

_REACH = 8.0
"""Read-noise sigmas around a count in which photo-electrons are summed: the rest is below 1e-14."""
_LEAST_READ_E = 0.05
"""Read noise below this is taken for it, rms e-: whole electrons are told apart long before."""


def log_likelihood(
    adu: NDArray[Any],
    photons: ArrayLike,
    gain_adu_per_e: ArrayLike,
    offset_adu: ArrayLike,
    read_noise_e: ArrayLike,
) -> Values:
    """Return the logarithm of each pixel's probability density, per photo-electron.

    ``p(e | x) = sum over k of Poisson(k; x) Normal(e - k; read_noise)``, summed exactly over the
    counts k that matter. Rounding to whole counts is not in it: it is below 1e-2 where the gain is
    above 1 ADU per read noise.

    Parameters
    ----------
    adu
        Counts, any shape, ADU.
    photons
        Mean photo-electrons that are supposed, like `adu`; not below 0.
    gain_adu_per_e, offset_adu, read_noise_e
        The camera: numbers, or maps like `adu`.
    """
    from scipy.special import gammaln, xlogy  # here: slow to import, and never in the loop

    mean = np.asarray(photons, np.float64)
    if (mean < 0).any():
        raise ValueError(f"photons must be >= 0, got {mean.min():g}")
    gain = np.asarray(gain_adu_per_e, np.float64)
    electrons = (np.asarray(adu, np.float64) - np.asarray(offset_adu, np.float64)) / gain
    read = np.maximum(np.asarray(read_noise_e, np.float64), _LEAST_READ_E)
    nearest = np.rint(electrons)
    # A pixel far below its mean is explained by fewer photo-electrons, never by less read noise.
    reach = ceil(_REACH * float(read.max())) + 1
    total: Values = np.full(np.broadcast(electrons, mean, read).shape, -np.inf)
    for step in range(-reach, reach + 1):
        count = np.maximum(nearest, 0.0) + step
        term = xlogy(count, mean) - mean - gammaln(np.maximum(count, 0.0) + 1.0)
        term = term - 0.5 * ((electrons - count) / read) ** 2
        total = np.logaddexp(total, np.where(count >= 0, term, -np.inf))
    return total - np.log(read) - 0.5 * log(2.0 * pi)
