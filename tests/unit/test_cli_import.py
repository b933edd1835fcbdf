"""`lightloop import`, and what `inspect` says of a recording that knows little."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lightloop.cli.recorded import file_and_dataset
from tests.unit.cli_calls import bring_in, call


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    code, said, err = bring_in(tmp_path)
    assert code == 0, err
    assert "3 frames in 3 shots" in said
    return tmp_path / "run.h5"


def test_an_import_looks_at_its_target_before_it_reads(tmp_path: Path) -> None:
    where = tmp_path / "no" / "folder" / "run.h5"
    code, _, err = bring_in(tmp_path, "--out", str(where))
    assert code == 2
    assert err == f"lightloop: {where}: cannot be written: there is no folder {where.parent}\n"


def test_an_import_says_what_it_guessed(recording: Path) -> None:
    code, said, _ = call("inspect", str(recording))
    assert code == 0
    assert "import of film.npy" in said
    assert "(datasheet)" in said
    code, said, _ = call("inspect", str(recording), "--why", "1")
    assert code == 0
    said = said.replace("\n", " ")
    assert "got 20 ms of channel 0 (power not recorded), as whoever made the recording" in said


def test_an_inspection_invents_no_power_for_an_import(recording: Path) -> None:
    code, said, _ = call("inspect", str(recording))
    assert code == 0
    assert "3 frames of 20 ms, power not recorded" in said
    assert "not recorded; 0.06 s of exposure in all" in said
    assert "100 %" not in said
    assert "relative" not in said


def test_an_import_that_guesses_its_camera_warns_what_rests_on_it(tmp_path: Path) -> None:
    y, x = np.mgrid[:96, :96]
    spots = 10 + 900 * np.exp(-((y - 48) ** 2 + (x - 40) ** 2) / 300)
    images = np.random.default_rng(1).poisson(spots, (4, 96, 96))
    np.save(tmp_path / "film.npy", images.astype(np.uint16))
    words = ["--axes", "TYX", "--pixel-um", "0.5", "--interval-s", "60", "--exposure-ms", "20"]
    film, out = str(tmp_path / "film.npy"), str(tmp_path / "run.h5")
    code, said, err = call("import", film, *words, "--out", out)
    assert code == 0, err
    assert "camera, estimated from the images: " in said
    assert "warning: the camera is only estimated, and photons, SNR and trust rest on it" in err


def test_an_import_of_a_known_camera_warns_of_nothing(tmp_path: Path) -> None:
    code, said, err = bring_in(tmp_path)
    assert code == 0
    assert "camera, as given: 1 ADU/e-" in said
    assert err == ""


@pytest.mark.parametrize("flag", ["--exposure-ms", "--pixel-um", "--gain-adu-per-e"])
@pytest.mark.parametrize("value", ["nan", "0", "-1"])
def test_an_import_refuses_numbers_that_are_none(tmp_path: Path, flag: str, value: str) -> None:
    code, _, err = bring_in(tmp_path, flag, value)
    assert code in (1, 2)
    assert err.startswith("lightloop: ")
    assert not (tmp_path / "run.h5").exists()


def test_a_wrong_axis_string_is_refused(tmp_path: Path) -> None:
    code, _, err = bring_in(tmp_path, "--axes", "TZCYX")
    assert code == 1
    assert "TZCYX" in err


@pytest.mark.parametrize(
    ("words", "file", "dataset"),
    [
        ("a/film.h5:group/data", "a/film.h5", "group/data"),
        ("a/film.tif", "a/film.tif", ""),
        ("C:/film.tif", "C:/film.tif", ""),
        ("C:/film.h5:data", "C:/film.h5", "data"),
    ],
)
def test_a_dataset_stands_behind_a_colon(words: str, file: str, dataset: str) -> None:
    assert file_and_dataset(words) == (Path(file), dataset)


def test_reasons_that_differ_in_their_numbers_alone_are_counted_as_one() -> None:
    from lightloop.cli.inspection import _alike

    said = {"SNR 38.9 is at target 40": 2, "SNR 39 is at target 40": 3, "held at 5 ms": 1}
    assert _alike(said) == {"SNR … is at target …": 5, "held at 5 ms": 1}
