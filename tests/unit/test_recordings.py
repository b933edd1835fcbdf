"""Films of any origin: their order, their axes, their scale, and what is said of their camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from lightloop.recordings.files import Scale, scale_of, tiffs_of, usual_axes
from lightloop.recordings.recording import open_recording
from realtime.errors import RunFileError
from tests.unit.export_samples import write_film


def film(n: int = 4, planes: int = 1) -> np.ndarray:
    rng = np.random.default_rng(3)
    shape = (n, planes, 96, 128) if planes > 1 else (n, 96, 128)
    level = 100 + 400 * (np.indices((96, 128))[1] / 128) ** 2
    return rng.poisson(level, shape).astype(np.uint16)


@pytest.mark.parametrize("name", ["plain.tif", "stack.npy"])
def test_one_axis_besides_y_and_x_is_time(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("npy"):
        np.save(path, film())
    else:
        tifffile.imwrite(path, film(), metadata={"axes": "ZYX"}, imagej=True)
    with open_recording(path) as recording:
        assert (recording.n_planes, recording.shape) == (1, (96, 128))
        assert [point.t for point in recording.fields[0]] == [0, 1, 2, 3]
        np.testing.assert_array_equal(recording.fields[0][2].planes[0].read(), film()[2])
        assert recording.camera.source == "estimated"
        assert "estimated from the images" in recording.notes[0]
        assert recording.camera.gain_adu_per_e == pytest.approx(1.0, rel=0.3)


def test_a_folder_of_images_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for n in (10, 2, 1):
        tifffile.imwrite(tmp_path / f"t{n}.tif", film(11)[n])
    assert [path.name for path in tiffs_of(tmp_path)] == ["t1.tif", "t2.tif", "t10.tif"]
    with open_recording(tmp_path) as recording:
        points = recording.fields[0]
        np.testing.assert_array_equal(points[2].planes[0].read(), film(11)[10])


def test_an_image_of_another_size_in_a_folder_is_named(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "t1.tif", film()[0])
    tifffile.imwrite(tmp_path / "t2.tif", film()[0][:50])
    words = r"t2\.tif is \(50, 128\) px"
    with pytest.raises(RunFileError, match=words), open_recording(tmp_path) as recording:
        recording.fields[0][1].planes[0].read()


def test_channels_are_not_taken_for_time(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "c.ome.tif", film(), metadata={"axes": "CYX"})
    assert usual_axes(tmp_path / "c.ome.tif", "") == ""


def test_ome_and_imagej_say_their_pixel_and_their_interval(tmp_path: Path) -> None:
    said = {"axes": "TYX", "PhysicalSizeX": 250.0, "PhysicalSizeXUnit": "nm", "TimeIncrement": 2.0,
            "TimeIncrementUnit": "min"}  # fmt: skip
    tifffile.imwrite(tmp_path / "a.ome.tif", film(), metadata=said)
    assert scale_of(tmp_path / "a.ome.tif") == pytest.approx(Scale(0.25, 120.0))
    meta = {"axes": "TYX", "unit": "micron", "finterval": 30.0}
    tifffile.imwrite(tmp_path / "b.tif", film(), imagej=True, resolution=(4.0, 4.0), metadata=meta)
    assert scale_of(tmp_path / "b.tif") == pytest.approx(Scale(0.25, 30.0))
    tifffile.imwrite(tmp_path / "c.tif", film(), photometric="minisblack")
    assert scale_of(tmp_path / "c.tif") == Scale()


def test_a_run_file_brings_its_own_camera_pixel_and_planes(tmp_path: Path) -> None:
    write_film(tmp_path / "run.h5")
    with open_recording(tmp_path / "run.h5") as recording:
        assert recording.camera.source != "estimated"
        assert recording.notes == ()
        assert recording.pixel_um > 0
        assert recording.n_planes == max(len(p.planes) for p in recording.fields[0])
        first = recording.fields[0][0].planes[0]
        assert first.read().shape == recording.shape


def test_what_is_nothing_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match="there is no file"), open_recording(tmp_path / "no.tif"):
        pass
    (tmp_path / "bad.tif").write_bytes(b"no tiff")
    with pytest.raises(RunFileError, match="cannot be read"), open_recording(tmp_path / "bad.tif"):
        pass


@pytest.mark.parametrize("kind", ["tif", "npy", "folder"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_that_are_whole_numbers_are_counts(tmp_path: Path, kind: str, dtype: type) -> None:
    counts = film().astype(np.uint16)
    path = _written(tmp_path, counts.astype(dtype), kind)
    with open_recording(path, axes="" if kind == "folder" else "TYX") as recording:
        assert not any("multiplied" in note for note in recording.notes)
        for t, point in enumerate(recording.fields[0]):
            np.testing.assert_array_equal(point.planes[0].read(), counts[t])


@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e5])
def test_other_floats_keep_their_ratios_and_it_is_said(tmp_path: Path, unit: float) -> None:
    pixels = film() * np.float32(0.37 * unit)
    with open_recording(_written(tmp_path, pixels, "tif"), axes="TYX") as recording:
        read = np.stack([point.planes[0].read() for point in recording.fields[0]])
        assert "multiplied" in recording.notes[0]
    assert 2**15 <= read.max() <= 2**16
    np.testing.assert_allclose(read / read.max(), pixels / pixels.max(), atol=1 / read.max())


@pytest.mark.parametrize("bad", [-0.5, np.nan, np.inf])
@pytest.mark.parametrize("kind", ["tif", "npy", "folder"])
def test_floats_that_no_camera_counts_are_refused_in_words(
    tmp_path: Path, bad: float, kind: str
) -> None:
    pixels = film().astype(np.float32)
    pixels[2, 3, 4] = bad
    path = _written(tmp_path, pixels, kind)
    with (
        pytest.raises(RunFileError, match=r"finite and >= 0.*\(2, 0, 0\)"),
        open_recording(path, axes="" if kind == "folder" else "TYX"),
    ):
        pass


def _written(folder: Path, pixels: np.ndarray, kind: str) -> Path:
    """Write a film as one file, or as a folder with a TIFF for each time point."""
    path = folder / f"film.{kind}"
    if kind == "npy":
        np.save(path, pixels)
    elif kind == "tif":
        tifffile.imwrite(path, pixels, photometric="minisblack")
    else:
        path.mkdir()
        for t, image in enumerate(pixels):
            tifffile.imwrite(path / f"t{t}.tif", image)
    return path
