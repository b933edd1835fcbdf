"""Batches made beside the training: one core draws the next while the other learns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from typing import Self

    from models.train.batch import Batch


class Prefetch:
    """Calls ``batch_at`` for the next step already; the answers are the same ones, only sooner."""

    def __init__(self, batch_at: Callable[[int], Batch]) -> None:
        self._batch_at = batch_at
        self._pool = ThreadPoolExecutor(1, "batches")
        self._next: tuple[int, Future[Batch]] | None = None

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step, and begin with the one after it."""
        ready, self._next = self._next, None
        if ready is not None and ready[0] == step:
            batch = ready[1].result()
        else:
            batch = self._pool.submit(self._batch_at, step).result()
        self._next = (step + 1, self._pool.submit(self._batch_at, step + 1))
        return batch

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
