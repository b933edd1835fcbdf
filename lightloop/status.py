"""With which status a verb ends, for scripts that call it."""

from __future__ import annotations

DONE = 0
FAILED = 1
MISUSED = 2
"""The command or the config is wrong: nothing was begun."""
NOT_DARK = 3
"""A light may be on. Nothing else that went wrong matters as much."""
INTERRUPTED = 130
"""Stopped in order by a person; 128 + SIGINT, as shells have it."""
