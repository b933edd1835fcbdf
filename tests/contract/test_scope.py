"""What the microscope promises, kept by Python devices and by Micro-Manager's own demo devices."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import useq

from acquire.camera import Camera
from acquire.clock import SimulatedClock
from acquire.core_loading import load_system
from acquire.dose import Ledger
from acquire.errors import (
    CameraTimeout,
    DeviceMissing,
    LightNotDark,
    LightRefused,
    SettingRefused,
)
from acquire.frame import Frame
from acquire.keeper.link import NoKeeper
from acquire.light.bounds import GuardRules
from acquire.light.guard import LightGuard
from acquire.light.port import LightPort
from acquire.light.source import Channel, LightSource
from acquire.loop.loop import ShotReport, run
from acquire.plan.plan import plan_shots
from acquire.settings import ChannelSettings, Limits, Request, Settings
from acquire.stand.scope import Scope
from tests.light_core import PyBench, python_core

LIMITS = Limits(1, 100, 1.0, budget_j_cm2=100)
LASER = LightSource(
    name="laser", wavelength_nm=488, power_device="Laser", power_property="Power",
    shutter_device="Shutter", gate="camera",
)  # fmt: skip
DIODE = LightSource(
    name="diode", wavelength_nm=488, power_device="Laser", power_property="Power", gate="camera"
)
WHITE = LightSource(
    name="white", wavelength_nm=550, shutter_device="White Light Shutter", gate="software"
)
LED = LightSource(
    name="led", wavelength_nm=470, power_device="LED", power_property="Label",
    power_kind="on-off", on_text="470nm", off_text="Closed", gate="software",
)  # fmt: skip


@dataclass
class Stand:
    core: Any
    sources: tuple[LightSource, ...]
    truth: PyBench | None = None

    def guard(self, rules: GuardRules | None = None) -> LightGuard:
        return LightGuard(
            LightPort(self.core, self.sources), Camera(self.core), NoKeeper(),
            Ledger({source.name: 100.0 for source in self.sources}),
            {source.name: source for source in self.sources},
            {source.name: LIMITS for source in self.sources}, rules,
        )  # fmt: skip

    def is_dark(self) -> bool:
        if self.truth is not None:
            return not (self.truth.is_open and self.truth.power)
        is_white = self.core.getShutterOpen("White Light Shutter")
        return not is_white and self.core.getProperty("LED", "Label") == "Closed"


@pytest.fixture(params=["python", "python without shutter", "demo white", "demo led"])
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    if request.param.startswith("python"):
        core, truth = python_core()
        source = DIODE if "without" in request.param else LASER
        truth.is_open = source is DIODE
        yield Stand(core, (source,), truth)
        return
    core = load_system("demo")
    core.setProperty("Camera", "FastImage", "1")
    sources = (WHITE, LED) if "white" in request.param else (LED, WHITE)
    yield Stand(core, sources)


def ask(name: str, exposure_ms: float = 2.0, power: float = 1.0) -> Request:
    return Request(Settings((ChannelSettings(name, exposure_ms, power),)), 0)


def test_a_guard_makes_it_dark_before_anything_else(stand: Stand) -> None:
    stand.guard()
    assert stand.is_dark()


@pytest.mark.parametrize("n_frames", [1, 5])
def test_an_exposure_gives_its_frames_and_ends_dark(stand: Stand, n_frames: int) -> None:
    guard = stand.guard()
    name = stand.sources[0].name
    for _ in range(2):
        with guard.expose(ask(name), name, n_frames, 0) as lease:
            assert not stand.is_dark()
            lease.start()
            images = [lease.pop() for _ in range(n_frames)]
        assert stand.is_dark()
        assert [image.camera_seq for image in images] == list(range(n_frames))
        assert {(image.pixels.shape, image.pixels.dtype.name) for image in images} == {
            ((512, 512), "uint16")
        }
        assert not images[0].pixels.flags.writeable
        assert lease.applied.exposure_read_ms == 2
        assert lease.applied.power_read_fraction == 1


def test_stop_light_from_another_thread_ends_a_long_exposure(stand: Stand) -> None:
    guard = stand.guard()
    name = stand.sources[0].name
    answers: list[bool] = []
    stopper = threading.Thread(target=lambda: answers.append(guard.go_dark()))

    def expose() -> None:
        with guard.expose(ask(name, exposure_ms=100), name, 50, 0) as lease:
            lease.start()
            lease.pop()
            stopper.start()
            while True:
                lease.pop()

    with pytest.raises(LightRefused, match="was stopped"):
        expose()
    stopper.join()
    assert answers == [True]
    assert stand.is_dark()
    assert not stand.core.isSequenceRunning()


def test_a_whole_run_on_the_stand(stand: Stand) -> None:
    guard = stand.guard()
    name = stand.sources[0].name
    scope = Scope(stand.core, [Channel(name=name, light=name)], stand.sources)
    plan = useq.MDASequence(
        channels=[name],
        time_plan={"interval": 300, "loops": 3},
        stage_positions=[(0, 0, 0), (100, 50, 2)],
        z_plan={"range": 2, "step": 1},
    )
    frames: list[Frame] = []
    reports: list[ShotReport] = []
    outcome = run(
        plan_shots(plan, scope.position_um()), scope, guard, SimulatedClock(threading.Event()),
        "Camera", frames.append, lambda _: ask(name), reports.append, ask(name), lambda: False,
    )  # fmt: skip
    assert (outcome.is_complete, outcome.n_frames, outcome.is_dark) == (True, 18, True)
    assert [frame.info.seq for frame in frames] == list(range(18))
    assert scope.position_um() == pytest.approx((100, 50, 3), abs=0.01)
    assert len(reports) == 6
    assert stand.is_dark()


# Roles, presets and missing things.


def test_names_that_are_not_there_are_answered_with_those_that_look_like_them() -> None:
    core, _ = python_core()
    with pytest.raises(DeviceMissing, match="did you mean 'Laser'"):
        LightPort(core, [LASER.model_copy(update={"power_device": "laser"})])
    with pytest.raises(DeviceMissing, match="no property 'Pwer'; did you mean 'Power'"):
        LightPort(core, [LASER.model_copy(update={"power_property": "Pwer"})])
    with pytest.raises(DeviceMissing, match="there are"):
        LightPort(core, [LASER.model_copy(update={"shutter_device": "???"})])


def test_a_preset_never_moves_light() -> None:
    core, truth = python_core()
    core.defineConfig("Channel", "GFP", "Filter", "Position", "3")
    core.defineConfig("Channel", "GFP", "Laser", "Power", "100")
    core.defineConfig("Channel", "GFP", "Core", "Shutter", "Shutter")
    scope = Scope(core, [Channel(name="a", light="laser", preset="GFP")], [LASER])
    scope.select("a")
    assert truth.filter == 3
    assert truth.power == 30  # as it was
    truth.filter = 0
    scope.select("a")  # selected already: no device is asked to move
    assert truth.filter == 0


@pytest.mark.parametrize(
    ("group", "preset", "says"),
    [("Chanel", "GFP", "did you mean 'Channel'"), ("Channel", "GPF", "did you mean 'GFP'")],
)
def test_a_preset_that_is_not_there_is_named(group: str, preset: str, says: str) -> None:
    core, _ = python_core()
    core.defineConfig("Channel", "GFP", "Filter", "Position", "3")
    with pytest.raises(DeviceMissing, match=says):
        Scope(core, [Channel(name="a", light="laser", group=group, preset=preset)], [LASER])


def test_moving_to_where_we_are_costs_nothing() -> None:
    core, truth = python_core()
    scope = Scope(core, [], [])
    scope.move_to(1, 2, 3)
    scope.move_to(1, 2, 3)
    scope.move_to(1, 2, 4)
    assert truth.moves == ["xy", "z", "z"]
    assert scope.position_um() == (1, 2, 4)


def test_region_and_binning_of_the_demo_camera() -> None:
    core = load_system("demo")
    scope = Scope(core, [], [])
    scope.set_binning(2)
    scope.set_roi((0, 0, 64, 32))
    assert Camera(core).shape() == (32, 64)
    scope.set_roi(())
    assert Camera(core).shape() == (256, 256)
    assert scope.pixel_um == 2.0


def test_presets_of_the_demo_microscope_set_filters() -> None:
    core = load_system("demo")
    scope = Scope(core, [Channel(name="GFP", light="white", preset="FITC")], [WHITE])
    scope.select("GFP")
    assert core.getProperty("Dichroic", "Label") == "Q505LP"


def test_a_file_that_micro_manager_cannot_load_is_an_error_that_says_so(tmp_path) -> None:
    with pytest.raises(DeviceMissing, match="cannot load"):
        load_system(tmp_path / "none.cfg")


def test_frames_of_eight_bits_are_widened_and_colour_is_refused() -> None:
    core = load_system("demo")
    camera = Camera(core)
    for pixel_type, is_fine in (("8bit", True), ("32bitRGB", False)):
        core.setProperty("Camera", "PixelType", pixel_type)
        camera.set_exposure(1)
        camera.start(1)
        while core.isSequenceRunning():
            pass
        if is_fine:
            image = camera.try_pop()
            assert image is not None
            assert image.pixels.dtype == np.uint16
            assert image.pixels.max() <= 255
        else:
            with pytest.raises(SettingRefused, match="8 or 16 bit grey"):
                camera.try_pop()
    assert camera.try_pop() is None


# Faults of real devices behind a real core.


def test_power_outside_of_the_device_limits_gives_no_frame() -> None:  # F9
    core, truth = python_core()
    too_far = LASER.model_copy(update={"maximum": 500.0})
    guard = Stand(core, (too_far,), truth).guard()
    with pytest.raises(SettingRefused, match="500"), guard.expose(ask("laser"), "laser", 1, 0):
        pytest.fail("light was given")
    assert truth.lit_frames == 0
    assert not truth.is_open


@pytest.mark.parametrize("fault", ["ignores", "raises", "lies"])
def test_a_laser_that_does_not_take_its_power_gives_no_frame(fault: str) -> None:  # F9
    core, truth = python_core()
    guard = Stand(core, (LASER,), truth).guard()
    truth.laser_fault = fault
    with pytest.raises(SettingRefused), guard.expose(ask("laser"), "laser", 1, 0):
        pytest.fail("light was given")
    truth.laser_fault = ""
    assert not truth.is_open


def test_a_shutter_and_laser_that_refuse_to_go_dark_are_not_called_dark() -> None:
    core, truth = python_core()
    guard = Stand(core, (LASER,), truth).guard()

    def expose() -> None:
        with guard.expose(ask("laser"), "laser", 1, 0) as lease:
            lease.start()
            lease.pop()
            truth.laser_fault = truth.shutter_fault = "ignores"

    with pytest.raises(LightNotDark):
        expose()
    truth.laser_fault = truth.shutter_fault = ""
    assert guard.all_dark()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(("frames_before", "says"), [(0, "0 of 8"), (3, "3 of 8")])
def test_a_camera_that_breaks_in_a_burst_ends_dark_and_says_when(frames_before, says) -> None:
    core, truth = python_core()  # F5, F5b
    guard = Stand(core, (LASER,), truth).guard()
    truth.camera_breaks_at = frames_before

    def expose() -> None:
        with guard.expose(ask("laser"), "laser", 8, 0) as lease:
            lease.start()
            for _ in range(8):
                lease.pop()

    with pytest.raises(CameraTimeout, match=says):
        expose()
    assert not truth.is_open
    assert truth.power == 0


def test_a_camera_that_hangs_is_given_up_long_before_micro_manager_does() -> None:  # F14
    core, truth = python_core()
    guard = Stand(core, (LASER,), truth).guard(GuardRules(lease_margin_ms=50, frame_margin_ms=10))
    truth.camera_hangs.clear()

    def expose() -> None:
        with guard.expose(ask("laser"), "laser", 1, 0) as lease:
            lease.start()
            try:
                lease.pop()
            finally:
                truth.camera_hangs.set()  # or stopping it would wait 2 s

    with pytest.raises(CameraTimeout, match="does not deliver"):
        expose()
    assert not truth.is_open


def test_the_guard_opens_python_shutters_itself_and_every_frame_is_lit() -> None:  # F6
    core, truth = python_core()
    guard = Stand(core, (LASER,), truth).guard()
    with guard.expose(ask("laser"), "laser", 4, 0) as lease:
        lease.start()
        images = [lease.pop() for _ in range(4)]
    assert truth.lit_frames == 4
    assert all(image.pixels.min() > 100 for image in images)
