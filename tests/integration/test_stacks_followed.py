"""Stacks of simulated cells through the worker's pipeline: heights, files, and the same again."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np
import pytest
import xxhash
from numpy.typing import NDArray
from typer.testing import CliRunner

from acquire.frame import FrameInfo, Index, Shot
from acquire.simulated.movie import Filming, Movie
from acquire.simulated.truth import Chip
from lightloop.build.pipeline import build_pipeline
from lightloop.cli import app
from lightloop.config import parse
from realtime.pipeline import Pipeline
from realtime.run_file import RunWriter
from realtime.wire import CameraInfo, End, FrameMessage, Result, RingInfo, Start, encode
from tests.run_helpers import SMALL
from tests.unit.run_samples import applied

SIDE, TIMES, PLANES, STEP_UM, PIXEL_UM = 128, 6, 13, 1.0, 0.325
SKIPS = (0, 2, 4, 6, 8, 10, 12)
CHECKED = (0, 2, 4, 6, 7, 8, 10, 12)
TEXT = (
    SMALL.replace(
        "height = 128\nwidth = 128",
        f"height = {SIDE}\nwidth = {SIDE}\npixel_um = {PIXEL_UM}\nspecimen_depth_um = 9.0\n"
        'psf = "confocal"\nnumerical_aperture = 0.8\nnucleus_flatness = 0.85\nfield_scale = 1.0',
    )
    .replace("n_cells = 6", "n_cells = 5")
    .replace('kind = "snr"', 'kind = "fixed"')
    .replace("loops = 5000 }", f"loops = {TIMES} }}\nz_plan = {{ range = 12.0, step = 1.0 }}")
) + "[detect]\ndiameter_px = 20.0\n"
Counts: TypeAlias = NDArray[np.uint16]
Floats: TypeAlias = NDArray[np.float64]
Film: TypeAlias = tuple[list[Counts], list[Floats]]
PlanesOf: TypeAlias = Callable[[int], tuple[int, ...]]
CONFIG = parse(TEXT)
CAMERA = CameraInfo("Camera", SIDE, SIDE, PIXEL_UM, CONFIG.scope.calibration())  # type: ignore[union-attr]
START = Start("s", 0, 0, (CAMERA,), RingInfo("", 0, 0), CONFIG.first_settings(), config_toml=TEXT)


@pytest.fixture(scope="module")
def film() -> Film:
    """Return the frames of all planes, and where cells truly are at each time: y, x px, z um."""
    assert CONFIG.scope.kind == "simulated"
    movie = Movie(CONFIG.scope, TIMES, 60.0, 60.0, 0.3, PLANES, STEP_UM)
    chip, frames, truth = Chip(SIDE, SIDE, PIXEL_UM), [], []
    for n, taken in enumerate(Filming(movie).frames()):
        frames.append(taken.pixels.copy())
        if n % PLANES == 0:
            y, x = chip.to_pixels(taken.seen)
            truth.append(np.column_stack((y, x, taken.seen.nuclei.z_um + 6.0)))
    return frames, truth


def infos(planes_of: PlanesOf) -> list[tuple[int, FrameInfo]]:
    """Return which plane of the film each frame of a run is, and what the run says of it."""
    made: list[tuple[int, FrameInfo]] = []
    for t in range(TIMES):
        planes = planes_of(t)
        for place, z in enumerate(planes):
            info = FrameInfo(
                len(made), "Camera", len(made), 0, 60.0 * t, Shot(t, 0, len(planes)), place,
                Index(t=t, z=z), SIDE, SIDE, (0.0, 0.0, 50.0 + STEP_UM * z), applied(),
            )  # fmt: skip
            made.append((t * PLANES + z, info))
    return made


def message(info: FrameInfo, pixels: np.ndarray) -> FrameMessage:
    return FrameMessage(info, 0, 0, pixels.nbytes, xxhash.xxh3_64_intdigest(pixels.data))


def answers(frames: list[Counts], planes_of: PlanesOf) -> list[tuple[Result, bytes]]:
    pipeline, told = build_pipeline(CONFIG, START, None), []
    for n, info in infos(planes_of):
        pipeline.see(info, frames[n])
        if pipeline.has_whole_shot:
            result, decision = pipeline.answer()
            told.append((msgspec.structs.replace(result, times=type(result.times)()), decision))
    return [(result, encode(result) + encode(decision)) for result, decision in told]


def off_um(results: list[Result], truth: list[Floats]) -> Floats:
    """Return heights less the true ones, um, of cells that lie alone; and the sigmas told."""
    found = []
    for result, cells in zip(results, truth, strict=True):
        tracks = result.tracks
        assert len(tracks.z_px) == len(tracks.ids)
        for y, x, z, sd in zip(tracks.y_px, tracks.x_px, tracks.z_px, tracks.z_sd_px, strict=True):
            near = cells[np.hypot(cells[:, 0] - y, cells[:, 1] - x) < 10]
            if len(near) == 1 and 1.0 < near[0, 2] < 11.0:
                found.append((z * PIXEL_UM - near[0, 2], sd * PIXEL_UM))
    return np.array(found)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "planes_of",
    [
        lambda t: tuple(range(PLANES)),
        lambda t: SKIPS,
        lambda t: CHECKED if t % 2 else SKIPS,
    ],
    ids=["whole", "skipped", "skipped and checked"],
)
def test_heights_are_true_and_the_same_again(film: Film, planes_of: PlanesOf) -> None:
    frames, truth = film
    told = answers(frames, planes_of)
    results = [result for result, _ in told]
    off = off_um(results, truth)
    assert len(off) >= 12
    assert abs(np.median(off[:, 0])) < 0.35
    assert np.median(np.abs(off[:, 0])) < 0.5
    assert np.mean(np.abs(off[:, 0]) < 2 * off[:, 1]) > 0.85
    last = results[-1].observation.heights
    assert last is not None
    assert 0 < last.low_um <= last.middle_um <= last.high_um < 12
    assert 0.1 < last.sigma_um < 2.0
    assert [bytes_ for _, bytes_ in answers(frames, planes_of)] == [bytes_ for _, bytes_ in told]


@pytest.mark.timeout(300)
def test_without_planes_nothing_is_said_of_heights(film: Film) -> None:
    frames, _ = film
    for result, _ in answers(frames, lambda t: (6,)):
        assert result.tracks.ids
        assert result.tracks.z_px == result.tracks.z_sd_px == ()
        assert result.observation.heights is None


@pytest.mark.timeout(300)
def test_heights_are_in_the_run_file_and_leave_it_in_tables_and_graphs(
    film: Film, tmp_path: Path
) -> None:
    frames, _ = film
    run = tmp_path / "stack.h5"
    pipeline: Pipeline = build_pipeline(CONFIG, START, None)
    results = []
    with RunWriter(run, START) as writer:
        planes = infos(lambda t: SKIPS)
        for n, info in planes:
            writer.frame(message(info, frames[n]), frames[n])
            pipeline.see(info, frames[n])
            if pipeline.has_whole_shot:
                result, decision = pipeline.answer()
                results.append(result)
                writer.document(encode(result))
                writer.document(encode(decision))
        end = End(len(planes) - 1, len(planes), 0, "complete", "done", True, {})
        writer.document(encode(end))
    out = CliRunner().invoke(app, ["export", str(run), "--tracks", "csv", "--tracks", "napari"])
    assert out.exit_code == 0, out.output
    rows = table(tmp_path / "stack.tracks.csv")
    told = [z * PIXEL_UM for result in results for z in result.tracks.z_px]
    assert [float(row["z_um"]) for row in rows] == pytest.approx(told, rel=1e-5)
    assert all(0 < float(row["z_sd_um"]) < 5 for row in rows)
    tracks = np.load(tmp_path / "stack.tracks.npz")["tracks"]
    assert tracks.shape[1] == 5
    kept = sorted((row for row in rows if row["verdict"] != "withdrawn"), key=_as_napari)
    z_um = [float(row["z_um"]) for row in kept]
    assert tracks[:, 2] * PIXEL_UM == pytest.approx(z_um, abs=1e-3)
    # `lightloop track` sees the same planes, and says the same heights.
    out = CliRunner().invoke(app, ["track", str(run), "--out", str(tmp_path / "again.csv")])
    assert out.exit_code == 0, out.output
    again = table(tmp_path / "again.csv")
    seen_um = np.array([float(row["z_px"]) for row in again]) * PIXEL_UM
    assert np.median(seen_um) == pytest.approx(np.median(told), abs=0.3)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _as_napari(row: dict[str, str]) -> tuple[int, int]:
    return int(row["cell"]), int(row["t"])
