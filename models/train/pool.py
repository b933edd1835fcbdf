"""Examples drawn once, turned anew each time: drawing them costs more than learning from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.errors import ModelError
from models.train.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.generic]]

_KEPT: dict[str, type[np.floating]] = {
    "planes": np.float16,
    "base": np.float32,
    "target": np.float32,
    "target_variance": np.float32,
}
"""Half precision is 1e-3 of an input of size 1, a thousandth of what the noise is there."""


class Pool:
    """Batches for every step from ``count`` that were drawn once.

    Parameters
    ----------
    batch_at
        Draws the batch of a step (1, 2, ...).
    count
        How many are drawn.
    seed
        Of the turns and mirrorings.
    folder
        Where they are kept, and found again; None: in memory.

    Raises
    ------
    ModelError
        If the folder holds another number of batches.
    """

    def __init__(
        self, batch_at: Callable[[int], Batch], count: int, seed: int, folder: Path | None = None
    ) -> None:
        self._count, self._seed = count, seed
        if folder is not None and (folder / "planes.npy").exists():
            self._arrays = {n: np.load(folder / f"{n}.npy", mmap_mode="r") for n in _KEPT}
            found = len(self._arrays["planes"])
            if found != count:
                raise ModelError(f"{folder} holds {found} batches, not {count}: delete it")
            return
        self._arrays = _drawn(batch_at, count)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for name in reversed(_KEPT):  # the planes last: they say that all is there
                np.save(folder / f"{name}.npy", self._arrays[name])

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step, always the same."""
        rng = np.random.default_rng((self._seed, step))
        round_, index = divmod(step - 1, self._count)
        if round_:  # each round in another order
            order = np.random.default_rng((self._seed, round_, 1)).permutation(self._count)
            index = int(order[index])
        turns, is_mirrored = int(rng.integers(4)), bool(rng.random() < 0.5)
        planes, base, target = (
            _turned(self._arrays[name][index], turns, is_mirrored)
            for name in ("planes", "base", "target")
        )
        known = np.array(self._arrays["target_variance"][index], np.float32)
        return Batch(planes, base, target, known[:, None, None, None])


def _drawn(batch_at: Callable[[int], Batch], count: int) -> Arrays:
    arrays: Arrays = {}
    for index in range(count):
        batch = batch_at(index + 1)
        known = np.broadcast_to(np.ravel(batch.target_variance), (len(batch.base),))
        parts = {"planes": batch.planes, "base": batch.base, "target": batch.target}
        for name, part in {**parts, "target_variance": known}.items():
            if index == 0:
                arrays[name] = np.empty((count, *part.shape), _KEPT[name])
            arrays[name][index] = part
    return arrays


def _turned(images: NDArray[np.generic], turns: int, is_mirrored: bool) -> NDArray[np.float32]:
    turned = np.rot90(images, turns, (-2, -1))
    turned = turned[..., ::-1] if is_mirrored else turned
    return np.ascontiguousarray(turned, np.float32)
