from __future__ import annotations

import pytest
import useq

from acquire.errors import PlanRefused
from acquire.frame import Index, Shot
from acquire.plan.plan import plan_shots
from acquire.settings import ChannelSettings, Settings

CHANNELS = ["GFP", "RFP"]


def test_a_shot_is_all_channels_and_planes_of_one_time_and_field() -> None:
    plan = useq.MDASequence(
        axis_order="tpcz",
        time_plan={"interval": 60, "loops": 2},
        stage_positions=[(10, 20, 5), (30, 40, 6)],
        channels=CHANNELS,
        z_plan={"range": 2, "step": 1},
    )
    shots = list(plan_shots(plan))
    assert [planned.shot for planned in shots] == [
        Shot(0, 0, 6), Shot(1, 1, 6), Shot(2, 0, 6), Shot(3, 1, 6)
    ]  # fmt: skip
    assert [planned.min_start_s for planned in shots] == [0, 0, 60, 60]
    second = shots[1]
    assert [one.channel for one in second.exposures] == ["GFP"] * 3 + ["RFP"] * 3
    assert [one.index for one in second.exposures[:3]] == [Index(0, 0, z, 1) for z in range(3)]
    assert [one.position_um for one in second.exposures[:3]] == [
        (30, 40, 5), (30, 40, 6), (30, 40, 7)
    ]  # fmt: skip
    assert second.focus_um == 6


def test_what_the_plan_leaves_open_is_where_the_microscope_stands() -> None:
    plan = useq.MDASequence(axis_order="tcz", channels=["GFP"], z_plan={"range": 2, "step": 1})
    (planned,) = plan_shots(plan, origin_um=(1, 2, 100))
    assert [one.position_um for one in planned.exposures] == [(1, 2, 99), (1, 2, 100), (1, 2, 101)]
    assert planned.focus_um == 100


def test_a_place_without_a_height_keeps_the_focus() -> None:
    plan = useq.MDASequence(channels=["GFP"], stage_positions=[{"x": 7, "y": 8}])
    (planned,) = plan_shots(plan, origin_um=(1, 2, 100))
    assert planned.exposures[0].position_um == (7, 8, 100)


def test_each_tile_of_a_grid_is_a_field_of_its_own() -> None:
    plan = useq.MDASequence(
        channels=["GFP"],
        time_plan={"interval": 1, "loops": 2},
        grid_plan={"rows": 1, "columns": 2, "fov_width": 10, "fov_height": 10},
    )
    shots = list(plan_shots(plan, origin_um=(100, 0, 0)))
    assert [planned.shot.position for planned in shots] == [0, 1, 0, 1]
    assert [planned.exposures[0].position_um[0] for planned in shots[:2]] == [95, 105]


def test_an_audit_takes_the_first_channel_twice_and_the_others_once() -> None:
    plan = useq.MDASequence(channels=CHANNELS, time_plan={"interval": 1, "loops": 6})
    shots = list(plan_shots(plan, audit_every=3))
    assert [planned.shot.is_audit for planned in shots] == [False, False, True] * 2
    assert [planned.shot.n_frames for planned in shots] == [2, 2, 3] * 2
    assert [one.looks for one in shots[2].exposures] == [2, 1]
    assert shots[2].frames() == dict.fromkeys(CHANNELS, 1)


def test_an_audit_can_be_taken_as_the_plain_shot_that_it_would_have_been() -> None:
    plan = useq.MDASequence(channels=CHANNELS, time_plan={"interval": 1, "loops": 3})
    plain, audited = list(plan_shots(plan)), list(plan_shots(plan, audit_every=3))
    assert [planned.plain() for planned in audited] == plain
    assert audited[2] != plain[2]


def test_settings_may_ask_for_other_planes() -> None:
    plan = useq.MDASequence(
        channels=CHANNELS, stage_positions=[(0, 0, 50)], z_plan={"range": 4, "step": 1}
    )
    (planned,) = plan_shots(plan)
    settings = Settings((ChannelSettings("GFP", 1, 1),), z_um=(-3.0, 0.0, 3.0))
    changed = planned.with_planes(settings)
    assert [one.position_um[2] for one in changed.exposures] == [47, 50, 53] * 2
    assert [one.channel for one in changed.exposures] == ["GFP"] * 3 + ["RFP"] * 3
    assert [one.index.z for one in changed.exposures] == [0, 1, 2] * 2
    assert changed.shot.n_frames == 6
    assert planned.with_planes(Settings(())) is planned


def stacks(**more: object) -> useq.MDASequence:
    z_plan = {"range": 4, "step": 1, **more}
    return useq.MDASequence(channels=["GFP"], stage_positions=[(0, 0, 50)], z_plan=z_plan)


@pytest.mark.parametrize("asked", [(-2.0, 0.0, 1.0, 2.0), (2.0, 1.0, 0.0, -2.0)])
def test_planes_of_the_plan_keep_its_numbers_and_its_order_when_some_are_left_out(asked) -> None:
    (planned,) = plan_shots(stacks())
    some = planned.with_planes(Settings((), z_um=asked))
    whole = {one.index.z: one for one in planned.exposures}
    assert some.exposures == tuple(whole[z] for z in (0, 2, 3, 4))
    assert some.shot.n_frames == 4
    (downwards,) = plan_shots(stacks(go_up=False))
    some = downwards.with_planes(Settings((), z_um=asked))
    assert [(one.index.z, one.position_um[2]) for one in some.exposures] == [
        (0, 52), (1, 51), (2, 50), (4, 48)
    ]  # fmt: skip


def test_channels_without_a_stack_stay_and_what_comes_before_the_shot_still_does() -> None:
    channels = ["GFP", {"config": "RFP", "z_offset": 2, "do_stack": False}]
    place = {"x": 0, "y": 0, "z": 50, "properties": [("Objective", "State", "1")]}
    plan = useq.MDASequence(
        channels=channels, stage_positions=[place], z_plan={"range": 4, "step": 1}
    )
    (planned,) = plan_shots(plan)
    some = planned.with_planes(Settings((), z_um=(-1.0, 2.0)))
    assert [(one.channel, one.index.z, one.position_um[2]) for one in some.exposures] == [
        ("GFP", 1, 49), ("GFP", 4, 52), ("RFP", 2, 52)
    ]  # fmt: skip
    assert some.exposures[0].properties == (("Objective", "State", "1"),)
    assert not any(one.properties for one in some.exposures[1:])


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (
            {"axis_order": "tcpz", "channels": CHANNELS, "stage_positions": [(0, 0), (1, 1)]},
            "put t, p and g before c and z",
        ),
        ({"stage_positions": [(0, 0, 0)]}, "no channel"),
    ],
)
def test_a_plan_that_cannot_be_done_is_refused(plan: dict, says: str) -> None:
    with pytest.raises(PlanRefused, match=says):
        list(plan_shots(useq.MDASequence(**plan)))


def test_shots_are_planned_as_they_are_needed() -> None:
    plan = useq.MDASequence(channels=["GFP"], time_plan={"interval": 1, "loops": 10**4})
    shots = plan_shots(plan)
    assert next(shots).shot.number == 0
    assert next(shots).min_start_s == 1
