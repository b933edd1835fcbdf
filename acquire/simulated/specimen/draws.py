"""Random numbers that depend on who asks and when, never on who else was asked before.

Each cell has a key that follows from the seed and its lineage alone. A draw is a pure function of
(key, process, index). So a cell's fate does not change when another cell is born, dies, leaves or
is lit; the same specimen under two light policies differs only by what the light did.

References
----------
Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011):
Philox4x32-10, its multipliers, Weyl constants and known answers.
Box & Muller, Ann. Math. Stat. 29, 610 (1958).
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Words: TypeAlias = "NDArray[np.uint64]"

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)


class Process(IntEnum):
    """What a draw is for; each has its own stream in every cell."""

    ROOT = 0
    CHILD = 1
    START = 2
    MOTION = 3
    CYCLE = 4
    FATE = 5
    LOOK = 6
    EXPRESSION = 7
    PLACE = 8
    DEATH = 9
    SPOTS = 10
    CALCIUM = 11


def philox4x32(counter: tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike], key: Words) -> Words:
    """Return four random 32-bit words for each key, (n, 4) uint64.

    Parameters
    ----------
    counter
        Four words, each a scalar or (n,).
    key
        64-bit keys, (n,).
    """
    key = np.atleast_1d(np.asarray(key, np.uint64))
    c0, c1, c2, c3 = (np.broadcast_to(np.asarray(c, np.uint64) & _LOW, key.shape) for c in counter)
    k0, k1 = key & _LOW, key >> _HALF
    for _ in range(10):
        product0, product1 = c0 * _M0, c2 * _M1
        c0, c1, c2, c3 = (
            (product1 >> _HALF) ^ c1 ^ k0,
            product1 & _LOW,
            (product0 >> _HALF) ^ c3 ^ k1,
            product0 & _LOW,
        )
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return np.stack([c0, c1, c2, c3], axis=-1)


def uniforms(
    key: Words, process: Process, index: int = 0, member: ArrayLike = 0
) -> NDArray[np.float64]:
    """Return four numbers in (0, 1) for each key, (n, 4).

    Parameters
    ----------
    index
        Which draw of the process: the step, the window of time.
    member
        Which of the cell's parts draws, a scalar or (n,).
    """
    words = philox4x32((index & 0xFFFFFFFF, index >> 32, int(process), member), key)
    return (words.astype(np.float64) + 0.5) * 2.0**-32


def normals(
    key: Words, process: Process, index: int = 0, member: ArrayLike = 0
) -> NDArray[np.float64]:
    """Return four standard normal numbers for each key, (n, 4); as `uniforms`."""
    u = uniforms(key, process, index, member)
    radius = np.sqrt(-2.0 * np.log(u[:, 0::2]))
    angle = 2.0 * np.pi * u[:, 1::2]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def root_keys(seed: int, n: int) -> Words:
    """Return the keys of the founders of a specimen, (n,)."""
    words = philox4x32((np.arange(n), 0, int(Process.ROOT), 0), np.full(n, seed, dtype=np.uint64))
    return _pair(words)


def child_keys(parents: Words, which: int) -> Words:
    """Return the key of one daughter (0 or 1) of each mother, (n,)."""
    return _pair(philox4x32((which, 0, int(Process.CHILD), 0), parents))


def _pair(words: Words) -> Words:
    pair: Words = words[:, 0] | (words[:, 1] << _HALF)
    return pair
