"""A console window that is closed on Windows: it would end all processes of a run at once, lit.

Python hears of it as of Ctrl-Break (`SIGBREAK`), but the system ends a process as soon as its
handler returns, and Python's returns before anybody has acted. Scope, keeper and supervisor share
the window, so the light would stay as it is. A handler that does not return has five seconds
(HungAppTimeout), in which the run ends in order; whoever is done before that ends by himself.

References
----------
Windows: `SetConsoleCtrlHandler` and `HandlerRoutine` (wincon.h). At a logoff or a shutdown, they
say, a program that has loaded user32 or gdi32 is not told: drivers and the window do that.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

logger = logging.getLogger(__name__)

ENDS = {
    2: "the closing of its console window",
    5: "the logoff of its user",
    6: "the shutdown of the computer",
}
"""CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT; Ctrl-C and Ctrl-Break are signals."""
HELD_S = 60.0  # longer than the system waits
_HANDLER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32)


@contextlib.contextmanager
def outliving_the_console(
    note: Callable[[str], object], platform: str = sys.platform
) -> Iterator[None]:
    """Call `note` in a thread of the system when the console goes; hold the end off meanwhile.

    Parameters
    ----------
    note
        Called with what happened, in words; it must return at once.
    """
    if platform != "win32":  # there it is a signal, and ends nobody who hears it
        yield
        return
    kernel32 = ctypes.CDLL("kernel32")
    over = threading.Event()

    def hear(event: int) -> int:
        if event not in ENDS:
            return 0  # somebody else's: Python makes a signal of it
        note(ENDS[event])
        over.wait(HELD_S)
        return 1

    handler: Any = _HANDLER(hear)  # kept until it is taken back: the system calls it
    if not kernel32.SetConsoleCtrlHandler(handler, 1):
        logger.warning("whoever closes the console window may leave the light on: do not close it")
    try:
        yield
    finally:
        kernel32.SetConsoleCtrlHandler(handler, 0)
        over.set()
