"""The programs that tracks are written for read them: traccuracy, geff, napari, pandas, lxml."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.export.outlines import Outlines
from realtime.export.tracks_formats import Format, write_forest
from realtime.export.tracks_napari import read_napari
from tests.unit.test_track_formats import LINKS
from tests.unit.track_samples import SHAPE, forest


@pytest.fixture
def traccuracy() -> Iterator[Any]:
    package = pytest.importorskip("traccuracy", reason='pip install -e ".[score]"')
    import tqdm

    tqdm.tqdm.monitor_interval = 0  # its thread would outlive the test
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own
        yield package


def links_of(graph: Any) -> set[tuple[int, int, int, int, int, int]]:
    """Return the links of a traccuracy graph by frame and place, px rounded."""
    at = {
        n: (graph.nodes[n]["t"], round(graph.nodes[n]["y"]), round(graph.nodes[n]["x"]))
        for n in graph.nodes
    }
    return {(*at[a], *at[b]) for a, b in graph.edges}


def wanted() -> set[tuple[int, int, int, int, int, int]]:
    known = forest()
    ends = [(t, round(y), round(x)) for t, y, x in known.rows[["t", "y", "x"]].tolist()]
    return {(*ends[a], *ends[b]) for a, b in known.edges().tolist()}


@pytest.mark.score
def test_traccuracy_reads_the_challenges_layout_and_finds_nothing_amiss(
    tmp_path: Path, traccuracy: Any
) -> None:
    from traccuracy.loaders import load_ctc_data

    write_forest(tmp_path / "c", Format.CTC, forest())
    folder = tmp_path / "c" / "01_RES"
    tracks = load_ctc_data(str(folder), str(folder / "res_track.txt"), run_checks=True)
    assert links_of(tracks.graph) == wanted()
    assert tracks.segmentation.shape == (4, *SHAPE)


@pytest.mark.score
def test_traccuracy_reads_real_outlines(tmp_path: Path, traccuracy: Any) -> None:
    from traccuracy.loaders import load_ctc_data

    labels = np.zeros(SHAPE, np.uint16)
    labels[15:26, 10:31] = 1
    known = Outlines(labels, np.array([[20.0, 20.0]]))
    write_forest(tmp_path / "c", Format.CTC, forest(), outlines=lambda t: known if t == 0 else None)
    folder = tmp_path / "c" / "01_RES"
    tracks = load_ctc_data(str(folder), str(folder / "res_track.txt"), run_checks=True)
    assert (tracks.segmentation[0] == 1).sum() == (labels == 1).sum()
    assert len(tracks.graph.edges) == len(LINKS)


@pytest.mark.score
def test_traccuracy_reads_a_geff_graph(tmp_path: Path, traccuracy: Any) -> None:
    pytest.importorskip("geff", reason="the extra export is not installed")
    from traccuracy.loaders import load_geff_data
    from zarr.core.sync import cleanup_resources

    try:
        write_forest(tmp_path / "c.geff", Format.GEFF, forest())
        tracks = load_geff_data(str(tmp_path / "c.geff"))
        assert links_of(tracks.graph) == wanted()
    finally:
        cleanup_resources()


@pytest.mark.parametrize("is_deep", [False, True])
def test_napari_makes_a_layer_of_tracks_with_their_parents(
    tmp_path: Path, *, is_deep: bool
) -> None:
    if importlib.util.find_spec("napari") is None:
        pytest.skip("napari is not installed: pip install napari")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own
        from napari.layers import Tracks

        write_forest(tmp_path / "c.npz", Format.NAPARI, forest(is_deep=is_deep))
        data, graph = read_napari(tmp_path / "c.npz")
        layer = Tracks(data, graph=graph)
    assert layer.ndim == (4 if is_deep else 3)
    np.testing.assert_array_equal(layer.data, data)
    assert layer.graph == {1: [0], 2: [0]}


def test_pandas_reads_the_table(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="an independent reader of tables")
    write_forest(tmp_path / "c.csv", Format.CSV, forest())
    table = pandas.read_csv(tmp_path / "c.csv")
    for name in ("t", "cell"):
        np.testing.assert_array_equal(table[name], forest().rows[name])
    np.testing.assert_allclose(table["x_px"], forest().rows["x"])
    assert table["certainty"].dtype == float


def test_lxml_finds_the_xml_well_formed_and_every_id_known(tmp_path: Path) -> None:
    lxml = pytest.importorskip("lxml.etree", reason="an independent reader of XML")
    write_forest(tmp_path / "c.xml", Format.TRACKMATE, forest())
    root = lxml.parse(str(tmp_path / "c.xml")).getroot()
    spots = set(root.xpath("//Spot/@ID"))
    ends = root.xpath("//Edge/@SPOT_SOURCE_ID") + root.xpath("//Edge/@SPOT_TARGET_ID")
    assert len(spots) == 10
    assert set(ends) <= spots
    assert len(root.xpath("//Edge")) == len(LINKS)
