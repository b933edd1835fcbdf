"""The hot loop: guard, expose, publish; in single shots, in bursts, or as a stream."""

from __future__ import annotations

from acquire.loop.loop import run
from acquire.loop.pause import Pause
from acquire.loop.reports import Outcome, ShotReport

__all__ = ["Outcome", "Pause", "ShotReport", "run"]
