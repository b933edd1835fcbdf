"""One log, on stderr. Every process sets it up the same way."""

from __future__ import annotations

import logging
import sys

FORMAT = "%(asctime)s %(processName)-9s %(levelname)-7s %(message)s"


def configure(*, is_verbose: bool) -> None:
    """Send warnings, or everything, to stderr.

    The bound is set on the handler: libraries (pymmcore-plus) lower the level of their own loggers.
    """
    level = logging.DEBUG if is_verbose else logging.WARNING
    logging.basicConfig(level=level, format=FORMAT, stream=sys.stderr)
    for handler in logging.getLogger().handlers:
        handler.setLevel(level)
