"""What stands before the tracker of a recording: which detector, and how high cells lie."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.movie import Movie
from lightloop.recordings.recording import open_recording
from lightloop.simulate import simulate
from lightloop.tracking.eye import Wanted
from lightloop.tracking.track import track
from realtime.detecting.config import DetectorConfig
from realtime.detections import Detections
from realtime.export.tracks_formats import Format
from realtime.planes.heights import heights


def cells_at(y: list[float], x: list[float], area: float = 113.0) -> Detections:
    ones = np.ones(len(y))
    return Detections(np.array(y), np.array(x), area * ones, ones, ones, ones)


@pytest.mark.parametrize("sigma", [0.7, 1.5])
def test_the_height_of_a_cell_is_the_middle_of_its_light(sigma: float) -> None:
    rng = np.random.default_rng(4)
    true = [2.3, 4.0, 5.6]
    places = [(20.0, 20.0), (20.0, 60.0), (60.0, 40.0)]
    y, x = np.mgrid[:80, :80]
    stack = []
    for z in range(9):
        image = np.full((80, 80), 5.0)
        for (at_y, at_x), middle in zip(places, true, strict=True):
            light = 120 * np.exp(-0.5 * ((z - middle) / sigma) ** 2)
            image += light * (np.hypot(y - at_y, x - at_x) < 6)
        stack.append(rng.poisson(image).astype(np.float32))
    found = heights(cells_at([p[0] for p in places], [p[1] for p in places]), stack)
    assert found.at == pytest.approx(true, abs=0.25)


def test_a_cell_above_another_does_not_move_it() -> None:
    stack = [np.full((40, 40), 2.0, np.float32) for _ in range(11)]
    for z, light in ((1, 40.0), (2, 100.0), (3, 40.0), (8, 80.0), (9, 60.0)):
        stack[z][14:27, 14:27] += light
    assert heights(cells_at([20.0], [20.0]), stack).at == pytest.approx([2.0], abs=0.1)
    assert heights(cells_at([], []), stack).at.shape == (0,)


def test_what_is_looked_for_is_that_of_the_run_if_nobody_says_otherwise() -> None:
    of_run = DetectorConfig(kind="spots", diameter_px=5.0, false_alarms=0.5)
    assert Wanted().looks(of_run) == of_run
    nuclei = Wanted(find="nuclei").looks(of_run)
    assert (nuclei.kind, nuclei.false_alarms) == ("nuclei", 0.5)
    learnt = Wanted(find="segment-nuclei").looks(of_run)
    assert (learnt.kind, learnt.network) == ("nuclei", "segment-nuclei")
    assert Wanted(find="spots").looks(learnt).network == ""


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a film of two cells, 8 stacks of 7 planes: one stays, one rises by 0.4 planes."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:96, :96]
    film = np.zeros((8, 7, 96, 96), np.uint16)
    for t in range(8):
        for z in range(7):
            image = np.full((96, 96), 20.0)
            for at_y, at_x, at_z in ((30, 30, 2.0), (60, 66, 2.0 + 0.4 * t)):
                light = 400 * np.exp(-0.5 * ((z - at_z) / 1.0) ** 2)
                image += light * (np.hypot(y - at_y, x - at_x) < 7)
            film[t, z] = rng.poisson(image)
    path = tmp_path_factory.mktemp("stacks") / "film.tif"
    tifffile.imwrite(
        path,
        film,
        imagej=True,
        resolution=(2.0, 2.0),
        metadata={"axes": "TZYX", "spacing": 1.5, "unit": "um"},
    )
    return path


def test_a_stack_is_followed_in_three_dimensions(stacks: Path, tmp_path: Path) -> None:
    with open_recording(stacks, axes="TZYX") as recording:
        assert (recording.n_planes, recording.planes_um, recording.pixel_um) == (7, 1.5, 0.5)
        track(recording, tmp_path / "cells.csv", Format.CSV, Wanted(diameter_px=14.0))
    table = np.genfromtxt(tmp_path / "cells.csv", delimiter=",", names=True)
    riser = table[table["x_px"] > 48]
    assert len(riser) == 8
    np.testing.assert_allclose(riser["z_px"], 3.0 * (2.0 + 0.4 * riser["t"]), atol=1.0)
    still = table[table["x_px"] < 48]
    np.testing.assert_allclose(still["z_px"], 6.0, atol=1.0)


@pytest.mark.parametrize("at", [[0], [4], [6, 7]])
def test_stacks_of_which_one_plane_is_left_move_no_cell_up_or_down(
    stacks: Path, tmp_path: Path, at: list[int]
) -> None:
    with open_recording(stacks, axes="TZYX") as recording:
        points = list(recording.fields[0])
        for t in at:  # as where a run ended amid a stack, or frames were lost
            points[t] = points[t]._replace(planes=points[t].planes[2:3])
        lacking = replace(recording, fields={0: points})
        track(lacking, tmp_path / "cells.csv", Format.CSV, Wanted(diameter_px=14.0))
    table = np.genfromtxt(tmp_path / "cells.csv", delimiter=",", names=True)
    still = table[(table["x_px"] < 48) & (table["t"] > 0)]
    assert len(still) == 7
    assert len(set(still["cell"])) == 1
    np.testing.assert_allclose(still["z_px"], 6.0, atol=1.0)


def test_a_run_that_was_told_another_size_hears_of_it(tmp_path: Path) -> None:
    config = SimulatedScopeConfig(height=160, width=160, n_cells=6, pixel_um=0.16, seed=4)
    simulate(Movie(config, 5, 120.0, 40.0, 0.5), "test", tmp_path / "m.h5")
    with open_recording(tmp_path / "m.h5") as film:
        done = track(film, tmp_path / "c.csv", Format.CSV, Wanted())
        assert done.diameter_px > 30
        assert "detect.diameter_px says 20" in done.notes[0]
        told = Wanted(diameter_px=done.diameter_px)
        assert track(film, tmp_path / "d.csv", Format.CSV, told).notes == []
