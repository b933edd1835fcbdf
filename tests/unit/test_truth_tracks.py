"""Tracks of the truth, as a tracker that sees only the film could find them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from realtime.errors import RunFileError
from realtime.export.whole import new_folder
from realtime.truth import TruthReader
from realtime.truth.ctc import export_ctc
from realtime.truth.tracks import FieldTruth, positions
from tests.unit.truth_samples import nuclei, write_truth

A, B, FAR = (0, -1, -8.0, 0.0), (1, -1, 8.0, 0.0), (1, -1, 300.0, 0.0)
DAUGHTERS = ((2, 0, -11.0, 0.0), (3, 0, -5.0, 0.0))
FILM = [
    nuclei(A, B),
    nuclei(A, B),
    nuclei(FAR, *DAUGHTERS),
    nuclei(B, *DAUGHTERS),
]


def tracklets(path: Path) -> list[tuple[int, int, int, int]]:
    with TruthReader(path) as truth:
        return [(one.cell, one.first, one.last, one.parent) for one in FieldTruth(truth).tracklets]


def test_a_division_links_both_daughters_and_who_comes_back_is_new(tmp_path: Path) -> None:
    path = write_truth(tmp_path / "a.h5", FILM)
    assert tracklets(path) == [(0, 0, 1, 0), (1, 0, 1, 0), (2, 2, 3, 1), (3, 2, 3, 1), (1, 3, 3, 0)]


def test_a_lost_time_point_breaks_tracklets_but_not_who_they_are(tmp_path: Path) -> None:
    path = write_truth(tmp_path / "a.h5", [nuclei(A, B)] * 4, missed={2})
    assert tracklets(path) == [(0, 0, 1, 0), (1, 0, 1, 0), (0, 3, 3, 1), (1, 3, 3, 2)]


def test_planes_are_one_frame_and_a_cell_is_told_by_its_largest_cut(tmp_path: Path) -> None:
    cells = nuclei(A, B, z_um=np.array([0.4, 3.0]))
    path = write_truth(tmp_path / "a.h5", [cells, cells], planes_um=(0.0, 1.0, 2.0))
    with TruthReader(path) as truth:
        field = FieldTruth(truth)
        assert (field.n_planes, field.n_times) == (3, 2)
        assert field.mask(0).shape == (3, 40, 60)
        best = field.cells(1)
        areas = [(field.mask(1) == cell + 1).sum(axis=(1, 2)) for cell in best["id"]]
        assert best["area_px"].tolist() == [area.max() for area in areas]
        assert positions(truth) == [0]
        with pytest.raises(RunFileError, match="no whole image of field 1"):
            FieldTruth(truth, 1)


def test_labels_and_lines_agree_in_the_challenge_layout(tmp_path: Path) -> None:
    path = write_truth(tmp_path / "a.h5", FILM, missed={2})
    with TruthReader(path) as truth:
        count = export_ctc(truth, tmp_path / "out")
    folder = tmp_path / "out" / "01_GT" / "TRA"
    lines = [
        tuple(map(int, line.split()))
        for line in (folder / "man_track.txt").read_text().splitlines()
    ]
    assert len(lines) == count
    for t in range(4):
        mask = tifffile.imread(folder / f"man_track{t:03d}.tif")
        assert mask.dtype == np.uint16
        alive = {label for label, first, last, _ in lines if first <= t <= last}
        assert set(np.unique(mask)) - {0} == alive
    assert not tifffile.imread(folder / "man_track002.tif").any(), "nobody knows"
    assert {path.name for path in tmp_path.iterdir()} == {"a.h5", "out"}


def test_a_folder_that_fails_on_the_way_is_not_there(tmp_path: Path) -> None:
    def fail() -> None:
        with new_folder(tmp_path / "out") as draft:
            (draft / "half").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not list(tmp_path.iterdir())


def test_a_folder_left_by_a_killed_export_is_written_over_and_a_whole_one_is_not(
    tmp_path: Path,
) -> None:
    left = tmp_path / "out.unfinished"
    left.mkdir()
    (left / "half").write_text("x")
    with new_folder(tmp_path / "out") as draft:
        (draft / "whole").write_text("y")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["whole"]
    with (
        pytest.raises(RunFileError, match="exists already"),
        new_folder(tmp_path / "out"),
    ):
        pass
