"""Photon numbers: Poisson's law for millions of pixels, from 32 random bits each."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln, ndtri, xlogy

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Up to this mean a photon number is drawn exactly (to 5e-7 in probability); above it, from the
# normal distribution with Poisson's skewness, which is then wrong by less than 1e-3 in its moments.
TABLE_MEAN_E = 16.0
LEVELS_PER_E = 32  # the mean is dithered between levels: exact mean, variance + < 0.0003
OUTCOMES = 64  # photon numbers in the table; P(more | mean 16) < 1e-17
SLOT_BITS, CHANCE_BITS, DITHER_BITS = 6, 15, 11  # of the 32 random bits of a pixel


def poisson_numbers(mean: NDArray[np.float32], words: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Return Poisson numbers, (n,) float32.

    Parameters
    ----------
    mean
        Expected numbers, (n,).
    words
        32 random bits for each.
    """
    low = mean <= TABLE_MEAN_E
    if low.all():
        return _from_table(mean, words)
    if not low.any():
        return _from_normal(mean, words)
    numbers = _from_table(np.minimum(mean, np.float32(TABLE_MEAN_E)), words)
    high = np.flatnonzero(~low)
    numbers[high] = _from_normal(mean[high], words[high])
    return numbers


def _from_table(mean: NDArray[np.float32], words: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Draw by Walker's alias method between two neighbouring levels of the mean."""
    chances, aliases = _alias_tables()
    level = (words & np.uint32((1 << DITHER_BITS) - 1)).astype(np.float32)
    level *= np.float32(2.0**-DITHER_BITS)
    level += mean * np.float32(LEVELS_PER_E)
    slot = (words >> np.uint32(32 - SLOT_BITS)).astype(np.intp)
    cell = level.astype(np.intp)
    cell *= OUTCOMES
    cell += slot
    chance = (words >> np.uint32(DITHER_BITS)).astype(np.uint16)
    chance &= np.uint16((1 << CHANCE_BITS) - 1)
    stays = chance < chances.take(cell)
    numbers: NDArray[np.float32] = np.where(stays, slot, aliases.take(cell)).astype(np.float32)
    return numbers


def _from_normal(mean: NDArray[np.float32], words: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Draw by the Cornish-Fisher expansion to the skewness: m + z sqrt(m) + (z^2 - 1)/6, rounded.

    References
    ----------
    Cornish & Fisher, Rev. Inst. Int. Stat. 5, 307 (1938).
    """
    z = normal_table().take((words >> np.uint32(16)).astype(np.intp))
    numbers = z * z
    numbers -= 1.0
    numbers *= np.float32(1.0 / 6.0)
    z *= np.sqrt(mean)
    numbers += z
    numbers += mean
    np.rint(numbers, out=numbers)
    np.maximum(numbers, 0.0, out=numbers)
    return numbers


@cache
def normal_table() -> NDArray[np.float32]:
    """Return 65536 equally likely standard normal numbers, scaled to variance 1 (|z| < 4.3)."""
    z = ndtri((np.arange(65536) + 0.5) / 65536)
    table: NDArray[np.float32] = (z / z.std()).astype(np.float32)
    return table


@cache
def _alias_tables() -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Return chances (of 2^15) and aliases, flat, a row of OUTCOMES for each level of the mean.

    References
    ----------
    Walker, ACM Trans. Math. Softw. 3, 253 (1977); Vose, IEEE Trans. Softw. Eng. 17, 972 (1991).
    """
    n_levels = int(TABLE_MEAN_E * LEVELS_PER_E) + 2
    means, ks = np.arange(n_levels)[:, None] / LEVELS_PER_E, np.arange(OUTCOMES)
    share = OUTCOMES * np.exp(xlogy(ks, means) - means - gammaln(ks + 1))
    chances = np.full(share.shape, 1 << CHANCE_BITS, np.uint16)
    aliases = np.tile(np.arange(OUTCOMES, dtype=np.uint8), (n_levels, 1))
    for row in range(n_levels):
        _fill_alias_row(share[row], chances[row], aliases[row])
    return chances.ravel(), aliases.ravel()


def _fill_alias_row(
    share: NDArray[np.float64], chances: NDArray[np.uint16], aliases: NDArray[np.uint8]
) -> None:
    """Let each rare outcome give the rest of its slot to a frequent one (Vose)."""
    left = share.tolist()
    small = [k for k, s in enumerate(left) if s < 1.0]
    large = [k for k, s in enumerate(left) if s >= 1.0]
    while small and large:
        rare, frequent = small.pop(), large[-1]
        chances[rare] = round(left[rare] * (1 << CHANCE_BITS))
        aliases[rare] = frequent
        left[frequent] -= 1.0 - left[rare]
        if left[frequent] < 1.0:
            small.append(large.pop())
