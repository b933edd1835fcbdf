"""What light a sample has had, in every run with it: a file that survives whatever happens."""

from __future__ import annotations
