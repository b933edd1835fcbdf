"""A light box without a process, that does all that the one with a process does."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from acquire.simulated.light_source import BoxState, Exposed, LightBox, Line, LineMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class LocalLightBox:
    """A light box in the same process, for tests and for simulations without faults.

    Attributes
    ----------
    box
        The box itself.
    """

    def __init__(
        self, lines: Sequence[Line], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.box = LightBox(lines, clock)
        self._lock = threading.Lock()

    def set_power(self, line: str, fraction: float) -> BoxState:
        """Set the power of a line, 0 to 1, and return the read-back."""
        with self._lock:
            return self.box.set_power(line, fraction)

    def set_open(self, is_open: bool) -> BoxState:
        """Open or close the shutter and return the read-back."""
        with self._lock:
            return self.box.set_open(is_open)

    def dark(self) -> BoxState:
        """Close the shutter, take all power away, and return the read-back."""
        with self._lock:
            return self.box.dark()

    def state(self) -> BoxState:
        """Read the box back."""
        with self._lock:
            return self.box.state()

    def meter(self) -> dict[str, LineMeter]:
        """Return what each line really gave so far."""
        with self._lock:
            return self.box.meter()

    def gate_on(self, exposure_s: float, is_paced: bool) -> None:
        """Tell the box that a camera exposure begins."""
        with self._lock:
            self.box.gate_on(exposure_s, is_paced)

    def gate_off(self, exposed_s: float) -> Exposed:
        """Tell the box that it ended, and return the light that the sample took."""
        with self._lock:
            return self.box.gate_off(exposed_s)

    def set_faults(self, refuses_dark: bool, lies: bool) -> None:
        """Break the box, or mend it."""
        with self._lock:
            self.box.refuses_dark, self.box.lies = refuses_dark, lies
