"""From a config to a microscope with every device loaded, and to a keeper's way to darken it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from acquire.core_loading import load_system
from acquire.light.own_core import OwnWay
from acquire.light.startup import refuse_lit_startup
from acquire.simulated.config import SimulatedScopeConfig
from lightloop.build.cameras import cameras_of
from lightloop.build.reel import load_replay_camera
from lightloop.build.setup import set_up
from lightloop.config import MicroManagerConfig, ReplayScopeConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from acquire.core import Core
    from acquire.simulated import AnyLightBox, Line
    from acquire.simulated.bench import Bench
    from lightloop.config import RunConfig
    from realtime.wire import CameraInfo


class Microscope(NamedTuple):
    """A core with every device loaded, and its cameras as the session announces them."""

    core: Core
    cameras: tuple[CameraInfo, ...]
    origin: str
    bench: Bench | None = None  # the truth behind a simulated one

    @property
    def camera(self) -> CameraInfo:
        """The camera of the first channel."""
        return self.cameras[0]


def build_microscope(
    config: RunConfig, light: Connection | None, now_s: Callable[[], float]
) -> Microscope:
    """Load the microscope.

    Parameters
    ----------
    light
        Pipe to the simulated light box; a microscope with real lights needs none.
    now_s
        The experiment's clock, for the simulated specimen.

    Raises
    ------
    DeviceMissing
        If Micro-Manager cannot load a device.
    ConfigError
        If the camera's calibration is of another camera, or of this one in another mode.
    """
    from acquire.simulated import LightBoxClient

    benches: list[Bench] = []
    box = None if light is None else LightBoxClient(light)
    core = load_core(config, box, now_s, benches.append)
    origin, pixel_um = "simulated specimen", config.scope.pixel_um
    if isinstance(config.scope, ReplayScopeConfig):
        origin = f"simulated light on the frames of {Path(config.scope.path).name}"
    if isinstance(config.scope, MicroManagerConfig):
        for device, name, value in config.scope.properties:
            core.setProperty(device, name, value)
        origin = f"Micro-Manager: {config.scope.system}"
        pixel_um = core.getPixelSizeUm() or pixel_um
    chip = set_up(config, core)
    return Microscope(core, cameras_of(config, core, float(pixel_um), chip), origin, *benches)


def load_core(
    config: RunConfig,
    light: AnyLightBox | None,
    now_s: Callable[[], float],
    on_bench: Callable[[Bench], object] = lambda bench: None,
) -> Core:
    """Load every device of the microscope, and set none of them.

    Parameters
    ----------
    light, now_s
        Light box and clock of the simulated specimen; a microscope with real lights needs none.
    on_bench
        Takes the truth behind a simulated microscope.

    Raises
    ------
    DeviceMissing
        If Micro-Manager cannot load a device.
    StartupLit
        If the configuration file would leave a light on when it is loaded.
    """
    if isinstance(config.scope, MicroManagerConfig):
        refuse_lit_startup(config.scope.system, config.light)
        return load_system(config.scope.system)
    from pymmcore_plus.experimental.unicore import UniMMCore

    from acquire.simulated import load_simulated_scope

    assert light is not None, "a simulated scope has a light box"
    core = UniMMCore()
    bench = load_simulated_scope(core, config.scope, light, now_s)
    if isinstance(config.scope, ReplayScopeConfig):
        load_replay_camera(core, config.scope, bench.light)
    else:
        on_bench(bench)
    return cast("Core", core)


def build_dark(
    config: RunConfig, light: Connection | None, wait_for_owner: Callable[[], None]
) -> Callable[[], bool]:
    """Return the keeper's own way to turn every declared light off; True if it is read back dark.

    For Micro-Manager it is a second core with the light devices alone: made ready now, and loaded
    when it is needed, since until its end the owner holds the ports. For the simulated scope it is
    the keeper's own pipe to the light box.

    Parameters
    ----------
    wait_for_owner
        Returns when the owner's process has ended, or after a few seconds.
    """
    if isinstance(config.scope, MicroManagerConfig):
        second = OwnWay(config.scope.system, config.light)

        def dark_by_second_core() -> bool:
            wait_for_owner()
            return second.go_dark()

        return dark_by_second_core
    from acquire.simulated.light.light_box import LightBoxClient, LightBoxGone

    assert light is not None, "a simulated scope has a light box"
    box = LightBoxClient(light)

    def dark_by_pipe() -> bool:
        try:
            return box.dark().is_dark
        except LightBoxGone:
            return True  # the light has gone with its process

    return dark_by_pipe


def light_lines(config: RunConfig) -> tuple[Line, ...]:
    """Return the lines of the simulated light box."""
    assert isinstance(config.scope, SimulatedScopeConfig)
    return config.scope.lines()
