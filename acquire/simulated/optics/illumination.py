"""The light over the field: dimmer in the corners, lopsided, with fringes; never the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from acquire.simulated.config import SimulatedScopeConfig
    from acquire.simulated.specimen.cells import Column

FRINGE_PERIOD = 0.23  # of the field's diagonal; proposed
FRINGE_ANGLE = 0.6  # radians; proposed
LEAST = 0.02  # of the centre: a lopsided beam is dim at the far side, not dark


@dataclass(frozen=True, slots=True)
class Illumination:
    """Irradiance relative to the centre of the field, 1 there.

    Attributes
    ----------
    corner_um, right_um
        From the centre to a corner and to the right border, um.
    vignette, tilt, fringe
        As in the config.
    """

    corner_um: float
    right_um: float
    vignette: float
    tilt: float
    fringe: float

    @classmethod
    def of(cls, config: SimulatedScopeConfig) -> Illumination:
        """Make the illumination that a config describes."""
        half_y, half_x = 0.5 * (config.height - 1), 0.5 * (config.width - 1)
        return cls(
            max(config.pixel_um * float(np.hypot(half_y, half_x)), 1e-9),
            max(config.pixel_um * half_x, 1e-9),
            config.vignette,
            config.illumination_tilt,
            config.illumination_fringe,
        )

    def at(self, dx_um: Column, dy_um: Column) -> Column:
        """Return the relative irradiance at distances from the centre of the field, um."""
        sharpness = -np.log1p(-self.vignette) / self.corner_um**2
        profile: Column = np.exp(-sharpness * (dx_um**2 + dy_um**2))
        if self.tilt:
            profile = profile * np.maximum(1.0 + self.tilt * dx_um / self.right_um, LEAST)
        if self.fringe:
            way = dx_um * np.cos(FRINGE_ANGLE) + dy_um * np.sin(FRINGE_ANGLE)
            wave = np.cos(np.pi * way / (FRINGE_PERIOD * self.corner_um))
            profile = profile * (1.0 + self.fringe * wave) / (1.0 + self.fringe)
        return profile
