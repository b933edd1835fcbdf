"""Laser and shutter as Micro-Manager devices: thin handles of the light box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymmcore_plus.experimental.unicore import GenericDevice, ShutterDevice, pymm_property

if TYPE_CHECKING:
    from acquire.simulated.light_box import AnyLightBox

SWITCH = ["Off", "On"]


class SimulatedLaser(GenericDevice):  # type: ignore[misc]  # pymmcore-plus is not typed for us
    """One line of the light box; every read-back comes from the box itself.

    Attributes
    ----------
    Properties
        Power (per cent of full), Wavelength_nm, and two faults of the box: RefuseDark (commands
        that would lessen the light are ignored), LieReadBack (the box repeats the command).
    """

    def __init__(self, light: AnyLightBox, line: str, wavelength_nm: float) -> None:
        super().__init__()
        self._light = light
        self._line = line
        self._wavelength_nm = wavelength_nm
        self._refuses_dark = self._lies = False

    @pymm_property(name="Power", limits=(0.0, 100.0))  # type: ignore[untyped-decorator]
    def power(self) -> float:
        """Power in per cent of full, as the box reports it."""
        return 100.0 * self._light.state().power_fraction[self._line]

    @power.setter  # type: ignore[untyped-decorator]
    def _set_power(self, value: float) -> None:
        self._light.set_power(self._line, float(value) / 100.0)

    @pymm_property(name="Wavelength_nm", is_read_only=True)  # type: ignore[untyped-decorator]
    def wavelength_nm(self) -> float:
        """Wavelength of the line."""
        return self._wavelength_nm

    @pymm_property(name="RefuseDark", allowed_values=SWITCH)  # type: ignore[untyped-decorator]
    def refuse_dark(self) -> str:
        """Whether the box ignores commands that would lessen its light."""
        return SWITCH[self._refuses_dark]

    @refuse_dark.setter  # type: ignore[untyped-decorator]
    def _set_refuse_dark(self, value: str) -> None:
        self._refuses_dark = value == "On"
        self._light.set_faults(self._refuses_dark, self._lies)

    @pymm_property(name="LieReadBack", allowed_values=SWITCH)  # type: ignore[untyped-decorator]
    def lie_read_back(self) -> str:
        """Whether the box repeats the command when it is asked for its state."""
        return SWITCH[self._lies]

    @lie_read_back.setter  # type: ignore[untyped-decorator]
    def _set_lie_read_back(self, value: str) -> None:
        self._lies = value == "On"
        self._light.set_faults(self._refuses_dark, self._lies)


class SimulatedShutter(ShutterDevice):  # type: ignore[misc]  # pymmcore-plus is not typed for us
    """The shutter of the light box."""

    def __init__(self, light: AnyLightBox) -> None:
        super().__init__()
        self._light = light

    def get_open(self) -> bool:
        """Return whether it is open, as the box reports it."""
        return self._light.state().is_open

    def set_open(self, open: bool) -> None:
        """Open or close it."""
        self._light.set_open(bool(open))
