"""One log, on stderr. Every process sets it up the same way, and none ever waits for it."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import queue
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_WAITING = 1000  # lines; who reads no faster loses the newest
LAST_WORDS_S = 1.0

FORMAT = "%(asctime)s %(processName)-9s %(levelname)-7s %(message)s"


def configure(*, is_verbose: bool) -> None:
    """Send warnings, or everything, to stderr; a log that somebody else set up is left alone.

    The bound is set on the handler: libraries (pymmcore-plus) lower the level of their own loggers.
    """
    root = logging.getLogger()
    if root.handlers:
        return
    logging.raiseExceptions = False  # a log that cannot be written (a full disk) stops nothing
    level = logging.DEBUG if is_verbose else logging.WARNING
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter(FORMAT))
    root.addHandler(handler)
    root.setLevel(level)


class _Dropping(logging.handlers.QueueHandler):
    """Puts a line into the queue, or drops it where nobody reads."""

    def enqueue(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(queue.Full):
            self.queue.put_nowait(record)


@contextlib.contextmanager
def unblocked() -> Iterator[None]:
    """Let a thread of its own write the log meanwhile.

    A terminal that was stopped (Ctrl-S) or a pipe that nobody reads takes no more text, and who
    writes to it hangs. Whoever can switch a light off must not be one of them.
    """
    root = logging.getLogger()
    handlers = list(root.handlers)
    lines: queue.Queue[logging.LogRecord | None] = queue.Queue(MOST_WAITING)
    desk = _Dropping(lines)
    desk.setLevel(min((handler.level for handler in handlers), default=logging.WARNING))
    writer = threading.Thread(target=_write, args=(lines, handlers), name="log", daemon=True)
    writer.start()
    root.handlers[:] = [desk]
    try:
        yield
    finally:
        root.handlers[:] = handlers
        _end(lines)
        writer.join(LAST_WORDS_S)


def _end(lines: queue.Queue[logging.LogRecord | None]) -> None:
    """Tell the writer to end after the last line; where nobody reads, lines make room for that."""
    while True:
        try:
            lines.put_nowait(None)
        except queue.Full:
            with contextlib.suppress(queue.Empty):
                lines.get_nowait()
        else:
            return


def _write(lines: queue.Queue[logging.LogRecord | None], handlers: list[logging.Handler]) -> None:
    while (record := lines.get()) is not None:
        for handler in handlers:
            if record.levelno >= handler.level:
                handler.handle(record)
