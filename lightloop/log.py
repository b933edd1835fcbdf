"""One log, on stderr. Every process sets it up the same way."""

from __future__ import annotations

import logging
import sys

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
