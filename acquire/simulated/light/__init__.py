"""The laser box, a process of its own, with a meter that cannot lie."""

from __future__ import annotations
