"""How much light do the cells need? Told by all shots together, for one alone is no judge.

A shot's SNR is that of a few cells: cells round up, divide and leave, and their light is counted in
photons, so that the light which one shot asks for wavers by a tenth or two. The shots are pooled: a
Kalman filter of one number, the logarithm of the light that reaches the target, whose noise is
learnt from the shots' own scatter. Light is raised only where even the lower bound of that estimate
is above it.

References
----------
Kalman, J. Basic Eng. 82 (1960) 35; noise from the innovations: Mehra, IEEE Trans. Autom. Control
15 (1970) 175. The bounds on weights and the sudden fall of the need are proposed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

RESTLESS = 0.015
"""Natural logs of light by which the need of living cells moves from shot to shot (proposed)."""
STEADY = 0.02
"""Least noise of one shot's need, natural logs of light (proposed)."""
UNKNOWN = 0.15
"""Noise of a shot's need before it is learnt (proposed)."""
_SCATTER_WEIGHT = 1 / 15
"""Weight of a shot in the scatter that is learnt (proposed)."""
_FAR = 3.0
"""Standard deviations from which a shot is far off: less need is then learnt at once, for light is
given for nothing meanwhile; more need is not believed beyond that."""
_AT_ONCE = 0.7
"""Weight of a shot whose need is suddenly less (proposed)."""
_OTHER_LIGHT = 0.3
"""Error of what was seen in other light, natural logs for each natural log of light: dim cells lose
their rims (proposed)."""


@dataclass(slots=True)
class Need:
    """The light that brings the cells of one field to the target, pooled over their shots.

    Attributes
    ----------
    level
        Natural logarithm of that light.
    error
        Its standard error.
    """

    level: float = 0.0
    variance: float = math.inf
    scatter: float = 0.0  # variance of one shot against what was expected of it
    light: float = 0.0  # of the last shot

    @property
    def error(self) -> float:
        """Standard error of the level."""
        return math.sqrt(self.variance)

    def bleached(self, trend: float) -> None:
        """Expect cells that bleached to need more: so many natural logs of light."""
        self.level += trend

    def see(self, wanted: float, light: float, least_weight: float) -> float:
        """Take the light that a shot asks for; return how far off it is, natural logs of light.

        Parameters
        ----------
        wanted, light
            Light that the shot's cells ask for, and its own; both > 0.
        least_weight
            Of a shot in the estimate, which is so never older than that.
        """
        value, own = math.log(wanted), UNKNOWN**2
        if not self.scatter:
            self.level, self.variance, self.scatter, self.light = value, own, own, light
            return 0.0
        change = math.log(light / self.light)
        self.light = light
        variance = self.variance + RESTLESS**2 + (_OTHER_LIGHT * change) ** 2
        own = max(self.scatter - self.variance, STEADY**2)
        off, far = value - self.level, _FAR * math.sqrt(variance + own)
        weight = max(variance / (variance + own), least_weight)
        if off < -far:
            weight = max(weight, _AT_ONCE)
        self.level += weight * min(off, far)
        self.variance = (1 - weight) ** 2 * variance + weight**2 * own
        seen = min(off * off, far * far)
        self.scatter += _SCATTER_WEIGHT * (seen - self.scatter)
        return off
