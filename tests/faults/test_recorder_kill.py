"""`kill -9` of a writer, again and again: what it said was safe is there, once, and right."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from realtime.run_file import RunReader, resume_point
from tests.unit import run_samples as samples

ROOT = Path(__file__).parents[2]
KILLS = 6
SIZE = 32

WRITER = """
import sys
from pathlib import Path
from realtime.run_file import RunWriter
from realtime.wire import DecisionMessage, encode
from tests.unit import run_samples as samples

path, every = Path(sys.argv[1]), int(sys.argv[2])
writer = RunWriter(path, samples.start(32, 32))
for seq in range(writer.last_seq + 1, 100_000):
    pixels = samples.image(seq, 32, 32)
    writer.frame(samples.message(samples.info(seq, 32, 32), pixels), pixels)
    writer.document(encode(DecisionMessage(samples.decision(seq, (seq,)))))
    if seq % every == 0:
        print(writer.flush(), flush=True)
"""


def write_until_killed(path: Path, every: int, n_flushes: int, extra: int) -> int:
    """Let a writer run, kill it at some instant, and return the last frame it called safe."""
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(every)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    with child, child.stdout:
        safe = -1
        for _ in range(n_flushes):
            safe = int(child.stdout.readline())
        for _ in range(extra):
            resume_point(path)  # a reader at work meanwhile, for some unknown time
        child.kill()
        for line in child.stdout:  # said, but not yet heard, when it died
            if line.endswith("\n"):
                safe = int(line)
    return safe


@pytest.mark.parametrize("every", [1, 8])
def test_a_killed_writer_loses_nothing_that_it_called_safe(tmp_path: Path, every: int) -> None:
    rng = random.Random(every)
    path = tmp_path / "run.h5"
    for kill in range(KILLS):
        safe = write_until_killed(path, every, rng.randint(1, 20), rng.randint(0, 3))
        assert resume_point(path) >= safe
        with RunReader(path) as reader:
            assert len(reader.parts) == kill + 1
            assert reader.status == "recording"
            seqs = [info.seq for info in reader.infos]
            assert seqs == list(range(len(seqs)))
            assert seqs[-1] == resume_point(path)
    with RunReader(path) as reader:
        assert reader.gaps == []
        # A decision may be lost only together with what was never called safe.
        assert [d.id for d in reader.decisions[: safe + 1]] == seqs[: safe + 1]
        for seq in seqs:
            np.testing.assert_array_equal(reader.pixels(seq), samples.image(seq, SIZE, SIZE))


def test_another_process_reads_a_run_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), "4"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    with child, child.stdout:
        try:
            child.stdout.readline()
            with RunReader(path) as reader:
                for _ in range(20):
                    safe = int(child.stdout.readline())
                    reader.refresh()
                    assert reader.infos[-1].seq >= safe
                    last = reader.infos[-1].seq
                    np.testing.assert_array_equal(
                        reader.pixels(last), samples.image(last, SIZE, SIZE)
                    )
        finally:
            child.kill()
