"""Puts recorded images in the place of a specimen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightloop.config import ConfigError, ReplayScopeConfig
from realtime.errors import RunFileError

if TYPE_CHECKING:
    from pymmcore_plus.experimental.unicore import UniMMCore

    from acquire.simulated import AnyLightBox
    from lightloop.config import RunConfig
    from realtime.replay.reels import RunReel, StackReel

CAMERA = "Replay camera"


def with_reel(config: RunConfig, name: str) -> RunConfig:
    """Return a config that knows the shape of its recorded images, and what they say of the camera.

    Raises
    ------
    ConfigError
        If the images cannot be read.
    """
    scope = config.scope
    if not isinstance(scope, ReplayScopeConfig):
        return config
    try:
        reel = _open(scope)
    except RunFileError as error:
        raise ConfigError(f"{name}: scope.path: {error}") from error
    try:
        height, width = reel.shape
        known: dict[str, Any] = {"height": height, "width": width, "n_cells": 0}
        if reel.pixel_um is not None:
            known["pixel_um"] = reel.pixel_um
        if (camera := reel.calibration) is not None:
            known |= {
                "gain_adu_per_e": camera.gain_adu_per_e,
                "offset_adu": camera.offset_adu,
                "read_noise_e": camera.read_noise_e,
                "camera_source": camera.source,
            }
    finally:
        reel.close()
    return config.model_copy(update={"scope": scope.model_copy(update=known)})


def load_replay_camera(core: UniMMCore, scope: ReplayScopeConfig, light: AnyLightBox) -> None:
    """Load the replay camera into a core, and make it the one in use.

    Raises
    ------
    RunFileError
        If the images cannot be read.
    """
    from acquire.film.camera import ReplayCamera

    camera = ReplayCamera(_open(scope), light.flash, repeats=scope.repeats)
    core.loadPyDevice(CAMERA, camera)
    core.initializeDevice(CAMERA)
    core.setCameraDevice(CAMERA)


def _open(scope: ReplayScopeConfig) -> RunReel | StackReel:
    # Few microscopes are films, and files are slow to load.
    from realtime.replay.reels import open_reel

    return open_reel(Path(scope.path), scope.dataset, scope.axes, scope.channel)
