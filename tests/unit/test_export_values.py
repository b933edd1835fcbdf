"""Intensities over the dose stay where they are when the light moves; everything says its unit."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from acquire.dose.footprint import Footprint
from acquire.frame import Index
from acquire.simulated import SimulatedScopeConfig
from acquire.simulated.sensor.sensor import Sensor
from realtime.detect import Detector
from realtime.detecting.config import DetectorConfig
from realtime.errors import RunFileError
from realtime.export import Wanted, export_run
from realtime.export.flat import flat_from, flat_of
from realtime.export.values import Normaliser
from realtime.run_file import RunReader
from tests.unit.export_samples import image, info, light, start, tracks, write_cells
from tests.unit.run_samples import CALIBRATION

SHAPE = (96, 96)
STEPS = (1.0, 4.0, 0.25, 2.0, 0.5, 4.0, 0.25, 1.0)
SENSOR = SimulatedScopeConfig(
    kind="simulated", seed=5, height=SHAPE[0], width=SHAPE[1], gain_adu_per_e=0.5, offset_adu=100.0
)


def cell_image(shape=SHAPE, at=(48.0, 48.0), radius=8.0):
    """Return a round nucleus with a soft rim, its pixels adding up to 1."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    disc = (np.hypot(y - at[0], x - at[1]) <= radius).astype(float)
    soft = gaussian_filter(disc, 1.5)
    return soft / soft.sum()


def export_csv(path: Path, **more) -> list[dict[str, str]]:
    with RunReader(path) as reader:
        export_run(reader, Wanted(tracks=("csv",)), path.parent, path.stem, **more)
    with path.with_suffix(".tracks.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def film_of_one_cell(path: Path, brightness_e: float, steps=STEPS, calibrated=True, gain=None):
    """Record a static cell in uneven light of several strengths; return what it gives per dose."""
    sensor, shape = Sensor(SENSOR), cell_image()
    doses = [0.02 * step for step in steps]
    detect = Detector(DetectorConfig(diameter_px=16), CALIBRATION.read_noise_e)
    frames, shots = [], []
    for n, step in enumerate(steps):
        mean_e = (brightness_e * shape * step + 8.0 * step).astype(np.float32)
        counts = np.empty(SHAPE, np.uint16)
        sensor.read_out(mean_e, n, counts)
        frames.append(counts)
        seen = detect(((counts - 100.0) / 0.5).astype(np.float32))
        k = int(np.argmax(seen.photons))
        one = tracks((7, seen.y_px[k], seen.x_px[k]), area_px=float(seen.area_px[k]),
                     photons=float(seen.photons[k]))  # fmt: skip
        shots.append((one, ()))
    write_cells(path, shots, SHAPE, frames.__getitem__, calibrated, doses)
    return brightness_e / 0.02


def test_a_static_cell_keeps_its_number_within_two_percent_when_the_light_moves_sixteenfold(
    tmp_path: Path,
) -> None:
    truth = film_of_one_cell(tmp_path / "run.h5", brightness_e=60_000.0)
    rows = export_csv(tmp_path / "run.h5")
    raw = np.array([float(row["GFP_e"]) for row in rows])
    trace = np.array([float(row["GFP_e_per_j_cm2"]) for row in rows])
    assert raw.max() > 15 * raw.min(), "the light did move"
    assert np.abs(trace / np.median(trace) - 1).max() < 0.02
    assert np.median(trace) == pytest.approx(truth, rel=0.02), "and the disc holds all of the cell"


def test_at_few_photons_there_is_noise_but_no_bias(tmp_path: Path) -> None:
    steps = (0.25, 4.0) * 40
    truth = film_of_one_cell(tmp_path / "run.h5", brightness_e=5_000.0, steps=steps)
    rows = export_csv(tmp_path / "run.h5")
    trace = np.array([float(row["GFP_e_per_j_cm2"]) for row in rows])
    dim, bright = trace[::2].mean(), trace[1::2].mean()
    assert dim == pytest.approx(bright, rel=0.02)
    assert bright == pytest.approx(truth, rel=0.02)


def test_the_mean_of_a_frame_keeps_its_number_too(tmp_path: Path) -> None:
    film_of_one_cell(tmp_path / "run.h5", brightness_e=60_000.0)
    with RunReader(tmp_path / "run.h5") as reader:
        export_run(reader, Wanted(("tiff",), values=("per_dose",)), tmp_path, "run")
    with (tmp_path / "run.frames.csv").open(newline="") as file:
        trace = np.array([float(row["mean_e_per_j_cm2"]) for row in csv.DictReader(file)])
    assert np.abs(trace / np.median(trace) - 1).max() < 0.02


def test_light_that_is_not_calibrated_says_so_in_every_name(tmp_path: Path) -> None:
    film_of_one_cell(tmp_path / "run.h5", 60_000.0, STEPS[:2], calibrated=False)
    row = export_csv(tmp_path / "run.h5")[0]
    assert not [name for name in row if "j_cm2" in name]
    assert {"GFP_e_per_relative_dose", "as_seen_e_per_relative_dose"} <= set(row)
    about = json.loads((tmp_path / "run.tracks.json").read_text())
    assert about["dose_unit"] == "relative"


def test_the_flat_field_is_taken_off_where_the_cell_is() -> None:
    footprint = Footprint.of(60.0, 60.0, rim=0.5)
    flat = flat_of(footprint, (64, 64), 0.5)
    y, x = np.mgrid[:64, :64]
    r2 = (((x - 31.5) / 60) ** 2 + ((y - 31.5) / 60) ** 2) / 2
    expected = 0.5**r2  # the formula of a Gaussian beam cut by a stop, from the middle
    assert np.allclose(flat / flat[31, 31], expected / expected[31, 31], rtol=0.01)
    cameras = {"cam": start(((64, 64),)).cameras[0]}
    given = (0.5 * 200.0 * flat + 100.0).round().astype(np.uint16)
    one = info(0, 0, 0, 1, Index(), light(), (64, 64))
    even = Normaliser(cameras, {"488": flat}).electrons(one, given)
    assert np.allclose(even, 200.0, rtol=0.01)
    assert Normaliser(cameras).electrons(one, given).std() > 5


def test_a_frame_without_light_has_no_number_and_no_division_by_nothing() -> None:
    cameras = {"cam": start().cameras[0]}
    for dose in (0.0, float("nan"), float("inf")):
        one = info(0, 0, 0, 1, Index(), light(dose=dose))
        assert np.isnan(Normaliser(cameras).per_dose(one, image(0))).all()


def test_a_smaller_frame_has_no_flat_field_because_nobody_knows_where_it_lay() -> None:
    cameras = {"cam": start().cameras[0]}
    known = Normaliser(cameras, {"488": np.full((16, 24), 2.0, np.float32)})
    assert known.flat(info(0, 0, 0, 1, Index(), light())) is not None
    assert known.flat(info(0, 0, 0, 1, Index(), light(), (8, 8))) is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((16, 24)), "0 and less"),
        (np.full((16, 24), np.nan), "0 and less"),
        (np.ones((4, 4)), "16 x 24"),
    ],
)
def test_what_is_no_flat_field_is_refused(values: np.ndarray, words: str, tmp_path: Path) -> None:
    np.save(tmp_path / "flat.npy", values)
    with pytest.raises(RunFileError, match=words):
        flat_from(tmp_path / "flat.npy", (16, 24))
    (tmp_path / "text.tif").write_text("no image")
    with pytest.raises(RunFileError, match="cannot be read"):
        flat_from(tmp_path / "text.tif", (16, 24))


def test_a_flat_field_is_of_mean_one(tmp_path: Path) -> None:
    np.save(tmp_path / "flat.npy", np.linspace(1, 3, 16 * 24).reshape(16, 24))
    assert flat_from(tmp_path / "flat.npy", (16, 24)).mean() == pytest.approx(1.0, rel=1e-6)
