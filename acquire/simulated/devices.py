"""Puts the simulated microscope behind a real Micro-Manager core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquire.errors import DeviceMissing
from acquire.simulated.config import LASER

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymmcore_plus.experimental.unicore import UniMMCore

    from acquire.simulated.bench import Bench
    from acquire.simulated.config import SimulatedScopeConfig
    from acquire.simulated.light_box import AnyLightBox

CAMERA, SHUTTER, XY, Z = "Camera", "Shutter", "XY", "Z"
CHANNEL_GROUP, CHANNEL = "Channel", "488"


def load_simulated_scope(
    core: UniMMCore,
    config: SimulatedScopeConfig,
    light_box: AnyLightBox,
    now_s: Callable[[], float],
) -> Bench:
    """Load the simulated devices into a core and return the truth behind them.

    The microscope is dark afterwards: the box is told so, autoshutter is off (with Python
    devices it lights nothing, pymmcore-plus 0.18.1), and the channel's preset sets no power.

    Parameters
    ----------
    light_box
        `LocalLightBox`, or `LightBoxClient` of a box in another process, with the config's lines.
    now_s
        Experiment time, s.

    Raises
    ------
    DeviceMissing
        If the light box does not have the config's line, or has gone.
    """
    # pymmcore-plus, OpenCV and SciPy take a second to import: only who needs them waits.
    from acquire.simulated.bench import Bench
    from acquire.simulated.camera import SimulatedCamera
    from acquire.simulated.light_devices import SimulatedLaser, SimulatedShutter
    from acquire.simulated.stages import SimulatedXYStage, SimulatedZStage

    lines = light_box.dark().power_fraction
    for line in config.lines():
        if line.name not in lines:
            raise DeviceMissing(f"the light box has no line {line.name!r}, only {sorted(lines)}")
    bench = Bench(config, light_box, now_s)
    devices = {
        CAMERA: SimulatedCamera(bench),
        LASER: SimulatedLaser(light_box, LASER, config.wavelength_nm),
        SHUTTER: SimulatedShutter(light_box),
        XY: SimulatedXYStage(bench),
        Z: SimulatedZStage(bench),
    }
    for label, device in devices.items():
        core.loadPyDevice(label, device)
    core.initializeAllDevices()
    core.setCameraDevice(CAMERA)
    core.setShutterDevice(SHUTTER)
    core.setXYStageDevice(XY)
    core.setFocusDevice(Z)
    core.setAutoShutter(False)
    core.defineConfig(CHANNEL_GROUP, CHANNEL, LASER, "Power", "0")
    core.setChannelGroup(CHANNEL_GROUP)
    return bench
