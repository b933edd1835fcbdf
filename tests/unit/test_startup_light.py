from __future__ import annotations

from pathlib import Path

import pytest

from acquire.errors import StartupLit
from acquire.light.source import LightSource
from acquire.light.startup import lit_by, refuse_lit_startup, settings_of

LASER = LightSource(
    name="488", wavelength_nm=488, power_device="Laser", power_property="Power",
    shutter_device="Shutter",
)  # fmt: skip
DIODE = LightSource(name="561", wavelength_nm=561, power_device="Diode", power_property="Power")
LAMP = LightSource(name="lamp", wavelength_nm=550, shutter_device="Shutter")
LED = LightSource(
    name="led", wavelength_nm=470, power_device="LED", power_property="Label", power_kind="on-off",
    on_text="470nm", off_text="Closed",
)  # fmt: skip
ALWAYS = LightSource(name="halogen", wavelength_nm=550, gate="always-on")

INIT = "Property,Core,Initialize,1\n"
OPEN = "ConfigGroup,System,Startup,Shutter,State,1"
SHUT = "ConfigGroup,System,Startup,Shutter,State,0"
POWER = "ConfigGroup,System,Startup,Laser,Power,10"
NO_POWER = "ConfigGroup,System,Startup,Laser,Power,0"
DIODE_ON = "ConfigGroup,System,Startup,Diode,Power,0.5"


@pytest.mark.parametrize(
    ("source", "lines", "cause"),
    [
        (LASER, [], ""),
        (LASER, [OPEN], OPEN),  # nobody says how strong it is: in doubt it is on
        (LASER, [OPEN, POWER], OPEN),
        (LASER, [OPEN, NO_POWER], ""),
        (LASER, [POWER], ""),  # behind a shutter that nobody opened
        (LASER, [SHUT, POWER], ""),
        (LASER, [OPEN.replace("1", "Open")], OPEN.replace("1", "Open")),
        (LASER, [OPEN.replace("State,1", "OnOff,On")], OPEN.replace("State,1", "OnOff,On")),
        (LASER, [OPEN.replace("State,1", "Label,Closed")], ""),
        (LASER, [OPEN.replace("State,1", "Port,COM3")], ""),
        (LAMP, [OPEN], OPEN),
        (LAMP, [SHUT], ""),
        (DIODE, [OPEN], ""),
        (DIODE, [DIODE_ON], DIODE_ON),
        (DIODE, [DIODE_ON.replace("0.5", "0")], ""),
        (DIODE, [DIODE_ON.replace("0.5", "0.0000")], ""),
        (DIODE, [DIODE_ON.replace("0.5", "-3")], ""),
        (DIODE, [DIODE_ON.replace("0.5", "full")], DIODE_ON.replace("0.5", "full")),
        (DIODE, [DIODE_ON.replace("0.5", "nan")], DIODE_ON.replace("0.5", "nan")),
        (DIODE, [DIODE_ON.replace("Diode,Power", "Diode,Speed")], ""),
        (LED, ["Property,LED,Label,470nm"], "Property,LED,Label,470nm"),
        (LED, ["Property,LED,Label,550nm"], "Property,LED,Label,550nm"),
        (LED, ["Property,LED,Label,Closed"], ""),
        (ALWAYS, [OPEN, DIODE_ON], ""),
    ],
)
def test_a_file_leaves_a_light_on_or_not(source: LightSource, lines: list[str], cause: str) -> None:
    found = lit_by(source, settings_of(INIT + "\n".join(lines)))
    assert (found.line if found else "") == cause


def test_a_device_that_measures_may_be_a_little_above_off() -> None:
    noisy = DIODE.model_copy(update={"dark_below": 0.01})
    found = settings_of(DIODE_ON)
    assert lit_by(noisy, found) is None  # 0.5 of 100 is within 0.01
    assert lit_by(noisy, settings_of(DIODE_ON.replace("0.5", "1.1"))) is not None


def test_the_last_line_counts_and_the_startup_preset_comes_last_of_all() -> None:
    on, off = "Property,Diode,Power,5", "Property,Diode,Power,0"
    assert lit_by(DIODE, settings_of(f"{on}\n{off}")) is None
    assert lit_by(DIODE, settings_of(f"{off}\n{on}")) is not None
    assert lit_by(DIODE, settings_of(f"{DIODE_ON}\n{off}")) is not None
    assert lit_by(DIODE, settings_of(f"{DIODE_ON.replace('0.5', '0')}\n{on}")) is None


@pytest.mark.parametrize(
    "harmless",
    [
        f"# {DIODE_ON}",
        DIODE_ON.replace("Startup", "Shutdown"),
        DIODE_ON.replace("System", "Channel"),
        "ConfigGroup,System,Startup,Diode",
        "Property,Diode,Power",
        "",
    ],
)
def test_comments_other_presets_and_broken_lines_set_nothing(harmless: str) -> None:
    assert lit_by(DIODE, settings_of(harmless)) is None


def test_spaces_and_python_devices_are_read_as_they_are_loaded() -> None:
    assert lit_by(DIODE, settings_of("  #py Property, Diode ,Power, 5 \r\n")) is not None


def test_the_refusal_names_the_line_the_light_and_what_to_write(tmp_path: Path) -> None:
    path = tmp_path / "MyScope.cfg"
    path.write_text(f"{INIT}{DIODE_ON}\n{OPEN}\n", encoding="utf-8")
    with pytest.raises(StartupLit, match=r"^MyScope\.cfg leaves light '561' on .*Power,0\.5'"):
        refuse_lit_startup(path, [DIODE])
    with pytest.raises(StartupLit, match=r"Set it to off there \(0\)"):
        refuse_lit_startup(path, [DIODE])
    with pytest.raises(StartupLit, match=r"Set it to off there \(closed\)"):
        refuse_lit_startup(path, [LAMP])
    path.write_text("Property,LED,Label,470nm\n", encoding="utf-8")
    with pytest.raises(StartupLit, match=r"Set it to off there \(Closed\)"):
        refuse_lit_startup(path, [LED])
    refuse_lit_startup(path, [DIODE, LAMP])


def test_micro_managers_own_demonstration_is_dark_and_a_missing_file_is_left_to_the_loading(
    tmp_path: Path,
) -> None:
    white = LightSource(name="white", wavelength_nm=550, shutter_device="White Light Shutter")
    refuse_lit_startup("demo", [white, LED])
    refuse_lit_startup(tmp_path / "nowhere.cfg", [white])


@pytest.mark.parametrize(("system", "file"), [("demo", "MMConfig_demo.cfg"), ("x.cfg", "x.cfg")])
def test_a_file_that_micro_manager_finds_in_its_own_folder_is_read_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, file: str
) -> None:
    monkeypatch.setattr("pymmcore_plus.find_micromanager", lambda: str(tmp_path))
    (tmp_path / file).write_text(f"{INIT}{DIODE_ON}\n", encoding="utf-8")
    with pytest.raises(StartupLit, match=file):
        refuse_lit_startup(system, [DIODE])


def test_a_file_in_this_folder_is_read_before_one_of_the_same_name_in_micro_managers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "micro-manager"
    own.mkdir()
    (own / "x.cfg").write_text(f"{INIT}{DIODE_ON}\n", encoding="utf-8")
    (tmp_path / "x.cfg").write_text(INIT, encoding="utf-8")
    monkeypatch.setattr("pymmcore_plus.find_micromanager", lambda: str(own))
    monkeypatch.chdir(tmp_path)
    refuse_lit_startup("x.cfg", [DIODE])
    (tmp_path / "x.cfg").unlink()
    with pytest.raises(StartupLit, match=r"x\.cfg"):
        refuse_lit_startup("x.cfg", [DIODE])
