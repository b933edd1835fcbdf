"""What kind of cell each is, as a probability that gathers over the shots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.tracker.cells import Cells

_STAYS = 0.95
"""Probability that a cell is of the same kind one shot later (proposed)."""
_LEAST = 0.05
"""Smallest probability of a kind that one image is believed in: no classifier is surer, and its
errors come again in the next image of the same cell (proposed)."""


class Kinds:
    """Filters what a classifier says of each detection into what is known of each cell.

    Between two shots a cell may become another kind; what the classifier says is then weighed
    against what was known. Daughters begin with what was known of their mother, everybody else
    with nothing. The classifier is taken to think all kinds equally common.

    References
    ----------
    Forward algorithm of a hidden Markov model: Rabiner, Proc. IEEE 77 (1989) 257, section III.A.
    """

    def __init__(self) -> None:
        self._ids: NDArray[np.int64] = np.empty(0, np.int64)
        self._shares: NDArray[np.float64] = np.empty((0, 0))

    def take(self, cells: Cells, classes: NDArray[np.float64] | None) -> None:
        """Take in a shot.

        Parameters
        ----------
        cells
            Everybody who is followed after it, (N,).
        classes
            Probability of each kind for each detection, (M, K); None: nobody looked. A row that
            holds no numbers says nothing.
        """
        n_kinds = self._shares.shape[1] if classes is None else classes.shape[1]
        if n_kinds == 0:
            return
        if n_kinds != self._shares.shape[1]:  # another classifier
            self._ids, self._shares = self._ids[:0], np.empty((0, n_kinds))
        shares = _STAYS * self._known(cells) + (1.0 - _STAYS) / n_kinds
        if classes is not None:
            hit = (cells["detection"] >= 0).nonzero()[0]
            said = classes[cells["detection"][hit]]
            said = np.where(np.isfinite(said).all(axis=1)[:, None], said, 1.0)
            said = said / np.maximum(said.sum(axis=1, keepdims=True), 1e-12)
            shares[hit] *= np.maximum(said, _LEAST)
            shares /= shares.sum(axis=1, keepdims=True)
        self._ids, self._shares = cells["id"].copy(), shares

    def told(self) -> tuple[tuple[float, ...], ...]:
        """Return the probability of each kind for each cell of the last shot; () for nothing."""
        return tuple(map(tuple, self._shares.tolist())) if self._shares.size else ()

    def _known(self, cells: Cells) -> NDArray[np.float64]:
        """Return what was known of each cell, or of its mother, (N, K)."""
        n_kinds = self._shares.shape[1]
        known = np.full((len(cells), n_kinds), 1.0 / n_kinds)
        rows = {name: row for row, name in enumerate(self._ids.tolist())}
        for row, (name, mother) in enumerate(
            zip(cells["id"].tolist(), cells["parent"].tolist(), strict=True)
        ):
            was = rows.get(name, rows.get(mother, -1))
            if was >= 0:
                known[row] = self._shares[was]
        return known
