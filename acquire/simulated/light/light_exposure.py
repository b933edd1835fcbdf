"""The exposure that lets camera-gated light out, as the light box knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acquire.simulated.light.light_line import LineState

_SAME = 1e-9  # by so much may a time differ that went through a pipe as a number


@dataclass
class Exposure:
    """One exposure of the camera, from its beginning until its end is reported.

    Attributes
    ----------
    meant_s
        How long the camera means to expose, s.
    due_s
        When it is then over, host time, s.
    is_paced
        It takes host time; else it is over at once.
    runs
        Nobody has reported its end.
    is_disturbed
        The light changed since it began: what was planned is not what was given.
    """

    meant_s: float
    due_s: float
    is_paced: bool
    runs: bool = True
    is_disturbed: bool = False

    def late_s(self, passed_s: float, now_s: float) -> float:
        """Return how much of the time that passed until now lies behind its end."""
        return max(0.0, min(passed_s, now_s - self.due_s))

    def fluence(self, line: LineState, exposed_s: float) -> float:
        """Return what a line gave in it, J/cm2, now that the camera says how long it was."""
        if not self.runs:
            return 0.0
        planned = line.start_irradiance * exposed_s
        if not self.is_disturbed:
            return planned
        # The light changed while the gate was on: what host time says, and never less than an
        # exposure that was already over.
        if not self.is_paced:
            return max(planned, line.host_fluence)
        is_in_time = exposed_s <= self.meant_s * (1 + _SAME)
        return line.host_fluence - (line.late_fluence if is_in_time else 0.0)
