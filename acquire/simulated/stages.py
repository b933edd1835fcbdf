"""The simulated stages as Micro-Manager devices; they are where they are sent, at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pymmcore_plus.core import FocusDirection
from pymmcore_plus.experimental.unicore import StageDevice, XYStageDevice

if TYPE_CHECKING:
    from acquire.simulated.bench import Bench

XY_LIMIT_UM = 50_000.0
Z_LIMIT_UM = 1_000.0


class SimulatedXYStage(XYStageDevice):  # type: ignore[misc]  # pymmcore-plus is not typed for us
    """Moves the field of view over the specimen."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._bench = bench
        self._origin_um = [0.0, 0.0]

    def set_position_um(self, x: float, y: float) -> None:
        """Go to a place, um.

        Raises
        ------
        ValueError
            If it is beyond the end of the stage.
        """
        there = x + self._origin_um[0], y + self._origin_um[1]
        if not all(abs(place) <= XY_LIMIT_UM for place in there):  # NaN too
            raise ValueError(f"the stage goes {XY_LIMIT_UM} um either way, got {x, y}")
        self._bench.x_um, self._bench.y_um = there

    def get_position_um(self) -> tuple[float, float]:
        """Return where the stage stands, um."""
        return self._bench.x_um - self._origin_um[0], self._bench.y_um - self._origin_um[1]

    def home(self) -> None:
        """Go to the middle of the specimen."""
        self._bench.x_um = self._bench.y_um = 0.0

    def stop(self) -> None:
        """Do nothing: the stage never is on its way."""

    def set_origin_x(self) -> None:
        """Call this x zero."""
        self._origin_um[0] = self._bench.x_um

    def set_origin_y(self) -> None:
        """Call this y zero."""
        self._origin_um[1] = self._bench.y_um

    def set_origin(self) -> None:
        """Call this place zero."""
        self.set_origin_x()
        self.set_origin_y()


class SimulatedZStage(StageDevice):  # type: ignore[misc]  # pymmcore-plus is not typed for us
    """Moves the focus; 0 is in focus."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._bench = bench
        self._origin_um = 0.0

    def set_position_um(self, val: float) -> None:
        """Go to a height, um.

        Raises
        ------
        ValueError
            If it is beyond the end of the stage.
        """
        if not math.fabs(val + self._origin_um) <= Z_LIMIT_UM:  # NaN too
            raise ValueError(f"the focus goes {Z_LIMIT_UM} um either way, got {val}")
        self._bench.z_um = val + self._origin_um

    def get_position_um(self) -> float:
        """Return where the focus stands, um."""
        return self._bench.z_um - self._origin_um

    def get_focus_direction(self) -> FocusDirection:
        """Return which way is up: a larger z is nearer to the sample."""
        return FocusDirection.TowardSample

    def home(self) -> None:
        """Go into focus."""
        self._bench.z_um = 0.0

    def stop(self) -> None:
        """Do nothing: the focus never is on its way."""

    def set_origin(self) -> None:
        """Call this height zero."""
        self._origin_um = self._bench.z_um
