"""What can be broken in a simulated device, as switches that Micro-Manager sees as properties."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from acquire.errors import DeviceMissing, SettingRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymmcore_plus.experimental.unicore import Device

SWITCH = ["Off", "On"]
MAX_DELAY_MS = 60_000.0
SWITCHES = {
    "Refuse": "refuses",
    "IgnoreSilently": "ignores",
    "LieReadBack": "lies",
    "Hang": "hangs",
    "Die": "is_dead",
}


def _nothing() -> None:
    pass


class Faults:
    """What is broken in one device.

    Attributes
    ----------
    refuses
        Commands raise an error and are not done.
    ignores
        Commands are taken as if they were done, and are not.
    lies
        The read-back repeats the last command, whatever became of it.
    delay_s
        Commands are done so much later, s of host time.
    on_death
        Called when the device dies.
    """

    def __init__(self) -> None:
        self.on_death: Callable[[], None] = _nothing
        self.refuses = self.ignores = self.lies = False
        self.delay_s = 0.0
        self._goes = threading.Event()
        self._goes.set()
        self._is_dead = False

    @property
    def hangs(self) -> bool:
        """Whether a command never comes back until this is switched off."""
        return not self._goes.is_set()

    @hangs.setter
    def hangs(self, hangs: bool) -> None:
        if hangs:
            self._goes.clear()
        else:
            self._goes.set()

    @property
    def is_dead(self) -> bool:
        """Whether the device has died; only loading it anew brings it back."""
        return self._is_dead

    @is_dead.setter
    def is_dead(self, is_dead: bool) -> None:
        if is_dead:
            self._is_dead = True
            self._goes.set()
            self.on_death()

    def require_alive(self, what: str) -> None:
        """Refuse to answer if the device is dead.

        Raises
        ------
        DeviceMissing
            If it is.
        """
        if self._is_dead:
            raise DeviceMissing(f"{what}: the device has died; load the configuration again")

    def obeys(self, what: str) -> bool:
        """Return whether a command is done; false if it is to be forgotten in silence.

        Raises
        ------
        DeviceMissing, SettingRefused
            If the device is dead, or refuses.
        """
        self.require_alive(what)
        if self.refuses:
            raise SettingRefused(f"{what}: the device refuses")
        return not self.ignores


def register_faults(device: Device, faults: Faults, *, but: tuple[str, ...] = ()) -> None:
    """Give a device a property for each switch, and `Delay_ms`.

    Parameters
    ----------
    but
        Properties that the device defines itself.
    """
    for name, field in SWITCHES.items():
        if name not in but:
            _register_switch(device, faults, name, field)
    if "Delay_ms" not in but:
        device.register_property(
            "Delay_ms",
            default_value=0.0,
            limits=(0.0, MAX_DELAY_MS),
            property_type=float,
            getter=lambda _: faults.delay_s * 1e3,
            setter=lambda _, value: setattr(faults, "delay_s", float(value) * 1e-3),
        )


def _register_switch(device: Device, faults: Faults, name: str, field: str) -> None:
    def read(_: Any) -> str:
        return SWITCH[bool(getattr(faults, field))]

    def write(_: Any, value: str) -> None:
        setattr(faults, field, value == "On")

    device.register_property(
        name,
        default_value="Off",
        allowed_values=SWITCH,
        property_type=str,
        getter=read,
        setter=write,
    )
