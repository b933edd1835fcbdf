"""Recorded images behind a real core: the replay camera, and what it is handed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from acquire.camera import Camera
from lightloop.build.reel import with_reel
from lightloop.config import ConfigError, ReplayScopeConfig, parse
from realtime.errors import RunFileError
from realtime.replay.reels import open_reel
from tests.unit import run_samples as samples

CONFIG = """
[scope]
kind = "replay"
path = "{path}"

[[light]]
name = "488"
wavelength_nm = 488.0
shutter_device = "Shutter"
limits = {{ budget_j_cm2 = 1.0 }}

[[channel]]
name = "gfp"
light = "488"
exposure_ms = 10.0

[plan]
time_plan = {{ interval = {{ seconds = 1 }}, loops = 4 }}

[loop]
clock = "simulated"
"""


def config_of(path: Path):
    return parse(CONFIG.format(path=path.as_posix()))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    samples.write_run(tmp_path / "run.h5", n_shots=3, n_frames=2, height=32, width=48)
    return tmp_path / "run.h5"


@pytest.fixture
def camera_of():
    from pymmcore_plus.experimental.unicore import UniMMCore

    from acquire.film.camera import ReplayCamera

    cores, reels = [], []

    def load(path: Path, *, repeats: bool = False, expose=lambda seconds: None):
        core, reel = UniMMCore(), open_reel(path)
        cores.append(core)
        reels.append(reel)
        core.loadPyDevice("Replay", ReplayCamera(reel, expose, repeats=repeats))
        core.initializeDevice("Replay")
        core.setCameraDevice("Replay")
        return core, Camera(core)

    yield load
    for core in cores:
        core.unloadAllDevices()
    for reel in reels:
        reel.close()


def take(core, camera: Camera, n_frames: int) -> list[np.ndarray]:
    camera.set_exposure(5.0)
    camera.start(n_frames)
    frames: list[np.ndarray] = []
    while len(frames) < n_frames and (core.isSequenceRunning() or core.getRemainingImageCount()):
        image = camera.try_pop()
        if image is not None:
            frames.append(image.pixels)
    camera.stop()
    return frames


def test_a_core_sees_the_frames_of_a_run_in_their_order(run: Path, camera_of) -> None:
    exposed = []
    core, camera = camera_of(run, expose=exposed.append)
    assert camera.shape() == (32, 48)
    frames = [*take(core, camera, 1), *take(core, camera, 5)]
    for seq, pixels in enumerate(frames):
        np.testing.assert_array_equal(pixels, samples.image(seq, 32, 48))
    assert len(frames) == 6
    assert exposed == [0.005] * 6


def test_after_the_last_frame_the_camera_fails_or_begins_again(run: Path, camera_of) -> None:
    core, camera = camera_of(run, repeats=True)
    assert len(take(core, camera, 8)) == 8
    core, camera = camera_of(run)
    assert len(take(core, camera, 6)) == 6
    assert take(core, camera, 1) == []


def test_a_stack_is_shown_time_after_time_and_plane_after_plane(tmp_path: Path) -> None:
    stack = np.arange(2 * 3 * 16 * 20, dtype=np.uint16).reshape(2, 3, 16, 20)
    np.save(tmp_path / "s.npy", stack)
    reel = open_reel(tmp_path / "s.npy", axes="TZYX")
    try:
        assert (reel.shape, reel.n_frames, reel.calibration) == ((16, 20), 6, None)
        for number in range(6):
            np.testing.assert_array_equal(reel.frame(number), stack[divmod(number, 3)])
    finally:
        reel.close()


def test_a_damaged_frame_is_not_shown(run: Path) -> None:
    import h5py

    with h5py.File(run) as file:
        chunk = file["entry/cam0/data"].id.get_chunk_info(2)
    content = bytearray(run.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 1
    run.write_bytes(content)
    reel = open_reel(run)
    try:
        with pytest.raises(RunFileError, match="frame 2 is damaged"):
            reel.frame(2)
    finally:
        reel.close()


def test_a_config_takes_shape_and_camera_from_the_run(run: Path) -> None:
    config = with_reel(config_of(run), "c.toml")
    scope = config.scope
    assert isinstance(scope, ReplayScopeConfig)
    assert (scope.height, scope.width, scope.pixel_um) == (32, 48, 0.1)
    assert scope.calibration() == samples.CALIBRATION


def test_images_that_are_not_there_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"c\.toml: scope\.path: there is no run file"):
        with_reel(config_of(tmp_path / "nothing.h5"), "c.toml")
