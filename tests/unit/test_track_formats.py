"""Every format of tracks holds the same cells, links and units."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile

from realtime.errors import RunFileError
from realtime.export.tracks_formats import Format, format_of, write_forest
from realtime.export.tracks_napari import napari_tracks, read_napari
from realtime.export.tracks_trackmate import EDGE_FEATURES, SPOT_FEATURES, TRACK_FEATURES
from tests.unit.track_samples import SHAPE, forest

LINKS = {(0, 0, 1, 0), (0, 5, 1, 5), (1, 0, 2, 1), (1, 0, 2, 2), (1, 5, 2, 5),
         (2, 1, 3, 1), (2, 2, 3, 2), (2, 5, 3, 5)}  # fmt: skip
"""(t, cell) to (t, cell)."""


def test_links_lead_from_a_mother_to_both_daughters() -> None:
    known = forest()
    ends = known.rows[["t", "cell"]].tolist()
    assert {(*ends[a], *ends[b]) for a, b in known.edges().tolist()} == LINKS
    assert known.n_divisions == 1
    assert known.families().tolist() == [0, 5, 0, 5, 0, 0, 5, 0, 0, 5]


@pytest.fixture
def xml(tmp_path: Path) -> ElementTree.Element:
    write_forest(tmp_path / "cells.xml", Format.TRACKMATE, forest())
    return ElementTree.parse(tmp_path / "cells.xml").getroot()


def test_trackmate_has_every_spot_and_every_link_once(xml: ElementTree.Element) -> None:
    spots = {
        s.get("ID"): (int(s.get("FRAME", "")), int(s.get("CELL", ""))) for s in xml.iter("Spot")
    }
    assert len(spots) == int(xml.find("Model/AllSpots").get("nspots")) == 10
    for frame in xml.iter("SpotsInFrame"):
        assert {spot.get("FRAME") for spot in frame} == {frame.get("frame")}
    links = [
        (*spots[e.get("SPOT_SOURCE_ID")], *spots[e.get("SPOT_TARGET_ID")]) for e in xml.iter("Edge")
    ]
    assert len(links) == len(LINKS)
    assert set(links) == LINKS


def test_a_family_is_one_track_of_trackmate(xml: ElementTree.Element) -> None:
    tracks = {t.get("TRACK_ID"): t for t in xml.iter("Track")}
    assert {t.get("TRACK_ID") for t in xml.iter("TrackID")} == set(tracks) == {"0", "1"}
    first, other = tracks["0"], tracks["1"]
    assert (first.get("NUMBER_SPOTS"), first.get("NUMBER_SPLITS")) == ("6", "1")
    assert (other.get("NUMBER_SPOTS"), other.get("NUMBER_SPLITS")) == ("4", "0")
    assert float(other.get("TRACK_DURATION", "")) == 90.0


def test_trackmate_is_told_sizes_and_times(xml: ElementTree.Element) -> None:
    model, image = xml.find("Model"), xml.find("Settings/ImageData")
    assert (model.get("spatialunits"), model.get("timeunits")) == ("micron", "sec")
    spot = next(s for s in xml.iter("Spot") if s.get("FRAME") == "2" and s.get("CELL") == "2")
    assert (float(spot.get("POSITION_X")), float(spot.get("POSITION_Y"))) == (12.0, 13.0)
    assert float(spot.get("POSITION_T")) == 60.0
    assert float(spot.get("RADIUS")) == pytest.approx(0.5 * np.sqrt(78.5 / np.pi), rel=1e-4)
    said = [image.get(k) for k in ("width", "height", "nframes", "nslices", "filename")]
    assert said == ["80", "60", "4", "1", "film & <more>.tif"]
    assert (float(image.get("pixelwidth")), float(image.get("timeinterval"))) == (0.5, 30.0)


def test_without_sizes_trackmate_counts_pixels_and_frames(tmp_path: Path) -> None:
    write_forest(tmp_path / "c.xml", Format.TRACKMATE, forest(pixel_um=0.0, interval_s=0.0))
    model = ElementTree.parse(tmp_path / "c.xml").find("Model")
    assert (model.get("spatialunits"), model.get("timeunits")) == ("pixel", "frame")
    assert {float(s.get("POSITION_T")) for s in model.iter("Spot")} == {0.0, 1.0, 2.0, 3.0}


def test_every_feature_that_trackmate_finds_is_declared(xml: ElementTree.Element) -> None:
    for path, tag, features in (
        ("SpotFeatures", "Spot", SPOT_FEATURES),
        ("EdgeFeatures", "Edge", EDGE_FEATURES),
        ("TrackFeatures", "Track", TRACK_FEATURES),
    ):
        declared = [f.get("feature") for f in xml.find(f"Model/FeatureDeclarations/{path}")]
        assert declared == [key for key, *_ in features]
        for element in xml.iter(tag):
            assert set(element.attrib) - {"ID", "name"} == set(declared)


def test_pytrackmate_reads_it(tmp_path: Path) -> None:
    pytest.importorskip("pandas", reason="pytrackmate needs it")
    reader = pytest.importorskip("pytrackmate", reason="an independent reader of TrackMate's files")
    write_forest(tmp_path / "cells.xml", Format.TRACKMATE, forest())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = reader.trackmate_peak_import(tmp_path / "cells.xml", get_tracks=True)
    assert len(table) == 10
    assert sorted(table.groupby("label").size()) == [4, 6]
    assert sorted(set(table["t_stamp"])) == [0, 1, 2, 3]


@pytest.mark.parametrize("is_deep", [False, True])
def test_napari_gets_ids_times_places_and_parents(tmp_path: Path, *, is_deep: bool) -> None:
    known = forest(is_deep=is_deep)
    data, graph = napari_tracks(known)
    assert data.shape == (10, 5 if is_deep else 4)
    assert (np.diff(data[:, 0]) >= 0).all()  # sorted by name, then by time
    assert [row.tolist() for row in data[data[:, 0] == 1]] == (
        [[1, 2, 4, 14, 24], [1, 3, 4, 12, 25]] if is_deep else [[1, 2, 14, 24], [1, 3, 12, 25]]
    )
    assert graph == {1: [0], 2: [0]}
    write_forest(tmp_path / "cells.npz", Format.NAPARI, known)
    again, same = read_napari(tmp_path / "cells.npz")
    np.testing.assert_array_equal(again, data)
    assert same == graph


def test_the_challenge_gets_tracklets_without_holes_and_a_disc_for_each(tmp_path: Path) -> None:
    rows = forest().rows
    write_forest(tmp_path / "c", Format.CTC, forest(rows=rows[rows["is_seen"] == 1]))
    folder = tmp_path / "c" / "01_RES"
    lines = [
        tuple(map(int, x.split())) for x in (folder / "res_track.txt").read_text().splitlines()
    ]
    assert lines == [(1, 0, 1, 0), (2, 0, 0, 0), (3, 2, 3, 1), (4, 2, 3, 1), (5, 2, 3, 2)]
    for t in range(4):
        mask = tifffile.imread(folder / f"mask{t:03d}.tif")
        assert mask.shape == SHAPE
        here = {label for label, first, last, _ in lines if first <= t <= last}
        assert set(np.unique(mask)) - {0} == here
    assert (mask == 3).sum() == pytest.approx(78.5, rel=0.15)


def test_the_table_has_micrometres_and_seconds_where_they_are_known(tmp_path: Path) -> None:
    write_forest(tmp_path / "c.csv", Format.CSV, forest())
    with (tmp_path / "c.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [rows[4][k] for k in ("cell", "parent", "t", "t_s", "y_px", "x_um", "is_seen")] == [
        "1", "0", "2", "60", "14", "12", "1",
    ]  # fmt: skip
    write_forest(tmp_path / "d.csv", Format.CSV, forest(pixel_um=0.0, interval_s=0.0))
    assert "_um" not in (tmp_path / "d.csv").read_text()


@pytest.fixture
def geff() -> Iterator[Any]:
    package = pytest.importorskip("geff", reason="the extra export is not installed")
    from zarr.core.sync import cleanup_resources

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own
        yield package
    cleanup_resources()


def test_geff_is_read_by_its_own_package(tmp_path: Path, geff: Any) -> None:
    write_forest(tmp_path / "c.geff", Format.GEFF, forest())
    graph, about = geff.read(tmp_path / "c.geff")
    ends = {n: (of["t"], of["cell"]) for n, of in graph.nodes.items()}
    assert {(*ends[a], *ends[b]) for a, b in graph.edges} == LINKS
    assert [(axis.name, axis.scale) for axis in about.axes] == [("t", None), ("y", 0.5), ("x", 0.5)]


@pytest.mark.usefixtures("geff")
@pytest.mark.parametrize("kind", list(Format))
def test_a_film_without_cells_can_be_written(tmp_path: Path, kind: Format) -> None:
    write_forest(tmp_path / "empty", kind, forest(rows=forest().rows[:0], mothers={}))
    assert (tmp_path / "empty").exists()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.geff", "geff"),
        ("a.CSV", "csv"),
        ("a.xml", "trackmate"),
        ("a.npz", "napari"),
        ("a", "ctc"),
    ],
)
def test_the_end_of_a_name_says_the_format(name: str, kind: str) -> None:
    assert format_of(Path(name)) == kind


def test_another_ending_is_refused_with_those_there_are() -> None:
    with pytest.raises(RunFileError, match=r"'\.json'; use \.geff, \.csv, \.xml"):
        format_of(Path("a.json"))
