"""A straight line through the logarithm of brightness over the light that was given so far."""

from __future__ import annotations

import math
from dataclasses import dataclass

RIDGE = 10.0
"""Squared steps of light that speak for "no bleaching": a slope is half believed after five shots.
"""


@dataclass(slots=True)
class Line:
    """Weighted straight line of log brightness over light, seen from the last shot: x <= 0."""

    weight: float = 0.0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0
    step2: float = 0.0

    def move(self, light: float, keep: float) -> None:
        """Let `light` have been given since, and forget a little of the rest."""
        self.xx += light * (light * self.weight - 2.0 * self.x)
        self.xy -= light * self.y
        self.x -= light * self.weight
        for name in ("weight", "x", "y", "xx", "xy"):
            setattr(self, name, getattr(self, name) * keep)
        self.step2 = light * light if self.weight == 0 else max(self.step2 * keep, light * light)

    def add(self, value: float) -> None:
        """Take the brightness of this shot."""
        self.weight += 1.0
        self.y += value

    @property
    def bleaching(self) -> float:
        """Log brightness lost for each light given; never negative."""
        if self.weight <= 1.0:
            return 0.0
        spread = self._spread
        slope = (self.xy - self.x * self.y / self.weight) / max(spread + RIDGE * self.step2, 1e-300)
        return max(-slope, 0.0)

    def sure_bleaching(self, scatter: float) -> float:
        """Log brightness lost for each light that is more than chance, where shots scatter so."""
        spread = self._spread
        error = scatter * math.sqrt(spread) / max(spread + RIDGE * self.step2, 1e-300)
        return max(self.bleaching - error, 0.0)

    @property
    def _spread(self) -> float:
        return max(self.xx - self.x * self.x / self.weight, 0.0) if self.weight > 0 else 0.0

    @property
    def now(self) -> float:
        """Log brightness that the line expects at this shot."""
        return (self.y + self.bleaching * self.x) / self.weight
