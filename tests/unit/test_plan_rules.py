"""What a plan may not say: each is one sentence, before anything moves."""

from __future__ import annotations

from typing import Any

import pytest
import useq

from acquire.plan.rules import objections

GRID: dict[str, Any] = {"rows": 1, "columns": 2, "fov_width": 10, "fov_height": 10}
TIMES: dict[str, Any] = {"interval": 1, "loops": 2}
RANDOM: dict[str, Any] = {"num_points": 2, "max_width": 9, "max_height": 9}


def own(**about: Any) -> dict[str, Any]:
    return {"stage_positions": [{"x": 0, "y": 0, "sequence": about}]}


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ({"keep_shutter_open_across": ("z",)}, "closed after each exposure"),
        ({"axis_order": "tpgc", "z_plan": {"range": 2, "step": 1}}, "z_plan would be left out"),
        ({"axis_order": "pgcz", "time_plan": TIMES}, "time_plan would be left out"),
        ({"axis_order": "tgcz", "stage_positions": [(0, 0)]}, "stage_positions would be left out"),
        ({"axis_order": "tpgz"}, "channels would be left out"),
        ({"axis_order": "tcpz", "stage_positions": [(0, 0), (1, 1)]}, "t, p and g before c and z"),
        ({"axis_order": "tpzgc", "grid_plan": GRID, "z_plan": {"range": 2, "step": 1}}, "before c"),
        ({"time_plan": TIMES | {"prioritize_duration": True}}, "prioritize_duration"),
        ({"time_plan": [TIMES, TIMES | {"prioritize_duration": True}]}, "prioritize_duration"),
        ({"time_plan": {"interval": 1, "loops": 10**9}}, "more than"),
        ({"grid_plan": {"rows": 1, "columns": 2}}, "fov_width and fov_height"),
        ({"grid_plan": RANDOM}, "random_seed"),
        (
            {"stage_positions": {"plate": 96, "a1_center_xy": (0, 0), "selected_wells": ([0], [0]),
                                 "well_points_plan": RANDOM}},
            "well_points_plan: give random_seed",
        ),
        ({"autofocus_plan": {"axes": ("p", "x")}}, "axis 'x' never moves"),
        ({"autofocus_plan": {"axes": ()}}, "names no axes"),
        (own(autofocus_plan={"axes": ("q",)}), "sequence.autofocus_plan: axis 'q'"),
        ({"setup": {"exposure": 5}}, "setup.exposure"),
        ({"setup": {"channel": "GFP"}}, "setup.channel"),
        ({"setup": {"keep_shutter_open": True}}, "setup.keep_shutter_open"),
        ({"setup": {"action": {"type": "hardware_autofocus"}}}, "hardware_autofocus"),
        ({"time_plan": TIMES} | own(time_plan=TIMES), "two clocks"),
        (own(grid_plan={"rows": 1, "columns": 2}), "sequence.grid_plan: give fov_width"),
        (own(channels=["Cy5"]), "'Cy5' is none of the run's"),
        (own(channels=[{"config": "GFP", "exposure": 5}]), "exposure is that of the run's"),
        (own(channels=[{"config": "GFP", "camera": "B"}]), "camera is that of the run's"),
        (own(setup={"properties": [("A", "B", "1")]}), "only the whole plan has a setup"),
        (own(axis_order="tpg", z_plan={"range": 2, "step": 1}), "z_plan would be left out"),
    ],
)  # fmt: skip
def test_what_would_be_dropped_is_named(plan: dict[str, Any], says: str) -> None:
    found = list(objections(useq.MDASequence(**({"channels": ["GFP"]} | plan))))
    assert len(found) == 1, found
    assert says in found[0]


@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"axis_order": "tpgzc", "z_plan": {"range": 2, "step": 1}, "time_plan": TIMES},
        {"axis_order": "ptgcz", "stage_positions": [(0, 0)], "time_plan": TIMES},
        {"axis_order": "tc", "time_plan": TIMES},
        {"axis_order": "tcpz", "time_plan": TIMES, "metadata": {"who": "me"}},
        {"grid_plan": RANDOM | {"random_seed": 3}},
        {"setup": {"properties": [("Camera", "Binning", "2")], "roi": (0, 0, 64, 64), "x_pos": 5}},
        own(time_plan=TIMES),
        own(z_plan={"range": 2, "step": 1}, grid_plan=GRID),
    ],
)
def test_what_can_be_done_is_not_objected_to(plan: dict[str, Any]) -> None:
    assert list(objections(useq.MDASequence(**({"channels": ["GFP"]} | plan)))) == []
