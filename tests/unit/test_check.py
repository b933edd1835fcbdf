"""What is refused before any light: limits, budgets, devices, networks, policies."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightloop.check.checks import check_network, check_policy, check_run
from lightloop.check.scope import check_keeper, check_scope
from lightloop.check.words import doubt_of_photons
from lightloop.config import ConfigError, OtherCameraConfig, load, parse
from lightloop.predict.prediction import predict
from tests.unit.plan_samples import SMALL, small

CONFIGS = Path(__file__).parents[2] / "configs"
DEMO = (CONFIGS / "demo.toml").read_text("utf-8")
CAMERA = (CONFIGS / "demo-camera.toml").read_text("utf-8")


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


def _last(old: str, new: str) -> str:
    """Replace the last occurrence: the channel's, not the limit's."""
    head, _, tail = SMALL.rpartition(old)
    return head + new + tail


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        (DEMO, ""),  # a simulated camera knows itself
        (CAMERA, ""),  # its gain is written down
        (CAMERA.replace("gain_adu_per_e = 1.0\n", ""), "the camera"),
    ],
)
def test_what_a_gain_that_nobody_told_means_is_said_with_its_cure(text: str, whose: str) -> None:
    said = doubt_of_photons(parse(text))
    assert bool(said) is bool(whose)
    if whose:
        assert f"nobody told the gain of {whose}, so 1 count is taken for 1 photo-electron" in said
        assert "lightloop calibrate camera" in said


def test_a_second_camera_without_a_gain_is_named() -> None:
    side = OtherCameraConfig(label="Side")
    config = parse(CAMERA).model_copy(update={"other_camera": (side,)})
    assert "the gain of 'Side', so" in doubt_of_photons(config)
