"""Whole plans on Micro-Manager's own demo devices and on the simulated specimen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import useq

from acquire.camera import Camera
from acquire.clock import SimulatedClock
from acquire.core_loading import load_system
from acquire.dose import Ledger
from acquire.errors import StageError, StageTimeout
from acquire.frame import Frame
from acquire.keeper.link import NoKeeper
from acquire.light.guard import LightGuard
from acquire.light.port import LightPort
from acquire.light.source import Channel, LightSource
from acquire.loop.loop import Outcome, run
from acquire.loop.pause import Pause
from acquire.plan.plan import plan_shots
from acquire.settings import ChannelSettings, Limits, Request, Settings
from acquire.simulated import LASER
from acquire.stand.arrival import Arrival
from acquire.stand.autofocus import Autofocus, DeviceFocus, ImageFocus
from acquire.stand.focus_lock import FocusLock
from acquire.stand.focus_rules import FocusRules
from acquire.stand.habits import StageHabits
from acquire.stand.scope import Scope
from tests import simulated_scope

WHITE = LightSource(
    name="white", wavelength_nm=550, shutter_device="White Light Shutter", gate="software"
)
BLUE = LightSource(
    name="488", wavelength_nm=488, power_device=LASER, power_property="Power",
    shutter_device="Shutter", gate="camera", power_mw_at_maximum=5.0, lit_area_um2=1e5,
)  # fmt: skip
LIMITS = Limits(0.5, 100, 1.0, budget_j_cm2=100)


@dataclass
class Stand:
    """A microscope with its guard, and whoever comes to each exposure."""

    core: Any
    light: LightSource
    channels: tuple[str, ...] = ("GFP",)
    rules: FocusRules = field(default_factory=FocusRules)
    habits: StageHabits = field(default_factory=StageHabits)
    cameras: dict[str, str] = field(default_factory=dict)
    search_j_cm2: float = 0.0
    expects: float = 1.0
    frames: list[Frame] = field(default_factory=list)

    def __post_init__(self) -> None:
        channels = [Channel(name=name, light=self.light.name) for name in self.channels]
        self.stop = threading.Event()
        self.clock = SimulatedClock(self.stop)
        self.ledger = Ledger({self.light.name: LIMITS.budget_j_cm2})
        self.guard = LightGuard(
            LightPort(self.core, [self.light]), Camera(self.core), NoKeeper(), self.ledger,
            dict.fromkeys(self.channels, self.light), {self.light.name: LIMITS},
        )  # fmt: skip
        self.scope = Scope(self.core, channels, [self.light], self.habits, self.cameras)

    def autofocus(self) -> Autofocus:
        if self.search_j_cm2:
            look = self.light.dose_j_cm2(self.rules.power_fraction, self.rules.exposure_ms)
            return ImageFocus(
                self.scope, self.guard, self.rules, "GFP", self.search_j_cm2, look * self.expects
            )
        return DeviceFocus(self.core, self.scope, self.rules, 5.0)

    def go(self, exposure_ms: float = 2.0, power: float = 1.0, **plan: Any) -> Outcome:
        channels = [{"config": name, "camera": self.cameras.get(name)} for name in self.channels]
        sequence = useq.MDASequence(channels=channels, **plan)
        focus = self.autofocus() if sequence.autofocus_plan is not None else None
        lock = FocusLock(self.core, 1.0) if self.rules.lock else None
        arrive = Arrival(self.scope, self.rules, Pause(), self.stop.is_set, focus, lock)
        light = tuple(ChannelSettings(name, exposure_ms, power) for name in self.channels)
        request = Request(Settings(light), 0)
        return run(
            plan_shots(sequence, self.scope.position_um()), self.scope, self.guard, self.clock,
            self.core.getCameraDevice(), self.frames.append, lambda _: request, lambda _: None,
            request, self.stop.is_set, arrive=arrive,
        )  # fmt: skip


@pytest.fixture
def demo() -> Iterator[Any]:
    core: Any = load_system("demo")
    core.setProperty("Camera", "FastImage", "1")
    core.loadDevice("Camera2", "DemoCamera", "DCam")
    core.initializeDevice("Camera2")
    for name, value in (("PixelType", "16bit"), ("FastImage", "1")):
        core.setProperty("Camera2", name, value)
    core.setProperty("Camera", "PixelType", "16bit")
    yield core
    core.unloadAllDevices()


@pytest.fixture
def simulated() -> Iterator[simulated_scope.Scope]:
    scope = simulated_scope.Scope(
        simulated_scope.CONFIG.model_copy(update={"n_cameras": 2, "seed": 5})
    )
    yield scope
    scope.close()


# Micro-Manager's own devices.


def test_an_autofocus_device_and_a_lock_of_micro_manager(demo: Any) -> None:
    at = Stand(demo, WHITE, rules=FocusRules(lock=True, lock_wait_s=0.5))
    plan: dict[str, Any] = {
        "stage_positions": [(0, 0, 5), (100, 0, 6)], "z_plan": {"range": 2, "step": 1},
        "autofocus_plan": {"axes": ("p",), "autofocus_motor_offset": 1.5},
    }  # fmt: skip
    assert at.go(**plan).is_complete
    assert [frame.info.focus for frame in at.frames] == ["free", "locked", "free"] * 2
    assert demo.getAutoFocusOffset() == 1.5
    assert not at.guard.is_stopped


def test_two_cameras_take_a_channel_each(demo: Any) -> None:
    demo.setProperty("Camera2", "OnCameraCCDXSize", "256")  # by which its frames are known
    at = Stand(demo, WHITE, ("GFP", "RFP"), cameras={"RFP": "Camera2"})
    assert at.go(time_plan={"interval": 1, "loops": 2}).is_complete
    assert [frame.info.camera for frame in at.frames] == ["Camera", "Camera2"] * 2
    assert [frame.info.index.c for frame in at.frames] == [0, 1, 0, 1]
    assert [frame.pixels.shape for frame in at.frames] == [(512, 512), (512, 256)] * 2


def test_a_plate_a_grid_and_backlash_on_the_demo_stage(demo: Any) -> None:
    at = Stand(demo, WHITE, habits=StageHabits(backlash_um=5, z_backlash_um=1))
    demo.setPosition(20.0)
    wells = {
        "plate": 96, "a1_center_xy": (0, 0), "selected_wells": ([0, 1], [0, 0]),
        "well_points_plan": {"rows": 1, "columns": 2, "fov_width": 100, "fov_height": 100},
    }  # fmt: skip
    assert at.go(stage_positions=wells).is_complete
    places = [frame.info.position_um for frame in at.frames]
    assert places == [pytest.approx((x, y, 20)) for y in (0, -9000) for x in (-50, 50)]
    assert demo.getXPosition() == pytest.approx(50, abs=0.1)


# The simulated specimen.


def test_a_software_autofocus_finds_the_cells_and_all_its_light_is_booked(simulated) -> None:
    rules = FocusRules(method="software", range_um=12, step_um=1.5, exposure_ms=2, power_fraction=1)
    at = Stand(simulated.core, BLUE, rules=rules, search_j_cm2=10.0)
    outcome = at.go(stage_positions=[(0, 0, 3.0)], autofocus_plan={"axes": ("p",)})
    assert outcome.is_complete
    assert at.frames[0].info.focus == "found"
    assert at.frames[0].info.position_um[2] == pytest.approx(0.0, abs=0.6)  # where the cells are
    lines = {line.name: line.max_irradiance_w_cm2 for line in simulated.config.lines()}
    said, true = at.ledger.totals()["488"], simulated.dose()
    assert said / BLUE.irradiance_w_cm2(1.0) == pytest.approx(true / lines[LASER], rel=0.01)
    one = at.frames[0].info.applied.dose_j_cm2
    assert said == pytest.approx(10 * one)  # nine images of the search, and the frame


def test_a_search_without_light_to_spend_leaves_the_focus_and_says_so(simulated) -> None:
    rules = FocusRules(method="software", exposure_ms=2, power_fraction=1)
    at = Stand(simulated.core, BLUE, rules=rules, search_j_cm2=0.1)
    at.go(
        stage_positions=[(0, 0, 2.0)], autofocus_plan={"axes": ("t",)},
        time_plan={"interval": 1, "loops": 6},
    )  # fmt: skip
    states = [frame.info.focus for frame in at.frames]
    assert states[0] == "found"
    assert states[-1] == "not found"
    heights = {frame.info.position_um[2] for frame in at.frames if frame.info.focus != "found"}
    assert len(heights) == 1


@pytest.mark.parametrize(("expects", "images"), [(1.0, 0), (0.25, 3)])
def test_the_first_search_stays_within_its_share_too(
    simulated, expects: float, images: int
) -> None:
    """It is not begun where it will not do; where images take more than expected, it ends."""
    rules = FocusRules(method="software", exposure_ms=2, power_fraction=1)
    one = BLUE.dose_j_cm2(1.0, 2.0)
    at = Stand(simulated.core, BLUE, rules=rules, search_j_cm2=3.9 * one, expects=expects)
    at.go(stage_positions=[(0, 0, 2.0)], autofocus_plan={"axes": ("p",)})
    info = at.frames[0].info
    assert (info.focus, info.position_um[2]) == ("not found", 2.0)
    assert at.ledger.totals()["488"] == pytest.approx((images + 1) * one)
    assert simulated.box.state().is_dark


def test_in_the_dark_a_search_finds_nothing_and_goes_back(simulated) -> None:
    simulated.box.set_open(False)
    rules = FocusRules(method="software", exposure_ms=0.5, power_fraction=1e-3, contrast=3.0)
    at = Stand(simulated.core, BLUE, rules=rules, search_j_cm2=10.0)
    at.go(stage_positions=[(0, 0, 500.0)], autofocus_plan={"axes": ("p",)})
    assert (at.frames[0].info.focus, at.frames[0].info.position_um[2]) == ("not found", 500)


def test_the_second_simulated_camera_takes_a_channel_of_its_own(simulated) -> None:
    at = Stand(simulated.core, BLUE, ("GFP", "RFP"), cameras={"RFP": "Camera2"})
    assert at.go().is_complete
    assert [frame.info.camera for frame in at.frames] == ["Camera", "Camera2"]
    true = simulated.dose() / simulated.config.lines()[0].max_irradiance_w_cm2
    assert true == pytest.approx(at.ledger.totals()["488"] / BLUE.irradiance_w_cm2(1.0), rel=0.01)


@pytest.mark.parametrize(
    ("device", "fault", "error", "says"),
    [
        ("XY", "Hang", StageTimeout, "'XY' is still moving after 0.05 s"),
        ("Z", "Hang", StageTimeout, "'Z' is still moving after 0.05 s"),
        ("XY", "Refuse", StageError, "the device refuses"),
        ("XY", "IgnoreSilently", StageError, "sent to 50.00, 0.00 um and says 0.00, 0.00"),
        ("Z", "IgnoreSilently", StageError, "focus was sent to 9.00 um"),
    ],
)
def test_a_stage_that_fails_ends_the_run_dark_with_an_error_that_says_which(
    simulated, device: str, fault: str, error: type[StageError], says: str
) -> None:
    at = Stand(simulated.core, BLUE, habits=StageHabits(timeout_s=0.05))
    simulated.core.setProperty(device, fault, "On")
    outcome = at.go(stage_positions=[(50, 0, 9)])
    assert isinstance(outcome.error, error), outcome.error
    assert says in str(outcome.error)
    assert outcome.is_dark
    assert at.frames == []
    assert simulated.dose() == 0
    simulated.core.setProperty(device, "Hang", "Off") if fault == "Hang" else None


def test_a_slow_stage_is_waited_for(simulated) -> None:
    at = Stand(simulated.core, BLUE)
    simulated.core.setProperty("XY", "Delay_ms", "30")
    outcome = at.go(stage_positions=[(50, 0, 0), (0, 0, 0)])
    assert outcome.is_complete
    assert [frame.info.position_um[0] for frame in at.frames] == [50, 0]
