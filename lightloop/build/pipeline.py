"""From a config to what looks at the frames and decides. A new kind of policy is one case here."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from lightloop.build.own_policy import OwnPolicyConfig, load_policy

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from acquire.settings import Settings
    from lightloop.config import RunConfig
    from models.denoise import Restorer
    from models.package import Package
    from realtime.memory import Past
    from realtime.pipeline import Pipeline
    from realtime.planes.watch import PlaneWatch
    from realtime.policy import Policy
    from realtime.steps import Drawing, Steps
    from realtime.wire import CameraInfo, RestoredSlot, Start

OTHER_ENGINES = (("openvino", "f32"), ("onnxruntime", "f32"), ("torch", "f32"))
"""What is tried, in this order, when the engine fails in the middle of a run."""


def build_pipeline(
    config: RunConfig,
    start: Start,
    keep: Callable[[NDArray[np.float32]], RestoredSlot] | None,
    drawing: Drawing | None = None,
    planes: PlaneWatch | None = None,
    past: Past | None = None,
) -> Pipeline:
    """Build the worker's pipeline for a session's camera.

    Parameters
    ----------
    planes
        What compares planes that may be skipped (`lightloop.build.planes`); it must be there where
        the config skips some.
    past
        What gives back what a worker before this one knew; it is asked where cells are followed.

    Raises
    ------
    ModelError, KindsError
        If the network, or the classifier of cells, cannot be used.
    """
    from realtime.pipeline import Pipeline

    past = past if config.follow == "cells" else None
    steps = _steps(config, start)._replace(keep=keep, drawing=drawing, planes=planes, past=past)
    return Pipeline(steps)


def _steps(config: RunConfig, start: Start) -> Steps:
    """Return what the config alone says, for viewers that want nothing."""
    from lightloop.build.cell_light import build_cell_dose
    from lightloop.build.detect import build_detector
    from lightloop.build.kinds import tell_apart
    from lightloop.build.restoring import Fallback, introduce_to
    from lightloop.build.trust import build_focus_gate, build_judge, build_watch
    from realtime.nothing import FollowNothing, find_nothing
    from realtime.steps import Steps
    from realtime.tracker.tracker import Tracker

    camera = start.cameras[0]
    calibration = camera.calibration
    package = load_package(config.network.denoise) if config.network.denoise else None
    follows = config.follow == "cells"
    detect = build_detector(config, calibration.read_noise_e) if follows else find_nothing
    detect, kinds = tell_apart(config, detect, camera.pixel_um)
    restore = build_restorer(config, camera, package)
    network = restore if isinstance(restore, Fallback) else None
    return Steps(
        restore=restore,
        detect=detect,
        new_tracker=(lambda: Tracker(config.track)) if follows else FollowNothing,
        judge=build_judge(calibration, package),
        policy=build_policy(config, start.settings, calibration.read_noise_e),
        keep=None,
        saturation_adu=calibration.saturation_adu,
        cell_dose=build_cell_dose(config, camera),
        focus=build_focus_gate(config, camera) if follows else None,
        watch=build_watch(camera, package),
        introduce=introduce_to(network, camera.pixel_um) if network is not None else None,
        doubt=network.doubt if network is not None else None,
        pixel_um=camera.pixel_um,
        follows_heights=follows,
        kinds=kinds,
    )


def build_restorer(config: RunConfig, camera: CameraInfo, package: Package | None) -> Restorer:
    """Build the denoiser of a camera, or the plain photon conversion where no network is wanted.

    Raises
    ------
    ModelError
        If no engine here can run the package.
    """
    from lightloop.build.restoring import Fallback, maps_of
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


def load_package(name: str, task: str | None = "denoise") -> Package:
    """Load a shipped model package by its name, or any by its path; for any task if None.

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
    """Build the policy that decides with how much light to go on, and with which planes."""
    from lightloop.predict.skips import skips_of
    from realtime.policy.planes import PlanesPolicy

    light, planes = _light_policy(config, first, read_noise_e), skips_of(config)
    return light if planes is None else PlanesPolicy(light, planes)


def _light_policy(config: RunConfig, first: Settings, read_noise_e: float) -> Policy:
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
