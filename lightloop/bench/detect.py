"""Finding cells: false alarms at three exposures, raw and restored; time; real images if given.

Sabotage: the threshold lets through five times what is stated.
"""

from __future__ import annotations

import statistics
import time
from contextlib import closing
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lightloop.bench.report import Measured, Options

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from models.denoise import Denoiser
    from realtime.detect import Detector

    Restore = Callable[[NDArray[np.float32]], NDArray[np.float32]]

EXPOSURES_E = (0.2, 5.0, 100.0)
"""Background of the empty frames, photo-electrons a pixel."""
STATED, FRAMES, SIDE = 2.0, 40, 512
READ_NOISE_E = 1.6
CROWDS = {"60": (60, 20.0, SIDE), "1000": (1000, 10.0, SIDE), "2048": (960, 20.0, 2048)}
"""Name, cells, their diameter and the side of the image, px."""
GAIN, OFFSET = 2.0, 100.0
"""ADU a photo-electron, and ADU, of the camera before the network."""
MOVIES = {"ctc_gowt1_01": 60.0, "ctc_simplus_01": 49.0}
"""Usual diameter of the nuclei, px; all else is as shipped."""
NEAR_PX = 12.0
"""A detection is a cell if its marker is no further away."""


def run(options: Options) -> Measured:
    """Count false alarms, take times, and match detections with markers."""
    from realtime.detect import Detector
    from realtime.detecting.config import DetectorConfig

    allowed = STATED * (5.0 if options.sabotage else 1.0)
    find = Detector(DetectorConfig(false_alarms=allowed), READ_NOISE_E)
    alarms = [_false_alarms(find, e, options.times(FRAMES, 4)) for e in EXPOSURES_E]
    values = {"detect_false_alarms_over_stated": max(alarms) / STATED}
    with closing(_denoiser()) as denoise:
        restore = _in_photons(denoise)
        restored = [_false_alarms(find, e, options.times(FRAMES, 4), restore) for e in EXPOSURES_E]
    values["detect_restored_false_alarms_over_stated"] = max(restored) / STATED
    samples = {"false_alarms": alarms, "restored_false_alarms": restored}
    for name, (n_cells, diameter_px, side) in CROWDS.items():
        config = DetectorConfig(diameter_px=diameter_px)
        times = _times_ms(Detector(config, READ_NOISE_E), n_cells, diameter_px, side, options)
        values[f"detect_{name}_ms"] = statistics.median(times)
        samples[f"detect_{name}_ms"] = times
    if options.data is not None:
        for name, diameter_px in MOVIES.items():
            folder = options.data / "tracking" / name
            if folder.is_dir():
                config = DetectorConfig(diameter_px=diameter_px)
                values[f"detect_{name}_f1"] = f1_of(Detector(config, 1.0), folder)
    return Measured(values, samples)


def _false_alarms(
    find: Detector, background_e: float, frames: int, restore: Restore | None = None
) -> float:
    """Return the mean number of cells found in frames without any."""
    rng = np.random.default_rng(7)
    flat = np.full((SIDE, SIDE), background_e)
    seen = (_seen(rng, flat) for _ in range(frames))
    return sum(len(find(image if restore is None else restore(image))) for image in seen) / frames


def _denoiser() -> Denoiser:
    from lightloop.build.pipeline import load_package
    from models.denoise import Denoiser

    return Denoiser(load_package("denoise-2d"), (SIDE, SIDE), GAIN, OFFSET, READ_NOISE_E)


def _in_photons(denoise: Denoiser) -> Restore:
    """Return a denoiser that takes photo-electrons."""

    def restore(image: NDArray[np.float32]) -> NDArray[np.float32]:
        adu = np.clip(np.rint(OFFSET + GAIN * image), 0, 65535).astype(np.uint16)
        return denoise(adu).photons

    return restore


def _seen(rng: np.random.Generator, mean_e: NDArray[np.float64]) -> NDArray[np.float32]:
    noisy = rng.poisson(mean_e) + rng.normal(0.0, READ_NOISE_E, mean_e.shape)
    return np.asarray(noisy, np.float32)


def _times_ms(
    find: Detector, n_cells: int, diameter_px: float, side: int, options: Options
) -> list[float]:
    """Return processor times of frames with so many cells, one thread."""
    rng, image = np.random.default_rng(1), np.full((side, side), 5.0, np.float32)
    for y, x in rng.uniform(0, side, (n_cells, 2)):
        cv2.circle(image, (int(x), int(y)), int(diameter_px / 2), 45.0, -1)
    frame = _seen(rng, cv2.GaussianBlur(image, (0, 0), 1.0).astype(np.float64))
    threads, times = cv2.getNumThreads(), []
    cv2.setNumThreads(1)
    try:
        for _ in range(options.times(50, 5)):
            start = time.thread_time_ns()
            find(frame)
            times.append((time.thread_time_ns() - start) * 1e-6)
    finally:
        cv2.setNumThreads(threads)
    return times


def f1_of(find: Detector, folder: Path) -> float:
    """Return F1 of detections against the markers of a labelled movie, every other frame."""
    import tifffile
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    from lightloop.bench.track_sets import labelled

    truth, hits, told, true = labelled(folder), 0, 0, 0
    with tifffile.TiffFile(folder / "frames.tif") as movie:
        for number in range(0, len(movie.pages), 2):
            found = find(np.asarray(movie.pages[number].asarray(), np.float32))
            away = cdist(np.column_stack((found.y_px, found.x_px)), truth.places[number])
            rows, columns = linear_sum_assignment(np.where(away <= NEAR_PX, away, 1e3))
            hits += int((away[rows, columns] <= NEAR_PX).sum())
            told, true = told + len(found), true + len(truth.places[number])
    return 2 * hits / max(told + true, 1)
