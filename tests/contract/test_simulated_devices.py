"""What the simulated microscope promises to whoever drives it through a Micro-Manager core."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from pymmcore_plus.experimental.unicore import UniMMCore

from acquire.errors import DeviceMissing
from acquire.simulated import LASER, Line, LocalLightBox, SimulatedScopeConfig, load_simulated_scope
from tests.simulated_scope import CONFIG, Scope


@pytest.fixture
def scope() -> Iterator[Scope]:
    scope = Scope()
    yield scope
    scope.close()


def is_dark_image(image: NDArray[np.uint16], config: SimulatedScopeConfig = CONFIG) -> bool:
    """Whether an image holds nothing but offset, dark counts and read noise."""
    level = config.offset_adu + config.gain_adu_per_e * config.background_e
    noise = config.gain_adu_per_e * np.sqrt(config.read_noise_e**2 + config.background_e)
    return bool(abs(image.mean() - level) < 0.5 and image.std() < 1.1 * noise)


def test_the_core_knows_its_devices_and_is_dark(scope: Scope) -> None:
    core = scope.core
    assert core.getCameraDevice() == "Camera"
    assert core.getShutterDevice() == "Shutter"
    assert core.getXYStageDevice() == "XY"
    assert core.getFocusDevice() == "Z"
    assert core.getChannelGroup() == "Channel"
    assert not core.getAutoShutter()
    assert not core.getShutterOpen()
    assert float(core.getProperty(LASER, "Power")) == 0.0
    assert (core.getImageHeight(), core.getImageWidth()) == (96, 128)
    assert core.getImageBitDepth() == 16


def test_every_preset_of_the_channel_group_leaves_the_light_off(scope: Scope) -> None:
    presets = scope.core.getAvailableConfigs("Channel")
    assert presets
    for preset in presets:
        scope.core.setConfig("Channel", preset)
        assert scope.box.state().is_dark


def test_a_lit_exposure_shows_nuclei_and_says_what_it_used(scope: Scope) -> None:
    scope.shine(50.0, 10.0)
    ((image, tags),) = scope.take()
    assert image.shape == (96, 128)
    assert image.dtype == np.uint16
    assert not is_dark_image(image)
    truth = scope.bench.truth()
    y, x = scope.bench.to_pixels(truth.x_um, truth.y_um)
    inside = (y > 5) & (y < 91) & (x > 5) & (x < 123)
    at_nuclei = image[y[inside].astype(int), x[inside].astype(int)]
    assert np.median(at_nuclei) > 2 * np.median(image)
    assert float(tags["ExposureUsed_ms"]) == 50.0
    assert float(tags["Power"]) == pytest.approx(10.0)
    assert float(tags["Fluence_J_cm2"]) == pytest.approx(0.025)


@pytest.mark.parametrize("darkness", ["shutter", "power", "both"])
def test_without_light_the_image_holds_only_dark_counts(scope: Scope, darkness: str) -> None:
    scope.shine(50.0, 100.0)
    if darkness in ("shutter", "both"):
        scope.core.setShutterOpen(False)
    if darkness in ("power", "both"):
        scope.core.setProperty(LASER, "Power", "0")
    ((image, tags),) = scope.take()
    assert is_dark_image(image)
    assert float(tags["Power"]) == 0.0
    assert scope.box.meter()[LASER].dose_j_cm2 == 0.0


def test_the_meter_counts_irradiance_times_exposure(scope: Scope) -> None:
    booked = 0.0
    for exposure_ms, percent in [(5.0, 10.0), (50.0, 1.5), (0.37, 100.0), (120.0, 33.3)]:
        scope.shine(exposure_ms, percent)
        scope.take(2)
        booked += 2 * 5.0 * percent / 100.0 * exposure_ms * 1e-3
    assert scope.box.meter()[LASER].dose_j_cm2 == pytest.approx(booked, rel=1e-6)


def run_of(config: SimulatedScopeConfig) -> list[NDArray[np.uint16]]:
    scope = Scope(config)
    scope.shine(20.0, 10.0)
    images = []
    for shot in range(4):
        scope.t_s = shot * 300.0
        images += [image for image, _ in scope.take(2)]
    scope.close()
    return images


def test_the_same_seed_gives_the_same_frames_and_another_seed_others() -> None:
    assert all(map(np.array_equal, run_of(CONFIG), run_of(CONFIG)))
    other = run_of(CONFIG.model_copy(update={"seed": 9}))
    assert not any(map(np.array_equal, run_of(CONFIG), other))


def test_the_read_back_of_the_light_comes_from_the_box(scope: Scope) -> None:
    scope.shine(10.0, 40.0)
    assert float(scope.core.getProperty(LASER, "Power")) == pytest.approx(40.0)
    scope.box.dark()  # by another owner, such as the keeper
    assert float(scope.core.getProperty(LASER, "Power")) == 0.0
    assert not scope.core.getShutterOpen()
    ((image, _),) = scope.take()
    assert is_dark_image(image)


@pytest.mark.parametrize("percent", ["-1", "100.1", "nan", "bright"])
def test_a_power_outside_the_limits_is_refused_and_the_old_one_stays(
    scope: Scope, percent: str
) -> None:
    scope.core.setProperty(LASER, "Power", "12.5")
    with pytest.raises(ValueError, match=r"Power|power"):
        scope.core.setProperty(LASER, "Power", percent)
    assert float(scope.core.getProperty(LASER, "Power")) == pytest.approx(12.5)


@pytest.mark.parametrize("exposure_ms", [0.0, -1.0, 1e9, float("nan")])
def test_an_exposure_outside_the_limits_is_refused_and_the_old_one_stays(
    scope: Scope, exposure_ms: float
) -> None:
    scope.core.setExposure(7.0)
    with pytest.raises(ValueError, match="exposure must be"):
        scope.core.setExposure(exposure_ms)
    assert scope.core.getExposure() == 7.0


def test_a_burst_gives_every_frame_in_order_one_after_the_other_in_time(scope: Scope) -> None:
    scope.shine(25.0, 10.0)
    tags = [tags for _, tags in scope.take(5)]
    assert [t["ImageNumber"] for t in tags] == ["0", "1", "2", "3", "4"]
    starts_s = [float(t["ExperimentTime_s"]) for t in tags]
    assert np.diff(starts_s) == pytest.approx([0.025] * 4)


def test_a_stream_takes_a_new_exposure_and_power_without_a_restart(scope: Scope) -> None:
    scope.shine(10.0, 10.0)
    core = scope.core
    core.startContinuousSequenceAcquisition(0)
    scope.until(lambda: core.getRemainingImageCount() > 0)
    core.setExposure(3.0)
    core.setProperty(LASER, "Power", "50")
    used = set()

    def has_changed() -> bool:
        if core.getRemainingImageCount():
            tags = dict(core.popNextImageAndMD()[1])
            used.add((float(tags["ExposureUsed_ms"]), round(float(tags["Power"]), 6)))
        return (3.0, 50.0) in used

    scope.until(has_changed)
    core.stopSequenceAcquisition()
    assert not core.isSequenceRunning()
    assert used <= {(10.0, 10.0), (3.0, 10.0), (10.0, 50.0), (3.0, 50.0)}


def test_a_region_of_interest_is_read_out_and_the_chip_comes_back(scope: Scope) -> None:
    scope.shine(50.0, 10.0)
    scope.core.setROI(16, 8, 64, 32)
    assert scope.core.getROI() == [16, 8, 64, 32]
    ((image, tags),) = scope.take()
    assert image.shape == (32, 64)
    assert (tags["ROI-X-start"], tags["ROI-Y-start"]) == ("16", "8")
    scope.core.clearROI()
    assert scope.take()[0][0].shape == (96, 128)


@pytest.mark.parametrize("roi", [(-1, 0, 8, 8), (0, 0, 129, 8), (0, 90, 8, 8), (0, 0, 0, 8)])
def test_a_region_that_is_not_on_the_chip_is_refused(
    scope: Scope, roi: tuple[int, int, int, int]
) -> None:
    with pytest.raises(ValueError, match="ROI"):
        scope.core.setROI(*roi)
    assert scope.core.getROI() == [0, 0, 128, 96]


def test_the_stage_finds_the_same_cell_elsewhere_in_the_image(scope: Scope) -> None:
    scope.shine(100.0, 10.0)
    scope.core.setXYPosition(6.5, -3.25)
    assert scope.core.getXYPosition() == (6.5, -3.25)
    here = scope.take()[0][0].astype(float)
    scope.core.setXYPosition(0.0, 0.0)
    there = scope.take()[0][0].astype(float)
    # 6.5 um and -3.25 um are 20 and -10 pixels.
    overlap = np.corrcoef(here[10:, :-20].ravel(), there[:-10, 20:].ravel())[0, 1]
    assert overlap > 0.9 > np.corrcoef(here.ravel(), there.ravel())[0, 1]


def test_the_focus_blurs(scope: Scope) -> None:
    scope.shine(100.0, 10.0)
    sharp = scope.take()[0][0]
    scope.core.setPosition(8.0)
    assert scope.core.getPosition() == 8.0
    assert scope.take()[0][0].max() < 0.8 * sharp.max()


def test_light_bleaches_what_it_shows(scope: Scope) -> None:
    scope.shine(200.0, 100.0)
    frames = [image for image, _ in scope.take(6)]
    medium = np.median(frames[0])
    nuclei = frames[0] > 3 * medium
    assert frames[-1][nuclei].mean() < 0.85 * frames[0][nuclei].mean()


def test_a_lost_frame_was_lit_all_the_same(scope: Scope) -> None:
    scope.shine(10.0, 10.0)
    scope.core.setProperty("Camera", "DropFraction", 1.0)
    assert scope.take(3) == []
    assert scope.box.meter()[LASER].exposures == 3
    scope.core.setProperty("Camera", "DropFraction", 0.5)
    assert 0 < len(scope.take(20)) < 20


def test_a_hanging_camera_leaves_the_light_on_until_somebody_says_dark(scope: Scope) -> None:
    core = scope.core
    scope.shine(10.0, 10.0)
    core.setProperty("Camera", "Hang", "On")
    core.startSequenceAcquisition(1, 0, True)
    scope.until(lambda: scope.box.state().lit == (LASER,))
    assert core.isSequenceRunning()
    assert core.getRemainingImageCount() == 0
    core.setProperty(LASER, "Power", "0")  # the light obeys while the camera hangs
    assert scope.box.state().is_dark
    core.stopSequenceAcquisition()
    assert not core.isSequenceRunning()
    core.setProperty("Camera", "Hang", "Off")
    scope.shine(10.0, 10.0)
    assert len(scope.take()) == 1


def test_an_exposure_in_real_time_takes_its_time_and_can_be_cut_short(scope: Scope) -> None:
    core = scope.core
    core.setProperty("Camera", "RealTime", "On")
    scope.shine(20.0, 10.0)
    start_s = time.perf_counter()
    assert len(scope.take()) == 1
    assert time.perf_counter() - start_s >= 0.020
    scope.shine(9000.0, 10.0)
    before = scope.box.meter()[LASER].dose_j_cm2
    core.startSequenceAcquisition(1, 0, True)
    scope.until(lambda: scope.box.state().lit == (LASER,))
    core.stopSequenceAcquisition()
    assert core.getRemainingImageCount() == 0
    assert scope.box.state().lit == ()
    assert scope.box.meter()[LASER].dose_j_cm2 - before < 0.5 * 5.0


def test_a_box_that_will_not_go_dark_is_seen_in_the_read_back(scope: Scope) -> None:
    scope.shine(10.0, 10.0)
    scope.core.setProperty(LASER, "RefuseDark", "On")
    scope.core.setShutterOpen(False)
    scope.core.setProperty(LASER, "Power", "0")
    assert scope.core.getShutterOpen()
    assert float(scope.core.getProperty(LASER, "Power")) == pytest.approx(10.0)


def test_a_lying_read_back_is_given_away_by_image_and_meter(scope: Scope) -> None:
    scope.shine(10.0, 10.0)
    scope.core.setProperty(LASER, "RefuseDark", "On")
    scope.core.setProperty(LASER, "LieReadBack", "On")
    scope.core.setShutterOpen(False)
    assert not scope.core.getShutterOpen()
    ((image, _),) = scope.take()
    assert not is_dark_image(image)
    assert scope.box.meter()[LASER].dose_j_cm2 == pytest.approx(0.005)


def test_a_snap_works_though_nobody_should_use_it(scope: Scope) -> None:
    scope.shine(50.0, 10.0)
    scope.core.snapImage()
    assert not is_dark_image(scope.core.getImage())


def test_a_box_without_the_laser_line_is_refused() -> None:
    core = UniMMCore()
    with pytest.raises(DeviceMissing, match="no line 'Laser488'"):
        load_simulated_scope(core, CONFIG, LocalLightBox([Line("red", 640.0, 1.0)]), lambda: 0.0)
