"""The door of the light: one guard, the leases that it gives, and all that it holds in its hand."""

from __future__ import annotations

from acquire.light.guard import LightGuard
from acquire.light.lease import Lease
from acquire.light.source import LightSource

__all__ = ["Lease", "LightGuard", "LightSource"]
