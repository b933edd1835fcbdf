"""Files that are missing, foreign, cut short, damaged, or still being written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from realtime.errors import RunFileError
from realtime.run_file import RunReader, RunWriter
from tests.unit import run_samples as samples

ROOT = Path(__file__).parents[2]


def test_a_missing_file_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match=r"there is no run file .*nothing\.h5"):
        RunReader(tmp_path / "nothing.h5")


@pytest.mark.parametrize(
    "content",
    [b"", b"II*\x00 some TIFF", b"\x89HDF\r\n\x1a\n" + 50 * b"\0"],
    ids=["empty", "tiff", "torn"],
)
def test_a_file_that_is_no_hdf5_is_one_clear_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.h5").write_bytes(content)
    with pytest.raises(RunFileError, match="not a whole run file") as caught:
        RunReader(tmp_path / "run.h5")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("libver", [None, ("v110", "v110")])
def test_a_foreign_hdf5_file_is_pointed_to_the_import(tmp_path: Path, libver) -> None:
    with h5py.File(tmp_path / "run.h5", "w", libver=libver) as file:
        file["images"] = np.zeros((3, 4, 5))
    with pytest.raises(RunFileError, match=r"not a run of lightloop.*lightloop import"):
        RunReader(tmp_path / "run.h5")


def test_a_file_of_a_newer_format_asks_for_a_newer_program(tmp_path: Path) -> None:
    samples.write_run(tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+", libver=("v110", "v110")) as file:
        file.attrs["format_version"] = 99
    with pytest.raises(RunFileError, match=r"format version 99.*update lightloop"):
        RunReader(tmp_path / "run.h5")


@pytest.mark.parametrize("died", [False, True])
@pytest.mark.parametrize("left", [0.02, 0.2, 0.4, 0.6, 0.8, 0.9, 0.97, 0.999])
def test_a_file_cut_short_is_refused_at_once_and_in_one_sentence(
    tmp_path: Path, left: float, died: bool
) -> None:
    path, whole = tmp_path / "run.h5", tmp_path / "whole.h5"
    with RunWriter(whole, samples.start(64, 64)) as writer:
        for seq in range(20):
            pixels = samples.image(seq, 64, 64)
            writer.frame(samples.message(samples.info(seq, 64, 64), pixels), pixels)
        writer.flush()
        if not died:
            writer.close("complete")
        path.write_bytes(whole.read_bytes())  # as if the writer had been killed here
    os.truncate(path, int(path.stat().st_size * left))
    with pytest.raises(RunFileError, match=r"run\.h5 was cut short") as caught:
        RunReader(path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("compress", [True, False])
def test_a_flipped_bit_in_a_frame_is_seen_and_the_others_are_read(
    tmp_path: Path, compress: bool
) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, samples.start(), compress=compress) as writer:
        for seq in range(3):
            pixels = samples.image(seq)
            writer.frame(samples.message(samples.info(seq), pixels), pixels)
    with h5py.File(path) as file:
        chunk = file["entry/cam0/data"].id.get_chunk_info(1)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0x10
    path.write_bytes(content)
    with RunReader(path) as reader:
        with pytest.raises(RunFileError, match=r"run\.h5: frame 1 is damaged"):
            reader.pixels(1)
        for seq in (0, 2):
            np.testing.assert_array_equal(reader.pixels(seq), samples.image(seq))


def test_a_damaged_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    samples.write_run(path)
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        file["entry/journal/offsets"][5] = 1 << 40
    with pytest.raises(RunFileError, match="damaged"):
        RunReader(path)


def test_a_reader_follows_a_run_that_is_still_being_written(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, samples.start()) as writer, RunReader(path) as reader:
        assert (reader.status, reader.infos) == ("recording", [])
        for seq in range(3):
            pixels = samples.image(seq)
            writer.frame(samples.message(samples.info(seq), pixels), pixels)
            assert not reader.refresh()  # not flushed: nobody was promised it
            writer.flush()
            assert reader.refresh()
            np.testing.assert_array_equal(reader.pixels(seq), pixels)
        writer.close("complete")
        reader.refresh()
        assert reader.status == "complete"


FULL_DISK = """
import resource, sys
from pathlib import Path
from realtime.errors import RunFileError
from realtime.run_file import RunWriter
from tests.unit import run_samples as samples

resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
writer = RunWriter(Path(sys.argv[1]), samples.start(64, 64), compress=sys.argv[2] == "True")
try:
    for seq in range(1000):
        pixels = samples.image(seq, 64, 64)
        writer.frame(samples.message(samples.info(seq, 64, 64), pixels), pixels)
        if seq % 4 == 3:
            safe = writer.flush()
except RunFileError as error:
    print(safe)
    print(error)
    try:
        writer.flush()
    except RunFileError as again:
        print(again)
writer.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of file size to set")
@pytest.mark.parametrize("compress", [True, False])
def test_a_full_disk_ends_in_one_sentence_and_what_was_flushed_is_readable(
    tmp_path: Path, compress: bool
) -> None:
    path = tmp_path / "run.h5"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), str(compress)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    safe, sentence, again = done.stdout.splitlines()
    assert "cannot write" in sentence
    assert f"Everything up to frame {safe} is safe" in sentence
    assert "given up" in again
    assert done.returncode == 0, done.stderr
    with RunReader(path) as reader:
        assert reader.status == "recording"
        assert len(reader.infos) >= int(safe) + 1 > 8
        for seq in range(int(safe) + 1):
            np.testing.assert_array_equal(reader.pixels(seq), samples.image(seq, 64, 64))
