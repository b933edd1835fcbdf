"""What a run would take, against sums made by hand."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from acquire.simulated.photophysics.photophysics import Photophysics, brightness
from lightloop.config import parse
from lightloop.predict.prediction import predict
from tests.unit.plan_samples import SMALL, small

CONFIGS = Path(__file__).parents[2] / "configs"
DEMO = (CONFIGS / "demo.toml").read_text("utf-8")
CAMERA = (CONFIGS / "demo-camera.toml").read_text("utf-8")


def test_shots_frames_time_and_disk_are_those_of_the_plan() -> None:
    seen = predict(small())
    assert (seen.shots, seen.fields, seen.frames) == (4 * 3, 3, 4 * 3 * 3)
    assert seen.experiment_s == 30.0
    assert seen.raw_bytes == 36 * 100 * 200 * 2
    assert seen.disk_bytes < seen.raw_bytes


def test_dose_is_irradiance_times_time_of_one_field() -> None:
    # 1 mW over 1e5 um2 = 1e-3 cm2 is 1 W/cm2; 50 ms of it, 4 time points of 3 planes.
    light = predict(small()).lights[0]
    assert light.dose == pytest.approx(1.0 * 0.050 * 12)
    assert light.on_s == pytest.approx(0.050 * 12)
    assert light.most_dose == pytest.approx(2.0 * 0.100 * 12)
    assert light.unit == "J/cm2"


def test_an_uncalibrated_light_says_that_its_dose_is_relative() -> None:
    config = small("power_mw_at_maximum = 2.0\nlit_area_um2 = 1e5\n", "")
    light = predict(config).lights[0]
    assert light.unit == "relative"
    assert light.dose == pytest.approx(0.5 * 0.050 * 12)  # seconds at full power


def test_light_that_we_blank_ourselves_is_counted_with_its_commands() -> None:
    config = small(
        'gate = "camera"', 'gate = "software"\nopen_delay_ms = 3.0\nclose_delay_ms = 2.0'
    )
    each_s = 0.050 + 0.005 + 1e-3 * config.guard.switch_allowance_ms
    light = predict(config).lights[0]
    assert light.on_s == pytest.approx(12 * each_s)
    assert light.dose == pytest.approx(1.0 * 12 * each_s)


def test_a_lamp_that_nobody_switches_shines_all_the_time() -> None:
    switch = 'power_device = "Laser488"\npower_property = "Power"\nshutter_device = "Shutter"\n'
    config = parse(SMALL.replace(switch, "").replace('"camera"', '"always-on"'))
    light = predict(config).lights[0]
    assert light.on_s == 30.0
    assert light.dose == pytest.approx(2.0 * 30.0)


def test_frames_end_the_run_after_the_shot_that_holds_them() -> None:
    assert predict(small(), frames=1).frames == 3
    assert predict(small(), frames=4).frames == 6
    assert predict(small(), frames=10_000).frames == 36


def test_simulated_time_costs_only_its_pace() -> None:
    config = small("[plan]", '[loop]\nclock = "simulated"\npace_s = 0.5\n[plan]')
    seen = predict(config)
    assert seen.experiment_s == 30.0
    assert seen.host_s == pytest.approx(12 * 0.5)


def test_a_plan_without_times_takes_one_shot_of_each_field() -> None:
    config = small("time_plan = { interval = { seconds = 10 }, loops = 4 }\n", "")
    seen = predict(config)
    assert (seen.shots, seen.experiment_s) == (3, pytest.approx(3 * 3 * 0.050))


def test_bleaching_is_that_of_the_simulation_shot_by_shot() -> None:
    config = parse(DEMO.replace("loops = 300", "loops = 25"))
    physics = Photophysics.of(config.scope)  # type: ignore[arg-type]
    channel, interval_s = config.channel[0], 120.0
    irradiance = channel.power_fraction * 5.0
    fluence = np.array([irradiance * channel.exposure_ms * 1e-3])
    bright, damage = np.ones((1, 2)), np.zeros(1)
    for shot in range(25):
        if shot:
            physics.rest(bright, damage, interval_s)
        physics.bleach(bright, fluence, irradiance)
    physics.rest(bright, damage, interval_s)
    bleached = predict(config).bleached_fraction
    assert bleached == pytest.approx(1.0 - brightness(bright)[0], rel=1e-3)
    assert bleached is not None
    assert bleached > 0.01


def test_nobody_knows_how_a_real_dye_bleaches() -> None:
    assert predict(parse(CAMERA)).bleached_fraction is None


def test_not_a_number_is_over_every_budget() -> None:
    light = predict(small()).lights[0]
    assert msgspec.structs.replace(light, dose=math.nan).is_over_budget
