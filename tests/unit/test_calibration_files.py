"""Calibrations on disk: what is read is what was measured, or it is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from acquire.calibrating import calibration_files
from acquire.calibrating.calibration_files import (
    load,
    load_camera,
    load_maps,
    load_power,
    names,
    save_camera,
    save_power,
)
from acquire.calibrating.calibration_records import CameraCalibration
from acquire.calibration import CameraKey
from acquire.errors import CalibrationRefused
from tests.camera_series import SeriesCamera
from tests.unit.calibration_samples import KEY, POWER, camera_sample


def test_a_power_calibration_comes_back_whole(tmp_path: Path) -> None:
    name = save_power(tmp_path / "new", POWER)
    found, sha256 = load_power(tmp_path / "new", name)
    assert found == POWER
    assert name.endswith(sha256[:8])
    assert name.startswith("power-488-20x-0.75-2026-11-22-")


def test_a_camera_calibration_comes_back_with_its_maps(tmp_path: Path) -> None:
    sample, maps = camera_sample()
    name = save_camera(tmp_path, sample, maps)
    found, sha256 = load_camera(tmp_path, name)
    assert found.numbers == sample.numbers
    assert found.key == KEY
    read = load_maps(tmp_path, name)
    np.testing.assert_array_equal(read.offset_adu, maps.offset_adu)
    np.testing.assert_array_equal(read.is_good, maps.is_good)
    assert read.gain_adu_per_e is None
    numbers = found.calibration(name, sha256)
    assert (numbers.id, numbers.sha256, numbers.source) == (name, sha256, "measured")
    assert numbers.distrust == ""


def test_a_camera_is_not_named_before_its_maps_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample, maps = camera_sample()

    def full(draft: Path, path: Path) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(calibration_files, "put_in_place", full)
    with pytest.raises(CalibrationRefused, match=r"npz cannot be written: the disk is full"):
        save_camera(tmp_path, sample, maps)
    assert names(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_the_same_measurement_has_the_same_name(tmp_path: Path) -> None:
    assert save_power(tmp_path, POWER) == save_power(tmp_path, POWER)
    assert len(names(tmp_path)) == 1
    assert [path.name for path in tmp_path.iterdir()] == [f"{names(tmp_path)[0]}.json"]


def test_an_edited_calibration_is_refused(tmp_path: Path) -> None:
    name = save_power(tmp_path, POWER)
    path = tmp_path / f"{name}.json"
    path.write_text(path.read_text("utf-8").replace("27690", "27691"), "utf-8")
    with pytest.raises(CalibrationRefused, match="never edited"):
        load(tmp_path, name)


def test_maps_that_were_changed_are_refused(tmp_path: Path) -> None:
    sample, maps = camera_sample()
    name = save_camera(tmp_path, sample, maps)
    path = tmp_path / f"{name}.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CalibrationRefused, match="not what was measured"):
        load_maps(tmp_path, name)
    path.unlink()
    with pytest.raises(CalibrationRefused, match="cannot be read"):
        load_maps(tmp_path, name)


def test_a_missing_one_is_refused_with_what_looks_like_it(tmp_path: Path) -> None:
    name = save_power(tmp_path, POWER)
    with pytest.raises(CalibrationRefused, match=f"did you mean '{name}'"):
        load(tmp_path, name[:-2] + "zz")
    with pytest.raises(CalibrationRefused, match="there is no calibration"):
        load(tmp_path / "nowhere", "power-1")


@pytest.mark.parametrize("name", ["", "../power-1", "a/b", ".hidden", "x" * 200, "C:\\x"])
def test_a_name_is_never_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(CalibrationRefused, match="no name of a calibration"):
        load(tmp_path, name)


def test_one_kind_is_not_taken_for_the_other(tmp_path: Path) -> None:
    light = save_power(tmp_path, POWER)
    camera = save_camera(tmp_path, *camera_sample())
    with pytest.raises(CalibrationRefused, match="power of light '488'"):
        load_camera(tmp_path, light)
    with pytest.raises(CalibrationRefused, match="a camera's"):
        load_power(tmp_path, camera)


def test_a_file_that_says_something_else_is_refused(tmp_path: Path) -> None:
    import hashlib

    raw = b'{"type": "power"}'
    name = f"power-{hashlib.sha256(raw).hexdigest()[:8]}"
    (tmp_path / f"{name}.json").write_bytes(raw)
    with pytest.raises(CalibrationRefused, match="cannot be understood"):
        load(tmp_path, name)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CalibrationRefused, match="cannot be written"):
        save_power(tmp_path / "file" / "folder", POWER)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (CameraKey("Zyla", "VSC-1", "Rolling", 16, "12-bit", 2), "binning is 2, and was 1"),
        (CameraKey("Zyla", "VSC-2", "Rolling", 16, "12-bit", 1), "serial is VSC-2"),
        (CameraKey("Zyla", "VSC-1", "Global", 16, "12-bit", 1), "readout mode is Global"),
        (CameraKey("Zyla", "VSC-1", "Rolling", 12, "12-bit", 1), "bit depth is 12"),
        (CameraKey("Zyla", "VSC-1", "Rolling", 16, "16-bit", 1), "gain is 16-bit"),
        (CameraKey("Zyla", "", "Rolling", 16, "12-bit", 1), "serial is not said, and was VSC-1"),
    ],
)
def test_a_key_says_in_which_word_a_camera_is_another(other: CameraKey, says: str) -> None:
    key = CameraKey("Zyla", "VSC-1", "Rolling", 16, "12-bit", 1)
    assert key.differences(key) == []
    assert says in key.differences(other)[0]


def test_doubts_of_a_measurement_travel_with_the_numbers(tmp_path: Path) -> None:
    from scipy.ndimage import gaussian_filter

    camera = SeriesCamera(shape=(64, 64), filtered=lambda image: gaussian_filter(image, 0.5))
    numbers, maps = camera.measure(32, 2)
    found = CameraCalibration(KEY, "2026-11-22T20:00:00+00:00", numbers, (), "", (64, 64))
    name = save_camera(tmp_path, found, maps)
    known, sha256 = load_camera(tmp_path, name)
    assert "smooths its images" in known.calibration(name, sha256).distrust
