"""The microscope without its light: stage, focus and filters, with the habits of real ones."""

from __future__ import annotations

from acquire.stand.scope import Scope

__all__ = ["Scope"]
