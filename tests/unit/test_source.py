from __future__ import annotations

import json
import math
from typing import Any

import pytest
from pydantic import ValidationError

from acquire.errors import LightRefused
from acquire.light.bounds import Allowed, Given, GuardRules, allow
from acquire.light.limits import LightLimits
from acquire.light.port import LightPort
from acquire.light.source import LightSource, irradiance_w_cm2
from acquire.settings import Limits
from tests.light_bench import DIODE, LASER, LED, ask

LIMITS = Limits(2, 50, 1.0, 10)
RULES = GuardRules()


def source(**about: Any) -> LightSource:
    """Read a source as the config does: strictly, by way of JSON."""
    text = json.dumps({"name": "x", "wavelength_nm": 488} | about)
    return LightSource.model_validate_json(text, strict=True)


def allow_one(request, light: LightSource, limits: Limits, last: Given | None = None) -> Allowed:
    """Ask for one frame of one light."""
    (channel,) = (entry.channel for entry in request.settings.channels)
    before = {light.name: last} if last else {}
    frames, of_light = {channel: 1}, {light.name: limits}
    return allow(request, frames, {channel: light}, of_light, before, RULES)[channel]


def test_irradiance_is_power_over_area() -> None:
    # 1 mW on 1 mm2: 0.1 W/cm2. 10 mW on a field of 333 um x 333 um: 9.0 W/cm2.
    assert irradiance_w_cm2(1.0, 1e6) == pytest.approx(0.1)
    assert irradiance_w_cm2(10.0, 333.0**2) == pytest.approx(9.018, rel=1e-3)


def test_a_light_that_is_not_calibrated_counts_in_parts_of_its_maximum() -> None:
    assert LASER.irradiance_w_cm2(0.25) == 0.25
    assert LASER.dose_j_cm2(0.25, 100) == pytest.approx(0.025)


def test_a_rolling_shutter_is_booked_with_its_readout() -> None:
    rolling = LASER.model_copy(update={"readout_ms": 10.0})
    assert rolling.dose_j_cm2(1.0, 10) == pytest.approx(0.020)


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({}, "to switch it off by"),
        ({"shutter_device": "S", "gate": "always-on"}, "not always-on"),
        ({"power_device": "L"}, "belong together"),
        ({"shutter_device": "S", "power_mw_at_maximum": 3.0}, "belong together"),
        ({"shutter_device": "S", "maximum": 1.0, "off_value": 1.0}, "above off_value"),
        ({"shutter_device": "S", "on_text": "On"}, "on_text and off_text"),
        (
            {"power_device": "L", "power_property": "P", "on_text": "On", "off_text": "Off"},
            "on_text and off_text",
        ),
        ({"shutter_device": "S", "wavelength_nm": float("nan")}, "wavelength_nm"),
        ({"shutter_device": "S", "colour": "blue"}, "colour"),
    ],
)
def test_a_light_that_makes_no_sense_is_refused(about: dict, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        source(**about)


def test_limits_are_in_order_and_become_what_the_guard_reads() -> None:
    with pytest.raises(ValidationError, match="must not be above"):
        LightLimits(min_exposure_ms=20, max_exposure_ms=10, budget_j_cm2=1)
    limits = LightLimits(budget_j_cm2=5).limits()
    assert limits.max_irradiance_w_cm2 == math.inf
    assert LightLimits(budget_j_cm2=5, max_irradiance_w_cm2=3).limits().max_irradiance_w_cm2 == 3


def test_a_device_in_steps_is_never_set_above_what_was_asked() -> None:
    stepped = LASER.model_copy(update={"power_step": 1.0})
    assert [stepped.takes(power) for power in (0.129, 0.13, 1.0, 0.004)] == [0.12, 0.13, 1.0, 0.0]
    allowed = allow_one(ask(power=0.129), stepped, LIMITS)
    assert allowed.power_fraction == 0.12
    with pytest.raises(LightRefused, match="as weak as"):
        allow_one(ask(power=0.004), stepped, LIMITS)


@pytest.mark.parametrize(
    ("about", "asked", "found", "is_it"),
    [
        ({}, 0.0005, 0.0015, False),
        ({}, 0.0005, 0.000505, True),
        ({}, 0.0005, 0.0, False),
        ({}, 0.5, 0.509, True),
        ({}, 0.5, 0.511, False),
        ({"power_tolerance": 0.0}, 0.123456789, 0.123457, True),  # six digits
        ({"power_tolerance": 0.0, "off_value": -1000.0, "maximum": 0.0}, 0.1234, 0.123404, True),
        ({"power_step": 1.0}, 0.02, 0.0204, True),
        ({"power_step": 1.0}, 0.02, 0.03, False),
        ({}, 0.5, math.nan, False),
    ],
)
def test_a_power_is_the_one_that_was_set_within_its_own_size(about, asked, found, is_it) -> None:
    assert LASER.model_copy(update=about).is_power(found, asked) is is_it


def test_doses_have_a_unit_in_words() -> None:
    assert LASER.dose_unit == "(relative)"
    calibrated = LASER.model_copy(update={"power_mw_at_maximum": 2.0, "lit_area_um2": 1e4})
    assert calibrated.dose_unit == "J/cm2"


# What one exposure may have.


def test_an_exposure_below_the_bound_is_longer_and_weaker_with_the_same_dose() -> None:
    allowed = allow_one(ask(exposure_ms=0.5, power=0.8), LASER, LIMITS)
    assert (allowed.exposure_ms, allowed.power_fraction) == (2, pytest.approx(0.2))
    assert "below min_exposure_ms" in allowed.reasons[0]


def test_an_exposure_above_the_bound_is_cut() -> None:
    allowed = allow_one(ask(exposure_ms=500, power=0.8), LASER, LIMITS)
    assert (allowed.exposure_ms, allowed.power_fraction) == (50, 0.8)
    assert "above max_exposure_ms" in allowed.reasons[0]


def test_irradiance_is_bounded_at_the_sample() -> None:
    strong = LASER.model_copy(update={"power_mw_at_maximum": 1.0, "lit_area_um2": 1e4})
    limits = Limits(2, 50, 1.0, 10, max_irradiance_w_cm2=2.5)  # its maximum is 10 W/cm2
    allowed = allow_one(ask(power=0.5), strong, limits)
    assert allowed.power_fraction == pytest.approx(0.25)
    assert "max_irradiance_w_cm2" in allowed.reasons[0]


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(2, 50, 0.5, 10), r"its full power is above max_power_fraction 0\.5 \(limits of"),
        (
            Limits(2, 50, 1.0, 10, max_irradiance_w_cm2=2),
            r"its 10 W/cm2 are above max_irradiance_w_cm2 2 \(limits of \[\[light\]\] 'led'\)",
        ),
    ],
    ids=["power", "irradiance"],
)
def test_a_light_that_cannot_be_dimmed_below_the_limits_is_refused(
    limits: Limits, said: str
) -> None:
    bright = LED.model_copy(update={"power_mw_at_maximum": 1.0, "lit_area_um2": 1e4})
    with pytest.raises(LightRefused, match=said):
        allow_one(ask(channel="led"), bright, limits)


def test_more_than_full_power_is_full_power() -> None:
    allowed = allow_one(ask(channel="led", power=2.0), LED, LIMITS)
    assert allowed.power_fraction == 1
    assert allowed.exposure_ms == 10


def test_a_light_that_cannot_be_dimmed_holds_by_a_shorter_exposure_or_not_at_all() -> None:
    held = ask(channel="led", exposure_ms=20, power=1.0, has_evidence=False)
    allowed = allow_one(held, LED, LIMITS, Given(0.005, 1))
    assert allowed.exposure_ms == pytest.approx(5)
    with pytest.raises(LightRefused, match="below min_exposure_ms"):
        allow_one(held, LED, LIMITS, Given(0.001, 1))


@pytest.mark.parametrize(
    ("exposure_ms", "power", "readout_ms"), [(1.0, 1.0, 0.0), (20.0, 0.05, 0.0), (16.0, 0.5, 15.0)]
)
def test_a_light_that_cannot_be_dimmed_never_gets_more_than_was_asked(
    exposure_ms: float, power: float, readout_ms: float
) -> None:
    light = LED.model_copy(update={"readout_ms": readout_ms})
    with pytest.raises(LightRefused, match=r"cannot be dimmed.*below min_exposure_ms 2"):
        allow_one(ask(channel="led", exposure_ms=exposure_ms, power=power), light, LIMITS)


# What devices say.


class OneDevice:
    """A core with one laser that says what it is told to say."""

    def __init__(self, says: object) -> None:
        self.says = says
        self.told: list[str] = []

    def setAutoShutter(self, state: bool) -> None:
        pass

    def getLoadedDevices(self) -> list[str]:
        return ["Diode"]

    def getLoadedDevicesOfType(self, kind: int) -> list[str]:
        return ["Lamp"]

    def getDevicePropertyNames(self, label: str) -> list[str]:
        return ["Power"]

    def setProperty(self, label: str, name: str, value: str) -> None:
        self.told.append(value)

    def getProperty(self, label: str, name: str) -> object:
        return self.says

    def isPropertySequenceable(self, label: str, name: str) -> bool:
        return False


@pytest.mark.parametrize(
    ("about", "says", "is_dark"),
    [
        ({}, "0", True),
        ({}, 0.0, True),
        ({}, "0.5", False),
        ({"dark_below": 0.01}, "0.5", True),
        ({}, "error 7", False),
        ({}, "nan", False),
        ({"off_value": 4.0}, "4.0", True),
        ({"power_kind": "on-off", "on_text": "On", "off_text": "Off"}, "Off", True),
        ({"power_kind": "on-off", "on_text": "On", "off_text": "Off"}, "On", False),
        ({"power_kind": "on-off", "on_text": "On", "off_text": "Off"}, "?", False),
    ],
)
def test_only_a_clear_answer_counts_as_dark(about: dict, says: object, is_dark: bool) -> None:
    light = DIODE.model_copy(update=about)
    port = LightPort(OneDevice(says), [light])  # type: ignore[arg-type]
    assert port.dark(light) is is_dark
    assert port.is_lit(light) is not is_dark


@pytest.mark.parametrize(
    ("about", "fraction", "told"),
    [
        ({}, 0.123456789, "12.3457"),
        ({"maximum": 20.0, "off_value": 4.0}, 0.5, "12"),
        ({"power_kind": "on-off", "maximum": 1.0}, 1.0, "1"),
        ({"power_kind": "on-off", "maximum": 1.0}, 0.0, "0"),
        ({"power_kind": "on-off", "on_text": "On", "off_text": "Off"}, 1.0, "On"),
    ],
)
def test_devices_are_told_in_their_own_words(about: dict, fraction: float, told: str) -> None:
    core = OneDevice("0")
    light = DIODE.model_copy(update=about)
    LightPort(core, [light]).set_power(light, fraction)  # type: ignore[arg-type]
    assert core.told == [told]


def test_a_shutter_that_nobody_declared_is_named(caplog) -> None:
    LightPort(OneDevice("0"), [DIODE])  # type: ignore[arg-type]
    assert "shutter 'Lamp' belongs to no [[light]]" in caplog.text


def test_a_read_back_that_only_repeats_is_called_by_its_name(caplog) -> None:
    LightPort(OneDevice("0"), [DIODE.model_copy(update={"read_back": "cached"})])  # type: ignore[arg-type]
    assert "dark cannot be proved" in caplog.text
