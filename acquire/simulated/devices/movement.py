"""A place that a device goes to, with all that can go wrong on the way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.simulated.devices.faults import Faults

Place = TypeVar("Place")


class Movement(Generic[Place]):
    """Goes where it is told, at once or `faults.delay_s` of host time later.

    Parameters
    ----------
    go
        Brings the device to a place.
    at
        Tells where it is.
    clock
        Host time, s.
    """

    def __init__(
        self,
        faults: Faults,
        go: Callable[[Place], None],
        at: Callable[[], Place],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._faults, self._go, self._at, self._clock = faults, go, at, clock
        self._told: Place | None = None
        self._goal: Place | None = None
        self._due_s = 0.0

    def go(self, place: Place, what: str) -> None:
        """Set out for a place.

        Raises
        ------
        DeviceMissing, SettingRefused
            If the device is dead, or refuses.
        """
        obeys = self._faults.obeys(what)
        self._told = place
        if not obeys:
            return
        if self._faults.delay_s > 0.0 or self._faults.hangs:
            self._goal, self._due_s = place, self._clock() + self._faults.delay_s
            return
        self._goal = None
        self._go(place)

    def arrive(self) -> bool:
        """Do what is due; return whether it stands still."""
        if self._goal is None:
            return True
        if self._faults.hangs or self._clock() < self._due_s:
            return False
        goal, self._goal = self._goal, None
        self._go(goal)
        return True

    def stop(self) -> None:
        """Stay where it is."""
        self._goal = None

    def place(self, what: str) -> Place:
        """Return where it is, or says that it is."""
        self._faults.require_alive(what)
        self.arrive()
        return self._told if self._faults.lies and self._told is not None else self._at()
