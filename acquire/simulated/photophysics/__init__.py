"""What light does: it excites and bleaches dyes, and it harms cells."""

from __future__ import annotations
