"""Kinds of cells from end to end: labels, a classifier, a run with it, and what comes out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import xxhash
from typer.testing import CliRunner

from acquire.frame import FrameInfo, Index, Shot
from acquire.simulated.movie import Filming, Movie
from lightloop.build.pipeline import build_pipeline
from lightloop.cli import app
from lightloop.config import parse
from realtime.export.cell_reading import field_cells
from realtime.run_file import RunReader, RunWriter
from realtime.wire import CameraInfo, End, FrameMessage, RingInfo, Start, encode
from tests.run_helpers import SMALL
from tests.unit.run_samples import applied

SHOTS, SIDE, PIXEL_UM = 12, 128, 0.325
TEXT = (
    SMALL.replace("n_cells = 6", f"n_cells = 14\npixel_um = {PIXEL_UM}").replace(
        'kind = "snr"', 'kind = "fixed"'
    )
) + "[detect]\ndiameter_px = 20.0\n"


def lightloop(*words: object) -> str:
    out = CliRunner().invoke(app, [str(word) for word in words])
    assert out.exit_code == 0, out.output
    return out.output


def ran(path: Path, text: str) -> Path:
    """Let a worker's pipeline see a simulated film, and write down what a recorder would."""
    config = parse(text)
    assert config.scope.kind == "simulated"
    camera = CameraInfo("Camera", SIDE, SIDE, PIXEL_UM, config.scope.calibration())
    first = config.first_settings()
    start = Start("s", 0, 0, (camera,), RingInfo("", 0, 0), first, config_toml=text)
    pipeline = build_pipeline(config, start, None)
    with RunWriter(path, start) as writer:
        for n, taken in enumerate(Filming(Movie(config.scope, SHOTS, 120.0, 40.0, 0.2)).frames()):
            info = FrameInfo(
                n, "Camera", n, 0, 120.0 * n, Shot(n, 0, 1), 0, Index(t=n), SIDE, SIDE,
                (0.0, 0.0, 0.0), applied(),
            )  # fmt: skip
            digest = xxhash.xxh3_64_intdigest(taken.pixels.data)
            writer.frame(FrameMessage(info, 0, 0, taken.pixels.nbytes, digest), taken.pixels)
            pipeline.see(info, taken.pixels)
            for message in pipeline.answer():
                writer.document(encode(message))
        writer.document(encode(End(SHOTS - 1, SHOTS, 0, "complete", "done", True, {})))
    return path


def labels_of(run: Path, path: Path) -> None:
    """Call the larger half of a run's cells large, for all of their life."""
    with RunReader(run) as reader, path.open("w", encoding="utf-8", newline="") as file:
        (field,) = field_cells(reader)
        sizes = {
            cell: float(np.median([seen.area_px for seen in track]))
            for cell, track in field.tracks().items()
            if len(track) >= 5
        }
        table = csv.writer(file)
        table.writerow(("cell", "kind"))
        middle = np.median(list(sizes.values()))
        table.writerows((cell, "large" if a > middle else "small") for cell, a in sizes.items())


@pytest.mark.timeout(240)
def test_cells_are_told_apart_in_a_run_by_what_was_learnt_from_another(tmp_path: Path) -> None:
    first = ran(tmp_path / "first.h5", TEXT)
    made = tmp_path / "kinds.json"
    labels = tmp_path / "labels.csv"
    labels_of(first, labels)
    said = lightloop("classify", "--from", first, "--labels", labels, "--out", made)
    assert "of the images are right" in said
    assert json.loads(made.read_text("utf-8"))["accuracy"] > 0.75

    text = f"{TEXT}[kinds]\nfile = {json.dumps(str(made))}\n"
    run = ran(tmp_path / "second.h5", text)
    with RunReader(run) as reader:
        for result in reader.results:
            tracks = result.tracks
            assert tracks.kinds == ("large", "small")
            assert len(tracks.classes) == len(tracks.ids)
            assert all(sum(shares) == pytest.approx(1.0) for shares in tracks.classes)
        last = reader.results[-1].observation
    assert sum(last.kinds.values()) == pytest.approx(last.n_confirmed)
    again = ran(tmp_path / "again.h5", text)
    with RunReader(run) as reader, RunReader(again) as repeated:
        assert [r.observation for r in reader.results] == [r.observation for r in repeated.results]

    assert "large" in lightloop("inspect", run)
    assert set(json.loads(lightloop("inspect", run, "--json"))["kinds"]) == {"large", "small"}
    lightloop("export", run, "--tracks", "csv", "--out", tmp_path)
    with next(tmp_path.glob("*.tracks.csv")).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    areas: dict[str, list[float]] = {"large": [], "small": []}
    for row in rows:
        assert float(row["p_large"]) + float(row["p_small"]) == pytest.approx(1.0, abs=1e-5)
        areas[row["kind"]].append(float(row["area_px"]))
    assert np.median(areas["large"]) > np.median(areas["small"])
