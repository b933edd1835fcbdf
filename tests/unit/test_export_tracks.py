"""Tracks of a run as other programs read them."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import numpy as np
import pytest
import tifffile

from acquire.frame import Index
from realtime.errors import RunFileError
from realtime.export import Wanted, export_run
from realtime.export.bleaching import LEAST_POINTS, fading
from realtime.export.tracks_napari import read_napari
from realtime.run_file import RunReader, RunWriter
from realtime.wire import CellDoses, encode
from realtime.wire.seen import Recalled
from tests.unit.export_samples import (
    image,
    info,
    light,
    result,
    start,
    tracks,
    write_cells,
    write_film,
)
from tests.unit.run_samples import message
from tests.unit.test_export_cells import DIVISION


def export(path: Path, *kinds: str) -> list[Path]:
    with RunReader(path) as reader:
        return export_run(reader, Wanted(tracks=kinds), path.parent, path.stem)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_masks_and_lines_agree_in_the_challenge_layout(tmp_path: Path) -> None:
    write_cells(tmp_path / "run.h5", DIVISION)
    export(tmp_path / "run.h5", "ctc")
    folder = tmp_path / "run.tracks.ctc"
    text = (folder / "01_RES" / "res_track.txt").read_text()
    lines = [tuple(map(int, line.split())) for line in text.splitlines()]
    assert sorted(lines) == [(1, 0, 1, 0), (2, 2, 5, 1), (3, 2, 5, 1)]
    for t in range(6):
        mask = tifffile.imread(folder / "01_RES" / f"mask{t:03d}.tif")
        assert mask.dtype == np.uint16
        assert set(np.unique(mask)) - {0} == {x[0] for x in lines if x[1] <= t <= x[2]}
        np.testing.assert_array_equal(
            tifffile.imread(folder / "01" / f"t{t:03d}.tif"), image(t, (64, 64))
        )
    one = tifffile.imread(folder / "01_RES" / "mask000.tif") == 1
    assert one.sum() == pytest.approx(80, abs=8), "a disc of the cell's area"
    assert np.argwhere(one).mean(0).tolist() == [20.0, 20.0]


def test_trackmate_and_napari_get_the_family_of_a_run(tmp_path: Path) -> None:
    write_cells(tmp_path / "run.h5", DIVISION)
    xml, npz = export(tmp_path / "run.h5", "trackmate", "napari")
    root = ElementTree.parse(xml).getroot()
    cell = {spot.get("ID"): spot.get("CELL") for spot in root.iter("Spot")}
    links = {(cell[e.get("SPOT_SOURCE_ID")], cell[e.get("SPOT_TARGET_ID")])
             for e in root.iter("Edge")}  # fmt: skip
    assert links == {("0", "0"), ("0", "1"), ("0", "2"), ("1", "1"), ("2", "2")}
    data, graph = read_napari(npz)
    assert data.shape == (10, 4)
    assert graph == {1: [0], 2: [0]}


def test_geff_is_valid_and_its_graph_has_the_division(tmp_path: Path) -> None:
    geff = pytest.importorskip("geff", reason="the extra export is not installed")
    from zarr.core.sync import cleanup_resources

    write_cells(tmp_path / "run.h5", DIVISION)
    try:
        export(tmp_path / "run.h5", "geff")
        geff.validate_structure(tmp_path / "run.tracks.geff")
        graph, about = geff.read(tmp_path / "run.tracks.geff")
    finally:
        cleanup_resources()
    node = {(n["t"], n["cell"]): k for k, n in graph.nodes(data=True)}
    assert set(graph.successors(node[1, 0])) == {node[2, 1], node[2, 2]}
    assert graph.number_of_edges() == 9
    assert graph.nodes[node[5, 1]]["y"] == 27.0
    assert "GFP_e_per_j_cm2" in graph.nodes[node[5, 1]]
    assert [axis.name for axis in about.axes] == ["t", "y", "x"]
    assert about.axes[1].scale == 0.5


def test_the_table_says_who_where_how_bright_and_how_much_light(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, start(((64, 64),))) as writer:
        for n in range(3):
            both = []
            for c in range(2):
                one = info(2 * n + c, n, c, 2, Index(t=n, c=c), light(c), (64, 64))
                counts = np.full((64, 64), 110, np.uint16)
                counts[28:33, 28:33] = 150 if c == 0 else 130
                writer.frame(message(one, counts), counts)
                both.append(one)
            seen = tracks((4, 30, 30), area_px=25.0)
            dose = CellDoses((4,), {"488": (0.1 * n,), "561": (0.2 * n,)}, (0.01 * n,))
            writer.document(encode(result(n, both, seen, cell_dose=dose, is_fresh=n == 0)))
        writer.close("complete")
    export(path, "csv")
    rows = rows_of(tmp_path / "run.tracks.csv")
    assert [row["cell"] for row in rows] == ["4"] * 3
    last = rows[-1]
    assert float(last["GFP_e"]) == pytest.approx(25 * 40 / 0.5)
    assert float(last["RFP_e"]) == pytest.approx(25 * 20 / 0.5)
    assert float(last["GFP_e_per_j_cm2"]) == pytest.approx(25 * 40 / 0.5 / 0.02)
    assert float(last["as_seen_e_per_j_cm2"]) == pytest.approx(1000 / 0.02)
    assert float(last["cell_dose_j_cm2_488"]) == pytest.approx(0.2)
    assert float(last["cell_dose_j_cm2_561"]) == pytest.approx(0.4)
    assert float(last["cell_damage_j_cm2_uv"]) == pytest.approx(0.02)
    assert (float(last["y_px"]), float(last["y_um"])) == (30.0, 15.0)
    about = json.loads((tmp_path / "run.tracks.json").read_text())
    assert about["dose_unit"] == "J/cm2"
    assert "model" in about["columns"]["<channel>_e_per_..._bleach_corrected"]


def test_a_stack_is_the_mean_of_its_planes_so_that_it_stays_in_proportion(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, start(((64, 64),))) as writer:
        planes = []
        for z, level in enumerate((120, 140, 160)):
            one = info(z, 0, z, 3, Index(z=z), light(dose=0.01 * (z + 1)), (64, 64))
            counts = np.full((64, 64), 110, np.uint16)
            counts[28:33, 28:33] = level
            writer.frame(message(one, counts), counts)
            planes.append(one)
        writer.document(encode(result(0, planes, tracks((0, 30, 30), area_px=25.0))))
        writer.close("complete")
    export(path, "csv")
    (row,) = rows_of(tmp_path / "run.tracks.csv")
    total = 25 * (10 + 30 + 50) / 0.5
    assert float(row["GFP_e"]) == pytest.approx(total / 3)
    assert float(row["GFP_e_per_j_cm2"]) == pytest.approx(total / 0.06)
    assert row["as_seen_e_per_j_cm2"] == "", "three doses in one maximum: nobody can say"


def test_fields_are_apart_in_every_format(tmp_path: Path) -> None:
    geff = pytest.importorskip("geff", reason="the extra export is not installed")
    from zarr.core.sync import cleanup_resources

    path = tmp_path / "run.h5"
    with RunWriter(path, start(((64, 64),))) as writer:
        for n in range(6):
            t, p = divmod(n, 2)
            one = info(n, n, 0, 1, Index(t=t, p=p), light(), (64, 64))
            writer.frame(message(one, image(n, (64, 64))), image(n, (64, 64)))
            seen = tracks((0, 20 + 10 * p, 30))
            writer.document(encode(result(n, (one,), seen, is_fresh=n == 0)))
        writer.close("complete")
    try:
        made = {path.name for path in export(path, "csv", "geff", "ctc")}
        graph, _ = geff.read(tmp_path / "run.p1.tracks.geff")
    finally:
        cleanup_resources()
    assert {"run.p0.tracks.geff", "run.p1.tracks.geff", "run.tracks.csv"} < made
    assert [node["y"] for _, node in graph.nodes(data=True)] == [30.0] * 3
    rows = rows_of(tmp_path / "run.tracks.csv")
    assert [(row["position"], row["t"]) for row in rows] == [
        (str(p), str(t)) for p in range(2) for t in range(3)
    ]
    for name in ("01_RES", "02_RES"):
        assert (tmp_path / "run.tracks.ctc" / name / "res_track.txt").read_text() == "1 0 2 0\n"


def test_what_faded_is_put_back_in_a_column_of_its_own(tmp_path: Path) -> None:
    rate, doses = 3.0, [0.02] * 24
    taken = np.cumsum(doses)

    def pixels(n: int) -> np.ndarray:
        counts = np.full((64, 64), 110, np.uint16)
        for at, full in ((20, 40_000), (44, 30_000)):
            counts[at - 2 : at + 3, at - 2 : at + 3] += np.uint16(full * math.exp(-rate * taken[n]))
        return counts

    cells = tracks((0, 20, 20), (1, 44, 44), area_px=25.0)
    write_cells(tmp_path / "run.h5", [(cells, ())] * 24, pixels=pixels, doses=doses)
    export(tmp_path / "run.h5", "csv")
    rows = [row for row in rows_of(tmp_path / "run.tracks.csv") if row["cell"] == "0"]
    raw = np.array([float(row["GFP_e_per_j_cm2"]) for row in rows])
    corrected = np.array([float(row["GFP_e_per_j_cm2_bleach_corrected"]) for row in rows])
    assert raw[-1] / raw[0] == pytest.approx(math.exp(-rate * (taken[-1] - taken[0])), rel=1e-3)
    np.testing.assert_allclose(corrected, 25 * 40_000 / 0.5 / 0.02, rtol=1e-3)
    about = json.loads((tmp_path / "run.tracks.json").read_text())
    assert about["fading"]["position 0"]["GFP"]["per_dose"] == pytest.approx(rate, rel=1e-3)


def test_what_does_not_fade_is_left_alone() -> None:
    rng = np.random.default_rng(4)
    dose = np.arange(50.0)
    rising = [(dose, 5 * np.exp(0.02 * dose)) for _ in range(3)]
    assert fading(rising).rate == 0.0
    found = [fading([(dose, rng.normal(1, 0.1, 50)) for _ in range(5)]).rate for _ in range(60)]
    assert np.count_nonzero(found) <= 6, "noise is hardly ever taken for fading"
    few = [(dose[:LEAST_POINTS], np.ones(LEAST_POINTS))]
    assert math.isnan(fading(few).rate)
    assert math.isnan(fading([]).rate)
    assert math.isnan(fading([(np.zeros(50), np.ones(50))]).rate), "no dose, no rate"


def test_a_cell_that_lights_up_once_is_no_part_of_the_fit() -> None:
    dose = np.arange(40.0)
    value = np.exp(-0.05 * dose) * np.random.default_rng(1).normal(1, 0.01, 40)
    value[20] = 30.0
    assert fading([(dose, value)] * 3).rate == pytest.approx(0.05, rel=0.05)


def test_a_run_that_followed_nobody_has_no_tracks(tmp_path: Path) -> None:
    write_film(tmp_path / "run.h5")
    with pytest.raises(RunFileError, match="followed no cells"):
        export(tmp_path / "run.h5", "csv")
    assert [left.name for left in tmp_path.iterdir()] == ["run.h5"]


def test_a_missing_package_is_one_sentence_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    write_cells(tmp_path / "run.h5", DIVISION)
    for name in ("geff", "geff.core_io", "ome_writers"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RunFileError, match=r'pip install "geff>=1.3"'):
        export(tmp_path / "run.h5", "geff")
    with (
        RunReader(tmp_path / "run.h5") as reader,
        pytest.raises(RunFileError, match=r'pip install "ome-writers\[tensorstore\]'),
    ):
        export_run(reader, Wanted(("ome-zarr",)), tmp_path, "run")
    assert [left.name for left in tmp_path.iterdir()] == ["run.h5"]


@pytest.mark.parametrize(
    ("recalled", "names"),
    [
        (Recalled(1, 1000), {4}),
        (Recalled(-1, 1000), {4}),
        (Recalled(-1, 0), {4, 9}),
        (None, {4, 9}),
    ],
)
def test_a_worker_that_knew_its_cells_is_exported_under_the_same_names(
    tmp_path: Path, recalled: Recalled | None, names: set[int]
) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, start(((64, 64),))) as writer:
        for n, shot in enumerate((0, 1, 2, 2, 3)):  # the new worker answers the last shot again
            one = info(shot, shot, 0, 1, Index(t=shot), light(), (64, 64))
            if n != 3:
                writer.frame(message(one, image(shot, (64, 64))), image(shot, (64, 64)))
            answer = result(shot, (one,), tracks((4, 30, 30)), is_fresh=n in (0, 3))
            answer = msgspec.structs.replace(answer, recalled=recalled if n == 3 else None)
            writer.document(encode(answer))
        writer.close("complete")
    export(path, "csv")
    rows = rows_of(tmp_path / "run.tracks.csv")
    assert [row["t"] for row in rows] == ["0", "1", "2", "3"]
    assert {int(row["cell"]) for row in rows} == names
