"""From a useq plan to shots: what light is decided for together, and where and when."""

from __future__ import annotations

from acquire.plan.plan import plan_shots

__all__ = ["plan_shots"]
