"""Follows the cells of a recording as a run would have: restore, detect, track; then writes them.

Tracker and detector are those of the live loop. Rows go to a log on disk as soon as nothing can
change them any more, so that the length of a film costs no memory while it is followed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lightloop.build import load_package
from models.denoise import Denoiser, Passthrough
from realtime.detect import Detector, DetectorConfig
from realtime.errors import RunFileError
from realtime.export.tracks_forest import Forest
from realtime.export.tracks_formats import Format, check_format, write_forest
from realtime.export.tracks_log import RowLog
from realtime.export.whole import DRAFT, outputs
from realtime.tracker import Tracker, TrackerConfig
from realtime.tracker.lineage import Lineage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from lightloop.recordings import Recording, TimePoint
    from realtime.detections import Detections

SIZE_IMAGES = 8
"""Images, spread over the film, that the size of a cell is read from."""
SIZE_ROUNDS = 8
"""Rounds of "look with this size, take the size that is seen"; it stands still before."""
SAME_SIZE = 0.05
"""Change of the size, as a share, that is none."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to follow.

    Attributes
    ----------
    network
        Denoiser to look through, by name or path; empty: none.
    diameter_px
        Usual diameter of a cell; None: it is read from the images.
    pixel_um, interval_s
        What the recording does not say of itself, or says wrongly; None: it is right.
    """

    network: str = ""
    diameter_px: float | None = None
    pixel_um: float | None = None
    interval_s: float | None = None


@dataclass(slots=True)
class Followed:
    """What came of it.

    Attributes
    ----------
    wrong_links
        Links that are expected to be wrong, by the tracker's own certainty.
    ms
        Time to restore, detect and track a time point, without reading it from disk.
    """

    paths: list[Path] = field(default_factory=list)
    n_frames: int = 0
    n_cells: int = 0
    n_divisions: int = 0
    n_links: int = 0
    wrong_links: float = 0.0
    diameter_px: float = 0.0
    ms: list[float] = field(default_factory=list)


def track(
    recording: Recording,
    out: Path,
    kind: Format,
    wanted: Wanted,
    show: Callable[[int, int], object] = lambda done, total: None,
) -> Followed:
    """Follow every field of a recording and write its cells.

    Parameters
    ----------
    out
        File or folder to write; with several fields, .p0, .p1, ... stand before its ending. It has
        its name only when it is whole.
    show
        Told how many of how many time points are done.

    Raises
    ------
    RunFileError, ModelError
        If an image cannot be read, the network cannot be used, or `out` cannot be written.
    """
    check_format(kind)
    if not out.absolute().parent.is_dir():
        raise RunFileError(f"there is no folder {out.absolute().parent} to write {out.name} to")
    done, total = Followed(), sum(map(len, recording.fields.values()))
    with outputs() as made, RowLog(out.with_name(f"{out.name}.rows{DRAFT}")) as log:
        paths = _paths(out, kind, recording)
        drafts = {path: made.new(path) for path in dict.fromkeys(paths.values())}
        eye = _Eye(recording, wanted)
        try:
            done.diameter_px = eye.diameter_px
            for position, points in recording.fields.items():
                log.empty()
                mothers = _follow(eye, points, log, done, lambda: show(done.n_frames, total))
                forest = _forest(recording, wanted, points, log.rows(), mothers)
                done.n_cells += len(forest.cells())
                done.n_divisions += forest.n_divisions
                done.n_links += len(forest.edges())
                write_forest(drafts[paths[position]], kind, forest, position)
        finally:
            eye.close()
        done.paths = made.paths
    return done


def _paths(out: Path, kind: Format, recording: Recording) -> dict[int, Path]:
    """Return where each field goes; the layout of the challenge has room for all in one folder."""
    if kind is Format.CTC or len(recording.fields) == 1:
        return dict.fromkeys(recording.fields, out)
    return {p: out.with_name(f"{out.stem}.p{p}{out.suffix}") for p in recording.fields}


def _follow(
    eye: _Eye, points: list[TimePoint], log: RowLog, done: Followed, tell: Callable[[], object]
) -> dict[int, int]:
    """Follow one field; return who is whose mother."""
    config = TrackerConfig()
    tracker = Tracker(config)
    lineage = Lineage(max(config.verdict_shots, config.max_missed))
    for point in points:
        images = [plane.read() for plane in point.planes]
        start = time.perf_counter_ns()
        tracks, events = tracker.update(eye.find(point, images))
        done.ms.append((time.perf_counter_ns() - start) * 1e-6)
        log.add(lineage.take(point.t, tracks, events))
        done.wrong_links += tracks.n_wrong_links
        done.n_frames += 1
        tell()
    log.add(lineage.finish())
    return lineage.mothers


def _forest(
    recording: Recording,
    wanted: Wanted,
    points: list[TimePoint],
    rows: NDArray[np.void],
    mothers: dict[int, int],
) -> Forest:
    return Forest(
        rows=rows,
        mothers=mothers,
        n_times=points[-1].t + 1,
        shape=recording.shape,
        pixel_um=recording.pixel_um if wanted.pixel_um is None else wanted.pixel_um,
        interval_s=recording.interval_s if wanted.interval_s is None else wanted.interval_s,
        source=recording.name,
        folder=str(recording.folder),
    )


class _Eye:
    """Restores the planes of a time point and finds its cells."""

    def __init__(self, recording: Recording, wanted: Wanted) -> None:
        camera, shape = recording.camera, recording.shape
        numbers = (camera.gain_adu_per_e, camera.offset_adu, camera.read_noise_e)
        self._read_noise_e = camera.read_noise_e
        self._restore: Denoiser | Passthrough = Passthrough(shape, *numbers)
        if wanted.network:
            self._restore = Denoiser(load_package(wanted.network), shape, *numbers)
        self.diameter_px = wanted.diameter_px or self._size_of_cells(recording)
        self._detect = self._detector(self.diameter_px)

    def find(self, point: TimePoint, images: list[NDArray[np.uint16]]) -> Detections:
        """Return the cells of a time point; planes are projected by their maximum."""
        return self._detect(self._restored(point, images))

    def close(self) -> None:
        """Free the network."""
        self._restore.close()

    def _detector(self, diameter_px: float) -> Detector:
        return Detector(DetectorConfig(diameter_px=diameter_px), self._read_noise_e)

    def _restored(self, point: TimePoint, images: list[NDArray[np.uint16]]) -> NDArray[np.float32]:
        whole: NDArray[np.float32] | None = None
        for plane, adu in zip(point.planes, images, strict=True):
            if isinstance(self._restore, Denoiser):
                self._restore.expect(plane.moment)
            photons = self._restore(adu).photons
            whole = photons.copy() if whole is None else np.maximum(whole, photons, out=whole)
        assert whole is not None, "every time point has a plane"
        return whole

    def _size_of_cells(self, recording: Recording) -> float:
        """Return the diameter at which the detector sees what it was told to look for, px.

        Looked at with too small a diameter, cells fall to pieces, and yet the pieces are larger
        than was said; so the size that is seen is tried next, until it stands still.
        """
        points = [point for field in recording.fields.values() for point in field]
        some = np.unique(np.linspace(0, len(points) - 1, SIZE_IMAGES).astype(int))
        images = [
            self._restored(points[n], [plane.read() for plane in points[n].planes]) for n in some
        ]
        bounds = DetectorConfig.model_fields["diameter_px"]
        size = float(bounds.default)
        for _ in range(SIZE_ROUNDS):
            detect = self._detector(size)
            areas = np.concatenate([detect(image).area_px for image in images])
            if not len(areas):
                break
            seen = float(np.clip(2 * np.sqrt(np.median(areas) / np.pi), 3.0, 500.0))
            is_same = abs(seen - size) < SAME_SIZE * size
            size = seen
            if is_same:
                break
        return size
