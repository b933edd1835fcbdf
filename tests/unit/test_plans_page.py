"""The page about plans: its examples are read as configs, and nothing in them is refused."""

from __future__ import annotations

import re
from pathlib import Path

from acquire.plan.plan import plan_shots
from lightloop.config import parse

PAGE = Path(__file__).parents[2] / "docs" / "plans.md"
REST = """
[scope]
kind = "micro-manager"
[[light]]
name = "488"
wavelength_nm = 488.0
shutter_device = "White Light Shutter"
limits = { budget_j_cm2 = 10.0, max_exposure_ms = 100.0 }
[[light]]
name = "561"
wavelength_nm = 561.0
shutter_device = "LED Shutter"
limits = { budget_j_cm2 = 10.0, max_exposure_ms = 100.0 }
[[channel]]
name = "GFP"
light = "488"
exposure_ms = 20.0
"""


def test_the_examples_of_the_page_are_one_config() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 6
    config = parse(REST + "\n".join(blocks), "plans.md")
    shots = plan_shots(config.sequence(), (0.0, 0.0, 0.0))
    first = [next(shots) for _ in range(5)]
    assert [one.shot.position for one in first] == [0, 1, 2, 3, 4]
    assert [len(one.exposures) for one in first] == [6] * 5  # five planes, and one of the other
