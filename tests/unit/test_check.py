"""What a run would take, against sums made by hand; and what is refused before any light."""

from __future__ import annotations

import math
import os
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from acquire.simulated.photophysics.photophysics import Photophysics, brightness
from lightloop.check import (
    check_keeper,
    check_network,
    check_output,
    check_picture,
    check_policy,
    check_run,
    check_scope,
)
from lightloop.config import ConfigError, RunConfig, load, parse
from lightloop.predict import predict

CONFIGS = Path(__file__).parents[2] / "configs"
DEMO = (CONFIGS / "demo.toml").read_text("utf-8")
CAMERA = (CONFIGS / "demo-camera.toml").read_text("utf-8")

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


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("budget_j_cm2 = 10.0", "budget_j_cm2 = 0.5", r"over budget: 12 shots .* 0\.6 J/cm2"),
        ("exposure_ms = 50.0", "exposure_ms = 500.0", r"exposure_ms is 500, .*allows 1 to 100 ms"),
        ("exposure_ms = 50.0", "exposure_ms = 0.5", r"exposure_ms is 0\.5, .*allows 1 to 100 ms"),
        ("max_exposure_ms", "max_power_fraction = 0.4, max_exposure_ms", r"is 0\.5, .*most 0\.4"),
    ],
)  # fmt: skip
def test_light_that_its_limits_forbid_is_refused(old: str, new: str, said: str) -> None:
    config = parse(SMALL.replace(old, new, 1) if "power" in new else _last(old, new))
    with pytest.raises(ConfigError, match=said):
        check_run(config, predict(config), "small.toml")


def test_a_plan_that_goes_back_in_time_is_refused() -> None:
    config = small("seconds = 10", "seconds = -10")
    with pytest.raises(ConfigError, match=r"back in time, from 0 to -10 s"):
        check_run(config, predict(config), "mine.toml")


def test_the_shipped_configs_are_within_their_limits() -> None:
    for name in ("demo.toml", "demo-camera.toml"):
        config = load(CONFIGS / name)
        check_run(config, predict(config), name)


def test_an_output_that_exists_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(b"somebody's work")
    with pytest.raises(ConfigError, match="exists already"):
        check_output(path, 0)


def test_an_output_without_its_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no folder .*nowhere"):
        check_output(tmp_path / "nowhere" / "run.h5", 0)


@pytest.mark.skipif(
    sys.platform == "win32" or (hasattr(os, "geteuid") and os.geteuid() == 0),
    reason="folders are not closed by their mode to root, nor on Windows",
)
def test_a_closed_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="not allowed"):
        check_output(tmp_path / "run.h5", 0)


def test_a_folder_that_refuses_files_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("lightloop.check.tempfile.TemporaryFile", refuse)
    with pytest.raises(ConfigError, match=r"cannot be written .*not allowed"):
        check_output(tmp_path / "run.h5", 0)


def test_a_folder_that_takes_no_files_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")  # what /proc answers

    monkeypatch.setattr("lightloop.check.tempfile.TemporaryFile", refuse)
    for check in (lambda path: check_output(path, 0), check_picture):
        with pytest.raises(ConfigError, match=r"it takes no new file; name another folder$"):
            check(tmp_path / "run.h5")


def test_a_picture_may_be_written_over_but_not_into_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "run.png"
    check_picture(path)
    path.write_bytes(b"an older one")
    check_picture(path)
    assert path.read_bytes() == b"an older one"
    with pytest.raises(ConfigError, match="it is a folder"):
        check_picture(tmp_path)
    with pytest.raises(ConfigError, match=r"there is no folder .*nowhere"):
        check_picture(tmp_path / "nowhere" / "run.png")


def test_a_disk_that_is_too_full_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("lightloop.check.shutil.disk_usage", lambda _: usage(2e9, 1e9, 1e9))
    assert check_output(tmp_path / "run.h5", int(0.5e9)) == 1e9
    with pytest.raises(ConfigError, match=r"needs about 0\.90 GB and .* has 1\.00 GB"):
        check_output(tmp_path / "run.h5", int(0.9e9))


def test_the_microscopes_of_the_shipped_configs_are_complete() -> None:
    assert check_scope(parse(DEMO), "demo.toml") == (512, 512)
    assert check_scope(parse(CAMERA), "camera.toml") == (512, 512)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DEMO.replace('"Laser488"', '"Lazer488"'), r"did you mean 'Laser488'"),
        (DEMO.replace('"Power"', '"Powr"'), r"no property 'Powr'; did you mean 'Power'"),
        (CAMERA.replace("White Light", "Wite Light"), r"did you mean 'White Light Shutter'"),
        (CAMERA.replace('["Camera", "PixelType"', '["Camra", "PixelType"'), r"mean 'Camera'"),
        (CAMERA.replace('light = "white"', 'light = "white"\npreset = "DAPY"'), r"mean 'DAPI'"),
        (CAMERA.replace('system = "demo"', 'system = "none.cfg"'), r"cannot load none\.cfg"),
    ],
)  # fmt: skip
def test_a_missing_device_is_named_with_its_near_miss(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=rf"^mine\.toml: .*{said}"):
        check_scope(parse(text), "mine.toml")


def test_a_missing_network_is_refused_before_any_light() -> None:
    with pytest.raises(
        ConfigError, match=r"^mine\.toml: network\.denoise: .*'denoise-9d'.*denoise-2d"
    ):
        check_network(parse(f'{DEMO}\n[network]\ndenoise = "denoise-9d"\n'), "mine.toml")
    check_network(parse(f'{DEMO}\n[network]\ndenoise = ""\n'), "mine.toml")
    check_network(parse(DEMO), "mine.toml")


LED = """
[[light]]
name = "led"
wavelength_nm = 470.0
shutter_device = "LED Shutter"
limits = { budget_j_cm2 = 1.0 }

[[channel]]"""


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ('kind = "python"\npath = "nowhere.py"', r"nowhere\.py does not exist"),
        ('kind = "snr"\nchannel = "RFP"', r"policy\.channel is 'RFP', but the plan has GFP"),
    ],
)
def test_a_policy_that_cannot_be_made_is_refused_before_any_light(policy: str, said: str) -> None:
    with pytest.raises(ConfigError, match=rf"^mine\.toml: policy: .*{said}"):
        check_policy(parse(f"{SMALL}\n[policy]\n{policy}\n"), "mine.toml")


def test_the_policies_of_the_shipped_configs_can_be_made() -> None:
    for text in (DEMO, CAMERA):
        check_policy(parse(text), "mine.toml")


def test_a_light_that_the_keeper_cannot_turn_off_is_refused() -> None:
    check_keeper(parse(DEMO), "mine.toml")
    check_keeper(parse(CAMERA), "mine.toml")
    # Of this shutter, the demonstration's file says only in a startup preset what it shuts; such a
    # preset may light up, so the keeper does not apply it.
    with pytest.raises(ConfigError, match=r"keeper cannot turn the lights \('white', 'led'\) off"):
        check_keeper(parse(CAMERA.replace("[[channel]]", LED)), "mine.toml")


def test_not_a_number_is_over_every_budget() -> None:
    light = predict(small()).lights[0]
    import msgspec

    assert msgspec.structs.replace(light, dose=math.nan).is_over_budget


def _last(old: str, new: str) -> str:
    """Replace the last occurrence: the channel's, not the limit's."""
    head, _, tail = SMALL.rpartition(old)
    return head + new + tail
