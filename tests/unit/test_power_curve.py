"""A power table in both directions, the curve that is fitted to readings, and the light behind."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from acquire.calibrating.power_curve import PowerCurve, check_table, fit_power
from acquire.errors import CalibrationRefused
from acquire.light.port import LightPort
from acquire.light.source import LightSource

DIODE = ((0.0, 0.0), (10.0, 0.0), (40.0, 3.0), (80.0, 6.0), (100.0, 6.0))  # threshold, then full
LASER = {
    "name": "488", "wavelength_nm": 488, "power_device": "L", "power_property": "P",
    "shutter_device": "S",
}  # fmt: skip
TABLED = LightSource(**LASER, power_table=DIODE, lit_area_um2=1e5)

Table = tuple[tuple[float, float], ...]


def rising(steps: list[tuple[float, float]]) -> Table:
    sums = np.cumsum(np.array(steps), axis=0)
    return ((0.0, 0.0), *((float(command), float(mw)) for command, mw in sums))


tables = st.lists(
    st.tuples(st.floats(0.01, 10), st.just(0.0) | st.floats(1e-6, 10)), min_size=1
).map(rising)


class FakeCore:
    """One power device, and nothing else."""

    def __init__(self) -> None:
        self.value = "0"

    def getLoadedDevices(self) -> list[str]:
        return ["L", "S"]

    def getLoadedDevicesOfType(self, kind: int) -> list[str]:
        return []

    def getDevicePropertyNames(self, label: str) -> list[str]:
        return ["P"]

    def setAutoShutter(self, state: bool) -> None: ...

    def setProperty(self, label: str, name: str, value: str) -> None:
        self.value = value

    def getProperty(self, label: str, name: str) -> str:
        return self.value

    def setShutterOpen(self, label: str, state: bool) -> None: ...

    def getShutterOpen(self, label: str) -> bool:
        return False


@given(tables, st.floats(0, 1))
def test_a_command_gives_the_light_that_was_asked_for_and_never_more(
    table: Table, fraction: float
) -> None:
    if not table[-1][1] > 0:
        return
    curve = PowerCurve(table)
    command = curve.command(fraction)
    assert table[0][0] <= command <= table[-1][0]
    assert curve.fraction(command) == pytest.approx(fraction, abs=1e-6)
    assert curve.fraction(command) <= fraction + 1e-9


@given(tables, st.floats(0, 200), st.floats(0, 200))
def test_more_command_is_never_less_light(table: Table, one: float, two: float) -> None:
    if table[-1][1] > 0:
        curve = PowerCurve(table)
        assert curve.mw(min(one, two)) <= curve.mw(max(one, two))


def test_between_its_entries_a_table_is_numpys_interpolation() -> None:
    curve = PowerCurve(DIODE)
    for command in np.linspace(-10, 120, 66):
        expected = np.interp(command, *zip(*DIODE, strict=True))
        assert curve.mw(float(command)) == pytest.approx(float(expected))


def test_a_dead_zone_is_passed_over_and_a_plateau_is_not_climbed() -> None:
    curve = PowerCurve(DIODE)
    assert curve.command(0.0) == 0.0
    assert curve.command(1e-9) == pytest.approx(10.0, abs=1e-6)
    assert curve.command(1.0) == 80.0


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (((0.0, 0.0),), "at least 2"),
        (((0.0, 0.0), (50.0, 3.0), (100.0, 2.0)), "falls from 3 mW at 50 to 2 mW at 100"),
        (((0.0, 0.0), (0.0, 1.0)), "must rise"),
        (((0.0, 0.0), (1.0, 0.0)), "must give light"),
        (((0.0, 0.0), (1.0, math.nan)), "from 0 to 1e5 mW"),
        (((0.0, -1.0), (1.0, 1.0)), "from 0 to 1e5 mW"),
        (((0.0, 0.0), (math.inf, 1.0)), "from 0 to 1e5 mW"),
    ],
)
def test_a_table_that_cannot_be_read_both_ways_is_refused(table: Table, says: str) -> None:
    with pytest.raises(CalibrationRefused, match=says):
        check_table(table)
    with pytest.raises(ValidationError, match="488"):
        LightSource(**LASER, power_table=table, lit_area_um2=1e5)


def test_the_fit_follows_a_modulator_within_a_part_in_three_hundred() -> None:
    def truth(command: float) -> float:
        return 5.0 * math.sin(math.pi / 2 * command / 100) ** 2  # an acousto-optic modulator

    curve = PowerCurve(fit_power([(command, truth(command)) for command in range(0, 101, 10)]))
    for command in np.linspace(0, 100, 333):
        assert curve.mw(float(command)) == pytest.approx(truth(float(command)), abs=5.0 / 300)


def test_noise_of_the_meter_is_evened_out_and_the_curve_still_rises() -> None:
    rng = np.random.default_rng(3)
    commands = np.repeat(np.linspace(0, 100, 41), 2)
    readings = np.maximum(0.0, 0.05 * commands + 0.02 * rng.standard_normal(commands.size))
    table = fit_power(list(zip(commands, readings, strict=True)))
    check_table(table)
    errors = [mw - 0.05 * command for command, mw in table]
    assert np.std(errors) < 0.02


def test_light_that_really_falls_is_refused_with_the_command_to_stop_at() -> None:
    with pytest.raises(CalibrationRefused, match="Set the light's maximum to 80"):
        fit_power([(0, 0), (40, 3), (80, 5), (100, 4)])


@pytest.mark.parametrize("readings", [[(0, 0)], [(0, 0), (0, 1)], [(0, 0), (1, math.nan)]])
def test_readings_that_make_no_curve_are_refused(readings: list[tuple[float, float]]) -> None:
    with pytest.raises(CalibrationRefused):
        fit_power(readings)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"power_table": DIODE}, "belong together"),
        ({"power_table": DIODE, "lit_area_um2": 1e5, "power_mw_at_maximum": 3.0}, "not both"),
        ({"power_table": DIODE[:-1], "lit_area_um2": 1e5}, "must go from off_value 0 to maximum"),
        ({"power_table": DIODE, "lit_area_um2": 1e5, "power_kind": "on-off"}, "continuous power"),
        ({"calibration": "x", "lit_area_um2": 1e5}, "take out"),
        ({"calibration": "x", "lit_area_um2": 1e5, "power_table": DIODE}, "take out"),
    ],
)
def test_a_light_has_one_calibration(fields: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        LightSource(**{**LASER, **fields})


def test_half_the_power_is_half_the_light_whatever_the_device_does() -> None:
    core = FakeCore()
    port = LightPort(core, [TABLED])  # type: ignore[arg-type]
    assert port.set_power(TABLED, 0.5) == pytest.approx(0.5)
    assert float(core.value) == pytest.approx(40.0)  # where the table has 3 of 6 mW
    assert TABLED.irradiance_w_cm2(0.5) == pytest.approx(3.0)  # mW / 1e5 um2
    assert TABLED.is_calibrated


def test_below_its_threshold_a_diode_is_not_called_dark() -> None:
    core = FakeCore()
    source = LightSource(
        name="d", wavelength_nm=405, power_device="L", power_property="P", power_table=DIODE,
        lit_area_um2=1e5,
    )  # fmt: skip
    port = LightPort(core, [source])  # type: ignore[arg-type]
    core.value = "5"
    assert port.is_lit(source)
    assert port.set_power(source, 0.0) == 0.0
    assert float(core.value) == 0.0
    assert not port.is_lit(source)


def test_a_device_that_took_another_command_is_not_believed() -> None:
    assert TABLED.is_power(TABLED.fraction(40.1), 0.5)
    assert not TABLED.is_power(TABLED.fraction(42.0), 0.5)
    assert not TABLED.is_power(TABLED.fraction(130.0), 1.0)  # beyond the table nothing looks well
    assert not TABLED.is_power(math.nan, 0.5)


def test_steps_of_the_device_are_steps_of_its_command() -> None:
    source = TABLED.model_copy(update={"power_step": 25.0})
    assert source.takes(0.5) == pytest.approx(TABLED.fraction(25.0))
    assert source.takes(0.5) <= 0.5
