"""Words never hold up a hand: a log line may block (a full pipe, a slow disk), and light is on.

Whoever has light to switch off acts first and speaks after; and where more is to be done after the
words, they are said by a thread of their own, which is waited for a moment only.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

_NAME = "say"
_PATIENCE_S = 0.05  # a log line takes 0.0001 s where nothing is wrong; proposed
_MOST_WAITING = 32  # lines that wait for a log that blocks; further ones are lost; proposed


def say(logger: logging.Logger, level: int, words: str, *about: object) -> None:
    """Log, but wait 50 ms at most until it is done, and not at all if an earlier line waits."""
    waiting = sum(thread.name == _NAME for thread in threading.enumerate())
    if waiting > _MOST_WAITING or not logger.isEnabledFor(level):
        return
    file, line, function, _ = logger.findCaller(stacklevel=2)  # the one who speaks, not the thread
    record = logger.makeRecord(logger.name, level, file, line, words, about, None, function)
    thread = threading.Thread(target=logger.handle, args=(record,), name=_NAME, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # a system short of memory or threads; the hand has more to do
        logger.handle(record)
        return
    if not waiting:
        thread.join(_PATIENCE_S)
