"""Whatever happens to a file: verify says it, repair recovers what is whole, nobody is misled."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from realtime.errors import RunFileError
from realtime.run_file import Fault, RunReader, RunWriter, examine, layout, repair
from realtime.run_file.ranges import in_ranges
from realtime.wire import End, Gap
from tests.unit import run_samples as samples

SIDE = 48
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "run.h5"
    samples.write_run(path, n_shots=12, n_frames=2, height=SIDE, width=SIDE)
    return path


@pytest.fixture(scope="module")
def broken_off(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose writer was killed between two flushes."""
    folder = tmp_path_factory.mktemp("broken")
    path = folder / "run.h5"
    with RunWriter(folder / "live.h5", samples.start(SIDE, SIDE)) as writer:
        for seq in range(24):
            pixels = samples.image(seq, SIDE, SIDE)
            writer.frame(samples.message(samples.info(seq, SIDE, SIDE), pixels), pixels)
            if seq % 8 == 7:
                writer.flush()
        path.write_bytes((folder / "live.h5").read_bytes())
    return path


def everything(path: Path) -> tuple[list[bytes], dict[int, bytes]]:
    """Read all that a run holds; whoever gets an answer must be able to trust it."""
    with RunReader(path) as reader:
        packets = list(reader.packets())
        return packets, {i.seq: reader.pixels(i.seq).tobytes() for i in reader.infos}


def check_rescue(path: Path, original: Path, tmp_path: Path) -> int:
    """Repair a file; what comes out is whole, and all of it was in the original."""
    out = tmp_path / "out.h5"
    out.unlink(missing_ok=True)
    repaired = repair(path, out)
    if not repaired.path:
        return -1
    packets, pixels = everything(out)
    assert examine(out).is_whole
    known, images = everything(original)
    assert all(images[seq] == found for seq, found in pixels.items())
    ours = [p for p in packets if b"\xa3gap" in p or b"\xa6notice" in p or b"\xa3end" in p]
    assert set(packets) - set(ours) <= set(known)
    with RunReader(out) as reader:
        assert isinstance(reader.end, End)
        lost = sum(gap.seq_to - gap.seq_from + 1 for gap in reader.gaps)
        assert len(pixels) + lost == reader.end.last_seq + 1
    return len(pixels)


def rescue_or_refuse(path: Path, original: Path, tmp_path: Path) -> bool:
    """Repair a file, if anything is left of it; return whether there was."""
    try:
        check_rescue(path, original, tmp_path)
    except RunFileError as error:
        refusal = str(error)
        assert re.search("nothing can be recovered|not a whole run file|is damaged", refusal)
        return False
    return True


def complaints(path: Path) -> list[str]:
    try:
        return [fault.what for fault in examine(path).faults]
    except RunFileError as error:
        return [f"cut short, or more: {error}"]


def test_a_whole_run_is_whole_and_needs_no_repair(whole: Path, tmp_path: Path) -> None:
    verdict = examine(whole)
    assert verdict.is_whole, verdict.faults
    assert (verdict.n_frames, verdict.status) == (24, "complete")
    assert repair(whole, tmp_path / "out.h5").path == ""
    assert not (tmp_path / "out.h5").exists()


def test_two_copies_have_one_digest_and_another_run_has_another(
    whole: Path, tmp_path: Path
) -> None:
    shutil.copy(whole, tmp_path / "copy.h5")
    samples.write_run(tmp_path / "other.h5", n_shots=2)
    assert examine(whole).digest == examine(tmp_path / "copy.h5").digest
    assert examine(whole).digest != examine(tmp_path / "other.h5").digest


@QUICK
@given(at=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255), died=st.booleans())
@example(at=0.9999, mask=1, died=False)
def test_a_flipped_byte_anywhere_is_found_or_does_not_matter(
    whole: Path, broken_off: Path, tmp_path: Path, at: float, mask: int, died: bool
) -> None:
    original = broken_off if died else whole
    content = bytearray(original.read_bytes())
    content[int(at * len(content))] ^= mask
    path = tmp_path / "run.h5"
    path.write_bytes(content)
    known = everything(original)
    try:
        found = everything(path)
    except RunFileError:
        found = None
    try:
        verdict = examine(path)
    except RunFileError:
        assert found is None, "verify refuses what others read"
        return
    if found is None:
        assert not verdict.is_whole
    else:
        assert found == known
    if not verdict.is_whole:
        rescue_or_refuse(path, original, tmp_path)


@QUICK
@given(left=st.floats(0, 1, exclude_max=True), died=st.booleans())
@example(left=0.999, died=False)
@example(left=0.9, died=True)
def test_a_file_cut_anywhere_is_told_and_its_beginning_recovered(
    whole: Path, broken_off: Path, tmp_path: Path, left: float, died: bool
) -> None:
    original = broken_off if died else whole
    path = tmp_path / "run.h5"
    shutil.copy(original, path)
    os.truncate(path, int(path.stat().st_size * left))
    committed = everything(original)
    try:
        assert everything(path) == committed, "only uncommitted bytes may be missing"
    except RunFileError:
        assert any("cut short" in what for what in complaints(path))
    assert rescue_or_refuse(path, original, tmp_path) or left < 0.5


@pytest.mark.parametrize("left", [0.9, 0.6])
def test_the_frames_before_a_cut_are_recovered(tmp_path: Path, left: float) -> None:
    path, original = tmp_path / "run.h5", tmp_path / "original.h5"
    samples.write_run(original, n_shots=12, n_frames=2, height=160, width=160)
    shutil.copy(original, path)
    with h5py.File(original) as file:
        data = file["entry/cam0/data"].id
        chunks = [data.get_chunk_info(n) for n in range(24)]
    size = int(path.stat().st_size * left)
    os.truncate(path, size)
    n_left = sum(chunk.byte_offset + chunk.size <= size for chunk in chunks)
    assert 4 < n_left < 24
    assert check_rescue(path, original, tmp_path) == n_left
    with RunReader(tmp_path / "out.h5") as reader:
        lost = sum(gap.seq_to - gap.seq_from + 1 for gap in reader.gaps)
    assert n_left + lost == 24, "the commit knew how many there were"
    said = in_ranges(examine(path).faults)
    assert len(said) < 12, "neighbours are said once"


def test_faults_of_neighbours_are_one_sentence() -> None:
    faults = [
        Fault("a.h5", "cut short"),
        *(Fault("a.h5", f"frame {n} is damaged: its sum ({9 * n} bytes from byte {n * 10})")
          for n in (3, 4, 5, 7)),
        Fault("b.h5", "frame 8 is damaged: its sum"),
        *(Fault("b.h5", f"document {n} of the journal is damaged (no)") for n in (1, 2)),
    ]  # fmt: skip
    assert in_ranges(faults) == [
        "a.h5: cut short",
        "a.h5: frames 3 to 5 are damaged: their sum (from byte 30)",
        "a.h5: frame 7 is damaged: its sum (from byte 70)",
        "b.h5: frame 8 is damaged: its sum",
        "b.h5: documents 1 to 2 of the journal are damaged (no)",
    ]
    assert in_ranges([]) == []


def test_a_damaged_frame_is_named_with_its_bytes_and_becomes_a_gap(
    whole: Path, tmp_path: Path
) -> None:
    path, out = tmp_path / "run.h5", tmp_path / "out.h5"
    with h5py.File(whole) as file:
        chunk = file["entry/cam0/data"].id.get_chunk_info(7)
    content = bytearray(whole.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 1
    path.write_bytes(content)
    (fault,) = examine(path).faults
    assert fault.what.startswith("frame 7 is damaged")
    assert f"from byte {chunk.byte_offset}" in fault.what
    repaired = repair(path, out)
    assert (repaired.n_frames, repaired.n_lost) == (23, 1)
    with RunReader(out) as reader:
        assert reader.gaps == [Gap(7, 7, "damaged in the file that this was recovered from")]
        assert reader.end is not None
        assert reader.end.status == reader.status == "partial"
        assert any("recovered by" in notice.text for notice in reader.notices)
        np.testing.assert_array_equal(reader.pixels(8), samples.image(8, SIDE, SIDE))


def test_a_run_without_an_end_says_so_and_gets_one(broken_off: Path, tmp_path: Path) -> None:
    verdict = examine(broken_off)
    assert [f.what for f in verdict.faults] == ["the run has no end: it breaks off after frame 23"]
    repaired = repair(broken_off, tmp_path / "out.h5")
    assert (repaired.n_frames, repaired.n_lost) == (24, 0)
    assert everything(tmp_path / "out.h5")[1] == everything(broken_off)[1]


def test_a_row_of_the_table_that_lies_is_named(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    shutil.copy(whole, path)
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        rows = file["entry/frames"][:]
        rows["exposure_ms"][3] = 99.0
        file["entry/frames"][:] = rows
    (fault,) = examine(path).faults
    assert fault.what == "frame 3: its row in the table of frames is not what was written"


def test_what_stands_there_for_people_must_agree_with_the_journal(
    whole: Path, tmp_path: Path
) -> None:
    path = tmp_path / "run.h5"
    shutil.copy(whole, path)
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        file["entry/instrument/cam0/gain"][()] = 7.0
    (fault,) = examine(path).faults
    assert fault.what == "instrument/cam0/gain is 7.0, but the journal says 0.5"


def commit(file: h5py.File, **counts: int) -> None:
    row = file[layout.COMMIT][()]
    for name, count in counts.items():
        row[name] = count
    row["xxh3"] = layout.commit_sum(row)
    file[layout.COMMIT][()] = row


def a_billion_documents(file: h5py.File) -> None:
    file[layout.JOURNAL_OFFSETS].resize(10**9 + 1, 0)
    file[layout.JOURNAL_SUMS].resize(10**9, 0)
    commit(file, n_documents=10**9)


def a_billion_frames(file: h5py.File) -> None:
    file[layout.FRAMES].resize(10**9, 0)
    commit(file, n_frames=10**9)


@pytest.mark.parametrize("lie", [a_billion_documents, a_billion_frames])
def test_a_file_that_claims_more_than_it_has_room_for_is_not_believed(
    whole: Path, tmp_path: Path, lie: Callable[[h5py.File], None]
) -> None:
    path = tmp_path / "run.h5"
    shutil.copy(whole, path)
    with h5py.File(path, "r+", libver=layout.HDF5_VERSIONS) as file:
        lie(file)
    assert any("it has room for" in fault.what for fault in examine(path).faults)
    repair(path, tmp_path / "out.h5")
    assert everything(tmp_path / "out.h5")[1] == everything(whole)[1]
    with pytest.raises(RunFileError, match="it has room for"):
        RunReader(path)


def test_a_part_that_lies_in_anothers_place_is_named(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    shutil.copy(whole, path)
    with h5py.File(path, "r+", libver=layout.HDF5_VERSIONS) as file:
        file.attrs["part"] = 3
    (fault,) = examine(path).faults
    assert fault.what == "is part 3 of its run, and lies where part 0 should be"


def test_a_file_of_a_format_that_never_was_is_not_examined(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    shutil.copy(whole, path)
    with h5py.File(path, "r+", libver=layout.HDF5_VERSIONS) as file:
        file.attrs["format_version"] = -1
    with pytest.raises(RunFileError, match="there is none such"):
        examine(path)


def test_a_file_of_a_newer_format_is_not_examined(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    shutil.copy(whole, path)
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        file.attrs["format_version"] = 99
    for refused in (lambda: examine(path), lambda: repair(path, tmp_path / "out.h5")):
        with pytest.raises(RunFileError, match=r"format version 99.*update lightloop"):
            refused()


def test_another_programs_file_is_not_examined(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["images"] = np.zeros((3, 4, 5))
    with pytest.raises(RunFileError, match="not a run of lightloop"):
        examine(tmp_path / "run.h5")


def test_repair_overwrites_nothing(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "out.h5").write_bytes(b"mine")
    with pytest.raises(RunFileError, match="exists already"):
        repair(whole, tmp_path / "out.h5")
