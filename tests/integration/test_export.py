"""`lightloop export` as a person calls it, on a run of the real processes."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lightloop.cli.app import app
from lightloop.status import FAILED, MISUSED
from lightloop.supervision.supervisor import Supervisor
from realtime.run_file import RunReader
from tests.run_helpers import SMALL, task

SHOTS = 12
# The light reaches beyond the field, so that every cell takes what the field takes.
CONFIG = SMALL.replace("lit_area_um2 = 1731.0", "lit_area_um2 = 4000.0").replace(
    'kind = "snr"', 'kind = "fixed"'
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    outcome = Supervisor(task(folder, SHOTS, CONFIG)).run()
    assert outcome.exit_code == 0
    return folder / "run.h5"


def call(*words: object):
    return CliRunner().invoke(app, ["export", *map(str, words)])


def test_every_kind_that_needs_no_more_packages_is_written(run: Path, tmp_path: Path) -> None:
    words = ["--ome-tiff", "--tiff", "--gzip-h5", "--tracks", "csv", "--tracks", "ctc"]
    done = call(run, *words, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "run.ome.tiff", "run.per_dose.ome.tiff", "run.tif", "run.per_dose.tif", "run.gzip.h5",
        "run.frames.csv", "run.tracks.csv", "run.tracks.json", "run.tracks.ctc",
    }  # fmt: skip
    assert sorted(Path(line).name for line in done.stdout.splitlines()) == sorted(names)


def test_cells_doses_are_those_that_the_ledger_gave_the_field(run: Path, tmp_path: Path) -> None:
    assert call(run, "--tracks", "csv", "--out", tmp_path).exit_code == 0
    with (tmp_path / "run.tracks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with RunReader(run) as reader:
        end, last = reader.end, reader.results[-1]
    assert end is not None
    assert last.cell_dose is not None
    final = [float(row["cell_dose_j_cm2_488"]) for row in rows if int(row["t"]) == SHOTS - 1]
    np.testing.assert_allclose(final, end.dose_j_cm2["488"], rtol=1e-6)
    assert {row["verdict"] for row in rows} <= {"final", "provisional", "withdrawn"}


def test_the_optional_kinds_are_written_or_say_how_to_get_them(run: Path, tmp_path: Path) -> None:
    done = call(run, "--ome-zarr", "--out", tmp_path)
    if importlib.util.find_spec("ome_writers") is None:
        assert done.exit_code == FAILED
        assert "pip install" in done.stderr
    else:
        assert done.exit_code == 0
        assert (tmp_path / "run.per_dose.ome.zarr" / "zarr.json").is_file()


def test_a_flat_field_of_a_light_that_was_not_used_is_refused(run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "flat.npy", np.ones((128, 128)))
    flat = tmp_path / "flat.npy"
    assert call(run, "--tiff", "--flat", flat, "--out", tmp_path / "a").exit_code == 0
    assert call(run, "--tiff", "--flat", f"488={flat}", "--out", tmp_path / "b").exit_code == 0
    done = call(run, "--tiff", "--flat", f"561={flat}", "--out", tmp_path / "c")
    assert done.exit_code == MISUSED
    assert "the run used 488" in done.stderr
    assert not (tmp_path / "c").exists()


def test_what_is_asked_wrongly_is_said_in_one_sentence(run: Path, tmp_path: Path) -> None:
    done = call(run)
    assert done.exit_code == MISUSED
    assert "nothing to export" in done.stderr
    (tmp_path / "run.tif").write_text("mine")
    done = call(run, "--tiff", "--out", tmp_path)
    assert done.exit_code == FAILED
    assert "exists already" in done.stderr
    assert call(tmp_path / "none.h5", "--tiff").exit_code == FAILED
    assert [path.name for path in tmp_path.iterdir()] == ["run.tif"]
