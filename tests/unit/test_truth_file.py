"""The truth on disk: whole or readable up to the last commit, and nothing under its name before."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.simulated.optics.optics import Window
from acquire.simulated.specimen.cells import Spots
from acquire.simulated.specimen.lineages import LINEAGE
from acquire.simulated.truth import instance_mask
from realtime.errors import RunFileError
from realtime.truth import TruthReader, TruthWriter, run_path, truth_path
from realtime.truth.images import rounded
from tests.unit.truth_samples import CHIP, LINES, about, info, nuclei, seen, write_truth

CELLS = nuclei((0, -1, -6, -3), (1, -1, 6, 4), (2, 0, 200, 0))
NOBODY = np.zeros(0, LINEAGE)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = write_truth(tmp_path / "a.truth.h5", [CELLS, CELLS])
    with TruthReader(path) as truth:
        assert truth.status == "complete"
        assert truth.about == about()
        assert truth.exposures["seq"].tolist() == [0, 1]
        assert truth.exposures["t_s"].tolist() == [0.0, 1.0]
        np.testing.assert_allclose(truth.exposures["fluence_j_cm2"], [[0.5, 0.25]] * 2)
        np.testing.assert_allclose(truth.exposures["stray_j_cm2"], [[0.1, 0.0]] * 2)
        np.testing.assert_array_equal(truth.mask(1), instance_mask(seen(CELLS), CHIP))
        assert (truth.expected_e(1) == 2.0).all()
        cells = truth.cells(truth.of_frame(1))
        assert cells["id"].tolist() == [0, 1], "the third is far away"
        np.testing.assert_allclose(cells["dose_j_cm2"], [[1.2, 0.5], [0.9, 0.375]])
        masks, areas = np.unique(truth.mask(0), return_counts=True)
        assert dict(zip(masks[1:] - 1, areas[1:], strict=True)) == dict(
            zip(cells["id"], cells["area_px"], strict=True)
        )
        assert truth.lineages["id"].tolist() == [0, 1, 2], "but it lives"
    assert list(tmp_path.iterdir()) == [path]


def test_spots_in_the_image_are_kept_with_their_cell(tmp_path: Path) -> None:
    x_um = np.array([-6.0, 300.0, 6.5])
    spots = Spots(np.array([0, 2, 1]), x_um, np.array([-3.0, 0, 4]), np.zeros(3), np.ones(3))
    one = dataclasses.replace(seen(CELLS), spots=spots)
    with TruthWriter(tmp_path / "a.h5", about()) as writer:
        for number, each in enumerate((seen(CELLS), one, one)):
            writer.exposure(number, each, each.dose_j_cm2(LINES))
            writer.name(number, info(number))
        writer.close(NOBODY, "complete")
    with TruthReader(tmp_path / "a.h5") as truth:
        assert [len(truth.spots(k)) for k in range(3)] == [0, 2, 2]
        assert truth.spots(2)["cell"].tolist() == [0, 1]
        assert truth.spots(2)["x_px"].tolist() == [29.5 - 12, 29.5 + 13]


def test_a_region_is_read_in_its_own_size(tmp_path: Path) -> None:
    one = seen(CELLS, window=Window(10, 5, 30, 20))
    with TruthWriter(tmp_path / "a.h5", about()) as writer:
        writer.exposure(0, one, one.dose_j_cm2(LINES))
        writer.name(0, info(0))
        writer.close(NOBODY, "complete")
    with TruthReader(tmp_path / "a.h5") as truth:
        np.testing.assert_array_equal(truth.mask(0), instance_mask(one, CHIP))
        assert truth.expected_e(0).shape == (20, 30)


def test_an_exposure_without_an_image_says_so(tmp_path: Path) -> None:
    path = write_truth(tmp_path / "a.h5", [CELLS, CELLS, CELLS], missed={1})
    with TruthReader(path) as truth:
        assert truth.exposures["image_row"].tolist() == [0, -1, 1]
        assert len(truth.cells(1)) == 0
        assert truth.cells(2)["id"].tolist() == [0, 1]
        with pytest.raises(RunFileError, match="no time"):
            truth.mask(1)
        with pytest.raises(RunFileError, match="knows nothing of frame 9"):
            truth.of_frame(9)


KILLED = """
import os, sys
sys.path.insert(0, {root!r})
from pathlib import Path
import numpy as np
from acquire.simulated.specimen.lineages import LINEAGE
from realtime.truth import TruthWriter
from tests.unit.truth_samples import *
writer = TruthWriter(Path({path!r}), about())
for k in range(5):
    one = seen(nuclei((0, -1, -6, -3)), float(k))
    writer.exposure(k, one, one.dose_j_cm2(LINES))
    writer.name(k, info(k))
    if k == 2:
        writer.flush(np.zeros(1, LINEAGE))
os._exit(9)
"""


def test_a_killed_writer_leaves_what_it_made_safe(tmp_path: Path) -> None:
    path = tmp_path / "a.truth.h5"
    code = KILLED.format(root=str(Path(__file__).parents[2]), path=str(path))
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 9
    with TruthReader(path) as truth:
        assert truth.status == "recording"
        assert truth.exposures["t_s"].tolist() == [0.0, 1.0, 2.0]
        assert (truth.mask(2) == 1).any()
        assert len(truth.lineages) == 1


def test_a_truth_is_never_overwritten(tmp_path: Path) -> None:
    path = write_truth(tmp_path / "a.h5", [CELLS])
    before = path.read_bytes()
    with pytest.raises(RunFileError, match="exists already"):
        TruthWriter(path, about())
    assert path.read_bytes() == before


def test_exposures_that_nobody_named_are_kept_without_a_frame(tmp_path: Path) -> None:
    one = seen(CELLS, is_lost=True)
    with TruthWriter(tmp_path / "a.h5", about()) as writer:
        for number in range(2):
            writer.exposure(number, one, one.dose_j_cm2(LINES))
        writer.skip(0)
        writer.close(NOBODY)
        writer.close(NOBODY)
    with TruthReader(tmp_path / "a.h5") as truth:
        assert truth.status == "partial"
        assert truth.exposures["number"].tolist() == [0, 1]
        assert truth.exposures["seq"].tolist() == [-1, -1]
        assert truth.exposures["is_lost"].all()


@pytest.mark.parametrize("how", ["missing", "text", "foreign", "newer", "short"])
def test_what_is_no_truth_is_refused_in_one_sentence(tmp_path: Path, how: str) -> None:
    path = tmp_path / "a.h5"
    if how == "text":
        path.write_text("hello")
    elif how == "foreign":
        h5py.File(path, "w").close()
    elif how in ("newer", "short"):
        whole = write_truth(tmp_path / "b.h5", [CELLS])
        shutil.copy(whole, path)
        if how == "newer":
            with h5py.File(path, "r+") as file:
                file.attrs["format_version"] = 99
        else:
            path.write_bytes(whole.read_bytes()[:3000])
    with pytest.raises(RunFileError) as told:
        TruthReader(path)
    assert "\n" not in str(told.value)
    assert path.name in str(told.value)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match="cannot be written"):
        TruthWriter(tmp_path / "no" / "a.h5", about())


@given(st.floats(0, 1e9, width=32))
def test_rounding_changes_an_expectation_by_less_than_its_photon_noise(value: float) -> None:
    image = np.array([value], np.float32)
    (kept,) = rounded(image)
    assert abs(kept - value) <= value * 2.0**-13 + 1e-38


def test_a_truth_lies_beside_its_run() -> None:
    assert truth_path(Path("a/run.h5")) == Path("a/run.truth.h5")
    assert run_path(truth_path(Path("a/run.h5"))) == Path("a/run.h5")
