"""Bursts whose frames differ: exposures and powers that the hardware steps through by itself.

A run may give every burst a *ramp*: each frame's exposure and power as shares of the first one's.
The first frame is the decision's own light and no other gets more, so every bound that holds for a
decision holds for each frame of its burst.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from acquire.errors import PlanRefused

if TYPE_CHECKING:
    from acquire.light.frame_bounds import Allowed
    from acquire.light.source import LightSource
    from acquire.plan.plan import PlannedShot


class FrameLight(NamedTuple):
    """Exposure (ms) and power (fraction of the maximum) of one frame."""

    exposure_ms: float
    power_fraction: float


class Ramp(msgspec.Struct, frozen=True):
    """How the frames of a burst differ.

    Attributes
    ----------
    exposures, powers
        Share of the first frame's exposure and power, frame by frame, above 0 to 1; a burst that is
        longer goes on with the first again. Empty: all alike.

    Raises
    ------
    PlanRefused
        If a share is none, or the first one is not 1.
    """

    exposures: tuple[float, ...] = ()
    powers: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for shares, what in ((self.exposures, "exposures"), (self.powers, "powers")):
            if shares and not (shares[0] == 1.0 and all(0.0 < share <= 1.0 for share in shares)):
                raise PlanRefused(
                    f"{what} of a burst are shares of the first frame's, above 0 to 1, and begin "
                    f"with 1; got {list(shares)}"
                )

    def shares(self, frame: int) -> tuple[float, float]:
        """Return the shares of exposure and power of one frame."""
        exposures, powers = self.exposures or (1.0,), self.powers or (1.0,)
        return exposures[frame % len(exposures)], powers[frame % len(powers)]

    def changes_exposure(self, source: LightSource) -> bool:
        """Whether its frames are exposed for different times."""
        shares = (*self.exposures, *(() if source.is_dimmable else self.powers))
        return any(share != 1.0 for share in shares)

    def changes_power(self, source: LightSource) -> bool:
        """Whether its frames get different powers."""
        return source.is_dimmable and any(share != 1.0 for share in self.powers)

    def steps(
        self,
        allowed: Allowed,
        frames: range,
        source: LightSource,
        shortest_ms: float,
    ) -> tuple[FrameLight, ...]:
        """Return the light of some frames of a burst; empty if all get what is allowed.

        A light that cannot be dimmed is exposed shorter instead, and no exposure is shorter than
        the limit (unless the first one is).
        """
        if not (self.exposures or self.powers):  # as nearly always: every share is 1
            return ()
        found = []
        for frame in frames:
            exposure, power = self.shares(frame)
            if not source.is_dimmable:
                exposure, power = exposure * power, 1.0
            exposure_ms = allowed.exposure_ms * exposure
            exposure_ms = max(exposure_ms, min(shortest_ms, allowed.exposure_ms))
            power_fraction = allowed.power_fraction
            if power < 1.0:
                power_fraction = source.takes(allowed.power_fraction * power)
            found.append(FrameLight(exposure_ms, power_fraction))
        alike = FrameLight(allowed.exposure_ms, allowed.power_fraction)
        return () if all(one == alike for one in found) else tuple(found)


EVEN = Ramp()


def in_bursts(planned: PlannedShot, n_frames: int) -> PlannedShot:
    """Return the same shot with a burst of at least so many frames for each of its exposures."""
    exposures = tuple(
        replace(one, n_frames=max(n_frames, one.n_frames)) for one in planned.exposures
    )
    total = sum(one.n_frames * one.looks for one in exposures)
    return replace(
        planned, shot=msgspec.structs.replace(planned.shot, n_frames=total), exposures=exposures
    )
