"""Foreign recordings become run files: the same pixels, nothing invented, clear complaints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from acquire.calibration import Calibration
from realtime.errors import RunFileError
from realtime.importing.image_files import open_source
from realtime.importing.importer import import_recording
from realtime.run_file import RunReader
from tests.unit.run_samples import CALIBRATION


def images(shape, dtype=np.uint16, seed=0):
    return np.random.default_rng(seed).integers(0, 200, shape).astype(dtype)


def write(folder: Path, kind: str, stack, axes: str) -> Path:
    path = folder / f"source.{kind}"
    if kind == "npy":
        np.save(path, stack)
    elif kind == "h5":
        with h5py.File(path, "w") as file:
            file["group/images"] = stack
    elif kind == "ome.tif":
        tifffile.imwrite(path, stack, metadata={"axes": axes}, ome=True)
    else:
        tifffile.imwrite(path, stack, photometric="minisblack", metadata={"axes": axes})
    return path


def load(path: Path, out: Path, axes: str, channel: int = 0, calibration=CALIBRATION, **more):
    return import_recording(path, "", axes, channel, 0.2, calibration, 60.0, 20.0, out, **more)


@pytest.mark.parametrize("kind", ["npy", "h5", "tif", "ome.tif"])
@pytest.mark.parametrize(
    ("axes", "shape"),
    [("YX", (9, 7)), ("TYX", (4, 9, 7)), ("TCYX", (4, 2, 9, 7)), ("TZCYX", (3, 4, 2, 9, 7))],
)
def test_pixels_come_through_every_format_and_order(tmp_path: Path, kind, axes, shape) -> None:
    stack = images(shape)
    out = tmp_path / "run.h5"
    channel = 1 if "C" in axes else 0
    told = load(write(tmp_path, kind, stack, axes), out, axes, channel)
    expected = np.take(stack, channel, axes.index("C")) if "C" in axes else stack
    with RunReader(out) as reader:
        got = np.array([reader.pixels(info.seq) for info in reader.infos])
        np.testing.assert_array_equal(got, expected.reshape(-1, 9, 7))
        assert reader.status == "complete"
        assert told.n_frames == len(got)


def test_ome_tiff_needs_no_axes(tmp_path: Path) -> None:
    path = write(tmp_path, "ome.tif", images((3, 2, 9, 7)), "TCYX")
    told = load(path, tmp_path / "run.h5", "")
    assert (told.n_frames, told.n_shots) == (3, 3)


def test_planes_of_a_position_are_one_shot_and_the_index_says_where(tmp_path: Path) -> None:
    path = write(tmp_path, "npy", images((2, 3, 4, 9, 7)), "")
    load(path, tmp_path / "run.h5", "tpzyx")
    with RunReader(tmp_path / "run.h5") as reader:
        assert len(reader.shots()) == 6
        last = reader.infos[-1]
        assert (last.index.t, last.index.p, last.index.z) == (1, 2, 3)
        assert (last.shot.number, last.shot.position, last.ends_shot) == (5, 2, True)
        assert reader.infos[12].t_s == 60.0


def test_nothing_is_invented_about_the_light(tmp_path: Path) -> None:
    path = write(tmp_path, "npy", images((2, 9, 7)), "TYX")
    load(path, tmp_path / "run.h5", "TYX")
    with RunReader(tmp_path / "run.h5") as reader:
        used = reader.infos[0].applied
        assert (used.calibrated, used.power_fraction, used.exposure_ms) == (False, 1.0, 20.0)
        assert used.decision_id == -1
        assert used.light == "not recorded"
        assert "light and power are not recorded" in reader.notices[0].text
        assert reader.start.dose_unit == "relative"
        assert reader.start.origin == "import of source.npy"
        assert reader.start.cameras[0].calibration == CALIBRATION


@pytest.mark.parametrize(
    ("dtype", "least", "most"), [(np.int16, -300, 32767), (np.int8, -100, 127), (np.int16, 0, 50)]
)
def test_negative_pixels_are_shifted_by_a_stated_amount_and_none_is_clipped(
    tmp_path: Path, dtype, least, most
) -> None:
    stack = np.linspace(least, most, 2 * 9 * 7).astype(dtype).reshape(2, 9, 7)
    path = write(tmp_path, "npy", stack, "TYX")
    told = load(path, tmp_path / "run.h5", "TYX")
    assert told.shift_adu == -least
    assert told.calibration.offset_adu == CALIBRATION.offset_adu - least
    with RunReader(tmp_path / "run.h5") as reader:
        got = np.array([reader.pixels(0), reader.pixels(1)], np.int64)
        np.testing.assert_array_equal(got + least, stack)
        assert (f"{-least} ADU were added" in reader.notices[0].text) == (least < 0)


@dataclass
class Guess:
    gain_adu_per_e: float = 2.0
    offset_adu: float = 50.0
    read_noise_e: float = 1.5
    is_reliable: bool = True


def test_a_missing_calibration_is_estimated_and_says_so(tmp_path: Path) -> None:
    seen = []

    def estimate(adu):
        seen.append(adu)
        return Guess()

    path = write(tmp_path, "npy", images((40, 9, 7), np.uint8), "TYX")
    told = load(path, tmp_path / "run.h5", "TYX", calibration=None, estimate=estimate)
    assert told.calibration == Calibration(2.0, 50.0, 1.5, 255.0, "estimated")
    assert seen[0].dtype == np.uint8
    assert seen[0].shape == (16, 9, 7)
    with RunReader(tmp_path / "run.h5") as reader:
        assert "calibration estimated" in reader.notices[0].text


def test_a_doubtful_estimate_is_a_warning(tmp_path: Path) -> None:
    path = write(tmp_path, "npy", images((2, 9, 7)), "TYX")
    guess = Guess(is_reliable=False)
    told = load(path, tmp_path / "run.h5", "TYX", calibration=None, estimate=lambda adu: guess)
    assert "only a guess" in told.doubt
    with RunReader(tmp_path / "run.h5") as reader:
        assert reader.notices[0].level == "warn"
        assert "only a guess" in reader.notices[0].text


@pytest.mark.parametrize("guess", [Guess(gain_adu_per_e=float("nan")), Guess(gain_adu_per_e=0.0)])
def test_an_estimate_that_is_no_camera_is_refused(tmp_path: Path, guess) -> None:
    path = write(tmp_path, "npy", images((2, 9, 7)), "TYX")
    with pytest.raises(RunFileError, match="cannot be estimated"):
        load(path, tmp_path / "r.h5", "TYX", calibration=None, estimate=lambda adu: guess)
    assert not (tmp_path / "r.h5").exists()


@pytest.mark.parametrize(
    ("axes", "channel", "match"),
    [
        ("TYX", 0, r"'TYX' names 3 axes, but the images have 4: \(3, 2, 9, 7\)"),
        ("TCXY", 0, "last two axes must be Y and X"),
        ("TTYX", 0, "different letters"),
        ("TQYX", 0, "different letters of T, P, C, Z, Y, X"),
        ("TSYX", 0, "colour images"),
        ("", 0, r"has 4 axes .* say it by --axes"),
        ("QQYX", 0, r"has 4 axes .* say it by --axes"),
        ("TCYX", 2, r"2 channel\(s\), numbered from 0; got 2"),
        ("TCYX", -1, "got -1"),
    ],
)
def test_axes_that_do_not_fit_are_a_clear_error(tmp_path: Path, axes, channel, match) -> None:
    path = write(tmp_path, "npy", images((3, 2, 9, 7)), "")
    with pytest.raises(RunFileError, match=match):
        load(path, tmp_path / "run.h5", axes, channel)
    assert not (tmp_path / "run.h5").exists()


@pytest.mark.parametrize("dtype", [np.float32, np.uint32, np.bool_, np.complex64])
def test_pixels_that_are_no_camera_counts_are_refused(tmp_path: Path, dtype) -> None:
    path = write(tmp_path, "npy", images((3, 9, 7), dtype), "TYX")
    with pytest.raises(RunFileError, match="whole numbers of 8 or 16 bits"):
        load(path, tmp_path / "run.h5", "TYX")


def test_sources_that_cannot_be_read_are_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match="there is no file"):
        load(tmp_path / "no.npy", tmp_path / "run.h5", "TYX")
    for name in ("bad.npy", "bad.h5", "bad.tif"):
        (tmp_path / name).write_bytes(b"nonsense" * 20)
        with pytest.raises(RunFileError, match=f"{name} cannot be read"):
            load(tmp_path / name, tmp_path / "run.h5", "TYX")
    (tmp_path / "film.avi").write_bytes(b"x")
    with pytest.raises(RunFileError, match=r"not '\.avi'"):
        load(tmp_path / "film.avi", tmp_path / "run.h5", "TYX")


def damaged(folder: Path, what: str) -> Path:
    path = folder / ("bad." + what.split()[0])
    if what == "npy that is empty":
        path.write_bytes(b"")
    elif what == "h5 with nothing in its dataset":
        with h5py.File(path, "w") as file:
            file["images"] = h5py.Empty("u2")
    else:
        tifffile.imwrite(path, images((3, 40, 50)), compression="zlib", photometric="minisblack")
        whole = path.read_bytes()
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages[1]
            strip, count = page.dataoffsets[0], page.databytecounts[0]
            zero = tiff.pages[0].tags["RowsPerStrip"].valueoffset
        path.write_bytes({
            "tif that breaks off": whole[:12],
            "tif whose pixels are damaged": whole[:strip] + bytes(count) + whole[strip + count :],
            "tif with strips of no rows": whole[:zero] + bytes(4) + whole[zero + 4 :],
        }[what])  # fmt: skip
    return path


@pytest.mark.filterwarnings("ignore")  # what the library says to a programmer
@pytest.mark.parametrize(
    "what",
    [
        "npy that is empty",
        "h5 with nothing in its dataset",
        "tif that breaks off",
        "tif whose pixels are damaged",
        "tif with strips of no rows",
    ],
)
def test_a_file_that_is_damaged_is_a_clear_error(tmp_path: Path, what: str) -> None:
    path = damaged(tmp_path, what)
    with pytest.raises(RunFileError, match=f"{path.name}.*(cannot be read|holds no image)"):
        load(path, tmp_path / "run.h5", "TYX")


def test_a_dataset_is_asked_for_where_a_file_holds_several(tmp_path: Path) -> None:
    path = tmp_path / "two.h5"
    with h5py.File(path, "w") as file:
        file["a"], file["b/c"] = images((2, 9, 7)), images((3, 9, 7))
    with pytest.raises(RunFileError, match="several datasets: say which; it holds a, b/c"):
        load(path, tmp_path / "run.h5", "TYX")
    with pytest.raises(RunFileError, match="no dataset 'd'"):
        import_recording(path, "d", "TYX", 0, 0.2, CALIBRATION, 1.0, 1.0, tmp_path / "run.h5")
    told = import_recording(path, "/b/c", "TYX", 0, 0.2, CALIBRATION, 1.0, 1.0, tmp_path / "run.h5")
    assert told.n_frames == 3


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_numbers_that_make_no_sense_are_refused(tmp_path: Path, bad) -> None:
    path = write(tmp_path, "npy", images((3, 9, 7)), "TYX")
    with pytest.raises(RunFileError, match="pixel_um must be"):
        import_recording(path, "", "TYX", 0, bad, CALIBRATION, 1.0, 1.0, tmp_path / "run.h5")
    with pytest.raises(RunFileError, match="exposure_ms must be"):
        import_recording(path, "", "TYX", 0, 1.0, CALIBRATION, 1.0, bad, tmp_path / "run.h5")


def test_progress_is_told_to_the_end(tmp_path: Path) -> None:
    told = []
    path = write(tmp_path, "npy", images((3, 9, 7)), "TYX")
    load(path, tmp_path / "run.h5", "TYX", on_progress=lambda *at: told.append(at))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(("name", "said"), [("a.zarr", "a Zarr folder"), ("a", "a folder")])
def test_a_folder_is_told_what_can_be_imported_instead(
    tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(RunFileError, match=f"is {said}: TIFF, HDF5 and .npy files can be imported"):
        open_source(tmp_path / name, "", "TYX", 0)
