"""What useq's own iterator loses of a plan, and where both agree."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
import useq
from hypothesis import given, settings

from acquire.frame import Index
from acquire.plan.events import Focusing, plan_events
from acquire.plan.plan import PlannedShot, plan_shots
from acquire.settings import ChannelSettings, Settings

ORIGIN = (1.0, 2.0, 100.0)


def plan(**about: Any) -> useq.MDASequence:
    return useq.MDASequence(**({"channels": ["GFP"]} | about))


def shots(**about: Any) -> list[PlannedShot]:
    return list(plan_shots(plan(**about), ORIGIN))


def places(sequence: useq.MDASequence) -> list[tuple[float, ...]]:
    return [event.position_um for event in plan_events(sequence, ORIGIN)]


RELATIVE = st.fixed_dictionaries({"range": st.integers(0, 4), "step": st.just(1)})
ABSOLUTE = st.fixed_dictionaries({"absolute": st.lists(st.floats(-9, 9), min_size=1, max_size=3)})
GRID = st.fixed_dictionaries(
    {"rows": st.integers(1, 2), "columns": st.integers(1, 3), "fov_width": st.just(10.0),
     "fov_height": st.just(20.0)}
)  # fmt: skip
CHANNEL = st.fixed_dictionaries(
    {"z_offset": st.floats(-3, 3), "do_stack": st.booleans(), "acquire_every": st.integers(1, 3)}
)


@settings(max_examples=60, deadline=None)
@given(
    z_plan=st.none() | RELATIVE | ABSOLUTE,
    grid=st.none() | GRID,
    channels=st.lists(CHANNEL, min_size=1, max_size=3),
    spots=st.lists(st.tuples(st.floats(-99, 99), st.floats(-99, 99), st.floats(-9, 9)), max_size=3),
    loops=st.integers(1, 4),
)
def test_where_useq_loses_nothing_both_say_the_same(z_plan, grid, channels, spots, loops) -> None:
    if z_plan is None:  # without a stack useq drops the offset
        channels = [channel | {"z_offset": 0.0, "do_stack": True} for channel in channels]
    sequence = plan(
        z_plan=z_plan,
        grid_plan=grid,
        stage_positions=spots or [ORIGIN],
        channels=[{"config": f"c{n}", **channel} for n, channel in enumerate(channels)],
        time_plan={"interval": 7, "loops": loops},
    )
    theirs = [
        (
            dict(event.index),
            event.channel.config if event.channel else "",
            (event.x_pos, event.y_pos, event.z_pos),
            event.min_start_time,
        )
        for event in sequence
    ]
    ours = [
        (
            event.t,
            event.place,
            event.c,
            event.z,
            event.channel,
            event.position_um,
            event.min_start_s,
        )
        for event in plan_events(sequence, ORIGIN)
    ]
    assert len(ours) == len(theirs)
    for mine, (index, channel, at, start_s) in zip(ours, theirs, strict=True):
        t, place, c, z, name, position_um, min_start_s = mine
        assert (t, *place, c, z) == tuple(index.get(axis, 0) for axis in "tpgcz")
        assert name == channel
        assert position_um == pytest.approx(at)
        assert min_start_s == start_s


def test_a_channel_keeps_its_offset_without_a_stack() -> None:
    channels = [{"config": "GFP"}, {"config": "RFP", "z_offset": 1.5}]
    assert places(plan(channels=channels)) == [(1, 2, 100), (1, 2, 101.5)]


def test_offset_and_middle_plane_hold_at_a_place_with_a_stack_of_its_own() -> None:
    channels = [{"config": "GFP"}, {"config": "RFP", "z_offset": 1.5, "do_stack": False}]
    own = {"z_plan": {"range": 2, "step": 1}}
    found = places(plan(channels=channels, stage_positions=[{"x": 0, "y": 0, "sequence": own}]))
    assert found == [(0, 0, 99), (0, 0, 100), (0, 0, 101), (0, 0, 101.5)]


def test_a_channel_is_left_out_also_at_a_place_with_a_plan_of_its_own() -> None:
    channels = ["GFP", {"config": "RFP", "acquire_every": 2}]
    own = {"z_plan": {"range": 2, "step": 1}}
    seen = shots(
        channels=channels, stage_positions=[{"sequence": own}],
        time_plan={"interval": 1, "loops": 3},
    )  # fmt: skip
    assert [planned.frames() for planned in seen] == [
        {"GFP": 3, "RFP": 3}, {"GFP": 3}, {"GFP": 3, "RFP": 3}
    ]  # fmt: skip


def test_a_place_may_have_channels_of_its_own() -> None:
    own = {"channels": [{"config": "RFP", "z_offset": -1}]}
    seen = shots(channels=["GFP", "RFP"], stage_positions=[{"sequence": own}, {"x": 9, "y": 9}])
    assert [planned.frames() for planned in seen] == [{"RFP": 1}, {"GFP": 1, "RFP": 1}]
    (exposure,) = seen[0].exposures
    assert exposure.index == Index(0, 1, 0, 0)  # the run's second channel, whatever its own plan
    assert exposure.position_um == (1, 2, 99)


def test_an_empty_plan_of_a_place_changes_nothing() -> None:
    seen = shots(channels=["GFP", "RFP"], stage_positions=[{"sequence": {"metadata": {"a": 1}}}])
    assert [planned.frames() for planned in seen] == [{"GFP": 1, "RFP": 1}]


def test_a_grid_of_one_place_is_visited_tile_by_tile_with_all_channels_of_each() -> None:
    grid = {"rows": 1, "columns": 2, "fov_width": 10, "fov_height": 10}
    seen = shots(
        channels=["GFP", "RFP"],
        stage_positions=[{"x": 0, "y": 0, "sequence": {"grid_plan": grid}}, {"x": 99, "y": 0}],
    )
    assert [planned.shot.position for planned in seen] == [0, 1, 2]
    assert [planned.frames() for planned in seen] == [{"GFP": 1, "RFP": 1}] * 3
    assert [planned.exposures[0].position_um[0] for planned in seen] == [-5, 5, 99]
    assert [planned.exposures[0].place for planned in seen] == [0, 0, 1]


def test_wells_of_a_plate_are_fields() -> None:
    wells = {
        "plate": 96, "a1_center_xy": (500, 600), "selected_wells": ([0, 0], [0, 1]),
        "well_points_plan": {"rows": 1, "columns": 2, "fov_width": 10, "fov_height": 10},
    }  # fmt: skip
    seen = shots(stage_positions=wells, time_plan={"interval": 1, "loops": 2})
    assert [planned.shot.position for planned in seen] == [0, 1, 2, 3] * 2
    assert [planned.exposures[0].position_um for planned in seen[:4]] == [
        pytest.approx(at) for at in
        [(495, 600, 100), (505, 600, 100), (9495, 600, 100), (9505, 600, 100)]
    ]  # fmt: skip


def test_absolute_planes_stand_where_they_say_and_new_ones_are_around_their_middle() -> None:
    (planned,) = shots(z_plan={"absolute": [40.0, 50.0, 60.0]}, stage_positions=[(0, 0, 7)])
    assert [one.position_um[2] for one in planned.exposures] == [40, 50, 60]
    assert planned.focus_um == 50


def test_an_absolute_grid_says_where_whatever_its_place_does() -> None:
    edges = {"top": 20, "bottom": 0, "left": 0, "right": 20, "fov_width": 10, "fov_height": 10}
    assert {at[:2] for at in places(plan(grid_plan=edges))} == {(5, 5), (5, 15), (15, 5), (15, 15)}


def test_new_planes_respect_offsets_and_channels_that_take_no_stack() -> None:
    channels = [{"config": "GFP"}, {"config": "RFP", "z_offset": 2, "do_stack": False}]
    (planned,) = shots(channels=channels, z_plan={"range": 2, "step": 1})
    changed = planned.with_planes(Settings((ChannelSettings("GFP", 1, 1),), z_um=(-3.0, 0.0, 3.0)))
    assert [(one.channel, one.position_um[2]) for one in changed.exposures] == [
        ("GFP", 97), ("GFP", 100), ("GFP", 103), ("RFP", 102)
    ]  # fmt: skip


# Autofocus: where an axis of its plan has moved on, at the height that planes are relative to.


@pytest.mark.parametrize(
    ("axes", "before"),
    [
        ("p", [0, 2, 4, 6]),  # both places anew at each time point, as the other lies between
        ("t", [0, 4]),
        ("c", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("z", [0]),
    ],
)
def test_an_autofocus_comes_before_the_exposures_where_its_axes_have_moved(axes, before) -> None:
    found = list(plan_events(
        plan(
            channels=["GFP", {"config": "RFP", "z_offset": 3}],
            stage_positions=[(0, 0, 10), (9, 0, 20)],
            z_plan={"relative": [1.0]},
            time_plan={"interval": 1, "loops": 2},
            autofocus_plan={"axes": tuple(axes), "autofocus_motor_offset": 5.0,
                            "autofocus_device_name": "Offset"},
        ), ORIGIN,
    ))  # fmt: skip
    assert [n for n, event in enumerate(found) if event.focus is not None] == before
    first = found[0].focus
    assert first == Focusing(home_um=10, device="Offset", offset=5.0, tries=3)


def test_a_plan_that_ran_before_finds_its_focus_again() -> None:
    sequence = plan(autofocus_plan={"axes": ("p",)}, stage_positions=[(0, 0, 0)])
    for _ in range(2):  # useq's own plan remembers the place of the last run
        assert [event.focus is not None for event in plan_events(sequence, ORIGIN)] == [True]


def test_a_place_may_have_an_autofocus_of_its_own_and_still_all_its_channels_once() -> None:
    own = {"autofocus_plan": {"axes": ("p",)}, "z_plan": {"relative": [0.0]}}
    seen = shots(channels=["GFP", "RFP"], stage_positions=[{"sequence": own}, {"x": 5, "y": 5}])
    assert [[one.autofocus is not None for one in planned.exposures] for planned in seen] == [
        [True, False], [False, False]
    ]  # fmt: skip


# Time.


def test_one_place_after_the_other_each_with_its_own_beginning() -> None:
    seen = shots(
        axis_order="ptgcz", stage_positions=[(0, 0), (9, 0)], time_plan={"interval": 5, "loops": 2}
    )
    assert [(one.shot.position, one.min_start_s, one.resets_timer) for one in seen] == [
        (0, 0, True), (0, 5, False), (1, 0, True), (1, 5, False)
    ]  # fmt: skip


def test_places_with_times_of_their_own_begin_when_they_are_reached() -> None:
    quick = {"time_plan": {"interval": 1, "loops": 2}}
    once = {"time_plan": {"interval": 1, "loops": 1}}
    seen = shots(stage_positions=[{"sequence": once}, {"x": 9, "y": 9, "sequence": quick}])
    assert [(one.shot.position, one.min_start_s, one.resets_timer) for one in seen] == [
        (0, 0, True), (1, 0, True), (1, 1, False)
    ]  # fmt: skip


def test_all_places_of_a_time_point_share_one_timer() -> None:
    seen = shots(stage_positions=[(0, 0), (9, 0)], time_plan={"interval": 5, "loops": 2})
    assert [one.resets_timer for one in seen] == [True, False, False, False]


def test_properties_of_a_place_come_with_its_first_exposure() -> None:
    spot = {"x": 0, "y": 0, "properties": [("Wheel", "State", 3)]}
    (planned,) = shots(channels=["GFP", "RFP"], stage_positions=[spot])
    assert [one.properties for one in planned.exposures] == [(("Wheel", "State", "3"),), ()]


def test_a_long_time_plan_is_not_held_in_memory() -> None:
    events = plan_events(plan(time_plan={"interval": 1, "loops": 10**9}), ORIGIN)
    assert [next(events).t for _ in range(3)] == [0, 1, 2]
