"""`lightloop calibrate`: what it refuses before light, and what it makes of readings."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from contextlib import nullcontext
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from typer.testing import CliRunner

from acquire.calibrating.calibration_files import load_power, names, save_camera, save_power
from acquire.errors import CalibrationRefused, DeviceMissing, SettingRefused
from lightloop.calibrate import power as calibrate_power
from lightloop.calibrate.calibrations import FOLDER_VARIABLE
from lightloop.calibrate.camera import plan_camera
from lightloop.calibrate.power import (
    plan_power,
    power_calibration,
    read_table,
)
from lightloop.calibrate.power_meter import PropertyMeter
from lightloop.calibrate.transfer_page import table_of, transfer_page
from lightloop.cli import app
from lightloop.config import ConfigError, RunConfig, parse
from tests.camera_series import SeriesCamera
from tests.unit.calibration_samples import POWER, camera_sample

SLIDE = files("configs").joinpath("calibration.toml").read_text("utf-8")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "calibrations"))
    return tmp_path / "calibrations"


def slide(old: str = "", new: str = "") -> RunConfig:
    assert old in SLIDE
    return parse(SLIDE.replace(old, new), "slide.toml")


def call(*words: str, says: str = "") -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["calibrate", *words], input=says)
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("old", "new", "channel", "says"),
    [
        ("", "", "GFP", "there is no channel 'GFP'; there are 'slide'"),
        ("max_exposure_ms = 3000.0", "max_exposure_ms = 4.0", "", "from 1 to 4 ms"),
        ("budget_j_cm2 = 100.0", "budget_j_cm2 = 1.0", "", "and budget_j_cm2 is 1"),
        ("max_step_up = 2.0", "max_power_fraction = 0.5", "", "max_power_fraction of light '488'"),
    ],
)
def test_a_camera_walk_is_refused_before_light(old: str, new: str, channel: str, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)) as refused:
        plan_camera(slide(old, new), "slide.toml", channel, 256, 8)
    assert str(refused.value).startswith("slide.toml: ")


def test_the_dose_of_a_camera_walk_is_known_before() -> None:
    plan = plan_camera(slide(), "slide.toml", "", 256, 8)
    assert plan.dose == pytest.approx(plan.walk.on_s())  # relative: seconds at full power
    assert plan.dose < 100.0


@pytest.mark.parametrize(
    ("old", "new", "asked", "says"),
    [
        ("", "", {"light": "561"}, "there is no light '561'; there are '488'"),
        ('objective = "20x/0.75"', "", {}, "say which objective"),
        ("", "", {"lit_area_um2": 0.0}, "--lit-area-um2 must be above 0"),
        ("", "", {"lit_area_um2": math.nan}, "--lit-area-um2 must be above 0"),
        ("max_step_up = 2.0", "max_power_fraction = 0.5", {}, "max_power_fraction is 0.5"),
        ("max_step_up = 2.0", "max_step_up = 1.5", {}, "max_step_up is 1.5"),
        ("", "", {"hold_s": 4.0}, "max_exposure_ms is 3000 ("),
        ("", "", {"hold_s": math.nan}, "--hold-s must be from"),
        ("", "", {"steps": 1}, "--steps must be from 2"),
    ],
)
def test_a_power_walk_is_refused_before_light(
    old: str, new: str, asked: dict[str, object], says: str
) -> None:
    usual = {"light": "", "objective": "", "lit_area_um2": 1e4, "steps": 10, "hold_s": 1.0}
    with pytest.raises(ConfigError, match=re.escape(says)):
        plan_power(slide(old, new), "slide.toml", **(usual | asked))  # type: ignore[arg-type]


def test_light_that_we_blank_ourselves_may_be_held_by_a_burst() -> None:
    config = slide('gate = "camera"', 'gate = "software"')
    plan = plan_power(config, "m", "", "", 1e4, 10, 7.0)
    assert (plan.exposure_ms, plan.frames) == (3000.0, 3)


def test_the_walk_goes_from_off_to_the_maximum_in_even_steps() -> None:
    plan = plan_power(slide(), "m", "", "", 1e4, 4, 1.0)
    assert plan.commands == ((0.0, 0.0), (25.0, 0.25), (50.0, 0.5), (75.0, 0.75), (100.0, 1.0))
    assert plan.on_s == pytest.approx(8.0)
    stepped = slide("maximum = 100.0", "maximum = 100.0\npower_step = 30.0")
    plan = plan_power(stepped, "m", "", "", 1e4, 4, 1.0)
    assert [command for command, _ in plan.commands] == pytest.approx([0, 30, 60, 100])


def test_readings_become_a_curve_from_off_to_the_maximum() -> None:
    plan = plan_power(slide(), "m", "", "", 2e4, 4, 1.0)
    found = power_calibration(plan, ((0.0, -0.001), (50.0, 0.5), (100.0, 2.0)), 0.01, "meter")
    assert found.table[0] == (0.0, 0.0)
    assert found.table[-1] == (100.0, 2.0)
    assert (found.light, found.objective, found.lit_area_um2) == ("488", "20x/0.75", 2e4)
    assert found.measured == ((0.0, -0.001), (50.0, 0.5), (100.0, 2.0))


@pytest.mark.parametrize(
    ("readings", "says"),
    [
        (((50.0, 1.0),), "the readings end at 50, and the maximum of light '488' is 100"),
        ((), "the readings end at nan"),
        (((-5.0, 1.0), (100.0, 2.0)), "below off_value 0"),
        (((50.0, 3.0), (100.0, 2.0)), "Set the light's maximum to 50"),
    ],
)
def test_readings_that_make_no_curve_are_refused(
    readings: tuple[tuple[float, float], ...], says: str
) -> None:
    plan = plan_power(slide(), "m", "", "", 2e4, 4, 1.0)
    with pytest.raises(CalibrationRefused, match=re.escape(says)):
        power_calibration(plan, readings, 0.0, "meter")


def test_what_a_person_read_off_the_meter_is_said_where_it_makes_no_curve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand = SimpleNamespace(core=None, exposer=None)
    monkeypatch.setattr(calibrate_power, "open_stand", lambda *_, **__: nullcontext(stand))
    monkeypatch.setattr(
        calibrate_power, "walk_power", lambda *_: (((50.0, 3.25), (100.0, 2.5)), 0.0)
    )
    plan = plan_power(slide(), "m", "", "20x", 2e4, 4, 1.0)
    with pytest.raises(CalibrationRefused, match=r"was read .*: 50, 3\.25; 100, 2\.5$"):
        calibrate_power.measure_power(
            slide(), "", "m", plan, lambda _: SimpleNamespace(name="typed")
        )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0,0\n50,x\n", "line 2 must be command, mW"),
        ("0,0\n50\n", "line 2 must be command, mW"),
        ("0,0\n50,-1\n", "mW must be from 0 to 1e5, got -1"),
        ("0,0\n50,nan\n", "mW must be from 0 to 1e5, got nan"),
    ],
)
def test_a_table_of_readings_with_a_fault_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "readings.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=re.escape(says)):
        read_table(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_table(tmp_path / "nothing.csv")


def test_written_readings_are_stored_without_any_light(tmp_path: Path, folder: Path) -> None:
    readings = tmp_path / "readings.csv"
    readings.write_text("command,mW\n0,0\n\n50,0.6\n100,1.4\n", "utf-8")
    config = tmp_path / "slide.toml"
    config.write_text(SLIDE, "utf-8")
    code, said, _ = call(
        "power", str(config), "--lit-area-um2", "27690", "--readings", str(readings)
    )
    assert code == 0
    (name,) = names(folder)
    assert f'calibration = "{name}"' in said
    found, _ = load_power(folder, name)
    assert found.measured == ((0.0, 0.0), (50.0, 0.6), (100.0, 1.4))
    code, said, _ = call("list")
    assert code == 0
    assert name in said
    assert "1.4 mW at 100, 20x/0.75" in said


def test_no_light_goes_on_until_somebody_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lightloop.calibrate.camera
    import lightloop.calibrate.power

    def never(*_: object, **__: object) -> None:
        raise AssertionError("light")

    monkeypatch.setattr(lightloop.calibrate.camera, "open_stand", never)
    monkeypatch.setattr(lightloop.calibrate.power, "open_stand", never)
    config = tmp_path / "slide.toml"
    config.write_text(SLIDE, "utf-8")
    code, _, asked = call("camera", str(config), says="n\n")
    assert code == 1
    assert "An evenly bright slide, and no cells?" in asked
    assert "(relative)" in asked
    code, _, asked = call(
        "power", str(config), "--lit-area-um2", "100", "--hold-s", "1", says="n\n"
    )
    assert code == 1
    assert "A power meter at the sample, and no cells?" in asked


def test_wrong_words_leave_with_the_status_of_misuse(tmp_path: Path) -> None:
    config = tmp_path / "slide.toml"
    config.write_text(SLIDE, "utf-8")
    for words in (["--meter", "Meter"], ["--mw-per-unit", "0"], ["--light", "561"]):
        code, _, said = call("power", str(config), "--lit-area-um2", "100", "-y", *words)
        assert code == 2, words
        assert said.startswith("lightloop: ")
    code, _, said = call("camera", str(config), "--channel", "GFP")
    assert code == 2
    assert "there is no channel 'GFP'" in said


def test_a_changed_file_is_told_in_the_list_and_does_not_hide_the_others(folder: Path) -> None:
    good = save_power(folder, POWER)
    camera = save_camera(folder, *camera_sample())
    bad = folder / "power-488-00000000.json"
    bad.write_text("{}", "utf-8")
    code, said, complained = call("list")
    assert code == 0
    assert good in said
    assert camera in said
    assert "power-488-00000000" in complained


class MeterCore:
    """A power meter that reports watts as text."""

    def __init__(self, says: str = "0.002") -> None:
        self.says = says

    def getLoadedDevices(self) -> list[str]:
        return ["Meter"]

    def getDevicePropertyNames(self, label: str) -> list[str]:
        return ["Power"]

    def getProperty(self, label: str, name: str) -> str:
        return self.says


def test_a_meter_of_micro_manager_is_read_in_its_own_unit() -> None:
    meter = PropertyMeter(MeterCore(), "Meter", "Power", 1e3)  # type: ignore[arg-type]
    meter.watch(50.0, 0.01, is_lit=True)
    assert meter.reading_mw(50.0) == pytest.approx(2.0)
    with pytest.raises(DeviceMissing, match="did you mean 'Power'"):
        PropertyMeter(MeterCore(), "Meter", "Pover")  # type: ignore[arg-type]
    broken = PropertyMeter(MeterCore("over"), "Meter", "Power")  # type: ignore[arg-type]
    with pytest.raises(SettingRefused, match="'over', which is no number"):
        broken.watch(50.0, 0.01, is_lit=True)


def test_the_plot_is_one_page_that_needs_nothing_else() -> None:
    found, _ = camera_sample()
    camera = SeriesCamera(shape=(48, 48))
    dark = camera.darks(32)
    levels = tuple(camera.flats(dark, 2).levels)
    doubted = msgspec.structs.replace(found.numbers, doubts=("it <smooths> its images",))
    page = transfer_page("camera-1", msgspec.structs.replace(found, levels=levels, numbers=doubted))
    assert "it &lt;smooths&gt; its images" in page
    assert "http" not in page
    drawings = re.findall(r"<svg.*?</svg>", page)
    assert len(drawings) == 2
    for drawing in drawings:
        root = ET.fromstring(drawing)
        for dot in root.iter("circle"):
            assert 0 <= float(dot.attrib["cx"]) <= 640
            assert 0 <= float(dot.attrib["cy"]) <= 420
    clear = sum(level.mean_adu > 0 for level in levels)
    assert len(list(ET.fromstring(drawings[0]).iter("circle"))) == clear


def test_a_camera_without_levels_has_a_page_without_plots() -> None:
    found, _ = camera_sample()
    assert "<svg" not in transfer_page("camera-1", found)


def test_what_was_not_measured_is_said_so() -> None:
    found, _ = camera_sample()
    less = msgspec.structs.replace(
        found.numbers, nonlinearity=None, dark_current_e_s=None, excess_noise_error=None,
        saturation_is_measured=False,
    )  # fmt: skip
    rows = dict(table_of(less))
    assert rows["dark current"] == "not measured"
    assert rows["nonlinearity"].startswith("not measured")
    assert "(not reached)" in rows["saturation"]
