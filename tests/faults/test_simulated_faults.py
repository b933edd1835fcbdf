"""Every fault switch of the simulated microscope does what it says: the meter is the witness."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from acquire.errors import DeviceMissing, SettingRefused
from acquire.simulated import LASER
from acquire.simulated.light.light_box import LightBoxGone
from tests.simulated_scope import RED, TWO_LINES, Scope

SHOT_J_CM2 = 5.0 * 0.10 * 0.010  # 10 ms at 10 % of 5 W/cm2


@pytest.fixture
def scope() -> Iterator[Scope]:
    scope = Scope(TWO_LINES)
    scope.shine(10.0, 10.0)
    yield scope
    scope.close()


def shots(scope: Scope, n: int = 1) -> float:
    """Take n frames and return the dose they gave, in doses of the shot that the fixture set."""
    before = scope.dose()
    scope.take(n)
    return (scope.dose() - before) / SHOT_J_CM2


def turn(scope: Scope, device: str, **switches: str | float) -> None:
    for name, value in switches.items():
        scope.core.setProperty(device, name, value)
        assert scope.core.getProperty(device, name) == value


def test_without_faults_the_meter_counts_the_shots(scope: Scope) -> None:
    assert shots(scope, 3) == pytest.approx(3.0)


@pytest.mark.parametrize("by", [LASER, "Shutter"])
def test_a_box_that_refuses_says_so_and_goes_on_giving_light(scope: Scope, by: str) -> None:
    turn(scope, by, Refuse="On")
    with pytest.raises(SettingRefused, match="refuses"):
        scope.core.setProperty(LASER, "Power", "0")
    with pytest.raises(SettingRefused, match="refuses"):
        scope.core.setShutterOpen(False)
    assert shots(scope) == pytest.approx(1.0)
    turn(scope, by, Refuse="Off")
    scope.core.setProperty(LASER, "Power", "0")
    assert shots(scope) == 0.0


@pytest.mark.parametrize("by", [LASER, "Shutter"])
def test_a_box_that_ignores_says_nothing_and_goes_on_giving_light(scope: Scope, by: str) -> None:
    turn(scope, by, IgnoreSilently="On")
    scope.core.setProperty(LASER, "Power", "0")
    scope.core.setShutterOpen(False)
    assert shots(scope) == pytest.approx(1.0)
    assert scope.core.getShutterOpen()  # the read-back tells the truth
    assert float(scope.core.getProperty(LASER, "Power")) == pytest.approx(10.0)
    scope.core.setProperty(LASER, "Power", "50")
    assert shots(scope) == pytest.approx(1.0)


def test_a_box_that_ignores_and_lies_is_given_away_by_its_meter_alone(scope: Scope) -> None:
    turn(scope, LASER, IgnoreSilently="On", LieReadBack="On")
    scope.core.setProperty(LASER, "Power", "0")
    scope.core.setShutterOpen(False)
    assert not scope.core.getShutterOpen()
    assert float(scope.core.getProperty(LASER, "Power")) == 0.0
    assert scope.box.state().is_dark
    assert shots(scope) == pytest.approx(1.0)


def test_a_box_that_refuses_dark_takes_more_light_but_not_less(scope: Scope) -> None:
    turn(scope, LASER, RefuseDark="On")
    scope.core.setProperty(LASER, "Power", "5")
    assert shots(scope) == pytest.approx(1.0)
    scope.core.setProperty(LASER, "Power", "20")
    assert shots(scope) == pytest.approx(2.0)


def test_a_slow_box_goes_dark_late(scope: Scope) -> None:
    turn(scope, LASER, Gate="software", Delay_ms=40.0)
    before_s = scope.box.box.meter()[LASER].lit_s
    scope.core.setShutterOpen(False)
    assert scope.box.box.meter()[LASER].lit_s - before_s >= 0.040
    assert scope.box.box.state().is_dark


def test_a_box_that_hangs_answers_nobody_and_goes_on_giving_light(scope: Scope) -> None:
    turn(scope, LASER, Hang="On")
    with pytest.raises(DeviceMissing, match="does not answer"):
        scope.core.setProperty(LASER, "Power", "0")
    with pytest.raises(DeviceMissing, match="does not answer"):
        scope.core.getShutterOpen()
    assert shots(scope) == pytest.approx(1.0)
    turn(scope, LASER, Hang="Off")
    scope.core.setShutterOpen(False)
    assert shots(scope) == 0.0


def test_a_box_that_dies_takes_its_light_with_it_and_the_camera_sees_the_dark(
    scope: Scope,
) -> None:
    lit = scope.take()[0][0]
    scope.core.setProperty(LASER, "Die", "On")
    with pytest.raises(LightBoxGone):
        scope.core.setProperty(LASER, "Power", "10")
    before = scope.dose()
    dark, tags = scope.take()[0]
    assert scope.dose() == before
    assert scope.box.box.state().is_dark
    assert dark.mean() < lit.mean()
    assert float(tags["Power"]) == 0.0


def test_a_camera_that_refuses_takes_nothing(scope: Scope) -> None:
    turn(scope, "Camera", Refuse="On")
    with pytest.raises(SettingRefused, match="refuses"):
        scope.core.setExposure(50.0)
    with pytest.raises(SettingRefused, match="refuses"):
        scope.core.startSequenceAcquisition(1, 0, True)
    turn(scope, "Camera", Refuse="Off")
    assert shots(scope) == pytest.approx(1.0)


@pytest.mark.parametrize("lies", ["Off", "On"])
def test_a_camera_that_ignores_keeps_its_exposure(scope: Scope, lies: str) -> None:
    turn(scope, "Camera", IgnoreSilently="On", LieReadBack=lies)
    scope.core.setExposure(50.0)
    assert scope.core.getExposure() == (50.0 if lies == "On" else 10.0)
    assert shots(scope) == 0.0  # it ignores the start too
    turn(scope, "Camera", IgnoreSilently="Off")
    assert shots(scope) == pytest.approx(1.0)


def test_a_slow_camera_gives_its_frames_late_and_no_more_light(scope: Scope) -> None:
    turn(scope, "Camera", Delay_ms=40.0)
    start_s = time.perf_counter()
    assert shots(scope) == pytest.approx(1.0)
    assert time.perf_counter() - start_s >= 0.040


def test_a_camera_that_drops_frames_lights_them_all(scope: Scope) -> None:
    turn(scope, "Camera", DropFraction=1.0)
    before = scope.dose()
    assert scope.take(4) == []
    assert (scope.dose() - before) / SHOT_J_CM2 == pytest.approx(4.0)


def test_a_camera_that_hangs_leaves_the_light_on_for_as_long(scope: Scope) -> None:
    turn(scope, "Camera", Hang="On")
    before_s = scope.box.box.meter()[LASER].lit_s
    scope.core.startSequenceAcquisition(1, 0, True)
    scope.until(lambda: scope.box.box.meter()[LASER].lit_s - before_s > 0.05)
    assert scope.core.isSequenceRunning()
    scope.core.stopSequenceAcquisition()
    assert scope.box.state().lit == ()
    assert scope.core.getRemainingImageCount() == 0


def test_a_camera_that_dies_in_an_exposure_ends_it_and_never_answers_again(scope: Scope) -> None:
    core = scope.core
    core.setProperty("Camera", "RealTime", "On")
    core.setExposure(9000.0)
    core.startSequenceAcquisition(3, 0, True)
    scope.until(lambda: scope.box.state().lit == (LASER,))
    core.setProperty("Camera", "Die", "On")
    scope.until(lambda: not core.isSequenceRunning())
    assert scope.box.state().lit == ()
    assert scope.dose() < 0.5 * 9.0
    assert core.getRemainingImageCount() == 0
    core.setProperty("Camera", "Die", "Off")  # the dead stay dead
    for command in (
        lambda: core.setExposure(10.0),
        core.getExposure,
        lambda: core.startSequenceAcquisition(1, 0, True),
    ):
        with pytest.raises(DeviceMissing, match=r"camera.* has died"):  # also: who
            command()
    assert core.getProperty("Camera", "Die") == "On"


def go(scope: Scope, device: str, there: float) -> None:
    if device == "Z":
        scope.core.setPosition(there)
    else:
        scope.core.setXYPosition(there, 0.0)


def where(scope: Scope, device: str) -> float:
    return float(scope.core.getPosition() if device == "Z" else scope.core.getXYPosition()[0])


def truth(scope: Scope, device: str) -> float:
    return scope.bench.z_um if device == "Z" else scope.bench.x_um


@pytest.mark.parametrize("device", ["Z", "XY"])
def test_a_broken_stage_stays_where_it_is(scope: Scope, device: str) -> None:
    go(scope, device, 3.0)
    turn(scope, device, Refuse="On")
    with pytest.raises(SettingRefused, match="refuses"):
        go(scope, device, 5.0)
    turn(scope, device, Refuse="Off", IgnoreSilently="On")
    go(scope, device, 5.0)
    assert where(scope, device) == truth(scope, device) == 3.0
    turn(scope, device, LieReadBack="On")
    assert where(scope, device) == 5.0
    assert truth(scope, device) == 3.0
    scope.core.setProperty(device, "Die", "On")
    with pytest.raises(DeviceMissing, match="has died"):
        where(scope, device)


@pytest.mark.parametrize("device", ["Z", "XY"])
def test_a_slow_stage_is_busy_and_a_hanging_one_never_arrives(scope: Scope, device: str) -> None:
    core = scope.core
    turn(scope, device, Delay_ms=30.0)
    go(scope, device, 5.0)
    assert core.deviceBusy(device)
    assert where(scope, device) == 0.0
    core.waitForDevice(device)
    assert where(scope, device) == 5.0
    turn(scope, device, Delay_ms=0.0, Hang="On")
    go(scope, device, 9.0)
    core.setTimeoutMs(20)
    with pytest.raises(TimeoutError, match="timed out"):
        core.waitForDevice(device)
    assert where(scope, device) == 5.0
    turn(scope, device, Hang="Off")
    core.waitForDevice(device)
    assert where(scope, device) == 9.0


def test_a_wheel_that_ignores_lets_the_wrong_light_through(scope: Scope) -> None:
    turn(scope, "Wheel", IgnoreSilently="On")
    scope.core.setConfig("Channel", "561")
    assert scope.core.getStateLabel("Wheel") == "Open"
    assert shots(scope) == pytest.approx(1.0)
    turn(scope, "Wheel", LieReadBack="On")
    assert scope.core.getStateLabel("Wheel") == "561"
    assert shots(scope) == pytest.approx(1.0)


def test_a_wheel_that_hangs_lets_nothing_through(scope: Scope) -> None:
    turn(scope, "Wheel", Hang="On")
    scope.core.setConfig("Channel", "488")
    assert scope.core.deviceBusy("Wheel")
    assert shots(scope) == 0.0
    turn(scope, "Wheel", Hang="Off")
    scope.core.waitForDevice("Wheel")
    assert shots(scope) == pytest.approx(1.0)


@pytest.mark.parametrize(("switch", "error"), [("Refuse", "refuses"), ("Die", "has died")])
@pytest.mark.parametrize(
    ("device", "name", "value"),
    [("Wheel", "Label", "561"), ("Lamp", "Power", "50"), ("Autofocus", "Search", "Run")],
)
def test_a_broken_part_says_so_and_gives_no_light(
    scope: Scope, device: str, name: str, value: str, switch: str, error: str
) -> None:
    turn(scope, device, **{switch: "On"})
    before = scope.dose()
    with pytest.raises((SettingRefused, DeviceMissing), match=error):
        scope.core.setProperty(device, name, value)
    assert scope.dose() == before
    assert scope.bench.lamp_fraction == 0.0


@pytest.mark.parametrize(
    ("device", "name", "value"), [("Lamp", "Power", "50"), ("Autofocus", "Search", "Run")]
)
def test_a_part_that_ignores_gives_no_light(
    scope: Scope, device: str, name: str, value: str
) -> None:
    turn(scope, device, IgnoreSilently="On")
    before = scope.dose()
    scope.core.setProperty(device, name, value)
    assert scope.dose() == before
    assert scope.bench.lamp_fraction == 0.0


def test_faults_of_one_line_are_those_of_the_box(scope: Scope) -> None:
    turn(scope, LASER, LieReadBack="On")
    turn(scope, RED, IgnoreSilently="On")
    assert scope.core.getProperty(RED, "LieReadBack") == "On"
    assert scope.core.getProperty(LASER, "IgnoreSilently") == "On"


def test_a_stage_that_refuses_in_a_hardware_sequence_stays_and_the_camera_goes_on(
    scope: Scope,
) -> None:
    scope.core.loadStageSequence("Z", [2.0, 4.0, 6.0])
    scope.core.startStageSequence("Z")
    scope.take(1)
    turn(scope, "Z", Refuse="On")
    frames = scope.take(2)
    assert len(frames) == 2
    assert scope.bench.z_um == 2.0
    assert np.isfinite(frames[0][0]).all()
