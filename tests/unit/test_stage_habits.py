"""Habits of real stages: settling, play, moves that fail, hang, or end elsewhere."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest

from acquire.errors import DeviceMissing, SettingRefused, StageError, StageTimeout
from acquire.light.source import Channel
from acquire.stand.habits import StageHabits
from acquire.stand.scope import Scope
from tests.focus_stand import FakeCore, failing
from tests.light_bench import LASER

CHANNELS = [Channel(name="a", light="488", preset="GFP"), Channel(name="b", light="488")]


def scope(core: FakeCore, cameras: dict[str, str] | None = None, **habits: Any) -> Scope:
    naps: list[float] = core.calls
    return Scope(
        cast("Any", core), CHANNELS, [LASER], StageHabits(**habits), cameras,
        lambda wait_s: naps.append(("nap", wait_s)),
    )  # fmt: skip


def test_a_stage_settles_after_it_has_stopped_and_before_anything_else() -> None:
    core = FakeCore()
    at = scope(core, settle_ms=50, z_settle_ms=20, filter_settle_ms=5)
    at.select("a")
    at.move_to(1, 2, 3)
    assert core.calls == [
        ("set", "Wheel", "State", "1"), ("nap", 0.005),
        ("xy", 1, 2), ("nap", 0.05), ("z", 3), ("nap", 0.02),
    ]  # fmt: skip


def test_where_we_are_nothing_moves_and_nothing_settles() -> None:
    core = FakeCore()
    at = scope(core, settle_ms=50, filter_settle_ms=5)
    at.select("a")
    at.move_to(1, 2, 3)
    core.calls.clear()
    at.select("a")
    at.move_to(1, 2, 3)
    assert core.calls == []


@pytest.mark.parametrize(
    ("play_um", "heights", "moves"),
    [
        (0.0, [0, 5, 3], [0, 5, 3]),
        (2.0, [0, 5, 3, 4], [-2, 0, 5, 1, 3, 4]),  # from below: only a step down takes a detour
        (-2.0, [0, -5, -3], [2, 0, -5, -1, -3]),
    ],
)
def test_play_of_the_focus_is_taken_up_from_one_side(play_um, heights, moves) -> None:
    core = FakeCore()
    at = scope(core, z_backlash_um=play_um)
    for height in heights:
        at.move_to(0, 0, height)
    assert [call[1] for call in core.calls if call[0] == "z"] == moves


def test_each_axis_of_the_stage_takes_its_own_detour() -> None:
    core = FakeCore()
    at = scope(core, backlash_um=10)
    for place in [(0, 0), (50, -50), (50, 20)]:
        at.move_to(*place, 0)
    assert [call[1:] for call in core.calls if call[0] == "xy"] == [
        (-10, -10), (0, 0), (50, -60), (50, -50), (50, 20)
    ]  # fmt: skip


@pytest.mark.parametrize("what", ["xy", "z"])
def test_a_stage_that_refuses_is_a_stage_error_that_says_where_to(what: str) -> None:
    core = FakeCore(faults={what: failing()})
    with pytest.raises(StageError, match=r"moving the (stage to 1.0, 2.0|focus to 3.00) um failed"):
        scope(core).move_to(1, 2, 3)


@pytest.mark.parametrize("what", ["XY", "Z"])
def test_a_stage_that_never_rests_is_a_timeout(what: str) -> None:
    core = FakeCore(busy={what: 10**9})
    with pytest.raises(StageTimeout, match=r"still moving after 0\.01 s"):
        scope(core, timeout_s=0.01).move_to(1, 2, 3)


def test_a_driver_that_never_comes_back_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acquire.stand.drive.GRACE_S", 0.01)
    release = threading.Event()
    core = FakeCore(faults={"xy": lambda: release.wait(10) and None})
    before = set(threading.enumerate())
    try:
        with pytest.raises(StageTimeout, match="has not come back"):
            scope(core, timeout_s=0.01).move_to(1, 2, 3)
    finally:
        release.set()
        for thread in set(threading.enumerate()) - before:
            thread.join()


def test_a_stage_that_ignores_its_command_is_found_out() -> None:
    core = FakeCore(faults={"xy": lambda: "ignored"})
    with pytest.raises(StageError, match=r"sent to 100.00, 0.00 um and says 0.00, 0.00"):
        scope(core).move_to(100, 0, 0)


def test_a_focus_that_stops_short_is_found_out_and_nan_is_nowhere() -> None:
    core = FakeCore(faults={"z": lambda: "ignored"})
    with pytest.raises(StageError, match=r"focus was sent to 9.00 um and says 0.00"):
        scope(core).move_to(0, 0, 9)
    core = FakeCore(faults={"ask xy": lambda: (float("nan"), 0.0)})
    with pytest.raises(StageError, match="says nan"):
        scope(core).move_to(0, 0, 0)


def test_nobody_is_asked_where_that_is_not_wanted() -> None:
    core = FakeCore(faults={"xy": lambda: "ignored", "z": lambda: "ignored"})
    scope(core, tolerance_um=0, z_tolerance_um=0).move_to(100, 0, 9)


def test_after_a_failure_the_place_is_unknown_and_the_next_move_is_made() -> None:
    core = FakeCore(faults={"z": failing(1)})
    at = scope(core)
    with pytest.raises(StageError):
        at.move_to(1, 2, 3)
    at.move_to(1, 2, 3)
    assert [call[0] for call in core.calls] == ["xy", "z", "xy", "z"]


# Filters, cameras, properties.


def test_a_filter_that_fails_is_set_again() -> None:
    core = FakeCore(faults={"set": failing(1)})
    at = scope(core)
    with pytest.raises(SettingRefused, match="selecting channel 'a' failed"):
        at.select("a")
    at.select("a")
    assert core.calls == [("set", "Wheel", "State", "1")] * 2


def test_each_channel_has_its_camera_and_the_others_the_first_one() -> None:
    core = FakeCore()
    at = scope(core, {"b": "Camera2"})
    for channel in ("a", "b", "b", "a"):
        at.select(channel)
    assert [call for call in core.calls if call[0] == "camera"] == [
        ("camera", "Camera2"), ("camera", "Camera")
    ]  # fmt: skip


def test_a_camera_that_is_not_there_is_named() -> None:
    with pytest.raises(DeviceMissing, match="camera of channel 'b': no device 'Camera9'"):
        scope(FakeCore(), {"b": "Camera9"})


def test_properties_of_a_place_are_set_once() -> None:
    core = FakeCore()
    at = scope(core)
    for _ in range(2):
        at.set_properties((("Wheel", "State", "2"),))
    assert core.calls == [("set", "Wheel", "State", "2")]
    at.select("a")  # its preset may be of the same wheel
    assert core.calls[-1] == ("set", "Wheel", "State", "1")


@pytest.mark.parametrize("device", ["Laser", "Shutter", "Core"])
def test_properties_never_move_light(device: str) -> None:
    core = FakeCore()
    with pytest.raises(SettingRefused, match="only the light guard moves light"):
        scope(core).set_properties(((device, "Power", "100"),))
    assert core.calls == []


def test_properties_that_are_not_there_are_named() -> None:
    with pytest.raises(DeviceMissing, match="plan: device 'Wheel' has no property 'Sate'"):
        scope(FakeCore()).set_properties((("Wheel", "Sate", "1"),))
