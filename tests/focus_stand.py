"""A stage, a focus drive and an autofocus that keep a diary; for tests of coming to a place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class FakeCore:
    """The part of a Micro-Manager core that moves things.

    `faults` maps a call to what happens instead of it; `busy` counts how often a device is asked
    before it rests.
    """

    at: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    calls: list[Any] = field(default_factory=list)
    faults: dict[str, Callable[[], Any]] = field(default_factory=dict)
    busy: dict[str, int] = field(default_factory=dict)
    camera: str = "Camera"
    is_locked: bool = False
    is_held: bool = False
    focus_um: float = 0.0
    devices: tuple[str, ...] = ("Camera", "Camera2", "XY", "Z", "AF", "Wheel", "Shutter", "Laser")

    def _call(self, name: str, *values: Any) -> Any:
        self.calls.append((name, *values))
        return self.faults[name]() if name in self.faults else None

    def setAutoShutter(self, state: bool) -> None: ...

    def getLoadedDevices(self) -> tuple[str, ...]:
        return self.devices

    def getLoadedDevicesOfType(self, kind: int) -> tuple[str, ...]:
        return ("Shutter",) if kind == 3 else ()

    def getDevicePropertyNames(self, label: str) -> tuple[str, ...]:
        return ("State", "Power")

    def setProperty(self, label: str, name: str, value: str) -> None:
        self._call("set", label, name, value)

    def getCameraDevice(self) -> str:
        return self.camera

    def setCameraDevice(self, label: str) -> None:
        self._call("camera", label)
        self.camera = label

    def getXYStageDevice(self) -> str:
        return "XY"

    def getFocusDevice(self) -> str:
        return "Z"

    def setXYPosition(self, x: float, y: float) -> None:
        if self._call("xy", x, y) is None:
            self.at[:2] = x, y

    def getXYPosition(self) -> tuple[float, float]:
        lie = self.faults["ask xy"]() if "ask xy" in self.faults else None
        return lie or (self.at[0], self.at[1])

    def setPosition(self, *values: Any) -> None:
        if len(values) == 2:
            self._call("offset drive", *values)
        elif self._call("z", *values) is None:
            self.at[2] = values[0]

    def getPosition(self) -> float:
        return self.focus_um if self.is_held and self.is_locked else self.at[2]

    def deviceBusy(self, label: str) -> bool:
        if "busy" in self.faults:
            self.faults["busy"]()
        left = self.busy.get(label, 0)
        self.busy[label] = left - 1
        return left > 0

    def getAvailableConfigGroups(self) -> tuple[str, ...]:
        return ("Channel",)

    def getAvailableConfigs(self, group: str) -> tuple[str, ...]:
        return ("GFP",)

    def getConfigData(self, group: str, preset: str) -> tuple[tuple[str, str, str], ...]:
        return (("Wheel", "State", "1"),)

    def getAutoFocusDevice(self) -> str:
        return "AF"

    def setAutoFocusDevice(self, label: str) -> None:
        self._call("use", label)

    def setAutoFocusOffset(self, offset: float) -> None:
        self._call("offset", offset)

    def fullFocus(self) -> None:
        self._call("focus")
        self.at[2] = self.focus_um

    def enableContinuousFocus(self, enable: bool) -> None:
        self._call("hold" if enable else "let go")
        if not enable and self.is_held and self.is_locked:
            self.at[2] = self.focus_um
        self.is_held = enable

    def isContinuousFocusLocked(self) -> bool:
        if "locked" in self.faults:
            return bool(self.faults["locked"]())
        return self.is_held and self.is_locked


def failing(times: int = 10**9) -> Callable[[], None]:
    """Return a fault that raises what a driver raises, so many times."""
    left = [times]

    def fault() -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise RuntimeError("Error in device: no answer")

    return fault
