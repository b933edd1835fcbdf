"""The specimen: cells that walk, grow, divide and die, each by its own draws of chance."""

from __future__ import annotations
