"""May a cell that looks dimmer have more light? Only where bleaching explains why it is dimmer.

Dye bleaches in proportion to the light it took, so that the logarithm of brightness (signal for
each light) falls along a straight line over the light given so far. That line is fitted to the
field's own shots. What leaves it is no evidence for more light:

* darker than the line: out of focus, lost dye, cells that leave;
* brighter than the line: cells round up and shrink. No bleaching does that, dying does, and what
  dies is bright first and fades then. So the light may not pass what it was before, however slowly
  the cells fade, until their brightness has kept still for long.

And one shot alone raises no light: it may get what the shot before it asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

BAND, BAND_OF_ONE = 0.15, 0.2
"""Natural logs of brightness that many cells may stray from the line, and what is added for one
cell; less for more of them, by the root of their number. Proposed; brighter may be twice as far."""
LEAP = 2 / 3
"""Light of a believed shot, relative to the last one, that is a new beginning: cells are measured
otherwise in much less light (their rims are lost in noise). Proposed."""
SAME = 0.05
"""Natural logs of brightness beside the line beyond which a shot asks for no more light: what is
brighter has shrunk, and what is darker may be about to leave it (proposed)."""
MEMORY_SHOTS, MEMORY_S = 50.0, 7200.0
"""The line forgets in so many shots, and no faster than in so many seconds: dying takes an hour."""
STILL_SHOTS, STILL_S = 30, 3600.0
"""Brightness that has kept still for so long is the field's new one (proposed)."""
RIDGE = 10.0
"""Squared steps of light that speak for "no bleaching": a slope is half believed after five shots.
"""


@dataclass(slots=True)
class _Line:
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
        spread = self.xx - self.x * self.x / self.weight
        slope = (self.xy - self.x * self.y / self.weight) / max(spread + RIDGE * self.step2, 1e-300)
        return max(-slope, 0.0)

    @property
    def now(self) -> float:
        """Log brightness that the line expects at this shot."""
        return (self.y + self.bleaching * self.x) / self.weight


@dataclass(slots=True)
class Fading:
    """What one field's brightness has been, and how much light it may therefore have.

    Attributes
    ----------
    ceiling
        Most light of the next shot, ms at full power.
    why
        What speaks against more; empty if nothing does.
    """

    ceiling: float = math.inf
    why: str = ""
    _line: _Line = field(default_factory=_Line)
    _before: float = 0.0  # the light that was given when brightness last kept to the line
    _t_s: float = -math.inf
    _anchor: float = 0.0
    _still: int = 0
    _still_s: float = 0.0
    _odd: int = 0
    _grew: bool = False

    def pass_by(self, light: float) -> None:
        """Let a shot have given light, although its cells were not believed."""
        if self._line.weight > 0:
            self._line.move(light, 1.0)

    def see(self, t_s: float, brightness: float, n_cells: int, light: float, wanted: float) -> None:
        """Take a believed shot: brightness > 0, its light, and the light that its cells ask for."""
        value, line = math.log(brightness), self._line
        pause_s = max(t_s - self._t_s, 0.0)
        self._t_s = t_s
        keep = math.exp(-min(1.0 / MEMORY_SHOTS, pause_s / MEMORY_S))
        band = BAND + BAND_OF_ONE / math.sqrt(max(n_cells, 1))
        off = 0.0
        if light < LEAP * self._before and not self._odd:
            line = self._line = _Line()
        if line.weight > 0:
            line.move(light, keep)
            off = value - line.now
            if self._is_odd(off, band):
                self._doubt(value, light, pause_s, band)
                return
        line.add(value)
        self._odd = 0
        self.why, self._before = "", light
        self.ceiling = max(light, wanted) if abs(off) < SAME else light

    def _is_odd(self, off: float, band: float) -> bool:
        """Whether brightness has left its line; once brighter, it first has to keep still."""
        if self._grew:
            return True
        self._grew = off > 2.0 * band
        if self._grew:
            self.why = "brighter than before, which no bleaching does"
        elif off < -band:
            self.why = f"dimmer by {-math.expm1(off):.0%} than bleaching explains"
        return self._grew or off < -band

    def _doubt(self, value: float, light: float, pause_s: float, band: float) -> None:
        """Allow no more light than before; take brightness that keeps still as the new one."""
        self._odd += 1
        self._anchor -= self._line.bleaching * light
        if self._odd == 1 or abs(value - self._anchor) > band / 2:
            self._anchor, self._still, self._still_s = value, 0, 0.0
        self._still += 1
        self._still_s += pause_s if self._still > 1 else 0.0
        self.ceiling = min(self.ceiling, self._before)
        if self._still >= STILL_SHOTS and self._still_s >= STILL_S:
            self._line, self.why, self._odd, self._grew = _Line(), "", 0, False
            self._line.add(value)
            self._before = light

    def lower(self, light: float) -> None:
        """Let the ceiling be lower: nothing that was seen speaks for as much."""
        self.ceiling = min(self.ceiling, light)

    @property
    def is_dimmer(self) -> bool:
        """Whether cells are dimmer than bleaching explains."""
        return self._odd > 0 and not self._grew

    @property
    def odd_shots(self) -> int:
        """Shots in a row that bleaching does not explain."""
        return self._odd
