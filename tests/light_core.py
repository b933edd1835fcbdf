"""Python devices behind a real Micro-Manager core, with a bench that knows what they really did."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pymmcore_plus.core import FocusDirection
from pymmcore_plus.experimental.unicore import (
    CameraDevice,
    GenericDevice,
    ShutterDevice,
    StageDevice,
    UniMMCore,
    XYStageDevice,
    pymm_property,
)


@dataclass
class PyBench:
    """What is true, whatever the devices say. A fault is "ignores", "raises" or "lies"."""

    is_open: bool = True
    power: float = 30.0
    filter: int = 0
    moves: list[str] = field(default_factory=list)
    lit_frames: int = 0
    laser_fault: str = ""
    shutter_fault: str = ""
    camera_breaks_at: int = -1
    camera_hangs: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.camera_hangs.set()


class Cam(CameraDevice):
    def __init__(self, bench: PyBench) -> None:
        super().__init__()
        self._bench, self._ms = bench, 10.0
        self.set_property_limits("Exposure", (0.0, 1e4))

    def get_exposure(self) -> float:
        return self._ms

    def set_exposure(self, exposure: float) -> None:
        self._ms = float(exposure)

    def shape(self) -> tuple[int, int]:
        return (512, 512)

    def dtype(self) -> Any:
        return np.uint16

    def set_roi(self, x: int, y: int, width: int, height: int) -> None: ...

    def clear_roi(self) -> None: ...

    def start_sequence(self, n: int | None, get_buffer: Any) -> Iterator[Mapping[str, Any]]:
        i = 0
        while n is None or i < n:
            if i == self._bench.camera_breaks_at:
                raise OSError("the camera's cable is loose")
            self._bench.camera_hangs.wait(30)
            is_lit = self._bench.is_open and self._bench.power > 0
            self._bench.lit_frames += is_lit
            get_buffer(self.shape(), self.dtype())[:] = 200 if is_lit else 100
            yield {}
            i += 1


class Laser(GenericDevice):
    def __init__(self, bench: PyBench) -> None:
        super().__init__()
        self._bench, self._said = bench, 0.0

    @pymm_property(limits=(0.0, 100.0), name="Power")
    def power(self) -> float:
        return self._said if self._bench.laser_fault == "lies" else self._bench.power

    @power.setter
    def _set_power(self, value: float) -> None:
        if self._bench.laser_fault == "raises":
            raise OSError("the laser does not answer")
        self._said = -1.0
        if not self._bench.laser_fault:
            self._bench.power = float(value)


class Shutter(ShutterDevice):
    def __init__(self, bench: PyBench) -> None:
        super().__init__()
        self._bench = bench

    def get_open(self) -> bool:
        return self._bench.is_open

    def set_open(self, open: bool) -> None:
        if not self._bench.shutter_fault:
            self._bench.is_open = bool(open)


class Filter(GenericDevice):
    def __init__(self, bench: PyBench) -> None:
        super().__init__()
        self._bench = bench

    @pymm_property(name="Position")
    def position(self) -> int:
        return self._bench.filter

    @position.setter
    def _set_position(self, value: int) -> None:
        self._bench.filter = int(value)


class Stage(XYStageDevice):
    def __init__(self, bench: PyBench) -> None:
        super().__init__()
        self._bench, self._at = bench, (0.0, 0.0)

    def set_position_um(self, x: float, y: float) -> None:
        self._bench.moves.append("xy")
        self._at = (x, y)

    def get_position_um(self) -> tuple[float, float]:
        return self._at

    def set_origin_x(self) -> None: ...

    def set_origin_y(self) -> None: ...

    def home(self) -> None: ...

    def stop(self) -> None: ...


class Focus(StageDevice):
    def __init__(self, bench: PyBench) -> None:
        super().__init__()
        self._bench, self._at = bench, 0.0

    def set_position_um(self, val: float) -> None:
        self._bench.moves.append("z")
        self._at = val

    def get_position_um(self) -> float:
        return self._at

    def home(self) -> None: ...

    def stop(self) -> None: ...

    def set_origin(self) -> None: ...

    def get_focus_direction(self) -> FocusDirection:
        return FocusDirection.TowardSample


def python_core() -> tuple[UniMMCore, PyBench]:
    """Return a core with a camera, a laser that is on, an open shutter, a filter, and stages."""
    bench, core = PyBench(), UniMMCore()
    devices = {
        "Cam": Cam(bench), "Laser": Laser(bench), "Shutter": Shutter(bench),
        "Filter": Filter(bench), "XY": Stage(bench), "Z": Focus(bench),
    }  # fmt: skip
    for label, device in devices.items():
        core.loadPyDevice(label, device)
    core.initializeAllDevices()
    core.setCameraDevice("Cam")
    core.setShutterDevice("Shutter")
    core.setXYStageDevice("XY")
    core.setFocusDevice("Z")
    return core, bench
