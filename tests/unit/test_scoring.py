"""Scores: each file is read as what it is, the truth itself is perfect, and errors count."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.movie import Movie
from lightloop.cli.app import app
from lightloop.scoring.forests import forest_of_edges
from lightloop.scoring.match import match, reach_px
from lightloop.scoring.scores import ALL, Scores, score
from lightloop.scoring.sides import Side, of_forest, side_of
from lightloop.simulate import simulate
from realtime.errors import RunFileError
from realtime.export.ctc import Line
from realtime.export.tracks_formats import Format, write_forest
from realtime.truth import TruthReader
from realtime.truth.ctc import export_ctc
from tests.unit.track_samples import forest

HAS_SCORES = all(importlib.util.find_spec(name) for name in ("ctc_metrics", "traccuracy"))
needs_scores = pytest.mark.skipif(not HAS_SCORES, reason='pip install -e ".[score]"')
SIDE = of_forest(forest(), "the sample")


def edges_of(side: Side) -> set[tuple[int, ...]]:
    """Return the links as (t, y, x) to (t, y, x), px rounded."""
    at = np.column_stack((side.t, np.rint(side.places[:, 1:]))).astype(int)
    return {(*at[a], *at[b]) for a, b in side.edges().tolist()}


NAMES = {Format.CSV: "cells.csv", Format.TRACKMATE: "cells.xml", Format.NAPARI: "cells.npz"}


@pytest.mark.parametrize("kind", list(Format))
def test_what_track_wrote_is_read_back_with_every_link(tmp_path: Path, kind: Format) -> None:
    path = tmp_path / NAMES.get(kind, "cells")
    if kind is Format.GEFF:
        pytest.importorskip("geff", reason="the extra export is not installed")
        from zarr.core.sync import cleanup_resources
    try:
        write_forest(path, kind, forest())
        side = side_of(path, is_truth=False)
    finally:
        if kind is Format.GEFF:
            cleanup_resources()
    assert edges_of(side) == edges_of(SIDE)
    assert side.n_divisions == 1
    assert (side.mask is not None) == (kind is Format.CTC)
    area_px = 0.0 if kind is Format.NAPARI else 78.5  # napari knows no size
    np.testing.assert_allclose(np.sort(side.areas_px), area_px, rtol=0.15)


@pytest.mark.parametrize("kind", [Format.CSV, Format.TRACKMATE, Format.NAPARI])
def test_heights_of_a_stack_are_read_back(tmp_path: Path, kind: Format) -> None:
    write_forest(tmp_path / NAMES[kind], kind, forest(is_deep=True))
    side = side_of(tmp_path / NAMES[kind], is_truth=False)
    np.testing.assert_allclose(side.places[:, 0], 4.0)
    np.testing.assert_allclose(side.places[0], SIDE.places[0] + (4.0, 0, 0), rtol=1e-6)


def test_spots_and_tracks_that_trackmate_hides_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "cells.xml"
    write_forest(path, Format.TRACKMATE, forest())
    text = path.read_text(encoding="utf-8")
    n_links = len(side_of(path, is_truth=False).edges())
    path.write_text(text.replace('<TrackID TRACK_ID="1" />', ""), encoding="utf-8")
    assert len(side_of(path, is_truth=False).edges()) == n_links - 3
    path.write_text(text.replace('VISIBILITY="1"', 'VISIBILITY="0"', 1), encoding="utf-8")
    assert len(side_of(path, is_truth=False).t) == len(SIDE.t) - 1


@pytest.mark.parametrize("name", ["cells.xml", "cells.npz"])
@pytest.mark.parametrize("content", [b"", b"<a/>", b"PK\x03\x04"])
def test_a_file_of_another_kind_is_refused_in_words(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RunFileError, match="cells"):
        side_of(tmp_path / name, is_truth=False)


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("movie")
    config = SimulatedScopeConfig(
        height=96, width=96, n_cells=6, field_scale=1.5, cycle_h=3.0, seed=4
    )
    simulate(Movie(config, 12, 300.0, 20.0, 0.2), "test", folder / "m.h5")
    with TruthReader(folder / "m.truth.h5") as truth:
        export_ctc(truth, folder / "ctc")
    return folder


def test_the_truth_beside_a_run_and_its_export_are_the_same(movie: Path) -> None:
    sides = [side_of(movie / name, is_truth=True) for name in ("m.h5", "m.truth.h5", "ctc")]
    for side in sides:
        assert side.lines == sides[0].lines
        assert np.unique(side.labels[side.t == 3]).tolist() == np.unique(side.mask(3))[1:].tolist()
        np.testing.assert_array_equal(np.sort(side.areas_px), np.sort(sides[0].areas_px))


def test_a_run_that_followed_nothing_and_has_no_truth_is_told_what_to_do(
    tmp_path: Path, movie: Path
) -> None:
    (tmp_path / "m.h5").write_bytes((movie / "m.h5").read_bytes())
    with pytest.raises(RunFileError, match="follow them with lightloop track"):
        side_of(tmp_path / "m.h5", is_truth=False)
    with pytest.raises(RunFileError, match=r"there is no m\.truth\.h5 beside m\.h5"):
        side_of(tmp_path / "m.h5", is_truth=True)


def test_labels_that_the_text_does_not_name_are_refused(tmp_path: Path) -> None:
    write_forest(tmp_path / "c", Format.CTC, forest())
    table = tmp_path / "c" / "01_RES" / "res_track.txt"
    table.write_text("\n".join(table.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(RunFileError, match="does not name label 4"):
        side_of(tmp_path / "c", is_truth=False)


def test_a_link_backwards_in_time_is_refused() -> None:
    with pytest.raises(RunFileError, match="from t = 1 to t = 0"):
        forest_of_edges(forest().rows.copy(), [(2, 0)])


def test_masks_match_by_cover_and_places_by_distance(movie: Path) -> None:
    truth = side_of(movie / "ctc", is_truth=True)
    assert len(match(truth, truth).pairs) == len(truth.t)
    moved = replace(
        truth, mask=None, places=truth.places + np.array([0.0, reach_px(truth, truth) - 0.5, 0.0])
    )
    by_place = match(truth, moved)
    assert "px apart" in by_place.how
    assert np.mean(by_place.pairs[:, 0] == by_place.pairs[:, 1]) > 0.95
    far = replace(moved, places=moved.places + np.array([0.0, 1000.0, 0.0]))
    assert len(match(truth, far).pairs) == 0


@pytest.mark.parametrize(("n_matched", "is_strange"), [(0, True), (9, True), (10, False)])
def test_where_hardly_a_cell_is_found_the_two_may_be_of_other_films(
    n_matched: int, is_strange: bool
) -> None:
    assert Scores("", {}, 100, 50, n_matched, (0, 0), (0, 0)).is_strange == is_strange


def test_one_result_for_two_true_cells_is_one_pair_of_one_to_one() -> None:
    line = [Line(1, 0, 0, 0), Line(2, 0, 0, 0)]
    image = np.zeros((4, 8), np.uint16)
    image[:, :3], image[:, 3:5] = 1, 2
    both = np.where(image > 0, 1, 0)
    areas = np.array([12.0, 8.0])
    places = np.zeros((2, 3))
    t = np.zeros(2, np.int64)
    truth = Side("truth", t, places, areas, np.array([1, 2]), line, lambda t: image)
    told = Side("told", t[:1], places[:1], areas[:1], np.array([1]), line[:1], lambda t: both)
    found = match(truth, told)
    assert found.pairs.tolist() == [[0, 0], [1, 0]]
    assert found.one_to_one().tolist() == [[0, 0]]


def test_without_the_packages_it_says_in_one_line_what_to_install(
    monkeypatch: pytest.MonkeyPatch, movie: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["score", str(movie / "ctc"), str(movie / "ctc")])
    assert result.exit_code == 1
    with pytest.raises(RunFileError, match=r'pip install -e "\.\[score\]"'):
        score(SIDE, SIDE)


@needs_scores
@pytest.mark.score
@pytest.mark.parametrize("name", ["m.h5", "ctc"])
def test_the_truth_against_itself_is_1_in_all(movie: Path, name: str) -> None:
    result = CliRunner().invoke(
        app, ["score", str(movie / name), str(movie / "m.truth.h5"), "--json"]
    )
    got = json.loads(result.stdout)
    assert got["divisions"]["true"] > 0
    assert got["scores"] == dict.fromkeys(ALL, pytest.approx(1.0, abs=1e-9))


def scored(side: Side) -> Scores:
    return score(side, SIDE)


@needs_scores
@pytest.mark.score
def test_known_errors_have_known_scores() -> None:
    rows = forest().rows.copy()
    assert scored(SIDE).values["edge_f1"] == 1.0
    motherless = scored(of_forest(forest(mothers={}), "no division"))
    assert motherless.values["edge_f1"] == pytest.approx(2 * 6 / (6 + 8))
    assert motherless.values["division_f1"] == 0.0
    assert motherless.values["tra"] < 1.0
    assert motherless.values["det"] == 1.0
    unseen = scored(of_forest(forest(rows=rows[rows["cell"] != 5]), "one cell less"))
    assert unseen.values["edge_f1"] == pytest.approx(2 * 5 / (5 + 8))
    assert unseen.values["division_f1"] == 1.0
    assert (unseen.n_truth, unseen.n_result, unseen.n_matched) == (10, 6, 6)


@needs_scores
@pytest.mark.score
def test_nothing_found_scores_nothing() -> None:
    got = scored(of_forest(forest(rows=forest().rows[:0], mothers={}), "nothing"))
    assert {got.values[key] for key in ("edge_f1", "tra", "lnk", "chota")} == {0.0}


@needs_scores
@pytest.mark.score
def test_time_points_without_a_cell_are_no_hindrance() -> None:
    rows = forest().rows
    truth = of_forest(forest(rows=rows[rows["t"] != 1], mothers={}), "a gap in the truth")
    itself = score(truth, truth).values
    assert itself["edge_f1"] == itself["tra"] == 1.0
    assert itself["chota"] != itself["chota"]  # it cannot be computed then, and says so
    assert score(SIDE, truth).values["det"] < 1.0
