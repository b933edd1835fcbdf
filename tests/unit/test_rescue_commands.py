"""`lightloop verify` and `lightloop repair`: what they say, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import pytest
from typer.testing import CliRunner

from lightloop.cli.app import app
from realtime.run_file import RunWriter
from realtime.wire import encode
from tests.unit import run_samples as samples


@pytest.fixture
def run(tmp_path: Path) -> Path:
    samples.write_run(tmp_path / "run.h5")
    return tmp_path / "run.h5"


@pytest.fixture
def damaged(run: Path) -> Path:
    with h5py.File(run) as file:
        chunk = file["entry/cam0/data"].id.get_chunk_info(3)
    content = bytearray(run.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 1
    run.write_bytes(content)
    return run


def lightloop(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_whole_run_is_said_to_be_whole(run: Path) -> None:
    done = lightloop("verify", run)
    assert done.exit_code == 0
    assert done.stdout.startswith("run.h5: whole, complete; 8 frames, none lost")
    done = lightloop("repair", run)
    assert done.exit_code == 0
    assert "nothing to repair" in done.stdout
    assert list(run.parent.iterdir()) == [run]


def test_a_damaged_run_is_told_and_repaired_beside_itself(damaged: Path) -> None:
    before = damaged.read_bytes()
    done = lightloop("verify", damaged)
    assert done.exit_code == 1
    assert "run.h5: frame 3 is damaged" in done.stdout
    assert "lightloop repair" in done.stderr
    assert json.loads(lightloop("verify", damaged, "--json").stdout)["n_bad_frames"] == 1
    done = lightloop("repair", damaged)
    assert done.exit_code == 0
    assert "7 frames recovered, 1 lost" in done.stdout
    assert damaged.read_bytes() == before
    assert lightloop("verify", damaged.with_name("run.repaired.h5")).exit_code == 0
    assert lightloop("repair", damaged).exit_code == 2, "nothing is overwritten"


def test_what_is_no_run_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.h5").write_bytes(b"nothing of ours")
    for words in (("verify", tmp_path / "x.h5"), ("repair", tmp_path / "x.h5")):
        done = lightloop(*words)
        assert done.exit_code == 1
        assert len(done.stderr.splitlines()) == 1


VERBS = [
    ("inspect",),
    ("verify",),
    ("repair",),
    ("export", "--tiff"),
    ("replay", "--headless", "--verify", "policy"),
]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_every_verb_opens_the_whole_by_any_part_and_names_a_missing_one(
    tmp_path: Path, verb: tuple[str, ...]
) -> None:
    path, start = tmp_path / "run.h5", samples.start()
    for part in range(3):
        with RunWriter(path, start) as writer:
            for seq in range(4 * part, 4 * part + 4):
                pixels = samples.image(seq)
                writer.frame(samples.message(samples.info(seq), pixels), pixels)
            if part == 2:
                writer.document(encode(samples.end(12)))
                writer.close("complete")
    last = tmp_path / "run.002.h5"
    if verb[0] != "replay":  # this one has no config to decide by
        done = lightloop(verb[0], last, *verb[1:])
        assert done.exit_code == 0, done.output
        assert {"export": "run.tif", "repair": "is whole"}.get(verb[0], "12 frames") in done.stdout
    (tmp_path / "run.001.h5").rename(tmp_path / "elsewhere")
    done = lightloop(verb[0], last, *verb[1:])
    assert done.exit_code == 1
    assert "run.001.h5 is missing" in done.output
