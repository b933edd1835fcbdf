"""Laser and shutter as Micro-Manager devices: thin handles of the light box."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec
from pymmcore_plus.experimental.unicore import GenericDevice, ShutterDevice, pymm_property

from acquire.simulated.devices.faults import MAX_DELAY_MS, SWITCH
from acquire.simulated.devices.stand import Stand, offered
from acquire.simulated.light.light_line import MAX_POWERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymmcore_plus.experimental.unicore import Device

    from acquire.simulated.light.light_calls import AnyLightBox
    from acquire.simulated.light.light_words import Gate, LineMeter

GATES = ["camera", "software", "always-on"]
BOX_SWITCHES = {
    "Refuse": "refuses",
    "IgnoreSilently": "ignores",
    "RefuseDark": "refuses_dark",
    "LieReadBack": "lies",
    "Hang": "hangs",
}


class SimulatedLaser(GenericDevice):  # type: ignore[misc]  # pymmcore-plus is not typed for us
    """One line of the light box; every read-back comes from the box itself.

    Attributes
    ----------
    Properties
        Line (its name in the box; before initialization), Power (per cent of full; a hardware
        sequence steps with the exposures), Gate (what lets the light out), Wavelength_nm, and what
        the meter at the sample says: Meter_J_cm2, MeterLit_s, MeterExposures.
        Faults of the whole box: Refuse, IgnoreSilently, RefuseDark (ignores what would lessen the
        light), LieReadBack (repeats the command), Delay_ms, Hang, Die.
    """

    def __init__(self, stand: Stand | None = None, line: str = "") -> None:
        super().__init__()
        self._stand = stand or offered()
        self._line = line
        _register_box_faults(self, self._stand)

    @property
    def _light(self) -> AnyLightBox:
        return self._stand.bench.light

    @property
    def _name(self) -> str:
        return self._line or str(self.get_label())

    @pymm_property(name="Line", is_pre_init=True)  # type: ignore[untyped-decorator]
    def line(self) -> str:
        """Name of the line in the box; empty: the device's own label."""
        return self._line

    @line.setter  # type: ignore[untyped-decorator]
    def _set_line(self, value: str) -> None:
        self._line = str(value)

    @pymm_property(  # type: ignore[untyped-decorator]
        name="Power", limits=(0.0, 100.0), sequence_max_length=MAX_POWERS
    )
    def power(self) -> float:
        """Power in per cent of full, as the box reports it."""
        return 100.0 * self._light.state().power_fraction[self._name]

    @power.setter  # type: ignore[untyped-decorator]
    def _set_power(self, value: float) -> None:
        self._light.set_power(self._name, float(value) / 100.0)

    @power.sequence_loader  # type: ignore[untyped-decorator]
    def _load_powers(self, sequence: Sequence[float]) -> None:
        self._light.load_powers(self._name, [float(value) / 100.0 for value in sequence])

    @power.sequence_starter  # type: ignore[untyped-decorator]
    def _start_powers(self) -> None:
        self._light.run_powers(self._name, True)

    @power.sequence_stopper  # type: ignore[untyped-decorator]
    def _stop_powers(self) -> None:
        self._light.run_powers(self._name, False)

    @pymm_property(name="Gate", allowed_values=GATES)  # type: ignore[untyped-decorator]
    def gate(self) -> str:
        """Way in which the light is let out: by the exposure, by the shutter alone, or always."""
        return self._light.gates()[self._name]

    @gate.setter  # type: ignore[untyped-decorator]
    def _set_gate(self, value: str) -> None:
        self._light.set_gate(self._name, cast("Gate", value))

    @pymm_property(name="Wavelength_nm", is_read_only=True)  # type: ignore[untyped-decorator]
    def wavelength_nm(self) -> float:
        """Wavelength of the line."""
        lines = {line.name: line for line in self._stand.bench.config.lines()}
        return lines[self._name].wavelength_nm

    @pymm_property(name="Meter_J_cm2", is_read_only=True)  # type: ignore[untyped-decorator]
    def meter_j_cm2(self) -> float:
        """Dose at the centre of the field since the box was switched on."""
        return self._meter.dose_j_cm2

    @pymm_property(name="MeterLit_s", is_read_only=True)  # type: ignore[untyped-decorator]
    def meter_lit_s(self) -> float:
        """Host time during which the light was on."""
        return self._meter.lit_s

    @pymm_property(name="MeterExposures", is_read_only=True)  # type: ignore[untyped-decorator]
    def meter_exposures(self) -> int:
        """Exposures of the camera during which the line gave light."""
        return self._meter.exposures

    @property
    def _meter(self) -> LineMeter:
        return self._light.meter()[self._name]


class SimulatedShutter(ShutterDevice):  # type: ignore[misc]  # pymmcore-plus is not typed for us
    """The shutter of the light box.

    Attributes
    ----------
    Properties
        OpenDelay_ms, CloseDelay_ms (host time from the command to the movement), and the faults of
        the box, as `SimulatedLaser` has them.
    """

    def __init__(self, stand: Stand | None = None) -> None:
        super().__init__()
        self._stand = stand or offered()
        self._open_delay_ms = self._close_delay_ms = 0.0
        _register_box_faults(self, self._stand)

    def get_open(self) -> bool:
        """Return whether it is open, as the box reports it."""
        return self._stand.bench.light.state().is_open

    def set_open(self, open: bool) -> None:
        """Open or close it."""
        self._stand.bench.light.set_open(bool(open))

    @pymm_property(name="OpenDelay_ms", limits=(0.0, MAX_DELAY_MS))  # type: ignore[untyped-decorator]
    def open_delay_ms(self) -> float:
        """Time from the command to open until it is open."""
        return self._open_delay_ms

    @open_delay_ms.setter  # type: ignore[untyped-decorator]
    def _set_open_delay(self, value: float) -> None:
        self._set_delays(float(value), self._close_delay_ms)

    @pymm_property(name="CloseDelay_ms", limits=(0.0, MAX_DELAY_MS))  # type: ignore[untyped-decorator]
    def close_delay_ms(self) -> float:
        """Time from the command to close until it is closed."""
        return self._close_delay_ms

    @close_delay_ms.setter  # type: ignore[untyped-decorator]
    def _set_close_delay(self, value: float) -> None:
        self._set_delays(self._open_delay_ms, float(value))

    def _set_delays(self, open_ms: float, close_ms: float) -> None:
        self._stand.bench.light.set_delays(open_ms * 1e-3, close_ms * 1e-3)
        self._open_delay_ms, self._close_delay_ms = open_ms, close_ms


def _register_box_faults(device: Device, stand: Stand) -> None:
    """Give a device the switches that break the box; the box itself remembers them."""
    for name, field in BOX_SWITCHES.items():
        _register_box_fault(device, stand, name, field)
    device.register_property(
        "Delay_ms",
        default_value=0.0,
        limits=(0.0, MAX_DELAY_MS),
        property_type=float,
        getter=lambda _: stand.bench.light.faults().delay_s * 1e3,
        setter=lambda _, value: _break(stand, "delay_s", float(value) * 1e-3),
    )
    device.register_property(
        "Die",
        default_value="Off",
        allowed_values=SWITCH,
        property_type=str,
        getter=lambda _: "Off",  # who could still ask is not dead
        setter=lambda _, value: stand.bench.light.die() if value == "On" else None,
    )


def _register_box_fault(device: Device, stand: Stand, name: str, field: str) -> None:
    def read(_: Any) -> str:
        return SWITCH[bool(getattr(stand.bench.light.faults(), field))]

    def write(_: Any, value: str) -> None:
        _break(stand, field, value == "On")

    device.register_property(
        name,
        default_value="Off",
        allowed_values=SWITCH,
        property_type=str,
        getter=read,
        setter=write,
    )


def _break(stand: Stand, field: str, value: bool | float) -> None:
    light = stand.bench.light
    light.set_faults(msgspec.structs.replace(light.faults(), **{field: value}))
