"""How far a long piece of work is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Steps:
    """Counts what was done, for a bar that somebody looks at."""

    def __init__(self, show: Callable[[int, int], object]) -> None:
        self._show, self._done, self._total = show, 0, 0

    def expect(self, count: int) -> None:
        """Announce work."""
        self._total += count
        self._show(self._done, self._total)

    def step(self) -> None:
        """Take note of one piece of it."""
        self._done += 1
        self._show(self._done, self._total)
