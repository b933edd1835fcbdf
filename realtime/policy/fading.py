"""May a cell that looks dimmer have more light? Only where bleaching explains why it is dimmer.

Dye bleaches in proportion to the light it took, so that the logarithm of brightness (signal for
each light) falls along a straight line over the light given so far. That line is fitted to the
field's own shots. What leaves it is no evidence for more light:

* darker than the line: out of focus, lost dye, cells that leave;
* brighter than the line: cells round up and shrink. No bleaching does that, dying does, and what
  dies is bright first and fades then. So the light may not pass what it was before, however slowly
  the cells fade, until their brightness has kept still for long.

And one shot alone raises no light: the shots before it, several in a row, must have kept to the
line. How near a shot has to be rests on how much the field's own shots scatter about it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from realtime.policy.bleaching_line import Line

BAND, BAND_OF_ONE = 0.15, 0.2
"""Natural logs of brightness that many cells may stray from the line, and what is added for one
cell; less for more of them, by the root of their number. Proposed; brighter may be twice as far."""
LEAP = 0.85
"""Light of a believed shot, relative to the last one, that is a new beginning: cells are measured
otherwise in much less light (their rims are lost in noise). Proposed."""
SAME = 0.05
"""Natural logs of brightness beside the line beyond which a shot asks for no more light, or the
field's own scatter if that is more: what is brighter (by twice that) has shrunk, and what is darker
(by one and a half times) may be about to leave it (proposed)."""
_NEAR = 1.5
CALM_SHOTS = 3
"""Shots in a row that must have kept to the line before light is raised (proposed)."""
_STAY, _CELLS_WEIGHT = 0.75, 1 / 30
"""Share of a field's usual cells without which light is not raised: where cells vanish, those that
are still found are the brightest. And the weight of a shot in what is usual (proposed)."""
_LATELY = 0.25
"""Weight of a shot in the running distance from the line (proposed)."""
_SURE = 1.0
"""Scatters by which the running distance shows that cells stay a little dimmer: 2.6 standard errors
of such a mean (Roberts, Technometrics 1 (1959) 239)."""
_SCATTER_WEIGHT = 1 / 15
_SLOWLY, _SUDDEN = 0.05, 0.4
"""Weight of a shot in a slower running distance from the line, and the share of the faster one
below which it lags where cells became dim suddenly. Those that did so slowly bleach faster than was
known, which the line may learn; a loss of focus it may not (proposed)."""
_FAR_BANDS = 1.25  # bands beyond which a shot counts as no more in that distance
_FAR = 2.0  # scatters beyond which a shot's distance counts as no more, so that faults teach none
_MEAN_TO_SIGMA = 1.25  # standard deviation over mean absolute deviation of a Gaussian
MEMORY_SHOTS, MEMORY_S = 50.0, 7200.0
"""The line forgets in so many shots, and no faster than in so many seconds: dying takes an hour."""
STILL_SHOTS, STILL_S = 30, 3600.0
"""Brightness that has kept still for so long is the field's new one (proposed)."""


@dataclass(slots=True)
class Fading:
    """What one field's brightness has been, and whether it may therefore have more light.

    Attributes
    ----------
    why
        What speaks against more; empty if nothing does.
    """

    why: str = ""
    _line: Line = field(default_factory=Line)
    _before: float = 0.0  # the light that was given when brightness last kept to the line
    _t_s: float = -math.inf
    _anchor: float = 0.0
    _recent: float = 0.0
    _still: int = 0
    _still_s: float = 0.0
    _odd: int = 0
    _grew: bool = False
    _calm: int = 0
    _lately: float = 0.0
    _slowly: float = 0.0
    _is_sudden: bool = False
    _scatter: float = SAME
    _cells: float = 0.0

    def pass_by(self, light: float) -> None:
        """Let a shot have given light, although its cells were not believed: it is no calm one."""
        self.unsettle()
        if self._line.weight > 0:
            self._line.move(light, 1.0)

    def see(self, t_s: float, brightness: float, n_cells: int, light: float) -> None:
        """Take a believed shot: when, its cells' brightness > 0, how many they are, its light."""
        value, line = math.log(brightness), self._line
        pause_s = max(t_s - self._t_s, 0.0)
        self._t_s = t_s
        keep = math.exp(-min(1.0 / MEMORY_SHOTS, pause_s / MEMORY_S))
        band = _band(n_cells)
        off = 0.0
        if light < LEAP * self._before and not self._odd:
            line = self._line = Line()
            self._calm, self._lately, self._slowly = 0, 0.0, 0.0
        if line.weight > 0:
            line.move(light, keep)
            off = value - line.now
            most = _FAR_BANDS * band
            near = min(max(off, -most), most)
            self._lately += _LATELY * (near - self._lately)
            self._slowly += _SLOWLY * (near - self._slowly)
            if self._is_odd(off, band):
                self._doubt(value, light, pause_s, band)
                if not (self._grew or self._is_sudden) and line is self._line:
                    line.add(value)
                return
        self._learn(off, n_cells)
        line.add(value)
        self._odd = 0
        self.why, self._before = "", light

    def _learn(self, off: float, n_cells: int) -> None:
        """Let a shot that is believed tell how calm the field is, and how much it scatters."""
        same = self._same
        self._cells += max(_CELLS_WEIGHT, float(self._cells == 0)) * (n_cells - self._cells)
        is_calm = -_NEAR * same < off < 2 * same and n_cells >= _STAY * self._cells
        self._calm = self._calm + 1 if is_calm else 0
        far = min(abs(off), _FAR * same)
        self._scatter += _SCATTER_WEIGHT * (_MEAN_TO_SIGMA * far - self._scatter)

    def _is_odd(self, off: float, band: float) -> bool:
        """Whether brightness has left its line; once brighter, it first has to keep still.

        One shot far below the line has left it, and so have several that stay a little below it,
        of which each alone would be near enough.
        """
        if self._grew:
            return True
        self._grew = off > 2.0 * band
        is_dim = off < -band or self._lately < -_SURE * self._same
        if self._grew:
            self.why = "brighter than before, which no bleaching does"
        elif is_dim:
            loss = -math.expm1(min(off, self._lately))
            self.why = f"dimmer by {loss:.0%} than bleaching explains"
        return self._grew or is_dim

    def _doubt(self, value: float, light: float, pause_s: float, band: float) -> None:
        """Note a shot that has left the line; take brightness that keeps still as the new one."""
        self._odd += 1
        self._calm = 0
        if self._odd == 1:
            self._is_sudden = self._slowly > _SUDDEN * self._lately
        fade = self._line.bleaching * light
        self._anchor -= fade
        self._recent -= fade
        self._recent += (_LATELY if self._odd > 1 else 1.0) * (value - self._recent)
        if self._odd == 1 or abs(self._recent - self._anchor) > band / 2:
            self._anchor, self._still, self._still_s = self._recent, 0, 0.0
        self._still += 1
        self._still_s += pause_s if self._still > 1 else 0.0
        if self._still >= STILL_SHOTS and self._still_s >= STILL_S:
            self._line, self.why, self._odd, self._grew = Line(), "", 0, False
            self._line.add(self._recent)
            self._lately = self._slowly = 0.0
            self._before = light

    @property
    def _same(self) -> float:
        """How far from the line a shot may be and still keep to it."""
        return max(SAME, self._scatter)

    def unsettle(self) -> None:
        """Take back the leave to rise: calm shots in a row must come first, all over again."""
        self._calm = 0

    def keeps(self, brightness: float, light: float) -> bool:
        """Whether a shot that is not taken yet is as bright as the line lets expect, and no more.

        What is brighter asks for no more light, and cells that have just died are; what is dimmer
        has not said yet whether it will last. Without shots before it, nothing is to be expected.
        """
        if self._line.weight <= 0:
            return False
        off = math.log(brightness) - self._line.now + self._line.bleaching * light
        return -_NEAR * self._same < off < self._same

    @property
    def is_calm(self) -> bool:
        """Whether several shots in a row were as bright as bleaching lets expect."""
        return self._calm >= CALM_SHOTS

    def bleaching(self, errors: float = 1.0) -> float:
        """Return the log brightness that is lost for each light given, less so many errors."""
        return self._line.sure_bleaching(errors * self._scatter)

    @property
    def is_dimmer(self) -> bool:
        """Whether cells have stayed much dimmer than bleaching explains."""
        return self._odd > 0 and not self._grew and self._lately < -_band(self._cells)

    @property
    def odd_shots(self) -> int:
        """Shots in a row that bleaching does not explain."""
        return self._odd


def _band(n_cells: float) -> float:
    """Return how far the brightness of so many cells may stray from the line."""
    return BAND + BAND_OF_ONE / math.sqrt(max(n_cells, 1.0))
