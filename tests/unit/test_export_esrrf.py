"""eSRRF of a recording: each channel, plane and position alone, first when the window is full."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from lightloop.cli.app import app
from models.esrrf_rolling import RollingEsrrf
from models.history import Moment
from realtime.errors import RunFileError
from realtime.export import Wanted, export_run
from realtime.export.esrrf import Esrrf
from realtime.run_file import RunReader
from tests.unit.export_samples import image, write_film
from tests.unit.run_samples import CALIBRATION

LOST = 13  # of 6 x 2 x 2 x 2: t 1, p 1, c 0, z 1


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, list]:
    path = tmp_path / "run.h5"
    return path, write_film(path, n_t=6, n_c=2, n_z=2, n_p=2, lost=(LOST,))


def export(path: Path, wanted: Esrrf, *kinds: str) -> list[Path]:
    with RunReader(path) as reader:
        return export_run(reader, Wanted(kinds, esrrf=wanted), path.parent, path.stem)


def expected(infos: list, wanted: Esrrf, p: int, c: int, z: int) -> np.ndarray:
    """Return the pictures of one channel and plane, NaN where a frame was lost."""
    rolling, pictures = RollingEsrrf((16, 24), wanted.window, wanted.statistic), []
    for one in infos:
        if (one.index.p, one.index.c, one.index.z) != (p, c, z):
            continue
        if one.seq == LOST:
            pictures.append(np.full(rolling.shape, np.nan))
            continue
        photons = (image(one.seq) - CALIBRATION.offset_adu) / CALIBRATION.gain_adu_per_e
        moment = Moment(p, one.index.t, one.seq, one.applied.dose_j_cm2)
        rolling.add(photons.astype(np.float32), moment)
        pictures.append(rolling.picture().copy())
    return np.array(pictures[wanted.window - 1 :])


def test_every_channel_plane_and_position_has_its_own_pictures(run) -> None:
    path, infos = run
    wanted = Esrrf("avg", 2)
    made = export(path, wanted, "ome-tiff")
    out = path.parent / "run.esrrf.ome.tiff"
    assert out in made
    with tifffile.TiffFile(out) as file:
        said = file.ome_metadata
        whole = [series.asarray() for series in file.series]
    assert len(whole) == 2
    assert whole[0].shape == (5, 2, 2, 32, 48)
    for p in range(2):
        for c in range(2):
            for z in range(2):
                found = whole[p][:, c, z]
                np.testing.assert_allclose(
                    found, expected(infos, wanted, p, c, z), rtol=1e-4, atol=1e-3
                )
    assert np.isnan(whole[1][0, 0, 1]).all()  # the frame that was lost
    assert 'PhysicalSizeX="0.25"' in said
    assert "for looking at. Measure in raw images" in said


def test_a_hyperstack_says_what_it_is_and_the_raw_one_stays_as_it_was(run) -> None:
    path, _ = run
    made = export(path, Esrrf("var", 3), "tiff")
    names = {one.name for one in made}
    assert {"run.p0.tif", "run.esrrf.p0.tif", "run.esrrf.p1.tif"} <= names
    with tifffile.TiffFile(path.parent / "run.esrrf.p0.tif") as file:
        assert file.asarray().shape == (4, 2, 2, 32, 48)
        about = json.loads(file.imagej_metadata["Info"])
    assert about["esrrf"]["statistic"] == "var"
    assert about["missing"] == []  # of the times that have a picture
    with tifffile.TiffFile(path.parent / "run.p0.tif") as file:
        assert file.asarray().shape == (6, 2, 2, 16, 24)


def test_hdf5_holds_them_beside_the_frames(run) -> None:
    path, infos = run
    wanted = Esrrf("tac2", 4)
    export(path, wanted, "gzip-h5")
    with h5py.File(path.parent / "run.gzip.h5") as file:
        pictures = file["esrrf0/electrons"][()]
        assert "film0" in file
    found = pictures[0, :, 1, 0] if pictures.ndim == 6 else pictures[:, 1, 0]
    np.testing.assert_allclose(found, expected(infos, wanted, 0, 1, 0), rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (
            Esrrf("avg", 7),
            "6 time points, and eSRRF was asked for from 7 frames: choose 6 or fewer",
        ),
        (Esrrf("avg", 1), "2 to 1000 frames"),
        (Esrrf("avg", 3, 7), "magnification must be 2 to 4"),
        (Esrrf("avg", 3, 2, 99.0), "radius_px must be"),
    ],
)
def test_what_cannot_be_made_is_refused_and_leaves_nothing(run, wanted, words) -> None:
    path, _ = run
    with pytest.raises(RunFileError, match=words):
        export(path, wanted, "ome-tiff")
    assert [one.name for one in path.parent.iterdir()] == ["run.h5"]


def test_windows_that_fit_into_no_memory_are_refused(run, monkeypatch) -> None:
    monkeypatch.setattr("realtime.export.esrrf.MAX_BYTES", 1 << 16)
    with pytest.raises(RunFileError, match=r"2 channels and 2 planes.*--esrrf-frames"):
        export(run[0], Esrrf("avg", 3), "tiff")


def test_the_command_makes_them_with_all_their_settings(run) -> None:
    path, _ = run
    options = ["--esrrf", "avg", "--esrrf-frames", "3", "--esrrf-finer", "3", "--esrrf-radius", "2"]
    done = CliRunner().invoke(app, ["export", str(path), "--ome-tiff", *options])
    assert done.exit_code == 0, done.output
    out = path.parent / "run.esrrf.ome.tiff"
    assert "run.esrrf.ome.tiff" in done.stdout.replace("\n", "")
    with tifffile.TiffFile(out) as file:
        assert file.series[0].shape == (4, 2, 2, 48, 72)
        assert "radius 2 px" in file.ome_metadata


def test_the_command_says_how_long_a_window_may_be(run) -> None:
    done = CliRunner().invoke(app, ["export", str(run[0]), "--tiff", "--esrrf", "avg"])
    assert done.exit_code == 1
    assert "choose 6 or fewer" in done.stderr.replace("\n", " ")
