"""Small parts of the simulated devices, each by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.errors import DeviceMissing, SettingRefused
from acquire.simulated.config import LineConfig, SimulatedScopeConfig
from acquire.simulated.devices.autofocus import brenner, peak_um
from acquire.simulated.devices.choices import Choices
from acquire.simulated.devices.faults import Faults
from acquire.simulated.devices.hub import ScaledClock
from acquire.simulated.devices.movement import Movement
from acquire.simulated.devices.stand import Stand, offer, offered
from acquire.simulated.devices.wheel import cube_names
from acquire.simulated.eye import MEMORY_BYTES, Exposure, Eye

CONFIG = SimulatedScopeConfig(height=64, width=64, n_cells=0)
DONE = Exposure(0.0, 0.01, 0.0, {}, is_lost=False)


class Clock:
    now_s = 5.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize("asked", [2, "2", "2.0", 2.0])
def test_a_choice_may_be_asked_for_in_words(asked: object) -> None:
    assert asked in Choices((1, 2, 4))


@pytest.mark.parametrize("asked", ["3", "", "two", None, float("nan"), [2], "0x2"])
def test_what_is_no_choice_is_none(asked: object) -> None:
    assert asked not in Choices((1, 2, 4))


@given(st.floats(-4.0, 4.0), st.floats(0.1, 10.0))
def test_the_top_of_a_parabola_is_found_between_the_planes(top: float, height: float) -> None:
    planes = np.arange(-6.0, 7.0)
    assert peak_um(planes, 100.0 - height * (planes - top) ** 2) == pytest.approx(top, abs=1e-6)


def test_a_best_plane_at_the_border_is_taken_as_it_is() -> None:
    planes = np.arange(5.0)
    assert peak_um(planes, planes) == 4.0
    assert peak_um(planes, -planes) == 0.0


def test_a_sharp_edge_is_sharper_than_a_soft_one() -> None:
    row = np.linspace(-8, 8, 64)
    sharp, soft = (np.tile(1000 / (1 + np.exp(-k * row)), (8, 1)) for k in (4.0, 1.0))
    assert brenner(sharp) > brenner(soft) > brenner(np.full((8, 64), 1000.0)) == 0.0
    assert brenner(sharp.astype(np.uint16)) == pytest.approx(brenner(sharp), rel=0.01)


def movement(clock: Clock) -> tuple[Faults, Movement[float], list[float]]:
    faults, at = Faults(), [0.0]
    return faults, Movement(faults, lambda z: at.__setitem__(0, z), lambda: at[0], clock), at


def test_a_movement_takes_its_time() -> None:
    clock = Clock()
    faults, moves, at = movement(clock)
    faults.delay_s = 2.0
    moves.go(7.0, "go")
    assert not moves.arrive()
    clock.now_s += 1.9
    assert moves.place("ask") == 0.0
    clock.now_s += 0.2
    assert moves.arrive()
    assert moves.place("ask") == at[0] == 7.0


def test_a_movement_can_be_stopped_or_sent_elsewhere() -> None:
    clock = Clock()
    faults, moves, at = movement(clock)
    faults.delay_s = 2.0
    moves.go(7.0, "go")
    moves.stop()
    assert moves.arrive()
    moves.go(7.0, "go")
    faults.delay_s = 0.0
    moves.go(3.0, "go")
    clock.now_s += 10.0
    assert moves.arrive()
    assert at == [3.0]


def test_the_dead_do_nothing_and_stay_dead() -> None:
    faults, moves, at = movement(Clock())
    deaths = []
    faults.on_death = lambda: deaths.append("dead")
    faults.is_dead = True
    faults.is_dead = False
    assert faults.is_dead
    assert deaths == ["dead"]
    with pytest.raises(DeviceMissing, match="has died"):
        moves.go(1.0, "go")
    with pytest.raises(DeviceMissing, match="has died"):
        moves.place("ask")
    assert at == [0.0]


def test_who_refuses_says_what() -> None:
    faults, moves, _ = movement(Clock())
    faults.refuses = True
    with pytest.raises(SettingRefused, match="homing the stage: the device refuses"):
        moves.go(1.0, "homing the stage")


def test_a_triggered_camera_keeps_its_frames_in_order_and_in_bounds() -> None:
    eye = Eye(CONFIG, 1)
    eye.arm(True)
    assert eye.fetch(0.0) is None
    frame = np.zeros((1024, 1024), np.uint16)
    room = MEMORY_BYTES // frame.nbytes
    for number in range(room + 3):
        eye.keep(np.full_like(frame, number), DONE)
    assert eye.missed == 3
    kept = [eye.fetch(0.0) for _ in range(room + 1)]
    assert [int(one[0][0, 0]) for one in kept if one is not None] == list(range(room))
    assert kept[-1] is None
    eye.keep(frame, DONE)
    eye.arm(True)
    assert eye.fetch(0.0) is None
    assert eye.missed == 0


def test_a_device_stands_where_the_last_hub_of_its_thread_is() -> None:
    one, other = (Stand(lambda: pytest.fail("nobody asked for a bench")) for _ in range(2))
    offer(one)
    offer(other)
    assert offered() is other
    other.is_closed = True
    with pytest.raises(DeviceMissing, match="load the hub"):
        offered()


def test_a_stand_builds_its_bench_once_when_it_is_needed() -> None:
    built: list[Any] = []

    def build() -> Any:
        built.append(object())
        return built[-1]

    stand = Stand(build)
    assert built == []
    assert stand.bench is stand.bench is built[0]
    assert len(built) == 1


def test_experiment_time_never_jumps_when_its_speed_changes() -> None:
    clock = ScaledClock()
    clock.set_scale(1000.0)
    before_s = clock()
    clock.set_scale(0.0)
    assert clock() == clock() >= before_s
    clock.set_scale(1.0)
    assert clock() - before_s < 60_000.0


def test_each_line_has_a_cube_of_its_own() -> None:
    assert cube_names(CONFIG) == {"Laser488": "488"}
    lines = (
        LineConfig(name="one", wavelength_nm=561.2),
        LineConfig(name="two", wavelength_nm=561.0),
        LineConfig(name="three", wavelength_nm=640.0),
    )
    names = cube_names(CONFIG.model_copy(update={"extra_lines": lines}))
    assert names == {"Laser488": "488", "one": "one", "two": "two", "three": "640"}
