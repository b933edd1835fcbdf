"""Who looks while a light is rehearsed: a camera that runs freely, or a person at a power meter."""

from __future__ import annotations

import ctypes
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from acquire.camera import Camera
from acquire.errors import CameraTimeout, DeviceMissing, ScopeError
from acquire.light.own_core import PartCore
from acquire.light.trace import Trace
from acquire.stand.scope import Scope
from lightloop.build.microscope import load_core
from lightloop.config import MicroManagerConfig

if TYPE_CHECKING:
    from collections.abc import Generator

    from acquire.core import Core
    from acquire.simulated import AnyLightBox
    from lightloop.config import RunConfig

MANY = 1_000_000  # frames: longer than any rehearsal
LOOK_S = 5e-4
REST_S, REST_FRAMES = 0.3, 16  # in each state; proposed
PATIENCE_S = 30.0
CORE_ENDS_S = 0.3  # Micro-Manager's threads end a little after their core


class Eye:
    """Keeps the mean of every frame of a camera that exposes one after the other, in a thread.

    It has no light of its own: it takes what there is.
    """

    def __init__(self, core: Core, exposure_ms: float) -> None:
        self._camera = Camera(core)
        self.label = self._camera.label
        self._camera.set_exposure(exposure_ms)
        self._t_ns: list[int] = []
        self._counts: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="eye", daemon=True)
        self._trouble = ""

    def open(self) -> None:
        """Begin to look."""
        self._camera.start(MANY)
        self._thread.start()

    def close(self) -> None:
        """Look away. May be called twice."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._camera.stop()

    def trace(self) -> Trace:
        """Return what was seen so far.

        Raises
        ------
        DeviceMissing
            If the camera failed.
        """
        if self._trouble:
            raise DeviceMissing(f"the camera stopped to look: {self._trouble}")
        n_frames = len(self._counts)
        return Trace(self._t_ns[:n_frames], self._counts[:n_frames])

    def rest(self, at_least_s: float = REST_S, n_frames: int = REST_FRAMES) -> None:
        """Look for a while: a time, and a number of frames.

        Raises
        ------
        CameraTimeout
            If the frames do not come.
        """
        wanted = len(self._counts) + n_frames
        time.sleep(at_least_s)
        until_s = time.monotonic() + PATIENCE_S
        while len(self._counts) < wanted:
            self.trace()
            if time.monotonic() > until_s:
                raise CameraTimeout(f"the camera gave no {n_frames} frames in {PATIENCE_S:.0f} s")
            time.sleep(LOOK_S)

    def _look(self) -> None:
        try:
            while not self._over.is_set():
                image = self._camera.try_pop()
                if image is None:
                    time.sleep(LOOK_S)
                    continue
                self._t_ns.append(image.t_ns)
                self._counts.append(float(image.pixels.mean()))
        except ScopeError as error:
            self._trouble = str(error)


@contextmanager
def looking(
    config: RunConfig, camera: str, channel: str, exposure_ms: float, box: AnyLightBox | None
) -> Generator[Eye]:
    """Open the camera alone, without any light device: `with looking(...) as eye:`.

    Raises
    ------
    DeviceMissing, SettingRefused
        If the camera cannot be loaded by itself.
    """
    core = _camera_core(config, camera, channel, box)
    try:
        eye = Eye(core, exposure_ms)
        try:
            eye.open()
            yield eye
        finally:
            eye.close()
    finally:
        _let_go(core)


def prepare(config: RunConfig, channel: str) -> str:
    """Set the filters of a channel with the whole microscope, let go of it, and name its camera.

    The presets of a channel hold no light devices (`acquire.stand.scope`).
    """
    if not isinstance(config.scope, MicroManagerConfig):
        return "Camera"
    core = load_core(config, None, lambda: 0.0)
    try:
        Scope(core, config.channel, config.light).select(channel)
        return str(core.getCameraDevice())
    finally:
        _let_go(core)


def _let_go(core: Core) -> None:
    """Let go of every device, and keep the empty core for ever: its destructor was seen to hang."""
    core.unloadAllDevices()
    time.sleep(CORE_ENDS_S)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(core))


def _camera_core(config: RunConfig, camera: str, channel: str, box: AnyLightBox | None) -> Core:
    if not isinstance(config.scope, MicroManagerConfig):
        core = load_core(config, box, time.perf_counter)
        core.setProperty("Camera", "RealTime", "On")
        Scope(core, config.channel, config.light).select(channel)
        return core
    core = PartCore(config.scope.system, {camera}).load()
    core.setCameraDevice(camera)
    for device, name, value in config.scope.properties:
        if device == camera:
            core.setProperty(device, name, value)
    return core
