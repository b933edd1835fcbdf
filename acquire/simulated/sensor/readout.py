"""How long a chip takes to be read, and how long the light must be on for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.config import SimulatedScopeConfig


@dataclass(frozen=True, slots=True)
class Readout:
    """The timing of a chip that is read row by row, from the top.

    Attributes
    ----------
    line_time_s
        Time to read one row, s; binned rows are read before they are added.
    is_rolling
        Each row starts its exposure one line time after the row above; else all start at once.

    References
    ----------
    Orca-Flash4.0 V3, technical note (Hamamatsu): 9.74 us a row, the exposure of the next frame
    overlaps the readout of this one.
    """

    line_time_s: float
    is_rolling: bool

    @classmethod
    def of(cls, config: SimulatedScopeConfig) -> Readout:
        """Make the timing that a config describes."""
        return cls(config.line_time_us * 1e-6, config.shutter_kind == "rolling")

    def readout_s(self, rows: int) -> float:
        """Return the time to read so many rows of the chip, s."""
        return rows * self.line_time_s

    def lit_s(self, exposure_s: float, rows: int) -> float:
        """Return how long the light must be on so that each row gets its exposure, s.

        A rolling shutter wastes light: while the last row still waits, the sample is lit already.
        """
        return exposure_s + self.readout_s(rows) if self.is_rolling else exposure_s

    def frame_s(self, exposure_s: float, rows: int) -> float:
        """Return the shortest time from frame to frame in a sequence, s.

        The next exposure runs while this frame is read, unless the light is switched between them:
        a rolling shutter whose rows must all see the same light reads in the dark.
        """
        if self.is_rolling:
            return exposure_s + self.readout_s(rows)
        return max(exposure_s, self.readout_s(rows))

    def row_starts_s(self, rows: int) -> NDArray[np.float64]:
        """Return when each row's exposure starts, s after the first row's, (rows,)."""
        step_s = self.line_time_s if self.is_rolling else 0.0
        starts: NDArray[np.float64] = np.arange(rows, dtype=float) * np.float64(step_s)
        return starts
