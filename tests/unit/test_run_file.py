"""The run file: what goes in comes out, byte for byte, at every moment of its life."""

from __future__ import annotations

import json
import re
import tempfile
import time
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 - the filter, as a user's script would load it
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.errors import BadMessage, RunFileError
from realtime.run_file import RunReader, RunWriter, examine, part_paths, resume_point
from realtime.run_file.sync import Sync
from realtime.wire import ClockPair, DecisionMessage, Gap, Notice, encode
from tests.unit import run_samples as samples


def put(writer, seq, height=16, width=24, **more):
    pixels = samples.image(seq, height, width)
    told = samples.message(samples.info(seq, height, width, **more), pixels)
    writer.frame(told, pixels)
    return told


def test_a_recorded_run_reads_back_as_it_was(tmp_path: Path) -> None:
    start, packets = samples.write_run(tmp_path / "run.h5", n_shots=3, n_frames=2)
    with RunReader(tmp_path / "run.h5") as reader:
        assert reader.start == start
        assert (reader.status, reader.end) == ("complete", samples.end(6))
        assert list(reader.packets()) == packets
        assert [encode(document) for document in reader.documents()] == packets
        assert [info.seq for info in reader.infos] == list(range(6))
        assert reader.shots() == [(0, 1), (2, 3), (4, 5)]
        assert [result.shot for result in reader.results] == [0, 1, 2]
        assert reader.results[-1] == samples.result(2, range(4, 6))
        assert [d.id for d in reader.decisions] == [0, 1, 2]
        assert [a.first_seq for a in reader.applied] == [0, 2, 4]
        for seq in range(6):
            np.testing.assert_array_equal(reader.pixels(seq), samples.image(seq))


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    frames=st.lists(st.sampled_from(["dark", "noise", "full"]), min_size=1, max_size=6),
    compress=st.booleans(),
    seed=st.integers(0, 9999),
)
def test_pixels_of_any_shape_and_content_come_back_exactly(height, width, frames, compress, seed):
    rng = np.random.default_rng(seed)
    kinds = {
        "dark": lambda: np.zeros((height, width), np.uint16),
        "noise": lambda: rng.integers(0, 65536, (height, width), np.uint16),
        "full": lambda: np.full((height, width), 65535, np.uint16),
    }
    images = [kinds[kind]() for kind in frames]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.h5"
        with RunWriter(path, samples.start(height, width), compress=compress) as writer:
            for seq, pixels in enumerate(images):
                writer.frame(samples.message(samples.info(seq, height, width), pixels), pixels)
        with RunReader(path) as reader:
            for seq, pixels in enumerate(images):
                np.testing.assert_array_equal(reader.pixels(seq), pixels)
        with h5py.File(path) as file:
            np.testing.assert_array_equal(file["entry/cam0/data"], np.array(images))


def test_h5py_alone_reads_pixels_table_and_calibration(tmp_path: Path) -> None:
    start, _ = samples.write_run(tmp_path / "run.h5", n_shots=2, n_frames=2)
    with h5py.File(tmp_path / "run.h5") as file:
        assert file.attrs["default"] == "entry"
        np.testing.assert_array_equal(file["entry/cam0/data"][3], samples.image(3))
        table = file["entry/frames"][()]
        assert table["seq"].tolist() == [0, 1, 2, 3]
        assert table["exposure_ms"].tolist() == [10.0, 10.0, 11.0, 11.0]
        assert table["decision_id"].tolist() == [-1, -1, 0, 0]
        assert set(table["channel"]) == {b"gfp"}
        assert file["entry/instrument/cam0/gain"][()] == 0.5
        assert file["entry/config"].asstr()[()] == start.config_toml
        assert "blosc2" in json.loads(file["entry/software"].asstr()[()])
        assert file["entry/status"][()] == b"complete"
        assert file["entry/commit"][()].tolist()[:4] == (3, 4, 0, 12)


def test_a_packet_of_a_newer_program_is_kept_byte_for_byte(tmp_path: Path) -> None:
    pixels = samples.image(0)
    told = samples.message(samples.info(0), pixels)
    packet = encode(told)
    newer = bytes([packet[0] + 1]) + packet[1:] + b"\xa3new\x01"  # one more field in the map
    with RunWriter(tmp_path / "run.h5", samples.start()) as writer:
        writer.frame(told, pixels, newer)
    with RunReader(tmp_path / "run.h5") as reader:
        assert list(reader.packets())[1] == newer
        np.testing.assert_array_equal(reader.pixels(0), pixels)


def test_a_region_of_the_chip_is_stored_and_read_as_a_region(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run.h5", samples.start(16, 24)) as writer:
        put(writer, 0)
        put(writer, 1, 5, 7)
    with RunReader(tmp_path / "run.h5") as reader:
        assert reader.pixels(0).shape == (16, 24)
        np.testing.assert_array_equal(reader.pixels(1), samples.image(1, 5, 7))


def test_two_cameras_keep_their_own_pixels(tmp_path: Path) -> None:
    start = samples.start(cameras=("left", "right"))
    with RunWriter(tmp_path / "run.h5", start) as writer:
        for seq in range(6):
            put(writer, seq, camera=("left", "right")[seq % 2])
    with RunReader(tmp_path / "run.h5") as reader:
        for seq in range(6):
            np.testing.assert_array_equal(reader.pixels(seq), samples.image(seq))
    with h5py.File(tmp_path / "run.h5") as file:
        assert file["entry/cam1/data"].shape == (3, 16, 24)


def test_only_what_was_flushed_counts(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run.h5", samples.start()) as writer:
        assert writer.flush() == -1
        put(writer, 0)
        assert writer.pending == 1
        assert writer.flush() == 0
        put(writer, 1)
        assert (writer.pending, writer.durable_seq, writer.last_seq) == (1, 0, 1)


def test_a_run_without_an_end_is_partial(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run.h5", samples.start()) as writer:
        put(writer, 0)
    with RunReader(tmp_path / "run.h5") as reader:
        assert (reader.status, reader.end) == ("partial", None)
        assert len(reader.infos) == 1


def test_an_interrupted_run_goes_on_in_a_new_part_and_any_part_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    assert resume_point(path) == -1
    for first in (0, 3, 6):
        with RunWriter(path, samples.start()) as writer:
            assert writer.last_seq == first - 1
            for seq in range(first, first + 3):
                put(writer, seq)
        assert resume_point(path) == first + 2
    parts = [path, tmp_path / "run.001.h5", tmp_path / "run.002.h5"]
    assert part_paths(path) == parts
    for part in parts:
        with RunReader(part) as reader:
            assert reader.name == "run.h5"
            assert [info.seq for info in reader.infos] == list(range(9))
            np.testing.assert_array_equal(reader.pixels(7), samples.image(7))
            assert len(list(reader.documents())) == 10  # one start, nine frames


def test_documents_that_the_hub_repeats_after_a_resume_are_not_recorded_twice(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.h5"
    early, late = (encode(Notice("info", text)) for text in ("early", "late"))
    answer = encode(DecisionMessage(samples.decision(0, (0,))))
    with RunWriter(path, samples.start()) as writer:
        writer.document(early)
        put(writer, 0)
        writer.document(answer)
        writer.document(late)
    with RunWriter(path, samples.start()) as writer:  # died again before the next frame
        writer.document(answer)
        writer.document(late)
    with RunWriter(path, samples.start()) as writer:
        writer.document(answer)
        writer.document(late)
        put(writer, 1)
        writer.document(late)  # after a new frame, the same words are news
    with RunReader(path) as reader:
        assert list(reader.packets())[1:4:2] == [early, answer]
        assert [notice.text for notice in reader.notices] == ["early", "late", "late"]
        assert len(reader.decisions) == 1


def test_gaps_take_their_numbers_and_a_silent_hole_is_declared(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run.h5", samples.start()) as writer:
        put(writer, 0)
        writer.document(encode(Gap(1, 3, "camera_overrun")))
        put(writer, 4)
        put(writer, 7)
    with RunReader(tmp_path / "run.h5") as reader:
        spans = [(gap.seq_from, gap.seq_to) for gap in reader.gaps]
        assert spans == [(1, 3), (5, 6)]
        assert "frames 5 to 6" in reader.notices[0].text
        with pytest.raises(RunFileError, match=r"frame 2 was lost \(camera_overrun\)"):
            reader.pixels(2)
        with pytest.raises(RunFileError, match="no frame 8"):
            reader.pixels(8)


def test_a_frame_that_comes_twice_is_stored_once(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run.h5", samples.start()) as writer:
        put(writer, 0)
        put(writer, 0)
        assert writer.n_frames == 1


def test_another_run_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    samples.write_run(path)
    before = path.read_bytes()
    with pytest.raises(RunFileError, match="already holds another run"):
        RunWriter(path, samples.start(session_id="session-b"))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_stray_later_part_of_another_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    for _ in range(2):
        with RunWriter(path, samples.start()):
            pass
    path.unlink()
    with pytest.raises(RunFileError, match="belongs to another run"):
        RunWriter(path, samples.start(session_id="session-b"))
    with pytest.raises(RunFileError, match=r"first part run\.h5 is missing"):
        RunReader(tmp_path / "run.001.h5")


def test_a_name_that_looks_like_a_part_may_be_a_run(tmp_path: Path) -> None:
    path = tmp_path / "plate.007.h5"
    samples.write_run(path)
    with RunReader(path) as reader:
        assert reader.path == path


@pytest.mark.parametrize(
    ("height", "width", "camera", "match"),
    [
        (17, 24, "cam", "larger than its camera"),
        (16, 24, "other", "camera 'other'"),
    ],
)
def test_a_frame_that_does_not_fit_the_session_is_refused(
    tmp_path: Path, height, width, camera, match
) -> None:
    writer = RunWriter(tmp_path / "run.h5", samples.start())
    with writer, pytest.raises(RunFileError, match=match):
        put(writer, 0, height, width, camera=camera)


def test_pixels_that_are_not_what_the_message_says_are_refused(tmp_path: Path) -> None:
    told = samples.message(samples.info(0), samples.image(0))
    with RunWriter(tmp_path / "run.h5", samples.start()) as writer:
        for pixels in (samples.image(0).astype(np.float32), samples.image(0)[:3]):
            with pytest.raises(RunFileError, match="must be 16 x 24 uint16"):
                writer.frame(told, pixels)


def test_junk_never_enters_the_journal(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run.h5", samples.start()) as writer:
        with pytest.raises(BadMessage):
            writer.document(b"junk")
        assert writer.pending == 0


def test_a_long_journal_is_read_in_blocks_without_loss(tmp_path: Path) -> None:
    packets = [encode(ClockPair(n, n, 0.5 * n)) for n in range(2500)]
    with RunWriter(tmp_path / "run.h5", samples.start()) as writer:
        for number, packet in enumerate(packets):
            writer.document(packet)
            if number % 700 == 0:
                writer.flush()
    with RunReader(tmp_path / "run.h5") as reader:
        assert list(reader.packets())[1:] == packets


def parts_of_a_run(path: Path) -> list[Path]:
    with RunWriter(path, samples.start(), part_bytes=1) as writer:
        for seq in range(6):
            pixels = samples.image(seq)
            writer.frame(samples.message(samples.info(seq), pixels), pixels)
            if seq % 2:
                writer.flush()
        writer.document(encode(samples.end(6)))
        writer.close("complete")
    return part_paths(path)


@pytest.mark.parametrize("given", [0, 1, 2])
def test_any_part_opens_the_whole_of_a_run_that_was_rolled(tmp_path: Path, given: int) -> None:
    parts = parts_of_a_run(tmp_path / "run.h5")
    assert [part.name for part in parts] == ["run.h5", "run.001.h5", "run.002.h5"]
    with RunReader(parts[given]) as reader:
        assert [info.seq for info in reader.infos] == [0, 1, 2, 3, 4, 5]
        assert reader.status == "complete"
        for seq in range(6):
            np.testing.assert_array_equal(reader.pixels(seq), samples.image(seq))
    with h5py.File(parts[0]) as file:
        assert file["entry/status"][()] == b"continued"


@pytest.mark.parametrize("given", [0, 1, 2])
@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_missing_part_is_named_whichever_is_asked_for(
    tmp_path: Path, missing: int, given: int
) -> None:
    parts = parts_of_a_run(tmp_path / "run.h5")
    parts[missing].unlink()
    name = re.escape(parts[missing].name)
    with pytest.raises(RunFileError, match=f"{name}.* missing|no run file .*{name}"):
        RunReader(parts[given])
    try:
        found = " ".join(fault.what for fault in examine(parts[given]).faults)
    except RunFileError as error:
        found = str(error)
    assert parts[missing].name in found


def test_a_reader_follows_a_run_into_its_next_part(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, samples.start(), part_bytes=1) as writer, RunReader(path) as reader:
        for seq in range(4):
            pixels = samples.image(seq)
            writer.frame(samples.message(samples.info(seq), pixels), pixels)
            writer.flush()
            assert reader.refresh()
            assert [info.seq for info in reader.infos] == list(range(seq + 1))
            np.testing.assert_array_equal(reader.pixels(seq), pixels)
        assert len(reader.parts) == 4


def test_a_reader_refuses_another_runs_part_however_often_it_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, samples.start()) as writer, RunReader(path) as reader:
        with RunWriter(tmp_path / "other.h5", samples.start(session_id="session-b")) as other:
            put(other, 0)
        (tmp_path / "other.h5").rename(tmp_path / "run.001.h5")
        put(writer, 0)
        writer.flush()
        for _ in range(2):
            with pytest.raises(RunFileError, match=r"run\.001\.h5 beside run\.h5 belongs to anoth"):
                reader.refresh()
        assert reader.parts == [path]


def test_what_was_flushed_is_brought_to_the_disk_itself_in_the_background(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    sync = Sync(path, every_s=0.001)
    try:
        for _ in range(2):
            before = sync.count
            sync.note()
            until = time.perf_counter() + 10.0
            while sync.count == before:
                assert time.perf_counter() < until
    finally:
        sync.close()


def keep_noting(sync: Sync) -> None:
    while True:
        sync.note()


def test_a_disk_that_refuses_in_the_background_is_told_at_the_next_flush(tmp_path: Path) -> None:
    sync = Sync(tmp_path / "nothing", every_s=0.001)
    try:
        with pytest.raises(FileNotFoundError):
            keep_noting(sync)
    finally:
        sync.close()
