"""Calibrations that a config names: put in their place, or refused before any light."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import msgspec
import numpy as np
import pytest

from acquire.calibrating.calibration_files import load_power, save_camera, save_power
from acquire.calibrating.calibration_records import PowerCalibration
from acquire.calibrating.camera_key import camera_key
from acquire.calibration import CameraKey
from acquire.errors import CalibrationRefused
from acquire.simulated import LocalLightBox
from lightloop.build.microscope import load_core
from lightloop.build.pipeline import build_pipeline
from lightloop.calibrate.calibrations import (
    FOLDER_VARIABLE,
    calibration_folder,
    camera_calibration,
    in_words,
    references,
    resolve,
)
from lightloop.check.checks import check_run
from lightloop.check.scope import check_scope
from lightloop.config import (
    CameraConfig,
    ConfigError,
    OtherCameraConfig,
    ReplayScopeConfig,
    RunConfig,
    parse,
)
from lightloop.predict.prediction import predict
from tests.unit.calibration_samples import KEY, POWER, camera_sample
from tests.unit.run_samples import start

DEMO = files("configs").joinpath("demo.toml").read_text("utf-8")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep calibrations of tests apart from the user's own."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def config(power: str = "", camera: str = "", objective: str = "20x/0.75") -> RunConfig:
    text = f'objective = "{objective}"\n' + DEMO if objective else DEMO
    if power:
        text = re.sub(r"power_mw_at_maximum.*\n", f'calibration = "{power}"\n', text)
        text = re.sub(r"lit_area_um2.*\n", "", text)
    if camera:
        text = re.sub(r"\[camera\](.*\n)+?\n", f'[camera]\ncalibration = "{camera}"\n\n', text)
    return parse(text, "mine.toml")


def test_a_light_gets_its_table_and_its_area(folder: Path) -> None:
    name = save_power(folder, POWER)
    light = resolve(config(name), "mine.toml").light[0]
    assert light.is_calibrated
    assert light.irradiance_w_cm2(1.0) == pytest.approx(1.4 / 27690 * 1e5)
    assert light.command(0.4 / 1.4) == pytest.approx(50.0)
    assert light.calibration == name  # what the run refers to


def test_without_calibrations_nothing_is_looked_for(folder: Path) -> None:
    plain = config()
    assert resolve(plain, "mine.toml", folder / "nowhere") is plain
    assert references(plain) == {}


def test_doses_of_a_calibrated_light_have_units(folder: Path) -> None:
    wanted = config(save_power(folder, POWER))
    assert predict(wanted).lights[0].unit == "relative"  # until it is resolved
    resolved = resolve(wanted, "mine.toml")
    assert predict(resolved).lights[0].unit == "J/cm2"
    long = resolved.channel[0].model_copy(update={"exposure_ms": 60.0})
    resolved = resolved.model_copy(update={"channel": (long,)})
    with pytest.raises(ConfigError, match="budget_j_cm2 is 8"):
        check_run(resolved, predict(resolved), "mine.toml")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"objective": "40x/1.3"}, "measured behind objective '40x/1.3', and the config says "
                                   "objective = '20x/0.75'"),
        ({"light": "561"}, "measured with light = '561'"),
        ({"device": "Other"}, "measured with device = 'Other', and the config says 'Laser488'"),
        ({"property": "mW"}, "measured with property = 'mW'"),
        ({"maximum": 50.0, "table": ((0.0, 0.0), (50.0, 1.0))}, "measured with maximum = 50.0"),
        ({"table": ((1.0, 0.0), (100.0, 1.0))}, "measured with off_value = 1.0"),
        ({"wavelength_nm": 561.0}, "measured with wavelength_nm = 561.0"),
    ],
)  # fmt: skip
def test_a_calibration_of_another_light_or_objective_is_refused(
    folder: Path, change: dict[str, object], says: str
) -> None:
    name = save_power(folder, msgspec.structs.replace(POWER, **change))
    with pytest.raises(ConfigError, match=re.escape(says)) as refused:
        resolve(config(name), "mine.toml")
    assert str(refused.value).startswith("mine.toml: light '488': calibration: ")


def test_a_config_that_names_no_objective_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="objective = ''"):
        resolve(config(save_power(folder, POWER), objective=""), "mine.toml")


def test_a_missing_calibration_is_refused_with_its_folder(folder: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"in {folder}")):
        resolve(config("power-488-1"), "mine.toml")
    with pytest.raises(CalibrationRefused):
        references(config("power-488-1"))


def test_check_refuses_a_stored_table_that_falls(folder: Path) -> None:
    name = save_power(
        folder, msgspec.structs.replace(POWER, table=((0.0, 0.0), (50.0, 2.0), (100.0, 1.4)))
    )
    with pytest.raises(ConfigError, match=r"falls from 2 mW at 50 to 1\.4 mW at 100"):
        resolve(config(name), "mine.toml")


def test_a_table_in_the_config_must_rise(folder: Path) -> None:
    table = "power_table = [[0, 0], [50, 2.0], [100, 1.4]]\n"
    text = re.sub(r"power_mw_at_maximum.*\n", table, DEMO)
    with pytest.raises(ConfigError, match=r"falls from 2 mW at 50 to 1\.4 mW at 100"):
        parse(text, "mine.toml")


def test_numbers_beside_the_name_of_a_calibration_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"camera: calibration names a file .* gain_adu_per_e"):
        parse(DEMO.replace("[camera] ", '[camera]\ncalibration = "x"\n#'), "mine.toml")


def key_of_the_demo() -> CameraKey:
    wanted = config().scope
    assert wanted.kind == "simulated"
    core = load_core(config(), LocalLightBox(wanted.lines()), lambda: 0.0)
    try:
        return camera_key(core, core.getCameraDevice())
    finally:
        core.unloadAllDevices()


def test_the_camera_gets_its_measured_numbers(folder: Path) -> None:
    sample, maps = camera_sample()
    key = key_of_the_demo()
    name = save_camera(folder, msgspec.structs.replace(sample, key=key), maps)
    found = camera_calibration(config(camera=name), "mine.toml", lambda: key)
    assert found.id == name
    assert found.gain_adu_per_e == sample.numbers.gain_adu_per_e
    assert references(config(camera=name)) == {name: found.sha256}
    assert check_scope(config(camera=name), "mine.toml") == (512, 512)


def test_a_calibration_of_another_camera_or_mode_is_refused_at_check(folder: Path) -> None:
    sample, maps = camera_sample()
    other = CameraKey("Zyla", "VSC-1", "Rolling", 16, "12-bit", 2)
    name = save_camera(folder, msgspec.structs.replace(sample, key=other), maps)
    with pytest.raises(ConfigError, match="of another camera or mode: model is SimulatedCamera"):
        check_scope(config(camera=name), "mine.toml")


def test_numbers_that_nobody_gave_are_called_a_guess() -> None:
    simulated = parse(re.sub(r"\[camera\](.*\n)+?\n", "\n", DEMO), "mine.toml")
    asked: list[int] = []
    found = camera_calibration(simulated, "m", lambda: asked.append(1) or KEY)  # type: ignore[func-returns-value]
    assert (found.source, asked) == ("simulated", [])
    real = files("configs").joinpath("demo-camera.toml").read_text("utf-8")
    unknown = parse(re.sub(r"\[camera\](.*\n)+?\n", "\n", real), "mine.toml")
    assert camera_calibration(unknown, "m", lambda: KEY).source == "estimated"
    assert any("photons are relative" in said for said in in_words(unknown))
    assert any("doses are relative" in said for said in in_words(unknown))


def test_a_camera_with_filtered_noise_vouches_for_no_less_light() -> None:
    session = start()
    camera = session.cameras[0]
    doubted = msgspec.structs.replace(camera.calibration, distrust="the camera smooths its images")
    session = msgspec.structs.replace(
        session, cameras=(msgspec.structs.replace(camera, calibration=doubted),)
    )
    wanted = config().model_copy(
        update={"network": config().network.model_copy(update={"denoise": ""})}
    )
    pipeline = build_pipeline(wanted, session, None)
    verdict = pipeline.steps.judge(
        np.zeros((camera.height, camera.width), np.uint16),
        np.zeros((camera.height, camera.width), np.float32),
    )
    assert not verdict.is_trusted
    assert "smooths its images" in verdict.why


def test_the_folder_is_the_users_own_unless_it_is_named(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    assert calibration_folder() == folder
    monkeypatch.delenv(FOLDER_VARIABLE)
    assert calibration_folder().parts[-2:] == ("lightloop", "calibrations")


def test_a_light_of_fixed_power_gets_one_number(folder: Path) -> None:
    lamp = PowerCalibration(
        "white",
        550.0,
        "20x/0.75",
        "2026-11-22",
        1e5,
        "",
        "",
        0.0,
        100.0,
        ((0.0, 0.0), (100.0, 3.0)),
    )
    text = files("configs").joinpath("demo-camera.toml").read_text("utf-8")
    name = save_power(folder, lamp)
    text = text.replace('name = "white"\nwave', f'name = "white"\ncalibration = "{name}"\nwave')
    light = resolve(parse('objective = "20x/0.75"\n' + text, "m"), "m").light[0]
    assert light.full_power_mw == 3.0
    assert light.irradiance_w_cm2(1.0) == pytest.approx(3.0)
    assert load_power(folder, name)[0] == lamp


def test_numbers_of_a_camera_that_nobody_wrote_down_are_said_to_be_assumed() -> None:
    text = re.sub(r"\[camera\](.*\n)+?\n", "[camera]\noffset_adu = 90.0\n\n", DEMO)
    assert in_words(parse(text, "mine.toml"))[0] == (
        "camera: estimated, 1 ADU/e- (assumed), offset 90 ADU, read noise 1.6 e- (assumed)"
    )


def test_a_second_camera_of_the_data_sheet_has_numbers_too() -> None:
    second = OtherCameraConfig(label="Side", gain_adu_per_e=0.5)
    assert second.numbers().gain_adu_per_e == 0.5
    assert second.numbers().source == "datasheet"


def test_a_gain_that_nobody_told_makes_photons_estimated_and_not_of_a_data_sheet() -> None:
    assert CameraConfig(offset_adu=90.0).numbers().source == "estimated"
    assert CameraConfig(source="datasheet").numbers().source == "estimated"
    assert CameraConfig(gain_adu_per_e=1.0).numbers().source == "datasheet"
    assert CameraConfig(source="measured").numbers().source == "measured", "a person says so"


def test_recorded_images_are_not_said_to_be_known_exactly() -> None:
    scope = ReplayScopeConfig(kind="replay", path="film.tif")
    text = re.sub(r"\[camera\](.*\n)+?\n", "", DEMO)
    film = parse(text).model_copy(update={"scope": scope})
    assert in_words(film)[0] == "camera: that of the recording, estimated"
