"""Learns a classifier from cells whose kind a person has told."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from realtime.errors import KindsError
from realtime.kinds.classifier import Classifier, bad_names
from realtime.kinds.looks import LOOKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

FOLDS = 5
PULLS = (1e-3, 1e-2, 1e-1, 1.0)
"""How strongly weights are drawn towards 0, of which the best is taken (proposed)."""
LEAST_CELLS = 3
"""Cells of a kind, below which nobody could say how well it is known (proposed)."""


class Examples(NamedTuple):
    """Images of cells whose kind is known.

    Attributes
    ----------
    looks
        (N, len(LOOKS)), rows with NaN are left out.
    kinds
        Number of the kind of each, (N,).
    cells
        Number of the cell that each is an image of, (N,): images of one cell are alike, so none of
        them may help to judge what the others taught.
    """

    looks: Floats
    kinds: Ints
    cells: Ints


def learn(examples: Examples, names: Sequence[str], source: str = "") -> Classifier:
    """Return the classifier that knows cells best that it has not seen.

    Each kind counts the same, however many cells it has; within one, so does each cell.

    Parameters
    ----------
    names
        Of the kinds, by their number.
    source
        Where the examples are from.

    Raises
    ------
    KindsError
        If there are too few kinds, or too few cells of one.
    """
    good = np.isfinite(examples.looks).all(axis=1)
    looks, kinds, cells = examples.looks[good], examples.kinds[good], examples.cells[good]
    counts = tuple(len(np.unique(cells[kinds == k])) for k in range(len(names)))
    if wrong := bad_names(tuple(names)):
        raise KindsError(f"labels: {wrong}")
    for name, count in zip(names, counts, strict=True):
        if count < LEAST_CELLS:
            raise KindsError(
                f"labels: {count} cells of kind {name!r} were found in the images, and "
                f"{LEAST_CELLS} are needed to say how well it is known: label more"
            )
    folds = _folds(kinds, cells, len(names))
    told = {pull: _held_out(looks, kinds, cells, folds, pull, len(names)) for pull in PULLS}
    pull = min(told, key=lambda one: _loss_of(told[one], kinds, cells))
    mean, scale, weights, bias = _fit(looks, kinds, cells, pull, len(names))
    share = _weights_of(kinds, cells)
    return Classifier(
        tuple(names), LOOKS, tuple(mean.tolist()), tuple(scale.tolist()),
        tuple(map(tuple, weights.tolist())), tuple(bias.tolist()), counts,
        float(share @ (told[pull].argmax(axis=1) == kinds)), _loss_of(told[pull], kinds, cells),
        source,
    )  # fmt: skip


def _weights_of(kinds: Ints, cells: Ints) -> Floats:
    """Return how much each image counts, adding up to 1."""
    weight: Floats = np.zeros(len(kinds))
    for kind in np.unique(kinds):
        of_kind = np.flatnonzero(kinds == kind)
        _, cell, images = np.unique(cells[of_kind], return_inverse=True, return_counts=True)
        weight[of_kind] = 1.0 / (images[cell] * len(images))
    return np.asarray(weight / weight.sum())


def _folds(kinds: Ints, cells: Ints, n_kinds: int) -> Ints:
    """Return the part in which each image is held out; a cell is in one, kinds in all alike."""
    fold_of: dict[int, int] = {}
    for kind in range(n_kinds):
        fresh = [c for c in np.unique(cells[kinds == kind]).tolist() if c not in fold_of]
        fold_of |= {cell: n % FOLDS for n, cell in enumerate(fresh)}
    return np.array([fold_of[cell] for cell in cells.tolist()], np.int64)


def _held_out(
    looks: Floats, kinds: Ints, cells: Ints, folds: Ints, pull: float, n_kinds: int
) -> Floats:
    """Return what is said of each image by a classifier that learnt from the other parts."""
    told = np.full((len(kinds), n_kinds), 1.0 / n_kinds)
    for fold in np.unique(folds):
        out = folds == fold
        mean, scale, weights, bias = _fit(looks[~out], kinds[~out], cells[~out], pull, n_kinds)
        score = (looks[out] - mean) / scale @ weights.T + bias
        told[out] = np.exp(score - logsumexp(score, axis=1, keepdims=True))
    return told


def _loss_of(told: Floats, kinds: Ints, cells: Ints) -> float:
    right = np.maximum(told[np.arange(len(kinds)), kinds], 1e-12)
    return float(-_weights_of(kinds, cells) @ np.log(right))


def _fit(
    looks: Floats, kinds: Ints, cells: Ints, pull: float, n_kinds: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return mean and scale of the looks, weights and bias: the least weighted log loss."""
    share = _weights_of(kinds, cells)
    mean = share @ looks
    scale = np.maximum(np.sqrt(share @ (looks - mean) ** 2), 1e-3)
    x = np.column_stack(((looks - mean) / scale, np.ones(len(looks))))
    truth = np.eye(n_kinds)[kinds]

    def loss(flat: Floats) -> tuple[float, Floats]:
        w = flat.reshape(n_kinds, -1)
        score = x @ w.T
        log_p = score - logsumexp(score, axis=1, keepdims=True)
        held = w.copy()
        held[:, -1] = 0.0  # what is common is not drawn to 0
        slope = ((np.exp(log_p) - truth) * share[:, None]).T @ x + 2 * pull * held
        value = -(share * (truth * log_p).sum(axis=1)).sum() + pull * (held**2).sum()
        return float(value), slope.ravel()

    start = np.zeros(n_kinds * x.shape[1])
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    w = best.x.reshape(n_kinds, -1)
    return mean, scale, w[:, :-1], w[:, -1]
