"""The dye that a run would bleach, where it is known: in simulated specimens."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from acquire.simulated.config import SimulatedScopeConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lightloop.config import RunConfig


def bleached_fraction(
    config: RunConfig, times: int, interval_s: float, taken: Mapping[str, float]
) -> float | None:
    """Return the share that the worst of the dyes loses; None where nobody knows the dyes.

    Each shot leaves exp(-d) of a population and a rest between shots makes dye anew, so after n
    shots the share is b + (1 - b) (r exp(-d))^n, with r = exp(-interval / recovery) and the steady
    state b = (1 - r) / (1 - r exp(-d)).
    """
    if not isinstance(config.scope, SimulatedScopeConfig):
        return None
    from acquire.simulated.photophysics.photophysics import Photophysics

    lights = {light.name: light for light in config.light}
    first, *others = config.scope.all_lines()
    lines = {line.name: line for line in others}
    decays: dict[str, float] = {}  # of the slow population of each line's dye in one shot
    for channel in config.channel:
        line = lines.get(lights[channel.light].power_device or "", first)
        irradiance = channel.power_fraction * line.max_irradiance_w_cm2
        planes = taken.get(channel.name, 0) / times
        dose = irradiance * planes * lights[channel.light].on_ms(channel.exposure_ms) * 1e-3
        rate = float(Photophysics.of(config.scope, line).bleach_rate_per_j_cm2(irradiance))
        decays[line.name] = decays.get(line.name, 0.0) + rate * dose
    rest = math.exp(-interval_s / (config.scope.recovery_h * 3600.0))
    return 1.0 - min(_dye_left(decay, rest, times) for decay in decays.values())


def _dye_left(slow: float, rest: float, times: int) -> float:
    """Return the share of a dye that is left after shots that each bleach, with rests between."""
    from acquire.simulated.photophysics.photophysics import FAST_RATIO, FAST_SHARE

    left = 0.0
    for share, decay in ((1.0 - FAST_SHARE, slow), (FAST_SHARE, FAST_RATIO * slow)):
        kept = rest * math.exp(-decay)
        steady = (1.0 - rest) / (1.0 - kept) if kept < 1.0 else 1.0
        left += share * (steady + (1.0 - steady) * kept**times)
    return left
