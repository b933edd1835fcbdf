"""Who knows nothing of us reads a run too; a replay that is recorded is the recording again."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime.player import play
from realtime.replay import answers
from realtime.run_file import RunReader, RunWriter, examine
from realtime.wire import FrameMessage, decode_from_hub, encode
from tests.unit import run_samples as samples

PLAIN = """
import sys
import h5py, hdf5plugin

with h5py.File(sys.argv[1], "r", swmr=True) as file:
    n_frames = int(file["entry/commit"]["n_frames"])
    pixels, rows = file["entry/cam0/data"], file["entry/frames"]
    print(n_frames, *(int(pixels[row["row"]].sum()) for row in rows[:n_frames]))
assert not any(name.split(".")[0] in ("realtime", "lightloop", "acquire") for name in sys.modules)
"""


def test_plain_h5py_reads_a_run_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, samples.start()) as writer:
        for seq in range(5):
            pixels = samples.image(seq)
            told = samples.message(samples.info(seq), pixels)
            writer.frame(told, pixels, is_hurried=seq == 3)
        writer.flush()
        writer.frame(samples.message(samples.info(5), pixels := samples.image(5)), pixels)
        done = subprocess.run(
            [sys.executable, "-I", "-c", PLAIN, str(path)],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    sums = [int(samples.image(seq).sum()) for seq in range(5)]
    assert [int(word) for word in done.stdout.split()] == [5, *sums]


@pytest.mark.skipif(shutil.which("h5dump") is None, reason="hdf5-tools are not installed here")
def test_the_tools_of_hdf5_read_a_closed_run(tmp_path: Path) -> None:
    samples.write_run(tmp_path / "run.h5")
    said = [
        subprocess.run(
            ["h5dump", *what, str(tmp_path / "run.h5")],
            capture_output=True, text=True, timeout=60, check=True,
        ).stdout
        for what in (["-H"], ["-d", "/entry/status"])
    ]  # fmt: skip
    for name in ("cam0", "frames", "journal", "commit"):
        assert f'"{name}"' in said[0]
    assert '"complete"' in said[1].replace("\\000", "")


class Again:
    """A hub that records what is played."""

    def __init__(self, writer: RunWriter) -> None:
        self.writer = writer

    def publish(self, info, pixels):
        self.writer.frame(samples.message(info, pixels), pixels)
        return info

    def send(self, document):
        self.writer.document(encode(document))

    def next_decision(self, timeout_s):
        return None

    def present(self):
        return set()

    def finish(self, end, timeout_s):
        self.writer.document(encode(end))


ROIS = st.lists(st.tuples(st.integers(1, 24), st.integers(1, 40)), min_size=1, max_size=8)


def written(path: Path, rois, dtype, *, compress: bool, part_bytes: int) -> list[np.ndarray]:
    """Record frames of any region and depth, as a camera's frames reach us (`acquire.camera`)."""
    rng = np.random.default_rng(len(rois))
    images = [
        rng.integers(0, np.iinfo(dtype).max, roi, dtype, endpoint=True).astype(np.uint16)
        for roi in rois
    ]
    start = samples.start(24, 40)
    with RunWriter(path, start, compress=compress, part_bytes=part_bytes) as writer:
        for seq, pixels in enumerate(images):
            told = samples.message(samples.info(seq, *pixels.shape), pixels)
            writer.frame(told, pixels, is_hurried=seq % 3 == 2)
            if seq % 2:
                writer.flush()
        writer.document(encode(samples.end(len(images))))
        writer.close("complete")
    return images


@pytest.fixture
def nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "FIRST_ANSWER_S", 0.0)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rois=ROIS,
    dtype=st.sampled_from([np.uint8, np.uint16]),
    compress=st.booleans(),
    part_bytes=st.sampled_from([1, 10**9]),
)
def test_what_is_recorded_replayed_and_recorded_again_is_the_same(
    nobody_answers, rois, dtype, compress, part_bytes
) -> None:
    with tempfile.TemporaryDirectory() as name:
        first, second = Path(name) / "a.h5", Path(name) / "b.h5"
        images = written(first, rois, dtype, compress=compress, part_bytes=part_bytes)
        with RunReader(first) as reader, RunWriter(second, reader.start) as writer:
            play(reader, Again(writer), "max", decision_s=0.0)
            writer.close("complete")
        assert examine(second).digest == examine(first).digest
        with RunReader(first) as one, RunReader(second) as two:
            assert list(one.packets()) == list(two.packets())
            for seq, pixels in enumerate(images):
                for reader in (one, two):
                    again = reader.pixels(seq)
                    assert again.dtype == np.uint16
                    np.testing.assert_array_equal(again, pixels)
            assert [
                msgspec.structs.asdict(decode_from_hub(p))["info"].height
                for p in two.packets()
                if isinstance(decode_from_hub(p), FrameMessage)
            ] == [roi[0] for roi in rois]
