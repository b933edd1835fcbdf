"""What the loop asks of a microscope before each exposure: to be there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from acquire.errors import PlanRefused

if TYPE_CHECKING:
    from acquire.frame import Shot
    from acquire.plan.plan import PlannedExposure


class Stand(Protocol):
    """The microscope without its light."""

    def move_to(self, x_um: float, y_um: float, z_um: float) -> None:
        """Move stage and focus, um, and wait until they are there."""
        ...

    def select(self, channel: str) -> None:
        """Set filters and mirrors for a channel, and wait."""
        ...


class Arrive(Protocol):
    """Comes to where an exposure is taken."""

    def __call__(self, one: PlannedExposure, shot: Shot) -> PlannedExposure:
        """Go there, in the dark; return the exposure with its true place and focus."""
        ...


class Plain:
    """Sets channel and place, and does nothing else that a plan may ask for."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand

    def __call__(self, one: PlannedExposure, shot: Shot) -> PlannedExposure:
        """Go there.

        Raises
        ------
        PlanRefused
            If the plan asks for an autofocus or for properties: nobody here does that.
        """
        if one.autofocus is not None or one.properties:
            raise PlanRefused(
                f"field {shot.position}: the plan asks for an autofocus or for device properties, "
                "and this loop was given nobody who does that"
            )
        self._stand.select(one.channel)
        self._stand.move_to(*one.position_um)
        return one
