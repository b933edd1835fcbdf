"""The simulated stages as Micro-Manager devices; they are where they are sent, at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pymmcore_plus.core import FocusDirection
from pymmcore_plus.experimental.unicore import StageDevice, XYStageDevice

from acquire.simulated.devices.faults import Faults, register_faults
from acquire.simulated.devices.movement import Movement
from acquire.simulated.devices.stand import Stand, offered
from acquire.simulated.devices.steps import MAX_STEPS, Steps

if TYPE_CHECKING:
    from acquire.simulated.bench import Bench

XY_LIMIT_UM = 50_000.0
Z_LIMIT_UM = 1_000.0


class SimulatedXYStage(XYStageDevice):  # type: ignore[misc]  # pymmcore-plus is not typed for us
    """Moves the field of view over the specimen; hardware sequences step with the exposures.

    Attributes
    ----------
    Properties
        Faults: Refuse, IgnoreSilently, LieReadBack, Delay_ms (arrives so late), Hang, Die.
    """

    def __init__(self, stand: Stand | None = None) -> None:
        super().__init__()
        self._stand = stand or offered()
        self._origin_um = (0.0, 0.0)
        faults = Faults()
        self._movement = Movement(faults, self._go, self._at)
        self._steps = Steps(self._stand, self._movement.go)
        register_faults(self, faults)

    def set_position_um(self, x: float, y: float) -> None:
        """Go to a place, um.

        Raises
        ------
        ValueError
            If it is beyond the end of the stage.
        """
        self._movement.go(self._there(x, y), f"moving the stage to {x:.1f}, {y:.1f} um")

    def get_position_um(self) -> tuple[float, float]:
        """Return where the stage stands, um."""
        x_um, y_um = self._movement.place("asking the stage")
        return x_um - self._origin_um[0], y_um - self._origin_um[1]

    def busy(self) -> bool:
        """Whether it is on its way."""
        return not self._movement.arrive()

    def home(self) -> None:
        """Go to the middle of the specimen."""
        self._movement.go((0.0, 0.0), "homing the stage")

    def stop(self) -> None:
        """Stay here."""
        self._movement.stop()

    def set_origin_x(self) -> None:
        """Call this x zero."""
        self._origin_um = self._bench.x_um, self._origin_um[1]

    def set_origin_y(self) -> None:
        """Call this y zero."""
        self._origin_um = self._origin_um[0], self._bench.y_um

    def set_origin(self) -> None:
        """Call this place zero."""
        self.set_origin_x()
        self.set_origin_y()

    def get_sequence_max_length(self) -> int:
        """Return how many places a hardware sequence has at most."""
        return MAX_STEPS

    def send_sequence(self, sequence: tuple[tuple[float, float], ...]) -> None:
        """Keep the places of a hardware sequence, um."""
        self._steps.load([self._there(x, y) for x, y in sequence])

    def start_sequence(self) -> None:
        """Go to the next place at each exposure, from the first on."""
        self._steps.start()

    def stop_sequence(self) -> None:
        """Stay where the sequence is."""
        self._steps.stop()

    @property
    def _bench(self) -> Bench:
        return self._stand.bench

    def _there(self, x: float, y: float) -> tuple[float, float]:
        there = x + self._origin_um[0], y + self._origin_um[1]
        if not all(abs(place) <= XY_LIMIT_UM for place in there):  # NaN too
            raise ValueError(f"the stage goes {XY_LIMIT_UM} um either way, got {x, y}")
        return there

    def _go(self, place: tuple[float, float]) -> None:
        self._bench.x_um, self._bench.y_um = place

    def _at(self) -> tuple[float, float]:
        return self._bench.x_um, self._bench.y_um


class SimulatedZStage(StageDevice):  # type: ignore[misc]  # pymmcore-plus is not typed for us
    """Moves the focus; 0 is in focus. Hardware sequences step with the exposures.

    Attributes
    ----------
    Properties
        Faults: Refuse, IgnoreSilently, LieReadBack, Delay_ms (arrives so late), Hang, Die.
    """

    def __init__(self, stand: Stand | None = None) -> None:
        super().__init__()
        self._stand = stand or offered()
        self._origin_um = 0.0
        self._direction = FocusDirection.TowardSample
        faults = Faults()
        self._movement = Movement(faults, self._go, self._at)
        self._steps = Steps(self._stand, self._movement.go)
        register_faults(self, faults)

    def set_position_um(self, val: float) -> None:
        """Go to a height, um.

        Raises
        ------
        ValueError
            If it is beyond the end of the stage.
        """
        self._movement.go(self._there(val), f"moving the focus to {val:.2f} um")

    def get_position_um(self) -> float:
        """Return where the focus stands, um."""
        return self._movement.place("asking the focus") - self._origin_um

    def busy(self) -> bool:
        """Whether it is on its way."""
        return not self._movement.arrive()

    def get_focus_direction(self) -> FocusDirection:
        """Return which way is up: a larger z is nearer to the sample, unless told otherwise."""
        return self._direction

    def set_focus_direction(self, sign: int) -> None:
        """Say which way is up: 1 if a larger z is nearer to the sample, -1 if it is farther."""
        self._direction = FocusDirection(int(sign))

    def home(self) -> None:
        """Go into focus."""
        self._movement.go(0.0, "homing the focus")

    def stop(self) -> None:
        """Stay here."""
        self._movement.stop()

    def set_origin(self) -> None:
        """Call this height zero."""
        self._origin_um = self._stand.bench.z_um

    def get_sequence_max_length(self) -> int:
        """Return how many planes a hardware sequence has at most."""
        return MAX_STEPS

    def send_sequence(self, sequence: tuple[float, ...]) -> None:
        """Keep the heights of a hardware sequence, um."""
        self._steps.load([self._there(height) for height in sequence])

    def start_sequence(self) -> None:
        """Go to the next height at each exposure, from the first on."""
        self._steps.start()

    def stop_sequence(self) -> None:
        """Stay where the sequence is."""
        self._steps.stop()

    def _there(self, height: float) -> float:
        if not math.fabs(height + self._origin_um) <= Z_LIMIT_UM:  # NaN too
            raise ValueError(f"the focus goes {Z_LIMIT_UM} um either way, got {height}")
        return float(height + self._origin_um)

    def _go(self, height: float) -> None:
        self._stand.bench.z_um = height

    def _at(self) -> float:
        return self._stand.bench.z_um
