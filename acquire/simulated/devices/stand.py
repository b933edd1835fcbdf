"""Where the devices of one simulated microscope find the bench that they stand on."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

from acquire.errors import DeviceMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.simulated.bench import Bench


class Stand:
    """A bench that is built when the first device needs it.

    Parameters
    ----------
    build
        Makes the bench; called once at most.

    Attributes
    ----------
    is_closed
        The microscope was unloaded: no device can stand here any more.
    """

    def __init__(self, build: Callable[[], Bench]) -> None:
        self._build = build
        self._bench: Bench | None = None
        self.is_closed = False
        self._lock = threading.Lock()  # Micro-Manager initializes devices side by side

    @property
    def bench(self) -> Bench:
        """The bench; it is built here if nobody asked before."""
        if self._bench is None:
            with self._lock:
                if self._bench is None:
                    self._bench = self._build()
        return self._bench


_loading = threading.local()


def offer(stand: Stand) -> None:
    """Let the devices that this thread loads from now on stand here.

    Micro-Manager makes the devices of a configuration file one after the other, in one thread, and
    gives them nothing: what was loaded before is all that they can know of each other.
    """
    _loading.stand = weakref.ref(stand)


def offered() -> Stand:
    """Return the stand that was offered last in this thread.

    Raises
    ------
    DeviceMissing
        If there is none, or no more.
    """
    found = getattr(_loading, "stand", None)
    stand: Stand | None = found() if found is not None else None
    if stand is None or stand.is_closed:
        raise DeviceMissing(
            "a simulated device has no microscope to stand on: in the configuration file, load "
            "the hub (acquire.simulated.devices.hub, SimulatedScope) before its devices"
        )
    return stand
