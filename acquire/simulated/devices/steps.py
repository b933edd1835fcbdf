"""A hardware sequence of a stage: one place after the other, one at each exposure."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Generic, TypeVar

from acquire.errors import ScopeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from acquire.simulated.devices.stand import Stand

logger = logging.getLogger(__name__)

Place = TypeVar("Place")

MAX_STEPS = 4096  # of a hardware sequence


class Steps(Generic[Place]):
    """Steps through places while the camera exposes.

    Parameters
    ----------
    go
        Brings the device to a place; the text says why, should it fail.
    """

    def __init__(self, stand: Stand, go: Callable[[Place, str], None]) -> None:
        self._stand, self._go = stand, go
        self._places: Sequence[Place] = ()
        self._next = 0
        self._step = self._take_step  # one object, so that it can be found again

    def load(self, places: Sequence[Place]) -> None:
        """Keep the places; a sequence that runs is ended."""
        self.stop()
        self._places = places

    def start(self) -> None:
        """Go to the next place at each exposure, from the first on; after the last comes it."""
        self.stop()
        self._next = 0
        if self._places:
            self._stand.bench.triggered.append(self._step)

    def stop(self) -> None:
        """Stay where the sequence is."""
        if self._step in self._stand.bench.triggered:
            self._stand.bench.triggered.remove(self._step)

    def _take_step(self) -> None:
        place = self._places[self._next % len(self._places)]
        self._next += 1
        try:
            self._go(place, "taking the next step of a sequence")
        except ScopeError as error:  # nobody reads what a trigger line brings about
            logger.warning("%s", error)
