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
    skips = [block for block in blocks if "axial_skip" in block]  # this plan's places forbid it
    assert (len(blocks), len(skips)) == (7, 1)
    blocks.remove(skips[0])
    config = parse(REST + "\n".join(blocks), "plans.md")
    shots = plan_shots(config.sequence(), (0.0, 0.0, 0.0))
    first = [next(shots) for _ in range(5)]
    assert [one.shot.position for one in first] == [0, 1, 2, 3, 4]
    assert [len(one.exposures) for one in first] == [6] * 5  # five planes, and one of the other


def test_the_example_of_skipped_planes_is_a_config_of_a_stack() -> None:
    (block,) = [b for b in re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
                if "axial_skip" in b]  # fmt: skip
    plan = (
        "[plan]\nz_plan = { range = 8.0, step = 1.0 }\ntime_plan = { interval = 60.0, loops = 5 }\n"
    )
    config = parse(f"{REST}{plan}{block}", "plans.md")
    assert config.network.axial_skip == 2
