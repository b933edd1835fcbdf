"""The lamp from above, for transmitted light: it shows the cells and costs no fluorescence."""

from __future__ import annotations

from pymmcore_plus.experimental.unicore import GenericDevice, pymm_property

from acquire.simulated.devices.faults import Faults, register_faults
from acquire.simulated.devices.stand import Stand, offered


class SimulatedLamp(GenericDevice):  # type: ignore[misc]  # pymmcore-plus is not typed for us
    """A lamp whose light neither bleaches nor harms; the camera sees it beside all other light.

    Attributes
    ----------
    Properties
        Power (per cent of full).
        Faults: Refuse, IgnoreSilently, LieReadBack, Die.
    """

    def __init__(self, stand: Stand | None = None) -> None:
        super().__init__()
        self._stand = stand or offered()
        self._told = 0.0
        self._faults = Faults()
        register_faults(self, self._faults, but=("Hang", "Delay_ms"))

    @pymm_property(name="Power", limits=(0.0, 100.0))  # type: ignore[untyped-decorator]
    def power(self) -> float:
        """Power in per cent of full."""
        self._faults.require_alive("asking the lamp")
        return self._told if self._faults.lies else 100.0 * self._stand.bench.lamp_fraction

    @power.setter  # type: ignore[untyped-decorator]
    def _set_power(self, value: float) -> None:
        if self._faults.obeys("setting the lamp"):
            self._stand.bench.lamp_fraction = float(value) / 100.0
        self._told = float(value)
