"""Between the worker's frames and its network: what a frame is of, the camera's maps, a way out."""

from __future__ import annotations

import logging

import msgspec
import numpy as np
import pytest

from acquire.calibrating.calibration_files import save_camera
from acquire.calibrating.camera_numbers import CameraMaps
from acquire.calibration import Calibration
from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied
from lightloop.build.restoring import Fallback, introduce_to, maps_of, moment_of
from models.denoise import Denoiser, Passthrough
from models.errors import EngineUnavailable, FrameRefused
from realtime.policy import Trust
from realtime.wire import CameraInfo
from tests.unit.calibration_samples import camera_sample
from tests.unit.fake_network import package, use

CAMERA = (2.0, 100.0, 1.5)
SHAPE = (24, 32)
APPLIED = Applied("GFP", "488", 488.0, 10.0, 10.0, 0.1, 0.1, 0.5, 0.005, True, -1)
GOOD = Trust(is_trusted=True, why="fine")


def info(seq: int, shot: int = 0, *, audit: bool = False, **more: object) -> FrameInfo:
    told = {"index": Index(3, 0, 2, 1), "position_um": (65.0, 32.5, 7.0), "applied": APPLIED}
    told |= more
    return FrameInfo(
        seq, "Camera", seq, 0, 0.0, Shot(shot, 1, 2, audit), 0, told["index"], *SHAPE,
        told["position_um"], told["applied"],
    )  # fmt: skip


def test_a_frame_is_of_its_field_plane_time_light_and_place() -> None:
    moment = moment_of(info(8), 0.65)
    assert moment.field == (1, 0, 2)
    assert (moment.t, moment.look) == (3, 8)
    assert moment.light == pytest.approx(5.0)
    assert (moment.y_px, moment.x_px) == pytest.approx((50.0, 100.0))


def test_light_is_irradiance_times_what_the_camera_exposed() -> None:
    brighter = msgspec.structs.replace(APPLIED, irradiance_w_cm2=1.0, exposure_read_ms=20.0)
    assert moment_of(info(0, applied=brighter), 1.0).light == pytest.approx(20.0)


def test_both_frames_of_an_audit_are_one_look_and_of_no_other_shot() -> None:
    looks = [moment_of(info(s, s // 2, audit=True), 1.0).look for s in range(6)]
    assert looks[0] == looks[1] != looks[2] == looks[3]
    assert not set(looks) & {moment_of(info(s, s // 2), 1.0).look for s in range(6)}


# -- maps ------------------------------------------------------------------------------------------


def camera(name: str, shape: tuple[int, int] = SHAPE) -> CameraInfo:
    return CameraInfo("Camera", *shape, 1.0, Calibration(*CAMERA, id=name))


@pytest.fixture
def measured(tmp_path) -> tuple:
    rng = np.random.default_rng(0)
    maps = CameraMaps(
        rng.normal(100, 2, SHAPE).astype(np.float32),
        rng.uniform(1, 2, SHAPE).astype(np.float32),
        rng.random(SHAPE) > 0.01,
    )
    return tmp_path, save_camera(tmp_path, camera_sample()[0], maps), maps


def test_the_maps_of_a_measured_camera_are_used(measured) -> None:
    folder, name, maps = measured
    found = maps_of(camera(name), folder)
    assert np.array_equal(found.offset_adu, maps.offset_adu)
    assert np.array_equal(found.is_good, maps.is_good)
    assert found.gain_adu_per_e is None


def test_maps_that_are_not_there_or_do_not_fit_are_told_and_done_without(measured, caplog) -> None:
    folder, name, _ = measured
    assert maps_of(camera(""), folder) is None
    assert not caplog.records
    assert maps_of(camera(name, (24, 33)), folder) is None
    assert "frames are (24, 33)" in caplog.text
    assert maps_of(camera("camera-x-2020-01-01-00000000"), folder) is None
    assert caplog.text.count("every pixel alike") == 2


# -- a network that fails --------------------------------------------------------------------------


def adu() -> np.ndarray:
    return np.full(SHAPE, 140, np.uint16)


def fail(_: np.ndarray) -> np.ndarray:
    raise EngineUnavailable("the engine has gone")


def open_it() -> Denoiser:
    return Denoiser(package(in_frames=5), SHAPE, *CAMERA)


def cannot() -> Denoiser:
    raise EngineUnavailable("not here")


def test_a_failing_engine_is_replaced_by_the_next_one_and_the_frame_is_not_lost(
    monkeypatch, caplog
) -> None:
    opened = use(monkeypatch)
    restore = Fallback(open_it(), [cannot, open_it, cannot], Passthrough(SHAPE, *CAMERA))
    introduce_to(restore, 1.0)(info(0))
    restore(adu())
    opened[0].infer = fail
    answer = restore(adu())
    np.testing.assert_allclose(answer.photons, 20.0, atol=0.1)
    assert not opened[0].is_open
    assert restore.doubt(GOOD) is GOOD
    assert "failed: the engine has gone" in caplog.text
    assert "not used instead: not here" in caplog.text
    assert "fake-f32" in restore.model_id
    restore.close()
    assert not opened[1].is_open


def test_without_any_engine_raw_frames_go_on_and_vouch_for_nothing(monkeypatch, caplog) -> None:
    opened = use(monkeypatch)
    restore = Fallback(open_it(), [cannot], Passthrough(SHAPE, *CAMERA))
    opened[0].infer = fail
    with caplog.at_level(logging.ERROR):
        for seq in range(3):
            introduce_to(restore, 1.0)(info(seq))
            np.testing.assert_allclose(restore(adu()).photons, 20.0)
    assert restore.model_id == "none"
    doubt = restore.doubt(GOOD)
    assert not doubt.is_trusted
    assert "no network runs any more" in doubt.why
    assert "the engine has gone" in doubt.why
    assert caplog.text.count("raw frames are shown") == 1


def test_a_frame_that_is_none_is_the_frame_s_fault_and_costs_no_engine(monkeypatch) -> None:
    opened = use(monkeypatch)
    restore = Fallback(open_it(), [cannot], Passthrough(SHAPE, *CAMERA))
    with pytest.raises(FrameRefused):
        restore(np.zeros((3, 3), np.uint16))
    assert opened[0].is_open
    assert restore.why == ""
