"""Waits to the millisecond on Windows, whose clock ticks every 15.6 ms unless somebody asks.

`time.sleep` is exact there since Python 3.11. A wait for a lock, a pipe or a socket ends at a tick:
a keeper would see a passed deadline up to 16 ms late, and a shot would begin so much late.

References
----------
Windows: `timeBeginPeriod` (timeapi.h); it holds for one process, since Windows 10 2004.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

TICK_MS = 1


@contextlib.contextmanager
def fine_ticks(platform: str = sys.platform) -> Iterator[None]:
    """Let this process wait to the millisecond: `with fine_ticks():`."""
    if platform != "win32":
        yield
        return
    winmm = ctypes.CDLL("winmm")
    is_taken = winmm.timeBeginPeriod(TICK_MS) == 0
    if not is_taken:
        logger.warning("Windows refuses a finer clock: waits may end 16 ms late")
    try:
        yield
    finally:
        if is_taken:
            winmm.timeEndPeriod(TICK_MS)
