"""Images of a run in other programs' formats, opened again by other programs' readers."""

from __future__ import annotations

import csv
import itertools
import json
from dataclasses import replace
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
import tifffile

from acquire.frame import Index
from realtime.errors import RunFileError
from realtime.export import Wanted, export_run
from realtime.export.film import Place, films
from realtime.run_file import RunReader, RunWriter
from realtime.wire import Gap
from tests.unit.export_samples import image, info, light, start, write_film
from tests.unit.run_samples import CALIBRATION, message

BIG = {"n_t": 3, "n_c": 2, "n_z": 2, "n_p": 2}
LOST = 13  # of BIG: t 1, p 1, c 0, z 1


def export(path: Path, *kinds: str, **more) -> list[Path]:
    with RunReader(path) as reader:
        return export_run(reader, Wanted(kinds, **more), path.parent, path.stem)


def normalised(one, counts: np.ndarray) -> np.ndarray:
    """Return what the formula in the manual says."""
    return (counts - CALIBRATION.offset_adu) / CALIBRATION.gain_adu_per_e / one.applied.dose_j_cm2


@pytest.fixture
def big(tmp_path: Path) -> tuple[Path, list]:
    path = tmp_path / "run.h5"
    return path, write_film(path, **BIG, lost=(LOST,), parts=2)


@pytest.fixture
def zarr():
    """Give the package, and end the threads that it keeps for its next call."""
    pytest.importorskip("ome_writers", reason="the extra export is not installed")
    import zarr
    from zarr.core.sync import cleanup_resources

    yield zarr
    cleanup_resources()


def expected(infos: list, values: str) -> np.ndarray:
    """Return positions, times, channels, planes, rows and columns; NaN or 0 where it was lost."""
    fill = 0 if values == "counts" else np.nan
    whole = np.full((2, 3, 2, 2, 16, 24), fill, np.uint16 if values == "counts" else np.float64)
    for one in infos:
        if one.seq != LOST:
            at = one.index
            counts = image(one.seq)
            whole[at.p, at.t, at.c, at.z] = (
                counts if values == "counts" else normalised(one, counts.astype(float))
            )
    return whole


def test_every_frame_has_its_place_and_every_hole_is_listed(big) -> None:
    path, _ = big
    with RunReader(path) as reader:
        (film,) = films(reader)
    assert film.shape == (3, 2, 2, 16, 24)
    assert film.positions == (0, 1)
    (hole,) = film.holes()
    assert hole.place == Place(1, 1, 0, 1)
    assert hole.why == "lost: the ring was full"
    assert len(film.infos) == film.n_places - 1


@pytest.mark.parametrize("values", ["counts", "per_dose"])
def test_a_zarr_reader_finds_every_field_and_no_chunk_where_a_frame_was_lost(
    big, zarr, values: str
) -> None:
    path, infos = big
    export(path, "ome-zarr")
    name = "run.ome.zarr" if values == "counts" else "run.per_dose.ome.zarr"
    group = zarr.open_group(path.parent / name, mode="r")
    about = group.attrs["lightloop"]
    assert about["unit"] == ("ADU" if values == "counts" else "photo-electrons per (J/cm2)")
    assert about["region_of_chip_px"] == [8, 16, 24, 16]
    assert about["missing"] == [{"p": 1, "t": 1, "c": 0, "z": 1, "why": "lost: the ring was full"}]
    whole = np.stack([group[f"p{p}/0"][...] for p in (0, 1)])
    np.testing.assert_allclose(whole, expected(infos, values), rtol=1e-6)
    ome = group["p1"].attrs["ome"]
    assert ome["version"] == "0.5"
    axes = [axis["name"] for axis in ome["multiscales"][0]["axes"]]
    assert axes == ["t", "c", "z", "y", "x"]
    (scale,) = ome["multiscales"][0]["datasets"][0]["coordinateTransformations"]
    assert scale["scale"] == [120.0, 1.0, 2.0, 0.5, 0.5]
    assert [channel["label"] for channel in ome["omero"]["channels"]] == ["GFP", "RFP"]
    frames = group["p0"].attrs["ome_writers"]["frame_metadata"]
    assert frames[5]["dose"] == infos[9].applied.dose_j_cm2, "t 1, c 0, z 1"
    if values == "counts":
        chunks = [p for p in (path.parent / name / "p1" / "0" / "c").rglob("*") if p.is_file()]
        assert len(chunks) == 11, "a frame that was lost is absent, not zero"


def test_ome_zarr_keeps_to_the_specification(big) -> None:
    yaozarrs = pytest.importorskip("yaozarrs", reason="the extra export is not installed")
    path, _ = big
    for folder in export(path, "ome-zarr")[:2]:
        yaozarrs.validate_zarr_store(str(folder))


def test_the_reference_reader_of_ome_zarr_finds_the_images(big, zarr) -> None:
    reason = "ome-zarr brings dask and holds pydantic back; install it by hand to run this"
    pytest.importorskip("ome_zarr", reason=reason)
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Multiscales, Reader

    path, infos = big
    export(path, "ome-zarr", values=("per_dose",))
    for p in (0, 1):
        location = parse_url(path.parent / "run.per_dose.ome.zarr" / f"p{p}", mode="r")
        (node,) = [n for n in Reader(location)() if n.load(Multiscales)]
        whole = node.data[0].compute(scheduler="synchronous")
        np.testing.assert_allclose(whole, expected(infos, "per_dose")[p], rtol=1e-6)
        assert node.metadata["channel_names"] == ["GFP", "RFP"]
        assert [axis["name"] for axis in node.metadata["axes"]] == ["t", "c", "z", "y", "x"]


@pytest.mark.parametrize("values", ["counts", "per_dose"])
def test_ome_tiff_has_an_image_for_each_field_with_times_places_and_doses(big, values: str) -> None:
    path, infos = big
    export(path, "ome-tiff")
    name = "run.ome.tiff" if values == "counts" else "run.per_dose.ome.tiff"
    with tifffile.TiffFile(path.parent / name) as file:
        xml = file.ome_metadata
        whole = np.stack([series.asarray() for series in file.series])
    np.testing.assert_allclose(whole, expected(infos, values), rtol=1e-6)
    ome_types = pytest.importorskip("ome_types", reason="the extra export is not installed")
    ome = ome_types.from_xml(xml)  # checks it against the schema
    pixels = ome.images[1].pixels
    assert (pixels.physical_size_x, pixels.physical_size_z) == (0.5, 2.0)
    assert [channel.name for channel in pixels.channels] == ["GFP", "RFP"]
    assert [channel.excitation_wavelength for channel in pixels.channels] == [488.0, 561.0]
    planes = {(p.the_t, p.the_c, p.the_z): p for p in pixels.planes}
    assert planes[2, 1, 1].delta_t == pytest.approx(infos[-1].t_s)
    assert planes[2, 1, 1].exposure_time == pytest.approx(0.02)
    assert planes[2, 1, 1].position_x == 100.0
    assert planes.get((1, 0, 1)) is None or planes[1, 0, 1].delta_t is None, "nobody knows"
    notes = {m.k: m.value for m in ome.structured_annotations.map_annotations[1].value.ms}
    assert json.loads(notes["missing"])[0]["why"] == "lost: the ring was full"
    doses = json.loads(notes["dose_of_each_plane"])
    assert doses[5] is None
    assert doses[4] == pytest.approx(0.04)


def test_another_reader_sees_the_same_counts_in_the_hyperstack(big) -> None:
    path, infos = big
    export(path, "tiff")
    for p in (0, 1):
        _, pages = cv2.imreadmulti(str(path.parent / f"run.p{p}.tif"), flags=cv2.IMREAD_UNCHANGED)
        tzc = np.stack(pages).reshape(3, 2, 2, 16, 24)
        np.testing.assert_array_equal(tzc.swapaxes(1, 2), expected(infos, "counts")[p])
    with tifffile.TiffFile(path.parent / "run.per_dose.p1.tif") as file:
        known = file.imagej_metadata
        per_dose = file.asarray()
    np.testing.assert_allclose(per_dose.swapaxes(1, 2), expected(infos, "per_dose")[1], rtol=1e-6)
    assert known["Labels"][6] == "MISSING: no frame", "t 1, z 1, c 0"
    assert "0.04 J/cm2" in known["Labels"][4]
    assert "photo-electrons per (J/cm2)" in known["Info"]


def test_plain_hdf5_with_gzip_holds_all_of_the_run(big) -> None:
    path, infos = big
    export(path, "gzip-h5")
    with h5py.File(path.parent / "run.gzip.h5") as file:
        film = file["film0"]
        for values in ("counts", "per_dose"):
            np.testing.assert_allclose(film[values][...], expected(infos, values), rtol=1e-6)
        assert film["counts"].compression == "gzip"
        assert film["per_dose"].attrs["units"] == "photo-electrons per (J/cm2)"
        assert not film["is_there"][1, 1, 0, 1]
        assert film["is_there"][...].sum() == len(infos) - 1
        lost = film["frames"][film["frames"]["seq"] == -1]
        assert lost["missing"].tolist() == [b"lost: the ring was full"]
        ends, whole = file["documents/offsets"][...], file["documents/bytes"][...].tobytes()
    with RunReader(path) as reader:
        packets = list(reader.packets())
    assert [whole[a:b] for a, b in itertools.pairwise(ends)] == packets


def test_the_table_of_frames_has_a_row_for_each_place(big) -> None:
    path, infos = big
    export(path, "tiff", values=("counts",))
    with (path.parent / "run.frames.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(infos)
    lost = [row for row in rows if row["missing"]]
    assert [(row["p"], row["t"], row["c"], row["z"]) for row in lost] == [("1", "1", "0", "1")]
    assert lost[0]["mean_e"] == ""
    last = rows[-1]
    assert float(last["mean_e"]) == pytest.approx((image(23).mean() - 100) / 0.5, rel=1e-6)
    assert float(last["field_dose_j_cm2"]) == pytest.approx(2 * (0.02 + 0.04 + 0.06))


def test_frames_of_two_cameras_are_two_films_with_names_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, start(((16, 24), (8, 8)))) as writer:
        for seq in range(6):
            shape, camera = ((8, 8), "cam1") if seq % 3 == 2 else ((16, 24), "cam")
            c = int(seq % 3 == 2)
            one = info(seq, seq // 3, seq % 3, 3, Index(t=seq // 3, c=c, z=seq % 3 % 2), light(c),
                       shape, camera)  # fmt: skip
            writer.frame(message(one, image(seq, shape)), image(seq, shape))
        writer.close("complete")
    made = export(path, "ome-tiff", values=("counts",))
    names = {made_path.name for made_path in made}
    assert names == {"run.cam-16x24.ome.tiff", "run.cam1-8x8.ome.tiff"} | {
        "run.cam-16x24.frames.csv",
        "run.cam1-8x8.frames.csv",
    }
    small = tifffile.imread(tmp_path / "run.cam1-8x8.ome.tiff")
    np.testing.assert_array_equal(small, np.stack([image(2, (8, 8)), image(5, (8, 8))]))


def test_the_second_frame_of_an_audit_is_a_time_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, start()) as writer:
        for seq in range(4):
            one = info(seq, seq // 2, seq % 2, 2, Index(t=seq // 2), light(), is_audit=True)
            writer.frame(message(one, image(seq)), image(seq))
        writer.close("complete")
    export(path, "tiff", values=("counts",))
    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "run.tif"), np.stack([image(n) for n in range(4)])
    )


def test_planes_keep_their_distance_where_the_first_stack_has_a_hole(tmp_path: Path) -> None:
    write_film(tmp_path / "run.h5", n_z=3, lost=(1, 2))
    with RunReader(tmp_path / "run.h5") as reader:
        (film,) = films(reader)
    assert film.plane_um() == 2.0
    write_film(tmp_path / "flat.h5")
    with RunReader(tmp_path / "flat.h5") as reader:
        assert films(reader)[0].plane_um() is None


def test_an_export_of_a_damaged_journal_keeps_no_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_: RunReader):
        raise RunFileError("run.h5 is damaged: document 3 of its journal is not what was written")

    write_film(tmp_path / "run.h5")
    monkeypatch.setattr(RunReader, "packets", damaged)
    before = h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE)
    with pytest.raises(RunFileError, match="document 3 of its journal") as told:
        export(tmp_path / "run.h5", "gzip-h5")
    assert told.tb, "while the error is on its way, it holds all that its functions held"
    assert h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run.h5"]


def test_a_hole_that_two_gaps_reach_over_is_told_by_the_first(tmp_path: Path) -> None:
    write_film(tmp_path / "run.h5", n_t=6, lost=(1, 2, 3))
    with RunReader(tmp_path / "run.h5") as reader:
        (film,) = films(reader)
    gaps = (Gap(1, 2, "first"), Gap(3, 3, "second"))
    holes = replace(film, gaps=gaps).holes()
    assert [(hole.place.t, hole.why) for hole in holes] == [(t, "lost: first") for t in (1, 2, 3)]
    assert {hole.why for hole in replace(film, gaps=()).holes()} == {"not taken"}


def test_a_time_point_that_was_lost_whole_is_a_hole_and_not_left_out(tmp_path: Path) -> None:
    write_film(tmp_path / "run.h5", n_t=4, lost=(1,))
    with RunReader(tmp_path / "run.h5") as reader:
        (film,) = films(reader)
    assert [hole.place.t for hole in film.holes()] == [1]
    assert film.shape[0] == 4


def test_light_without_calibration_is_relative_in_every_file(tmp_path: Path, zarr) -> None:
    write_film(tmp_path / "run.h5", calibrated=False)
    export(tmp_path / "run.h5", "ome-zarr", "ome-tiff", "tiff", "gzip-h5", values=("per_dose",))
    unit = "photo-electrons per relative dose"
    assert zarr.open_group(tmp_path / "run.per_dose.ome.zarr").attrs["lightloop"]["unit"] == unit
    for name in ("run.per_dose.ome.tiff", "run.per_dose.tif"):
        with tifffile.TiffFile(tmp_path / name) as file:
            assert unit in str(file.ome_metadata or file.imagej_metadata["Info"])
    with h5py.File(tmp_path / "run.gzip.h5") as file:
        assert file["film0/per_dose"].attrs["units"] == unit
        assert file.attrs["dose_unit"] == "relative"
    head = (tmp_path / "run.frames.csv").read_text().splitlines()[0]
    assert "dose_relative" in head
    assert "j_cm2" not in head


def test_one_light_without_calibration_makes_the_file_relative_and_the_channels_say_which(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, start()) as writer:
        for seq in range(4):
            c = seq % 2
            one = info(seq, seq // 2, c, 2, Index(t=seq // 2, c=c), light(c, calibrated=c == 0))
            writer.frame(message(one, image(seq)), image(seq))
        writer.close("complete")
    export(path, "tiff", values=("per_dose",))
    with (tmp_path / "run.frames.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["dose_unit"] for row in rows] == ["J/cm2", "relative"] * 2
    assert "mean_e_per_relative_dose" in rows[0]
    with tifffile.TiffFile(tmp_path / "run.per_dose.tif") as file:
        about = json.loads(file.imagej_metadata["Info"])
    assert about["dose_unit_of_channels"] == {"GFP": "J/cm2", "RFP": "relative"}


def test_progress_ends_at_its_total(big) -> None:
    path, _ = big
    told: list[tuple[int, int]] = []
    with RunReader(path) as reader:
        wanted = Wanted(("tiff", "ome-tiff", "gzip-h5"))
        export_run(reader, wanted, path.parent, "run", show=lambda *n: told.append(n))
    assert told[-1] == (6 * 24, 6 * 24)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_damaged_frame_ends_an_export_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, start(), compress=False) as writer:
        one = info(0, 0, 0, 1, Index(), light())
        writer.frame(message(one, image(0)), image(0))
        writer.close("complete")
    raw = bytearray(path.read_bytes())
    raw[raw.find(image(0).tobytes())] ^= 1
    path.write_bytes(raw)
    with pytest.raises(RunFileError, match="frame 0 is damaged"):
        export(path, "ome-tiff", "gzip-h5")
    assert [left.name for left in tmp_path.iterdir()] == ["run.h5"]


def test_a_hyperstack_that_would_not_fit_is_refused_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from realtime.export import tiff

    write_film(tmp_path / "run.h5")
    monkeypatch.setattr(tiff, "MOST_BYTES", 1000)
    with pytest.raises(RunFileError, match="use --ome-tiff"):
        export(tmp_path / "run.h5", "tiff")
    assert [left.name for left in tmp_path.iterdir()] == ["run.h5"]


def test_a_run_without_frames_is_told_apart(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run.h5", start()) as writer:
        writer.close("complete")
    with pytest.raises(RunFileError, match="no frame"):
        export(tmp_path / "run.h5", "tiff")
