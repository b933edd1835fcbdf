"""Simulated movies from the command line: filmed, inspected, replayed; killed on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from typer.testing import CliRunner

from lightloop.cli.app import app
from realtime.run_file import RunReader
from realtime.truth import TruthReader, truth_path
from tests.integration.test_commands import lightloop

FEW = ("--frames", "3", "--interval-s", "600")


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be where the files are: what starts no process of its own is asked in this one."""
    monkeypatch.chdir(tmp_path)


def asked(*words: str) -> tuple[str, str, int]:
    done = CliRunner().invoke(app, list(words))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout, done.stderr, done.exit_code


def test_a_movie_is_a_run_like_any_other_with_its_truth_beside_it(tmp_path: Path) -> None:
    out, err, code = lightloop("simulate", "sparse", "--out", "m.h5", *FEW, cwd=tmp_path)
    assert code == 0, err
    assert "3 images" in out
    assert {path.name for path in tmp_path.iterdir()} == {"m.h5", "m.truth.h5"}

    out, err, code = asked("inspect", "m.h5", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert (told["status"], told["n_frames"], told["n_gaps"]) == ("complete", 3, 0)

    out, err, code = lightloop("replay", "m.h5", "--headless", "--out", "again.h5", cwd=tmp_path)
    assert code == 0, err
    with RunReader(tmp_path / "again.h5") as again:
        assert [len(result.tracks.ids) > 0 for result in again.results] == [True] * 3
        assert len(again.decisions) == 3

    with RunReader(tmp_path / "m.h5") as run, TruthReader(truth_path(run.path)) as truth:
        assert truth.about.session_id == run.start.session_id
        assert truth.exposures["seq"].tolist() == [0, 1, 2]
        booked = sum(info.applied.dose_j_cm2 for info in run.infos)
        assert truth.exposures["fluence_j_cm2"].sum() == pytest.approx(booked)
        image, expected = run.pixels(2) / 2.0 - 50.0, truth.expected_e(2)
        assert np.corrcoef(image.ravel(), expected.ravel())[0, 1] > 0.8
        inside = truth.mask(2) > 0
        assert image[inside].mean() > 3 * image[~inside].mean()

    out, err, code = asked("truth", "m.h5", "--ctc", "ctc")
    assert code == 0, err
    assert len(list((tmp_path / "ctc" / "01").glob("t*.tif"))) == 3
    out, err, code = asked("truth", "m.truth.h5")
    assert code == 0, err
    assert "complete" in out


def test_a_killed_movie_leaves_nothing_under_its_name_and_the_next_try_succeeds(
    tmp_path: Path,
) -> None:
    words = [sys.executable, "-m", "lightloop", "simulate", "sparse", "--out", "m.h5"]
    filming = psutil.Popen([*words, "--frames", "20000"], cwd=tmp_path)
    draft = tmp_path / "m.h5.unfinished"
    while not draft.exists() or draft.stat().st_size < 200_000:
        assert filming.poll() is None, "it ended by itself"
    filming.kill()
    filming.wait()
    assert not (tmp_path / "m.h5").exists()
    assert not (tmp_path / "m.truth.h5").exists()
    assert subprocess.run([*words, *FEW], cwd=tmp_path, timeout=60).returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"m.h5", "m.truth.h5"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nuclei2d",), "did you mean nuclei-2d"),
        (("sparse", "--planes", "1000", "--exposure-ms", "1000"), "a longer interval"),
        (("sparse", "--out", "no/m.h5"), "no folder"),
        (("sparse", "--frames", "1000000"), "disk is too full"),
    ],
)
def test_what_cannot_be_filmed_is_refused_before_it_begins(tmp_path: Path, words, told) -> None:
    given = words if "--out" in words else (*words, "--out", "m.h5")
    _, err, code = asked("simulate", *given)
    assert code == 2
    assert told in err
    assert not list(tmp_path.iterdir())
