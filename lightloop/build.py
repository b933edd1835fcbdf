"""From a config to the parts that it describes. A new kind of anything is one case here."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, assert_never, cast

from acquire.core import load_system
from acquire.light.own_core import PartCore, labels_of
from acquire.light.port import LightPort
from acquire.light.startup import refuse_lit_startup
from acquire.simulated.config import SimulatedScopeConfig
from lightloop.cameras import cameras_of
from lightloop.config import MicroManagerConfig, ReplayScopeConfig
from lightloop.own_policy import OwnPolicyConfig, load_policy
from lightloop.reel import load_replay_camera
from lightloop.setup import set_up

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    import numpy as np
    from numpy.typing import NDArray

    from acquire.core import Core
    from acquire.settings import Settings
    from acquire.simulated import AnyLightBox, Line
    from acquire.simulated.bench import Bench
    from lightloop.config import RunConfig
    from models.denoise import Restorer
    from models.package import Package
    from realtime.pipeline import Drawing, Pipeline
    from realtime.policy import Policy
    from realtime.wire import CameraInfo, RestoredSlot, Start

OTHER_ENGINES = (("openvino", "f32"), ("onnxruntime", "f32"), ("torch", "f32"))
"""What is tried, in this order, when the engine fails in the middle of a run."""


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
    set_up(config, core)
    return Microscope(core, cameras_of(config, core, float(pixel_um)), origin, *benches)


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
        second = PartCore(config.scope.system, labels_of(config.light))

        def dark_by_second_core() -> bool:
            wait_for_owner()
            port = LightPort(second.load(), config.light)
            dark = [port.dark(source) for source in config.light if source.is_switchable]
            return all(dark)  # after every one was tried

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


def build_pipeline(
    config: RunConfig,
    start: Start,
    keep: Callable[[NDArray[np.float32]], RestoredSlot] | None,
    drawing: Drawing | None = None,
) -> Pipeline:
    """Build the worker's pipeline for a session's camera.

    Raises
    ------
    ModelError
        If the network cannot be used.
    """
    from lightloop.build_detect import build_detector
    from lightloop.build_trust import build_focus_gate, build_judge, build_watch
    from lightloop.cell_light import build_cell_dose
    from lightloop.restoring import Fallback, introduce_to
    from realtime.nothing import FollowNothing, find_nothing
    from realtime.pipeline import Pipeline, Steps
    from realtime.tracker import Tracker

    camera = start.cameras[0]
    calibration = camera.calibration
    package = load_package(config.network.denoise) if config.network.denoise else None
    follows = config.follow == "cells"
    restore = build_restorer(config, camera, package)
    network = restore if isinstance(restore, Fallback) else None
    return Pipeline(
        Steps(
            restore=restore,
            detect=build_detector(config, calibration.read_noise_e) if follows else find_nothing,
            new_tracker=(lambda: Tracker(config.track)) if follows else FollowNothing,
            judge=build_judge(calibration, package),
            policy=build_policy(config, start.settings, calibration.read_noise_e),
            keep=keep,
            saturation_adu=calibration.saturation_adu,
            cell_dose=build_cell_dose(config, camera),
            focus=build_focus_gate(config, camera) if follows else None,
            watch=build_watch(camera, package),
            introduce=introduce_to(network, camera.pixel_um) if network is not None else None,
            doubt=network.doubt if network is not None else None,
            drawing=drawing,
            pixel_um=camera.pixel_um,
        )
    )


def build_restorer(config: RunConfig, camera: CameraInfo, package: Package | None) -> Restorer:
    """Build the denoiser of a camera, or the plain photon conversion where no network is wanted.

    Raises
    ------
    ModelError
        If no engine here can run the package.
    """
    from lightloop.restoring import Fallback, maps_of
    from models.denoise import Denoiser, Passthrough

    calibration = camera.calibration
    shape = (camera.height, camera.width)
    numbers = (calibration.gain_adu_per_e, calibration.offset_adu, calibration.read_noise_e)
    if package is None:
        return Passthrough(shape, *numbers)
    wanted, known, maps = config.network, package, maps_of(camera)

    def open_it(engine: str, precision: str) -> Denoiser:
        return Denoiser(known, shape, *numbers, engine, precision, wanted.threads, maps)

    others = [partial(open_it, *other) for other in OTHER_ENGINES]
    first = open_it(wanted.engine, wanted.precision)
    return Fallback(first, others, Passthrough(shape, *numbers))


def load_package(name: str, task: str = "denoise") -> Package:
    """Load a shipped model package by its name, or any by its path.

    Raises
    ------
    ModelError
        If there is none, it is damaged, or it is for another task.
    """
    from models.package import Package, shipped

    is_path = any(sign in name for sign in "/\\.")  # a plain name is always the shipped one
    path = Path(name) if is_path else shipped(name)
    return Package.load(path, task=task)


def build_policy(config: RunConfig, first: Settings, read_noise_e: float) -> Policy:
    """Build the policy that decides with how much light to go on."""
    from realtime.policy.fixed import FixedConfig, FixedPolicy
    from realtime.policy.snr import SnrConfig, SnrPolicy

    match config.policy:
        case FixedConfig():
            return FixedPolicy(first)
        case SnrConfig():
            return SnrPolicy(config.policy, first, read_noise_e)
        case OwnPolicyConfig():
            return load_policy(config.policy, first)
        case _:
            assert_never(config.policy)
