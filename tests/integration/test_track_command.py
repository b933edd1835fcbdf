"""From a simulated film to tracks and their score, as a person does it: simulate, track, score."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.movie import Movie
from lightloop.cli.app import app
from lightloop.recordings.recording import Plane, TimePoint, open_recording
from lightloop.scoring.match import match
from lightloop.scoring.sides import side_of
from lightloop.simulate import simulate
from lightloop.tracking.eye import Wanted
from lightloop.tracking.track import track
from realtime.export.tracks_formats import Format

CONFIG = SimulatedScopeConfig(height=192, width=192, n_cells=8, seed=4)


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("movie")
    simulate(Movie(CONFIG, 12, 120.0, 20.0, 0.5), "test", folder / "m.h5")
    return folder / "m.h5"


def test_simulate_track_and_score_agree_to_nine_links_of_ten(movie: Path, tmp_path: Path) -> None:
    out = tmp_path / "cells.csv"
    done = CliRunner().invoke(app, ["track", str(movie), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "12 frames" in done.stdout
    assert "ms per frame" in done.stdout
    truth, told = side_of(movie, is_truth=True), side_of(out, is_truth=False)
    who = dict(match(truth, told).one_to_one().tolist())
    right = {(who.get(a), who.get(b)) for a, b in truth.edges().tolist()}
    links = {(a, b) for a, b in told.edges().tolist()}
    f1 = 2 * len(links & right) / (len(links) + len(truth.edges()))
    assert f1 > 0.9
    assert [path.name for path in tmp_path.iterdir()] == ["cells.csv"]


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, MemoryError])
def test_who_breaks_off_leaves_no_half_file(
    movie: Path, tmp_path: Path, trouble: type[BaseException]
) -> None:
    def stop(done: int, total: int) -> None:
        assert total == 12
        if done == 5:
            raise trouble

    with open_recording(movie) as film, pytest.raises(trouble):
        track(film, tmp_path / "c.csv", Format.CSV, Wanted(diameter_px=20.0), stop)
    assert not list(tmp_path.iterdir())


def test_the_size_of_the_cells_is_measured(movie: Path, tmp_path: Path) -> None:
    truth = side_of(movie, is_truth=True)
    real_px = 2 * np.sqrt(np.median(truth.areas_px) / np.pi)
    with open_recording(movie) as film:
        done = track(film, tmp_path / "c.csv", Format.CSV, Wanted())
    assert done.diameter_px == pytest.approx(real_px, rel=0.25)


def test_what_exists_and_what_cannot_be_is_told_before_any_work(
    movie: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.csv").write_text("old")
    for out, words in ((tmp_path / "c.csv", "exists already"), (tmp_path / "no/c.csv", "no folder"),
                       (tmp_path / "c.doc", "no format of tracks")):  # fmt: skip
        done = CliRunner().invoke(app, ["track", str(movie), "--out", str(out)])
        assert done.exit_code == 1
        assert words in done.stderr
    assert (tmp_path / "c.csv").read_text() == "old"


def test_what_was_wrong_with_a_shot_is_said_at_the_end(tmp_path: Path) -> None:
    rng, y, x = np.random.default_rng(2), *np.mgrid[:96, :96]
    film = []
    for t in range(8):
        cells = sum(np.hypot(y - 20 - 28 * k - t, x - 48) < 6 for k in range(3))
        film.append(rng.poisson(10 + 90 * cells).astype(np.uint16))
    film[5] = film[4]
    np.save(tmp_path / "film.npy", np.array(film))
    asked = ["track", str(tmp_path / "film.npy"), "--axes", "TYX", "--out", str(tmp_path / "c.csv")]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert "note: t = 5: the same image came twice" in done.stderr


def test_a_network_that_was_given_for_the_wrong_thing_is_told_its_option(
    movie: Path, tmp_path: Path
) -> None:
    for asked, words in (
        (["--network", "segment-nuclei"], "write --find segment-nuclei"),
        (["--find", "denoise-2d"], "write --network denoise-2d"),
        (["--find", "cells"], "--find takes nuclei, spots, or a network: "),
    ):
        out = tmp_path / "c.csv"
        done = CliRunner().invoke(app, ["track", str(movie), "--out", str(out), *asked])
        assert done.exit_code == 1
        assert words in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("is_told", [True, False])
def test_a_stage_that_moved_inside_a_field_of_a_run_is_no_upheaval(
    tmp_path: Path, is_told: bool
) -> None:
    rng, y, x = np.random.default_rng(5), *np.mgrid[:128, :192]
    middles = [(16 + 32 * a, 70 + 30 * b) for a in range(4) for b in range(3)]
    sample = sum(np.hypot(y - at_y, x - at_x) < 7 for at_y, at_x in middles)
    lefts = [40] * 6 + [25] * 6  # the window, and so the stage, goes 15 px to the left
    film = [rng.poisson(10 + 90 * sample[:, left : left + 128]) for left in lefts]
    np.save(tmp_path / "film.npy", np.array(film, np.uint16))
    with open_recording(tmp_path / "film.npy", axes="TYX") as opened:
        points = [
            TimePoint(t, [Plane(plane.read, plane.moment._replace(x_px=float(left * is_told)))])
            for (t, (plane,), _), left in zip(opened.fields[0], lefts, strict=True)
        ]
        done = track(replace(opened, fields={0: points}), tmp_path / "c.csv", Format.CSV, Wanted())
    assert done.n_cells == len(middles)
    assert any("bumped stage" in note for note in done.notes) != is_told
