"""How the simulated microscope is read, filtered, focused and triggered."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from acquire.errors import SettingRefused
from acquire.simulated import LASER
from tests.simulated_scope import CONFIG, RED, TWO_LINES, Scope

NewScope = Callable[..., Scope]


@pytest.fixture
def new_scope() -> Iterator[NewScope]:
    made: list[Scope] = []

    def make(**changes: object) -> Scope:
        made.append(Scope(TWO_LINES.model_copy(update=changes)))
        return made[-1]

    yield make
    for scope in made:
        scope.close()


@pytest.fixture
def scope(new_scope: NewScope) -> Scope:
    return new_scope()


@pytest.mark.parametrize("factor", ["1", "2", "4", 2, "8"])
def test_binning_adds_pixels_and_costs_no_light(scope: Scope, factor: str | int) -> None:
    scope.shine(50.0, 10.0)
    plain = scope.take()[0][0].astype(float) - 100.0
    before = scope.dose()
    scope.core.setProperty("Camera", "Binning", factor)
    image = scope.take()[0][0]
    n = int(factor)
    assert image.shape == (96 // n, 128 // n)
    assert image.astype(float).mean() - 100.0 == pytest.approx(plain.mean() * n * n, rel=0.05)
    assert scope.dose() == pytest.approx(2 * before)


@pytest.mark.parametrize("factor", ["3", "0", "nan", "wide"])
def test_another_binning_is_refused(scope: Scope, factor: str) -> None:
    with pytest.raises(ValueError, match="Binning"):
        scope.core.setProperty("Camera", "Binning", factor)


def test_a_region_is_counted_in_binned_pixels(scope: Scope) -> None:
    core = scope.core
    core.setProperty("Camera", "Binning", "2")
    assert core.getROI() == [0, 0, 64, 48]
    core.setROI(4, 2, 20, 10)
    assert core.getROI() == [4, 2, 20, 10]
    assert scope.take()[0][0].shape == (10, 20)
    with pytest.raises(ValueError, match="not on the chip"):
        core.setROI(0, 0, 65, 10)


@pytest.mark.parametrize(("bits", "top", "kind"), [("8", 255, np.uint8), ("12", 4095, np.uint16)])
def test_fewer_bits_clip_sooner(scope: Scope, bits: str, top: int, kind: type) -> None:
    scope.shine(2000.0, 100.0)
    scope.core.setProperty("Camera", "BitDepth", bits)
    assert scope.core.getBytesPerPixel() == np.dtype(kind).itemsize
    image = scope.take()[0][0]
    assert image.dtype == kind
    assert image.max() == top


def test_a_rolling_shutter_lights_the_sample_longer_than_its_pixels(new_scope: NewScope) -> None:
    scope = new_scope(line_time_us=100.0)  # 9.6 ms for 96 rows
    scope.shine(20.0, 10.0)
    sharp = scope.take()[0][0].astype(float)
    assert scope.dose() == pytest.approx(0.5 * 0.020)
    scope.core.setProperty("Camera", "ShutterMode", "Rolling")
    image, tags = scope.take()[0]
    assert scope.dose() - 0.010 == pytest.approx(0.5 * (0.020 + 96 * 100e-6))
    assert float(tags["ExposureUsed_ms"]) == pytest.approx(20.0)
    assert float(tags["Power"]) == pytest.approx(10.0)
    assert image.astype(float).mean() == pytest.approx(sharp.mean(), rel=0.03)


def test_a_slow_chip_keeps_the_frames_apart(new_scope: NewScope) -> None:
    scope = new_scope(line_time_us=500.0)  # 48 ms for 96 rows
    scope.shine(20.0, 10.0)
    starts_s = [float(tags["ExperimentTime_s"]) for _, tags in scope.take(3)]
    assert np.diff(starts_s) == pytest.approx([0.048, 0.048])


def test_each_line_has_its_own_device_power_and_meter(scope: Scope) -> None:
    core = scope.core
    core.setProperty(RED, "Power", "20")
    scope.shine(10.0, 10.0)
    ((_, tags),) = scope.take()
    assert scope.dose(LASER) == pytest.approx(0.005)
    assert scope.dose(RED) == pytest.approx(0.010)
    assert float(core.getProperty(RED, "Meter_J_cm2")) == pytest.approx(0.010)
    assert core.getProperty(RED, "MeterExposures") == 1
    assert core.getProperty(RED, "Wavelength_nm") == 561.0
    assert float(tags[f"Power-{RED}"]) == pytest.approx(20.0)
    assert float(tags[f"Power-{LASER}"]) == pytest.approx(10.0)


def test_a_line_bleaches_its_own_dye_only(scope: Scope) -> None:
    scope.core.setProperty(RED, "Power", "100")
    scope.shine(1000.0, 0.0)
    scope.take(3)
    fresh = Scope(TWO_LINES)
    try:
        left = scope.bench.specimen.dye(1) / fresh.bench.specimen.dye(1)
        kept = scope.bench.specimen.dye(0) / fresh.bench.specimen.dye(0)
    finally:
        fresh.close()
    assert left.max() < 0.9
    assert kept == pytest.approx(np.ones(len(kept)))


def test_channels_turn_the_wheel_and_light_nothing(scope: Scope) -> None:
    core = scope.core
    assert core.getAvailableConfigs("Channel") == ("488", "561")
    for preset in core.getAvailableConfigs("Channel"):
        for device, _, _ in core.getConfigData("Channel", preset):
            assert device == "Wheel"
        core.setConfig("Channel", preset)
        assert core.getStateLabel("Wheel") == preset
        assert core.getCurrentConfig("Channel") == preset
        assert scope.box.state().is_dark
    scope.take()
    assert scope.dose(LASER) == scope.dose(RED) == 0.0


def test_the_wheel_passes_one_line_and_its_dye(scope: Scope) -> None:
    core = scope.core
    core.setProperty(RED, "Power", "10")
    scope.shine(10.0, 10.0)
    for preset, passes, blocked in (("488", LASER, RED), ("561", RED, LASER)):
        core.setConfig("Channel", preset)
        before = {line: scope.dose(line) for line in (LASER, RED)}
        scope.take()
        assert scope.dose(passes) - before[passes] == pytest.approx(0.005)
        assert scope.dose(blocked) == before[blocked]
    core.setProperty("Wheel", "State", "0")
    assert core.getStateLabel("Wheel") == "Open"
    before = {line: scope.dose(line) for line in (LASER, RED)}
    scope.take()
    assert all(scope.dose(line) > before[line] for line in before)


def test_the_wheel_takes_its_time_and_passes_nothing_meanwhile(scope: Scope) -> None:
    core = scope.core
    scope.shine(10.0, 10.0)
    core.setProperty("Wheel", "Delay_ms", 50.0)
    core.setConfig("Channel", "488")
    assert core.deviceBusy("Wheel")
    scope.take()
    assert scope.dose() == 0.0
    core.waitForDevice("Wheel")
    scope.take()
    assert scope.dose() > 0.0


def test_two_cameras_see_the_same_exposures_and_the_light_is_given_once(
    new_scope: NewScope,
) -> None:
    scope = new_scope(n_cameras=2)
    core = scope.core
    core.setProperty("Camera2", "Trigger", "External")
    core.setProperty("Camera2", "Sees", RED)
    core.setProperty("Camera", "Sees", LASER)
    core.setProperty(RED, "Power", "20")
    scope.shine(20.0, 10.0)
    first = scope.take(3)
    assert scope.dose(LASER) == pytest.approx(3 * 0.01)
    core.setCameraDevice("Camera2")
    second = scope.take(3)
    assert scope.dose(LASER) == pytest.approx(3 * 0.01)
    assert scope.dose(RED) == pytest.approx(3 * 0.02)
    for (here, tags), (there, tags_there) in zip(first, second, strict=True):
        assert tags_there["Camera"] == "Camera2"
        for same in ("ExperimentTime_s", "ExposureUsed_ms", "Fluence_J_cm2"):
            assert tags[same] == tags_there[same]
        assert not np.array_equal(here, there)


def test_cameras_that_see_the_same_light_have_noise_of_their_own(new_scope: NewScope) -> None:
    scope = new_scope(n_cameras=2)
    core = scope.core
    core.setProperty("Camera2", "Trigger", "External")
    scope.shine(50.0, 20.0)
    ((here, _),) = scope.take(1)
    core.setCameraDevice("Camera2")
    ((there, _),) = scope.take(1)
    difference = here.astype(float) - there.astype(float)
    assert abs(difference.mean()) < 0.02 * here.mean()
    assert np.corrcoef(here.ravel(), there.ravel())[0, 1] > 0.9
    assert difference.std() > 3.0


def test_a_triggered_camera_waits_for_light_and_can_be_stopped(new_scope: NewScope) -> None:
    scope = new_scope(n_cameras=2)
    core = scope.core
    core.setProperty("Camera2", "Trigger", "External")
    core.setCameraDevice("Camera2")
    core.startSequenceAcquisition("Camera2", 1, 0, True)
    assert core.isSequenceRunning()
    assert core.getRemainingImageCount() == 0
    core.stopSequenceAcquisition()
    assert not core.isSequenceRunning()


def test_the_camera_opens_the_shutter_for_foreign_programs_if_told(scope: Scope) -> None:
    core = scope.core
    core.setProperty(LASER, "Power", "10")
    core.setExposure(10.0)
    core.snapImage()
    assert scope.dose() == 0.0
    core.setProperty("Camera", "AutoShutter", "On")
    core.snapImage()
    assert scope.dose() == pytest.approx(0.005)
    assert not core.getShutterOpen()
    core.setShutterOpen(True)  # by hand: it stays as it was left
    core.snapImage()
    assert core.getShutterOpen()


def test_the_lamp_shows_the_cells_and_spares_them(scope: Scope) -> None:
    core = scope.core
    core.setExposure(10.0)
    core.setProperty("Lamp", "Power", "50")
    before = scope.bench.truth()
    ((image, _),) = scope.take()
    after = scope.bench.truth()
    expected = 100.0 + 2.0 * 0.5 * 0.010 * CONFIG.lamp_e_s
    assert image.astype(float).mean() == pytest.approx(expected, rel=0.1)
    assert scope.dose() == 0.0
    assert np.array_equal(before.dye, after.dye)
    assert np.array_equal(before.damage, after.damage)


def test_the_autofocus_finds_the_cells_and_pays_with_light(scope: Scope) -> None:
    core = scope.core
    scope.shine(50.0, 20.0)
    core.setPosition(3.4)
    core.setProperty("Autofocus", "Exposure_ms", "50")
    core.setProperty("Autofocus", "Search", "Run")
    assert abs(core.getPosition()) < 1.0
    assert core.getProperty("Autofocus", "Found_um") == core.getPosition()
    assert scope.dose() == pytest.approx(11 * 1.0 * 0.050)


def test_the_autofocus_finds_nothing_in_the_dark_and_goes_back(scope: Scope) -> None:
    scope.core.setPosition(3.4)
    with pytest.raises(SettingRefused, match="is there light"):
        scope.core.setProperty("Autofocus", "Search", "Run")
    assert scope.core.getPosition() == pytest.approx(3.4)
    assert scope.dose() == 0.0


@pytest.mark.parametrize("gate", ["camera", "software", "always-on"])
def test_the_gate_says_when_there_is_light(scope: Scope, gate: str) -> None:
    core = scope.core
    core.setProperty(LASER, "Gate", gate)
    assert core.getProperty(LASER, "Gate") == gate
    core.setProperty(LASER, "Power", "10")
    assert bool(scope.box.state().lit) == (gate == "always-on")
    core.setShutterOpen(True)
    assert bool(scope.box.state().lit) == (gate != "camera")
    core.setShutterOpen(False)
    lit_s = scope.box.meter()[LASER].lit_s
    assert (lit_s > 0.0) == (gate != "camera")


def test_a_config_says_the_gate_of_its_lines(new_scope: NewScope) -> None:
    scope = new_scope(gate="software")
    assert scope.core.getProperty(RED, "Gate") == "software"


def test_a_slow_shutter_says_so_and_moves_later(scope: Scope) -> None:
    core = scope.core
    core.setProperty("Shutter", "OpenDelay_ms", 40.0)
    core.setProperty("Shutter", "CloseDelay_ms", 40.0)
    core.setProperty(LASER, "Power", "10")
    core.setShutterOpen(True)
    assert not core.getShutterOpen()
    assert not scope.box.state().is_dark  # it is about to open
    scope.until(core.getShutterOpen)
    core.setShutterOpen(False)
    assert core.getShutterOpen()
    scope.until(lambda: not core.getShutterOpen())
    with pytest.raises(ValueError, match="OpenDelay_ms"):
        core.setProperty("Shutter", "OpenDelay_ms", -1.0)
