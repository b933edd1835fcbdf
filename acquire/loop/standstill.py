"""An exposure that never ends: a driver hangs in it, in the dark, and the run would wait for ever.

The keeper ends its light at its deadline, by way of an owner that still hears; but a camera's
driver that does not return, as it starts, reads or stops, holds the loop all the same.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.light.guard import LightGuard
    from acquire.light.lease import Lease

LOOKS = 120
"""So many looks at one and the same exposure past its deadline: 30 s of working time; proposed.

Looks and not seconds: a computer that slept finds every deadline passed. A disk that is slow to
take the account of an exposure has as long.
"""


class Standstill:
    """Looks whether an exposure ends.

    Parameters
    ----------
    guard
        Who gives the exposures.
    on_hang
        Called once, with one sentence, when it seems that it never will.
    now_ns
        The clock of the deadlines.
    """

    def __init__(
        self,
        guard: LightGuard,
        on_hang: Callable[[str], object],
        now_ns: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self._guard, self._on_hang, self._now_ns = guard, on_hang, now_ns
        self._seen: Lease | None = None
        self._looks = 0

    def look(self) -> None:
        """Look once; a few times a second."""
        lease, before = self._guard.lease, self._seen
        self._seen = lease
        if lease is None or lease is not before or self._now_ns() <= lease.deadline_ns:
            self._looks = 0
            return
        self._looks += 1
        if self._looks == LOOKS:
            self._on_hang(
                f"an exposure of channel {lease.channel!r} does not end: the driver of the camera "
                "hangs, or that of a light, or the disk; its light was ended at its deadline"
            )
