"""What was rehearsed is kept with the lights that it was rehearsed with, and told before a run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from acquire.errors import LightNotDark
from lightloop.config import ConfigError, RunConfig, parse
from lightloop.rehearse.figures import LinePlan, refuse_light
from lightloop.rehearse.kept import LineFigures, Rehearsal, load, save, words
from lightloop.rehearse.rehearsal import least_power, plan_rehearsal
from lightloop.rehearse.stand import stand_sha256
from tests.lasting_stand import config_of, write_system

TEXT = files("configs").joinpath("demo-camera.toml").read_text("utf-8")
DEMO = files("configs").joinpath("demo.toml").read_text("utf-8")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FIGURES = LineFigures(
    "white", 1.0, "camera", 5.0, 2.0, 3.0, 120.0, 0.0, 1e-4, 0.0, 1e-4, 0.5, "(relative)"
)


def kept(folder: Path, config: RunConfig, date: datetime = NOW, **about: object) -> Rehearsal:
    line = msgspec.structs.replace(FIGURES, **about)
    found = Rehearsal(
        date.isoformat(), "scope.toml", stand_sha256(config), "Camera", "lamp off by hand", (line,)
    )
    save(found, folder)
    return found


def warnings(config: RunConfig, folder: Path) -> str:
    said = words(config, "scope.toml", folder, NOW)
    return "; ".join(word.text for word in said if word.is_warning)


def test_what_was_kept_is_found_again_and_said(tmp_path: Path) -> None:
    config = parse(TEXT)
    found = kept(tmp_path, config)
    assert load(config, tmp_path) == found
    assert warnings(config, tmp_path) == ""
    text = "; ".join(word.text for word in words(config, "scope.toml", tmp_path, NOW))
    assert "dark 120 ms after a deadline that nobody kept" in text
    assert "less than 0.01% of its light behind its closed switch" in text


@pytest.mark.parametrize(
    ("was", "now", "is_same"),
    [
        ("budget_j_cm2 = 20.0", "budget_j_cm2 = 30.0", True),
        ("exposure_ms = 20.0", "exposure_ms = 30.0", True),
        ('gate = "software"', 'gate = "software"\nopen_delay_ms = 9.0', False),
        ('"White Light Shutter"', '"LED Shutter"', False),
        ('read_back = "real"', 'read_back = "cached"', True),  # there is none in the text
    ],
)
def test_a_rehearsal_is_of_the_lights_and_of_nothing_else(
    was: str, now: str, is_same: bool
) -> None:
    assert (stand_sha256(parse(TEXT)) == stand_sha256(parse(TEXT.replace(was, now)))) is is_same


@pytest.mark.parametrize(
    ("was", "now", "is_same"),
    [
        ("LastingShutter", "AnotherShutter", False),
        ("Laser,Port,7", "Laser,Port,8", False),
        ("Device,Camera,DemoCamera,DCam", "Device,Camera,DemoCamera,DStage", True),
    ],
)
def test_a_configuration_file_whose_light_devices_were_changed_is_another_stand(
    tmp_path: Path, was: str, now: str, is_same: bool
) -> None:
    system = write_system(tmp_path, 7)
    config = parse(config_of(system))
    before = stand_sha256(config)
    text = system.read_text("utf-8")
    assert was in text
    system.write_text(text.replace(was, now), "utf-8")
    assert (stand_sha256(config) == before) is is_same
    system.unlink()
    assert stand_sha256(config) != before


def test_lights_that_were_never_rehearsed_are_warned_of_and_changed_ones_too(
    tmp_path: Path,
) -> None:
    config = parse(TEXT)
    assert "never rehearsed" in warnings(config, tmp_path)
    kept(tmp_path, config)
    other = parse(TEXT.replace('"White Light Shutter"', '"LED Shutter"'))
    assert "not as they were when they were rehearsed" in warnings(other, tmp_path)


def test_an_old_rehearsal_is_to_be_done_again(tmp_path: Path) -> None:
    config = parse(TEXT)
    kept(tmp_path, config, NOW - timedelta(days=100))
    assert "rehearsed 100 days ago" in warnings(config, tmp_path)


def test_a_file_that_cannot_be_read_is_said_and_stops_nothing(tmp_path: Path) -> None:
    config = parse(TEXT)
    kept(tmp_path, config)
    next(tmp_path.glob("*.json")).write_text("{", "utf-8")
    assert "rehearse again" in warnings(config, tmp_path)


@pytest.mark.parametrize(
    ("about", "doubt"),
    [
        ({"open_ms": 30.0}, "open_delay_ms is 0, and 30 ms were measured"),
        ({"close_ms": 12.0}, "close_delay_ms is 0, and 12 ms were measured"),
        ({"closed_share": 0.02}, "2.00% of its light passes with its closed switch"),
        ({"off_share": 0.003}, "0.30% of its light passes with everything switched off"),
        ({"seen_by": "read-back"}, "nobody has seen it go dark but its own read-back: look"),
    ],
)
def test_what_is_not_as_the_config_has_it_is_a_warning(
    tmp_path: Path, about: dict[str, object], doubt: str
) -> None:
    config = parse(TEXT)
    kept(tmp_path, config, **about)
    assert doubt in warnings(config, tmp_path)


def test_a_read_back_that_only_repeats_is_never_called_a_proof(tmp_path: Path) -> None:
    config = parse(TEXT.replace('gate = "software"', 'gate = "software"\nread_back = "cached"'))
    kept(tmp_path, config, seen_by="read-back")
    assert "only repeats what it is told" in warnings(config, tmp_path)


def test_a_simulated_light_needs_no_rehearsal(tmp_path: Path) -> None:
    assert warnings(parse(DEMO), tmp_path) == ""


def test_a_light_is_rehearsed_at_the_least_power_that_its_device_takes() -> None:
    light = parse(DEMO).light[0]
    assert least_power(light, 0.01) == pytest.approx(0.01)
    assert least_power(light, 1.0) == light.limits.max_power_fraction
    steps = light.model_copy(update={"power_step": 5.0})  # of 100
    assert least_power(steps, 0.01) == pytest.approx(0.05)
    assert least_power(steps, 0.12) == pytest.approx(0.10)
    assert least_power(parse(TEXT).light[0], 0.01) == 1.0


def test_a_lamp_without_a_switch_cannot_be_rehearsed() -> None:
    lamp = TEXT.replace('shutter_device = "White Light Shutter"', "").replace(
        'gate = "software"', 'gate = "always-on"'
    )
    with pytest.raises(ConfigError, match="nothing to rehearse"):
        plan_rehearsal(parse(lamp), "scope.toml", 0.01)


@pytest.mark.parametrize("about", [{"off_share": 0.9}, {"closed_share": 0.5}])
def test_light_that_is_seen_after_it_was_switched_off_is_no_leak(about: dict[str, float]) -> None:
    config = parse(TEXT)
    plan = LinePlan(config.light[0], "white", 1.0, 20.0, 10)
    refuse_light(plan, FIGURES)
    with pytest.raises(LightNotDark, match="DARK NOT CONFIRMED"):
        refuse_light(plan, msgspec.structs.replace(FIGURES, **about))
