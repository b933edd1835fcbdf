"""What stabilisation really does in faint light, computed exactly: mean and spread of its values.

The closed forms of `models.noise` are approximations that hold from a few photo-electrons on. Here
the camera's own distribution is summed up, so that it can be said where they stop holding, and so
that the mean of noisy stabilised values can be read out without bias down to no light at all.

References
----------
Makitalo & Foi, IEEE Trans. Image Process. 22(1), 2013 (the exact unbiased inverse is such a table).
"""

from __future__ import annotations

from functools import lru_cache
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from models.noise import inverse_unbiased

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 0.05
"""How far from 1 the standard deviation may be where values count as stabilised."""
_TOP_E = 60.0
"""Photo-electrons up to which tables go; above, closed forms are right within 1e-3 e-."""
_STEPS = 241
_NODES = np.linspace(-7.0, 7.0, 281)
_WEIGHTS = np.exp(-0.5 * _NODES**2)


def moments(photons: float, read_noise_e: float) -> tuple[float, float]:
    """Return mean and standard deviation of the stabilised values of one light level.

    Poisson photo-electrons plus normal read noise: the first is summed up, the second integrated in
    steps of 1/20 sigma (the root's kink at 0 spoils a Gauss rule). Counts are not rounded.

    Parameters
    ----------
    photons
        Mean photo-electrons a pixel, at most some thousands.
    read_noise_e
        Rms photo-electrons.
    """
    from scipy.stats import poisson  # here: slow to import, and only tables need it

    reach = 9.0 * sqrt(photons) + 25.0
    counts = np.arange(max(0.0, np.floor(photons - reach)), np.ceil(photons + reach))
    chance = poisson.pmf(counts, photons)[:, None] * (_WEIGHTS / _WEIGHTS.sum())  # (K, 281)
    electrons = counts[:, None] + read_noise_e * _NODES
    stabilised = 2.0 * np.sqrt(np.maximum(electrons + 0.375 + read_noise_e**2, 0.0))
    mean = float((chance * stabilised).sum())
    return mean, sqrt(float((chance * (stabilised - mean) ** 2).sum()))


@lru_cache(maxsize=8)
def _table(read_noise_e: float) -> tuple[NDArray[np.float64], ...]:
    """Return light levels, and mean and standard deviation of the stabilised values of each."""
    photons = np.linspace(0.0, sqrt(_TOP_E), _STEPS) ** 2
    mean, sd = np.array([moments(float(level), read_noise_e) for level in photons]).T
    for array in (photons, mean, sd):
        array.flags.writeable = False
    return photons, mean, sd


def valid_from_e(read_noise_e: float, tolerance: float = TOLERANCE) -> float:
    """Return the light from which on the stabilised noise is 1 within ``tolerance``.

    0 means that it is so in the dark, too: read noise of 1 e-, or above 2.9 e-.
    """
    photons, _, sd = _table(read_noise_e)
    wrong = np.flatnonzero(np.abs(sd - 1.0) > tolerance)
    return 0.0 if wrong.size == 0 else float(photons[min(wrong[-1] + 1, _STEPS - 1)])


def inverse_exact(stabilised: NDArray[np.floating], read_noise_e: float) -> NDArray[np.float64]:
    """Return the photo-electrons whose noisy stabilised values have this *mean*, without bias.

    As `models.noise.inverse_unbiased`, and right in the faintest light, too: 0 where the mean is
    that of darkness, or below it.
    """
    photons, mean, _ = _table(read_noise_e)
    values = np.asarray(stabilised, np.float64)
    faint: NDArray[np.float64] = np.interp(values, mean, photons)
    return np.where(values < mean[-1], faint, inverse_unbiased(values, read_noise_e))
