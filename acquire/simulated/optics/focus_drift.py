"""The focus does not stay where it was put: it sinks steadily and wanders with the room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.config import SimulatedScopeConfig

# Air conditioning swings in tens of minutes, a room's day in hours; proposed.
PERIODS_S = (900.0, 2_200.0, 5_400.0, 13_000.0)
STREAM = 0x666F6375  # apart from the streams of cells and camera


@dataclass(frozen=True, slots=True)
class FocusDrift:
    """A steady drift and slow waves: a function of the time alone, whoever asks and how often.

    Attributes
    ----------
    um_per_s
        Steady drift, um/s.
    wander_um
        Root mean square of the waves, um.
    phases
        Of the waves, radians, (4,).
    """

    um_per_s: float
    wander_um: float
    phases: NDArray[np.float64]

    @classmethod
    def of(cls, config: SimulatedScopeConfig) -> FocusDrift:
        """Make the drift that a config describes."""
        phases = np.random.Generator(np.random.Philox([config.seed, STREAM])).random(len(PERIODS_S))
        return cls(config.focus_drift_um_h / 3600.0, config.focus_wander_um, 2.0 * np.pi * phases)

    def at(self, t_s: float) -> float:
        """Return how far the focal plane is below where the stage says, um; 0 at time 0."""
        waves = np.sin(2.0 * np.pi * t_s / np.array(PERIODS_S) + self.phases) - np.sin(self.phases)
        return self.um_per_s * t_s + self.wander_um * float(waves.sum() / np.sqrt(2.0))
