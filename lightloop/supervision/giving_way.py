"""On a machine with few cores, processes that nobody waits for let the loop run first."""

from __future__ import annotations

import sys

import psutil

POLITE = ("recorder", "window")
"""Nobody waits for these: on a small machine they give way to the loop."""


def give_way() -> None:
    """Let processes that somebody waits for run first."""
    process = psutil.Process()
    if sys.platform == "win32":
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        process.nice(5)
