"""The simulated parts as Micro-Manager devices, with all that can be wrong with them."""

from __future__ import annotations
