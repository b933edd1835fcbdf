"""How sure is a link? The probability that it is right, against all other explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.tracker.assign import Pairs

_ROUNDS = 12
"""Rounds of messages; after ten the answer moves by less than 1 % (measured)."""
_SHIFT, _SLOPE, _KINK, _BEYOND = -0.233, 0.541, 5.98, 0.765
"""What makes the log odds honest: a line with one kink, in nats. Fitted by likelihood on scenes
that no bar is about (docs/decisions/030-tracker.md)."""
_SURE = 30.0
"""Largest log odds, nats."""


def link_odds(pairs: Pairs, linked: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the log odds, nats, (N,), that each cell's link is right; of none: that it is unseen.

    Sums over all ways to link the field, by belief propagation: each cell tells each detection
    how much it wants it over all else, and each detection answers how free it is. It is exact
    where cells and detections form no loops, and converges always.

    References
    ----------
    Williams and Lau, IEEE Trans. Aerospace and Electronic Systems 50 (2014) 2942, eqs. 28-31.
    """
    n, m = len(pairs.alone), pairs.n_columns
    wish = np.exp(np.clip(pairs.alone[pairs.rows] - pairs.cost, -_SURE, _SURE))
    free = np.ones(len(wish))
    wanted = wish
    for _ in range(_ROUNDS):
        offer = wish * free
        wanted = wish / (1.0 + np.bincount(pairs.rows, offer, n)[pairs.rows] - offer)
        free = 1.0 / (1.0 + np.bincount(pairs.columns, wanted, m)[pairs.columns] - wanted)
    offer = wish * free
    others = 1.0 + np.bincount(pairs.rows, offer, n)
    own = pairs.columns == linked[pairs.rows]
    mine = np.where(linked < 0, 1.0, 0.0)
    mine[pairs.rows[own]] = offer[own]
    odds = np.log(np.maximum(mine, 1e-300)) - np.log(np.maximum(others - mine, np.exp(-_SURE)))
    return np.asarray(np.clip(odds, -_SURE, _SURE))


def certainty(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities from log odds, made honest."""
    told = _SHIFT + _SLOPE * np.minimum(odds, _KINK) + _BEYOND * np.maximum(odds - _KINK, 0.0)
    return np.asarray(1.0 / (1.0 + np.exp(-told)))
