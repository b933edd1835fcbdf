"""The filter wheel: cubes that pass one line of light and its dye, and an empty place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymmcore_plus.experimental.unicore import StateDevice

from acquire.simulated.devices.choices import Choices
from acquire.simulated.devices.faults import Faults, register_faults
from acquire.simulated.devices.movement import Movement
from acquire.simulated.devices.stand import Stand, offered

if TYPE_CHECKING:
    from acquire.simulated.bench import Bench
    from acquire.simulated.config import SimulatedScopeConfig

OPEN = "Open"


def cube_names(config: SimulatedScopeConfig) -> dict[str, str]:
    """Return the name of each line's cube and channel, such as "488", by the line's name."""
    short = {line.name: f"{line.wavelength_nm:.0f}" for line in config.all_lines()}
    names = list(short.values())
    return {line: name if names.count(name) == 1 else line for line, name in short.items()}


class SimulatedWheel(StateDevice):  # type: ignore[misc]  # pymmcore-plus is not typed for us
    """Turns the filter cubes: place 0 is empty and passes all light, place k is that of line k.

    Attributes
    ----------
    Properties
        State (0, 1, ...), Label ("Open", "488", ...).
        Faults: Refuse, IgnoreSilently, LieReadBack, Delay_ms (turns so long, and passes nothing
        meanwhile), Hang, Die.
    """

    def __init__(self, stand: Stand | None = None) -> None:
        super().__init__({0: OPEN})
        self._stand = stand or offered()
        self._state = 0
        self._faults = Faults()
        self._movement = Movement(self._faults, self._turn, lambda: self._state)
        register_faults(self, self._faults)

    def initialize(self) -> None:
        """Learn from the bench how many lines there are."""
        names = cube_names(self._bench.config)
        for place, name in enumerate(names.values(), start=1):
            self.assign_label_to_position(place, name)
        self.set_property_allowed_values("State", Choices(range(len(names) + 1)))

    def get_state(self) -> int:
        """Return the place in the light."""
        return self._movement.place("asking the wheel")

    def set_state(self, position: int) -> None:
        """Turn a place into the light."""
        if position == self._state and self._movement.arrive():
            self._faults.obeys("turning the wheel")  # a broken one complains all the same
            return
        self._movement.go(position, f"turning the wheel to {position}")
        if not self._movement.arrive():
            self._bench.turn_filter(())

    def busy(self) -> bool:
        """Whether it turns."""
        return not self._movement.arrive()

    # The base class sets state and label in turn until both are what was asked for: for ever, with
    # a wheel that is still on its way or does not obey (pymmcore-plus 0.18.1).
    def _set_state(self, state: int) -> None:
        position = int(float(state))  # Micro-Manager says it in words
        self.set_state(position)
        label = self._state_to_label.get(position, "")
        self.core.events.propertyChanged.emit(self.get_label(), "State", position)
        self.core.events.propertyChanged.emit(self.get_label(), "Label", label)

    def _set_current_label(self, label: str) -> None:
        self._set_state(self.get_position_for_label(label))

    @property
    def _bench(self) -> Bench:
        return self._stand.bench

    def _turn(self, position: int) -> None:
        lines = [line.name for line in self._bench.config.all_lines()]
        self._bench.turn_filter(None if position == 0 else (lines[position - 1],))
        self._state = position
