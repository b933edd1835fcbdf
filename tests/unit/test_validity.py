from __future__ import annotations

from pathlib import Path

import pytest

from lightloop.config import parse
from lightloop.validity import decision_valid_s

DEMO = (Path(__file__).parents[2] / "configs" / "demo.toml").read_text("utf-8")
PLAN = "time_plan = { interval = { seconds = 120 }, loops = 300 }"
HOST = DEMO.replace('clock = "simulated"', 'clock = "host"').replace(
    "pace_s = 0.1", "decision_valid_s = 7.0"
)
SHOT_S = 0.1  # one frame of max_exposure_ms


def with_plan(plan: str, text: str = HOST) -> float:
    assert PLAN in text
    return decision_valid_s(parse(text.replace(PLAN, plan)))


def test_a_decision_is_good_for_the_plans_own_wait_and_one_turn() -> None:
    assert with_plan(PLAN) == pytest.approx(120 + 7 + SHOT_S)


def test_the_longest_wait_of_a_plan_in_phases_counts() -> None:
    phases = (
        "time_plan = [{ interval = { seconds = 5 }, loops = 3 }, "
        "{ interval = { seconds = 50 }, loops = 3 }]"
    )
    assert with_plan(phases) == pytest.approx(50 + 7 + SHOT_S)


def test_every_field_and_every_plane_has_its_turn() -> None:
    plan = (
        "stage_positions = [{ x = 0, y = 0 }, { x = 500, y = 0 }]\nz_plan = { range = 4, step = 1 }"
    )
    assert with_plan(plan) == pytest.approx(2 * (7 + 5 * SHOT_S))


def test_a_position_with_a_plan_of_its_own_waits_by_it() -> None:
    plan = (
        "stage_positions = [{ x = 0, y = 0, sequence = "
        "{ time_plan = { interval = { seconds = 30 }, loops = 2 } } }]"
    )
    assert with_plan(plan) >= 30 + 7 + SHOT_S


def test_simulated_time_is_not_waited_for() -> None:
    text = DEMO.replace("pace_s = 0.1", "pace_s = 0.5\ndecision_valid_s = 7.0")
    assert with_plan(PLAN, text) == pytest.approx(0.5 + 7 + SHOT_S)
