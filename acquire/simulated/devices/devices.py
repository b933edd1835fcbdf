"""Puts the simulated microscope behind a real Micro-Manager core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquire.errors import DeviceMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymmcore_plus.experimental.unicore import Device, UniMMCore

    from acquire.simulated.bench import Bench
    from acquire.simulated.config import SimulatedScopeConfig
    from acquire.simulated.light.light_box import AnyLightBox

CAMERA, SHUTTER, XY, Z = "Camera", "Shutter", "XY", "Z"
WHEEL, LAMP, AUTOFOCUS = "Wheel", "Lamp", "Autofocus"
CHANNEL_GROUP = "Channel"


def load_simulated_scope(
    core: UniMMCore,
    config: SimulatedScopeConfig,
    light_box: AnyLightBox,
    now_s: Callable[[], float],
) -> Bench:
    """Load the simulated devices into a core and return the truth behind them.

    The microscope is dark afterwards: the box is told so, autoshutter is off (with Python
    devices it lights nothing, pymmcore-plus 0.18.1), and a channel's preset only turns the filter
    wheel.

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

    lines = light_box.dark().power_fraction
    for line in config.lines():
        if line.name not in lines:
            raise DeviceMissing(f"the light box has no line {line.name!r}, only {sorted(lines)}")
    bench = Bench(config, light_box, now_s)
    for label, device in _devices(config, bench).items():
        core.loadPyDevice(label, device)
    _set_up(core, config)
    return bench


def _devices(config: SimulatedScopeConfig, bench: Bench) -> dict[str, Device]:
    """Return every device by its label."""
    from acquire.simulated.devices.autofocus import SimulatedAutofocus
    from acquire.simulated.devices.camera import SimulatedCamera
    from acquire.simulated.devices.lamp import SimulatedLamp
    from acquire.simulated.devices.light_devices import SimulatedLaser, SimulatedShutter
    from acquire.simulated.devices.stages import SimulatedXYStage, SimulatedZStage
    from acquire.simulated.devices.stand import Stand
    from acquire.simulated.devices.wheel import SimulatedWheel

    stand = Stand(lambda: bench)
    return {
        CAMERA: SimulatedCamera(stand),
        **{f"{CAMERA}{n + 1}": SimulatedCamera(stand, n) for n in range(1, config.n_cameras)},
        **{line.name: SimulatedLaser(stand, line.name) for line in config.lines()},
        SHUTTER: SimulatedShutter(stand),
        XY: SimulatedXYStage(stand),
        Z: SimulatedZStage(stand),
        WHEEL: SimulatedWheel(stand),
        LAMP: SimulatedLamp(stand),
        AUTOFOCUS: SimulatedAutofocus(stand),
    }


def _set_up(core: UniMMCore, config: SimulatedScopeConfig) -> None:
    """Give every device its role, and each filter cube a preset."""
    from acquire.simulated.devices.wheel import cube_names

    core.initializeAllDevices()
    core.setCameraDevice(CAMERA)
    core.setShutterDevice(SHUTTER)
    core.setXYStageDevice(XY)
    core.setFocusDevice(Z)
    core.setAutoShutter(False)
    for name in cube_names(config).values():
        core.defineConfig(CHANNEL_GROUP, name, WHEEL, "Label", name)
    core.setChannelGroup(CHANNEL_GROUP)
