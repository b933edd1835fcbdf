"""Restored images in a run file: kept where there was time, marked where not, never in the way."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 - registers the filter that plain h5py reads with
import msgspec
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from acquire.calibration import Calibration
from realtime import recording
from realtime.errors import RunFileError, StreamError
from realtime.export import Wanted, export_run
from realtime.recorder import RecordOptions, record
from realtime.run_file import RunReader, RunWriter, examine, repair
from realtime.run_file.restored import MOST, scale_of, to_half
from realtime.telling.run_summary import summarize
from realtime.wire import CameraInfo, RestoredSlot, RingInfo, encode
from tests.unit import run_samples as samples
from tests.unit.test_export_images import zarr as zarr_package  # noqa: F401 - a fixture
from tests.unit.test_recorder import FakeClient, frames

KEEP = RecordOptions(restored=True)


def restored(shot, height=16, width=24):
    seen = np.random.default_rng(100 + shot).gamma(4.0, 10.0, (height, width))
    return seen.astype(np.float32)


def named(shot, seqs=None, height=16, width=24):
    """Return a result that names an image in the worker's ring."""
    slot = RestoredSlot(RingInfo("ll_ring", 4, 1 << 12), shot % 4, shot // 4 + 1, height, width)
    result = samples.result(shot, seqs or (shot,))
    return msgspec.structs.replace(result, restored=slot, model_id="denoise-2d/1-openvino-bf16")


class Client(FakeClient):
    """A stream whose worker has a ring of restored images; some were overwritten."""

    gone: tuple[int, ...] = ()

    def restored(self, slot):
        shot = (slot.generation - 1) * 4 + slot.slot
        return None if shot in self.gone else restored(shot, slot.height, slot.width)


def session(n):
    """Return a script in which each frame is followed by its result."""
    return [one for seq in range(n) for one in (*frames(seq), named(seq))] + [samples.end(n)]


def recorded(path: Path, n=5, gone=(), options=KEEP, monkeypatch=None):
    if monkeypatch is not None:
        monkeypatch.setattr(recording, "BEHIND_FRAMES", 10**6)
    client = Client(session(n), path)
    client.gone = gone
    return record(client, path, options=options)


@pytest.fixture
def run(tmp_path: Path, monkeypatch) -> Path:
    recorded(tmp_path / "run.h5", gone=(1,), monkeypatch=monkeypatch)
    return tmp_path / "run.h5"


def test_what_the_worker_restored_is_read_again_within_half_precision(run: Path) -> None:
    with RunReader(run) as reader:
        for shot in (0, 2, 3, 4):
            image = reader.restored(shot)
            assert image.dtype == np.float32
            np.testing.assert_allclose(image, restored(shot), rtol=1 / 2048)
        entries = list(reader.restored_entries())
    assert [entry.shot for entry in entries] == [0, 1, 2, 3, 4]
    assert {entry.model for entry in entries} == {"denoise-2d/1-openvino-bf16"}
    assert examine(run).is_whole
    assert examine(run).n_restored == 4


def test_plain_h5py_reads_restored_images_without_lightloop(run: Path) -> None:
    with h5py.File(run) as file:
        rows, data = file["entry/restored/images"][()], file["entry/restored/data"]
        row = rows[rows["shot"] == 3][0]
        image = data[row["row"]] * data.attrs["scale"]
    np.testing.assert_allclose(image, restored(3), rtol=1 / 2048)


def test_an_image_that_was_gone_is_marked_and_costs_nothing_else(run: Path) -> None:
    with RunReader(run) as reader:
        assert [entry.is_kept for entry in reader.restored_entries()] == [1, 0, 1, 1, 1]
        with pytest.raises(
            RunFileError, match="shot 1 is lost: it was gone from the worker's ring"
        ):
            reader.restored(1)
        assert reader.status == "complete"
        assert len(reader.infos) == 5
        seen = summarize(reader)
    assert (seen.n_restored, seen.n_restored_lost) == (4, 1)


def test_where_frames_wait_restored_images_are_left_out_and_frames_are_not(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    done = recorded(path, n=20)
    assert (done.n_frames, done.n_gaps) == (20, 0)
    assert done.n_restored_lost > 0
    assert done.n_restored + done.n_restored_lost == 20
    with RunReader(path) as reader:
        states = {entry.state for entry in reader.restored_entries() if not entry.is_kept}
        with pytest.raises(RunFileError, match="frames were waiting"):
            reader.restored(0)
    assert states == {2}
    assert examine(path).is_whole


def test_an_image_that_does_not_fit_is_marked_and_never_costs_the_run_its_frames(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(recording, "BEHIND_FRAMES", 10**6)
    large = named(1, height=17, width=24)
    script = [*frames(0), named(0), *frames(1), large, *frames(2), named(2), samples.end(3)]
    path = tmp_path / "run.h5"
    told = record(Client(script, path), path, options=KEEP)
    assert (told.status, told.n_frames) == ("complete", 3)
    assert (told.n_restored, told.n_restored_lost) == (2, 1)
    with RunReader(path) as reader:
        with pytest.raises(RunFileError, match="shot 1 is lost: it is larger than the frames"):
            reader.restored(1)
        assert [entry.is_kept for entry in reader.restored_entries()] == [True, False, True]
    assert examine(path).is_whole


def test_nobody_asked_so_nothing_is_kept(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "run.h5"
    recorded(path, options=RecordOptions(), monkeypatch=monkeypatch)
    with h5py.File(path) as file:
        assert "restored" not in file["entry"]
    with RunReader(path) as reader:
        assert list(reader.restored_entries()) == []
        with pytest.raises(RunFileError, match=r"\[record\] restored = true"):
            reader.restored(0)


def test_restored_images_do_not_count_in_the_digest(tmp_path: Path, monkeypatch) -> None:
    recorded(tmp_path / "with.h5", monkeypatch=monkeypatch)
    recorded(tmp_path / "without.h5", options=RecordOptions(), monkeypatch=monkeypatch)
    digests = {examine(tmp_path / name).digest for name in ("with.h5", "without.h5")}
    assert len(digests) == 1


def test_a_recorder_that_starts_again_goes_on_with_restored_images(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(recording, "BEHIND_FRAMES", 10**6)
    path, script = tmp_path / "run.h5", session(6)
    record(Client([*script[:6], StreamError("killed")], path), path, options=KEEP)
    record(Client(script[5:], path), path, options=KEEP)
    with RunReader(path) as reader:
        assert len(reader.parts) == 2
        assert [entry.shot for entry in reader.restored_entries()] == [0, 1, 2, 3, 4, 5]
        np.testing.assert_allclose(reader.restored(5), restored(5), rtol=1 / 2048)


def test_a_reader_follows_restored_images_while_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, samples.start(), keeps_restored=True) as writer:
        writer.document(encode(named(0)), named(0), restored(0))
        writer.flush()
        with RunReader(path) as reader:
            writer.document(encode(named(1)), named(1), restored(1))
            writer.flush()
            assert reader.refresh()
            np.testing.assert_allclose(reader.restored(1), restored(1), rtol=1 / 2048)


@pytest.mark.parametrize("what", ["data", "images"])
def test_a_damaged_restored_image_is_found_named_and_left_out_by_repair(
    run: Path, tmp_path: Path, what: str
) -> None:
    with h5py.File(run, "r+") as file:
        if what == "data":
            mask, packed = file["entry/restored/data"].id.read_direct_chunk((1, 0, 0))
            packed = bytearray(packed)
            packed[-100] ^= 16
            file["entry/restored/data"].id.write_direct_chunk((1, 0, 0), bytes(packed), mask)
        else:
            row = file["entry/restored/images"][2]
            row["seq_first"] += 1
            file["entry/restored/images"][2] = row
    verdict = examine(run)
    assert ["restored image of shot 2 is damaged" in str(fault) for fault in verdict.faults] == [1]
    repair(run, tmp_path / "new.h5")
    with RunReader(tmp_path / "new.h5") as reader:
        assert [entry.is_kept for entry in reader.restored_entries()] == [1, 0, 0, 1, 1]
        np.testing.assert_allclose(reader.restored(4), restored(4), rtol=1 / 2048)
        assert len(reader.infos) == 5


def test_a_region_is_kept_in_the_corner_and_read_as_it_was(tmp_path: Path) -> None:
    told = named(0, height=7, width=9)
    with RunWriter(tmp_path / "run.h5", samples.start(), keeps_restored=True) as writer:
        writer.document(encode(told), told, restored(0, 7, 9))
    with RunReader(tmp_path / "run.h5") as reader:
        np.testing.assert_allclose(reader.restored(0), restored(0, 7, 9), rtol=1 / 2048)


def everything(path: Path) -> list[object]:
    """Return all that a reader says of restored images."""
    with RunReader(path) as reader:
        found: list[object] = []
        for entry in reader.restored_entries():
            found += [entry, reader.restored(entry.shot).tobytes() if entry.is_kept else b""]
    return found


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
def test_a_flipped_byte_in_a_run_with_restored_images_is_found_or_does_not_matter(
    run: Path, tmp_path: Path, at: float, mask: int
) -> None:
    content = bytearray(run.read_bytes())
    content[int(at * len(content))] ^= mask
    path = tmp_path / "flipped.h5"
    path.write_bytes(content)
    try:
        is_whole = examine(path).is_whole
        seen = everything(path)
    except RunFileError:
        return
    assert not is_whole or seen == everything(run)


@settings(max_examples=60, deadline=None)
@given(
    image=hnp.arrays(np.float32, (3, 5), elements=st.floats(-100, 4e6, width=32)),
    gain=st.floats(0.01, 50.0),
)
def test_the_loss_is_what_the_file_says_for_every_camera(image, gain) -> None:
    camera = CameraInfo("cam", 3, 5, 0.1, Calibration(gain, 100.0, 1.6))
    scale = scale_of(camera)
    assert scale >= 1.0
    assert np.log2(scale) == int(np.log2(scale))
    well_e = (camera.calibration.saturation_adu - 100.0) / gain
    image = np.minimum(image, np.float32(2 * well_e))
    back = to_half(image, scale).astype(np.float32) * np.float32(scale)
    assert np.all(np.abs(back - image) <= np.maximum(np.abs(image) / 2048, 6.2e-5 * scale / 2048))


def test_what_no_half_can_count_is_its_largest_number_and_not_infinite() -> None:
    image = np.array([[1e30, -1e30, np.nan]], np.float32)
    assert to_half(image, 1.0)[0, :2].tolist() == [MOST, -MOST]


def test_restored_images_are_exported_as_photo_electrons_and_per_dose(
    run: Path, tmp_path: Path
) -> None:
    with RunReader(run) as reader:
        wanted = Wanted(("ome-tiff", "tiff", "gzip-h5"), restored=True)
        made = {path.name for path in export_run(reader, wanted, tmp_path, "run")}
        doses = [info.applied.dose_j_cm2 for info in reader.infos]
    assert {"run.restored.ome.tiff", "run.restored.per_dose.ome.tiff", "run.restored.tif"} <= made
    film = tifffile.imread(tmp_path / "run.restored.ome.tiff")
    np.testing.assert_allclose(film[3], restored(3), rtol=1 / 2048)
    assert np.isnan(film[1]).all(), "one that was not kept is no black picture"
    per_dose = tifffile.imread(tmp_path / "run.restored.per_dose.ome.tiff")
    np.testing.assert_allclose(per_dose[3], restored(3) / doses[3], rtol=1 / 1024)
    with tifffile.TiffFile(tmp_path / "run.restored.ome.tiff") as file:
        assert "denoise-2d/1-openvino-bf16" in file.ome_metadata
        assert "the restored image was not kept" in file.ome_metadata
    with h5py.File(tmp_path / "run.gzip.h5") as file:
        np.testing.assert_allclose(
            file["restored0/electrons"][0, 4, 0, 0], restored(4), rtol=1 / 2048
        )
        about = json.loads(file["restored0"].attrs["about"])
    assert about["restored_by"] == ["denoise-2d/1-openvino-bf16"]


def test_restored_images_in_zarr_have_the_place_of_their_frames(
    run: Path,
    tmp_path: Path,
    zarr_package,  # noqa: F811 - the fixture
) -> None:
    with RunReader(run) as reader:
        export_run(reader, Wanted(("ome-zarr",), restored=True), tmp_path, "run")
    film = zarr_package.open_group(tmp_path / "run.restored.ome.zarr", mode="r")["0"]
    np.testing.assert_allclose(film[4, 0, 0], restored(4), rtol=1 / 2048)
    assert np.isnan(film[1, 0, 0]).all()


def test_a_run_without_restored_images_says_how_to_keep_them(tmp_path: Path) -> None:
    samples.write_run(tmp_path / "run.h5")
    with RunReader(tmp_path / "run.h5") as reader, pytest.raises(RunFileError, match="restored = "):
        export_run(reader, Wanted(("tiff",), restored=True), tmp_path, "run")
    assert not list(tmp_path.glob("run.*tif*"))
