"""Each bad input of a light is refused by `check`, before anything is lit, in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from acquire.errors import StartupLit
from lightloop.build.microscope import load_core
from lightloop.check.lights import check_lights, check_switches
from lightloop.check.scope import check_scope
from lightloop.config import ConfigError, RunConfig, parse

CONFIGS = Path(__file__).parents[2] / "configs"
DEMO = (CONFIGS / "demo.toml").read_text("utf-8")
CAMERA = (CONFIGS / "demo-camera.toml").read_text("utf-8")
NAME = "mine.toml"

SECOND = """
[[light]]
name = "{name}"
wavelength_nm = 561.0
power_device = "{device}"
power_property = "Power"
shutter_device = "Shutter"
gate = "camera"
limits = {{ budget_j_cm2 = 8.0 }}

[[channel]]"""


def refused(config: RunConfig, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refusal:
        check_scope(config, NAME)
    assert "\n" not in str(refusal.value)  # one sentence for one fault


def with_second(name: str, device: str) -> str:
    return DEMO.replace("[[channel]]", SECOND.format(name=name, device=device), 1)


def own_cfg(folder: Path, *lines: str) -> RunConfig:
    """Return the camera config on a Micro-Manager configuration of its own."""
    path = folder / "MyScope.cfg"
    path.write_text(
        "Property,Core,Initialize,0\n"
        "Device,White Light Shutter,DemoCamera,DShutter\n"
        "Device,Camera,DemoCamera,DCam\n"
        "Property,Core,Initialize,1\nProperty,Core,Camera,Camera\n" + "\n".join(lines) + "\n",
        encoding="utf-8",
    )
    return parse(CAMERA.replace('system = "demo"', f"system = {str(path)!r}"))


def test_the_shipped_configs_are_fine() -> None:
    for text in (DEMO, CAMERA):
        check_lights(parse(text), NAME)
        check_scope(parse(text), NAME)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DEMO.replace('power_property = "Power"', 'power_property = "Powr"'), "no property 'Powr'"),
        (with_second("561", "Laser488"), r"lights '488' and '561' are one source, Laser488 and Sh"),
    ],
)
def test_a_light_that_is_not_there_or_there_twice_is_refused(text: str, said: str) -> None:
    refused(parse(text), said)


def test_two_sources_with_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"\[\[light\]\] have the same name, '488'"):
        parse(with_second("488", "Laser561"), NAME)


def test_a_source_without_any_switch_is_refused() -> None:
    bare = DEMO
    for line in ('power_device = "Laser488"\n', 'shutter_device = "Shutter"\n'):
        assert line in bare
        bare = bare.replace(line, "")
    bare = bare.replace('power_property = "Power"', "")
    with pytest.raises(ConfigError, match="needs a shutter_device or a power_device to switch it"):
        parse(bare, NAME)


@pytest.mark.parametrize(
    "table", ["[[0, 0], [50, 2.0], [100, 1.0]]", "[[0, 0], [100, 1.0], [50, 2.0]]"]
)
def test_a_power_table_that_is_not_monotone_is_refused(table: str) -> None:
    with pytest.raises(ConfigError, match=r"light '488': power_table"):
        parse(DEMO.replace("power_mw_at_maximum = 1.3845", f"power_table = {table}"), NAME)


def test_a_lamp_that_cannot_be_kept_dark_behind_anothers_shutter_is_refused() -> None:
    bare = SECOND.format(name="lamp", device="").replace('power_device = ""\n', "")
    bare = bare.replace('power_property = "Power"\n', "")
    refused(parse(DEMO.replace("[[channel]]", bare, 1)), r"^mine\.toml: light '488' cannot be lit")


@pytest.mark.parametrize(
    ("scope", "light", "is_fine"),
    [
        ("camera", "camera", True),
        ("camera", "sequencer", True),
        ("camera", "software", False),
        ("software", "software", True),
        ("software", "camera", False),
        ("software", "sequencer", False),
        ("always-on", "camera", False),
        ("always-on", "software", False),
    ],
)
def test_the_simulated_light_is_gated_as_it_is_booked(
    scope: str, light: str, is_fine: bool
) -> None:
    text = DEMO.replace('kind = "simulated"', f'kind = "simulated"\ngate = "{scope}"', 1)
    config = parse(text.replace('gate = "camera"  ', f'gate = "{light}"  '))
    assert config.light[0].gate == light
    if is_fine:
        check_lights(config, NAME)
    else:
        refused(config, rf"\[\[light\]\] '488' has gate = '{light}', and \[scope\] has gate = ")


def test_a_simulated_line_that_is_always_on_may_be_switched_by_its_power() -> None:
    text = DEMO.replace('kind = "simulated"', 'kind = "simulated"\ngate = "always-on"', 1)
    text = text.replace('gate = "camera"  ', 'gate = "software"  ')
    check_lights(parse(text.replace('shutter_device = "Shutter"\n', "")), NAME)


def test_a_startup_preset_that_leaves_light_on_is_refused_before_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lit = own_cfg(tmp_path, "ConfigGroup,System,Startup,White Light Shutter,State,1")
    monkeypatch.setattr(
        "lightloop.build.microscope.load_system", lambda system: pytest.fail("it was loaded")
    )
    refused(lit, r"^mine\.toml: MyScope\.cfg leaves light 'white' on when it is loaded")
    with pytest.raises(StartupLit, match=r"MyScope\.cfg leaves light 'white' on"):
        load_core(lit, None, lambda: 0.0)  # a run, a calibration, a rehearsal: none loads it


def test_a_startup_preset_that_leaves_it_dark_is_loaded(tmp_path: Path) -> None:
    dark = own_cfg(tmp_path, "ConfigGroup,System,Startup,White Light Shutter,State,0")
    assert check_scope(dark, NAME) == (512, 512)


class Core:
    """What a core says of one property."""

    def __init__(self, **about: Any) -> None:
        self.about = about

    def getDeviceType(self, label: str) -> int:
        return int(self.about.get("kind", 3))

    def isPropertyReadOnly(self, label: str, name: str) -> bool:
        return bool(self.about.get("read_only", False))

    def getAllowedPropertyValues(self, label: str, name: str) -> tuple[str, ...]:
        return tuple(self.about.get("allowed", ()))

    def hasPropertyLimits(self, label: str, name: str) -> bool:
        return "limits" in self.about

    def getPropertyLowerLimit(self, label: str, name: str) -> float:
        return float(self.about["limits"][0])

    def getPropertyUpperLimit(self, label: str, name: str) -> float:
        return float(self.about["limits"][1])


WORDS = 'power_kind = "on-off"\non_text = "On"\noff_text = "Off"\nshutter_device'


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({}, ""),
        ({"limits": (0, 100)}, ""),
        ({"kind": 2}, r"shutter_device 'Shutter' is no shutter"),
        ({"read_only": True}, r"can only be read: the light cannot be switched off by it"),
        ({"limits": (5, 100)}, r"takes 5 to 100, and off_value is 0: the light cannot be switched"),
        ({"limits": (0, 50)}, r"takes 0 to 50, and maximum is 100: lower it"),
    ],
)
def test_devices_that_cannot_be_switched_off_are_refused(about: dict, said: str) -> None:
    judge(parse(DEMO), about, said)


@pytest.mark.parametrize(
    ("allowed", "said"),
    [(("On", "Off"), ""), ((), ""), (("On", "Standby"), r"does not know 'Off'; it takes On, Stan")],
)
def test_a_switch_that_does_not_know_its_word_for_off_is_refused(
    allowed: tuple[str, ...], said: str
) -> None:
    text = DEMO.replace("shutter_device", WORDS, 1)
    judge(parse(text), {"allowed": allowed, "limits": (5, 6)}, said)


def test_a_light_with_a_shutter_alone_has_no_power_to_look_at() -> None:
    judge(parse(CAMERA), {"read_only": True}, "")


def judge(config: RunConfig, about: dict, said: str) -> None:
    if not said:
        check_switches(Core(**about), config, NAME)
        return
    with pytest.raises(ConfigError, match=rf"^mine\.toml: \[\[light\]\] '488'.*{said}"):
        check_switches(Core(**about), config, NAME)
