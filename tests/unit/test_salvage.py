"""A run file whose beginning is gone: what can still be found in it, proven by its checksums."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.errors import RunFileError
from realtime.run_file import RunReader, RunWriter, examine, repair
from realtime.run_file.salvage import end_of
from realtime.wire import End, encode
from tests.unit import run_samples as samples

SIDE = 64


def behead(path: Path, n_bytes: int) -> None:
    content = bytearray(path.read_bytes())
    content[:n_bytes] = bytes(n_bytes)
    path.write_bytes(content)


@pytest.mark.parametrize("n_bytes", [48, 512, 2048])
def test_frames_are_found_without_superblock_and_root(tmp_path: Path, n_bytes: int) -> None:
    path, out = tmp_path / "run.h5", tmp_path / "out.h5"
    samples.write_run(path, n_shots=12, n_frames=2, height=SIDE, width=SIDE)
    behead(path, n_bytes)
    with pytest.raises(RunFileError, match="not a whole run file"):
        examine(path)
    done = repair(path, out)
    assert (done.n_frames, done.n_lost) == (24, 0)
    assert "without HDF5" in str(done.verdict.faults[0])
    assert examine(out).is_whole
    with RunReader(out) as reader:
        for seq in range(24):
            np.testing.assert_array_equal(reader.pixels(seq), samples.image(seq, SIDE, SIDE))
        assert len(reader.decisions) == 12
        assert isinstance(reader.end, End)
        assert reader.status == "partial"


def test_what_is_not_proven_by_its_checksum_is_a_gap(tmp_path: Path) -> None:
    path, out = tmp_path / "run.h5", tmp_path / "out.h5"
    samples.write_run(path, n_shots=12, n_frames=2, height=SIDE, width=SIDE)
    content = bytearray(path.read_bytes())
    places = [at for at in range(len(content)) if content[at : at + 9] == b"\xa8b2frame\x00"]
    assert len(places) == 24
    content[places[5] + 2000] ^= 1
    content[:48] = bytes(48)
    path.write_bytes(content)
    done = repair(path, out)
    assert (done.n_frames, done.n_lost) == (23, 1)
    with RunReader(out) as reader:
        assert [(gap.seq_from, gap.seq_to) for gap in reader.gaps] == [(5, 5)]


def test_frames_that_were_stored_as_they_are_are_found_behind_others(tmp_path: Path) -> None:
    path, out = tmp_path / "run.h5", tmp_path / "out.h5"
    with RunWriter(path, samples.start(SIDE, SIDE)) as writer:
        for seq in range(12):
            pixels = samples.image(seq, SIDE, SIDE)
            told = samples.message(samples.info(seq, SIDE, SIDE), pixels)
            writer.frame(told, pixels, is_hurried=4 <= seq < 8)
    behead(path, 48)
    done = repair(path, out)
    assert done.n_frames + done.n_lost == 12
    assert done.n_frames >= 8
    assert examine(out).is_whole


def test_a_file_of_another_program_has_nothing_to_recover(tmp_path: Path) -> None:
    path = tmp_path / "noise.h5"
    path.write_bytes(np.random.default_rng(1).bytes(100_000))
    with pytest.raises(RunFileError, match="no first document is left"):
        repair(path, tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.h5").write_bytes(b"")
    with pytest.raises(RunFileError, match="empty"):
        repair(tmp_path / "empty.h5", tmp_path / "out.h5")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(VALUES, st.binary(max_size=20))
def test_the_end_of_a_value_is_that_of_the_reference_coder(value: object, rest: bytes) -> None:
    packet = msgspec.msgpack.encode(value)
    assert end_of(packet + rest, 0) == len(packet)


@given(st.binary(max_size=60))
def test_noise_has_an_end_or_an_index_error_and_nothing_else(noise: bytes) -> None:
    with suppress(IndexError):
        assert 0 < end_of(noise, 0) <= len(noise)


@pytest.mark.parametrize("n", [15, 16, 31, 32, 255, 256, 65_535, 65_536])
def test_every_size_of_container_has_its_end(n: int) -> None:
    for value in ("x" * n, b"x" * n, [1] * n, {str(i): i for i in range(n)}):
        packet = msgspec.msgpack.encode(value)
        assert end_of(packet, 0) == len(packet)


def test_documents_are_found_whatever_stands_before_them() -> None:
    packet = encode(samples.start())
    assert end_of(b"\x00\x93" + packet, 2) == len(packet) + 2
