"""What a noisy target says of the clean one: its bias and its variance after stabilisation.

The stabilising transform is bent, so the mean of stabilised noisy images lies below the stabilised
mean (0.25 e- at moderate light). Both this bias and the variance are known functions of the light;
a network taught with the bias added and the variance allowed for answers like one that was taught
by clean images, and leaves the stabilised domain by the same way ("posterior-mean").
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EXACT_E = 60.0
"""Up to this mean count the sum over Poisson counts is done; beyond it, two terms of a series."""
_NODES = np.linspace(-5.0, 5.0, 161)
"""Read noise is summed over these, in units of its deviation: the transform has a kink at zero."""


def bias_and_variance(
    photons: NDArray[np.float32],
    scale: float,
    target_read_e: float,
    input_read_e: float,
    left_over: float = 1.0,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what noise does to a stabilised target, each (Y, X) float32.

    Parameters
    ----------
    photons
        Expected light in units of the input, photo-electrons.
    scale
        Input photo-electrons per photo-electron of the target: 0.1 where the target had ten times
        the light.
    target_read_e, input_read_e
        Read noise of the target in its own photo-electrons, and that of the input, whose transform
        is used.
    left_over
        What a blur left of the target's variance; below 1 its noise counts as normal.

    Returns
    -------
    tuple
        ``E[d(t)] - d(photons)`` (negative) and the variance of ``d(t)``.
    """
    x = np.maximum(np.asarray(photons, np.float64), 0.0)
    bias, variance = _series(x, scale, target_read_e, input_read_e, left_over)
    if left_over == 1.0:
        light, table_bias, table_variance = _table(
            round(scale, 3), round(target_read_e, 2), round(input_read_e, 2)
        )
        is_dim = x < light[-1]
        place = np.sqrt(x[is_dim])  # the table is even in the root
        bias[is_dim] = np.interp(place, np.sqrt(light), table_bias)
        variance[is_dim] = np.interp(place, np.sqrt(light), table_variance)
    return bias.astype(np.float32), variance.astype(np.float32)


def _series(
    x: NDArray[np.float64], scale: float, target_read_e: float, read_e: float, left_over: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two terms of the Taylor series of ``2 sqrt(x + 3/8 + r^2)``."""
    noise = left_over * (scale * x + (scale * target_read_e) ** 2)
    inside = x + 0.375 + read_e**2
    return -0.25 * noise / inside**1.5, noise / inside


@lru_cache(maxsize=512)
def _table(
    scale: float, target_read_e: float, read_e: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Sum over Poisson counts and read noise; light is in photo-electrons of the input."""
    scale = max(scale, 1e-3)
    light = scale * np.linspace(0.0, np.sqrt(_EXACT_E), 64) ** 2
    counts = np.arange(int(_EXACT_E + 10 * np.sqrt(_EXACT_E)))
    mean = np.maximum(light / scale, 1e-12)[:, None]
    chance = np.exp(counts * np.log(mean) - mean - gammaln(counts + 1.0))  # (light, count)
    weights = np.exp(-0.5 * _NODES**2)
    weights /= weights.sum()
    seen = scale * (counts[:, None] + target_read_e * _NODES)
    stabilised = 2.0 * np.sqrt(np.maximum(seen + 0.375 + read_e**2, 0.0))
    first = chance @ (stabilised @ weights)
    second = chance @ (stabilised**2 @ weights)
    truth = 2.0 * np.sqrt(light + 0.375 + read_e**2)
    return light, first - truth, second - first**2
