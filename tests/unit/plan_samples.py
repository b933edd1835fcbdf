"""A small plan whose dose and time are easily summed by hand: 4 times, 3 fields, 3 planes."""

from __future__ import annotations

from lightloop.config import RunConfig, parse

SMALL = """
[scope]
kind = "simulated"
height = 100
width = 200

[[light]]
name = "488"
wavelength_nm = 488.0
power_device = "Laser488"
power_property = "Power"
shutter_device = "Shutter"
gate = "camera"
power_mw_at_maximum = 2.0
lit_area_um2 = 1e5
limits = { max_exposure_ms = 100.0, budget_j_cm2 = 10.0 }

[[channel]]
name = "GFP"
light = "488"
exposure_ms = 50.0
power_fraction = 0.5

[plan]
time_plan = { interval = { seconds = 10 }, loops = 4 }
stage_positions = [{ x = 0, y = 0 }, { x = 500, y = 0 }, { x = 1000, y = 0 }]
z_plan = { range = 4, step = 2 }
"""


def small(old: str = "", new: str = "") -> RunConfig:
    assert old in SMALL
    return parse(SMALL.replace(old, new) if old else SMALL)
