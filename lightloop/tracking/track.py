"""Follows the cells of a recording as a run would have: restore, detect, track; then writes them.

Tracker and detector are those of the live loop. Rows go to a log on disk as soon as nothing can
change them any more, so that the length of a film costs no memory while it is followed.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from lightloop.tracking.cell_size import doubt_of_size
from lightloop.tracking.eye import Eye, Wanted
from lightloop.tracking.flags import Flags, missing_before
from realtime.errors import RunFileError
from realtime.export.outlines import OutlineLog
from realtime.export.tracks_forest import Forest
from realtime.export.tracks_formats import Format, check_format, write_forest
from realtime.export.tracks_log import RowLog
from realtime.export.whole import DRAFT, outputs
from realtime.planes.heights import with_heights
from realtime.tracker.lineage import Lineage
from realtime.tracker.tracker import Tracker
from realtime.wire import Tracks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

    from lightloop.recordings.recording import Recording, TimePoint
    from realtime.export.outlines import Outlines
    from realtime.tracker.config import TrackerConfig


@dataclass(slots=True)
class Followed:
    """What came of it.

    Attributes
    ----------
    n_cells
        Tracks: a cell from its birth to its end or division is one, each daughter another one.
    n_rows
        Cells of all time points together.
    wrong_links
        Links that are expected to be wrong, by the tracker's own certainty.
    ms
        Time to restore, detect and track a time point, without reading it from disk.
    notes
        Sentences that a person should read.
    """

    paths: list[Path] = field(default_factory=list)
    n_frames: int = 0
    n_cells: int = 0
    n_rows: int = 0
    n_divisions: int = 0
    n_links: int = 0
    wrong_links: float = 0.0
    diameter_px: float = 0.0
    ms: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self, forest: Forest) -> None:
        """Add the cells of one field."""
        self.n_cells += len(forest.cells())
        self.n_rows += len(forest.rows)
        self.n_divisions += forest.n_divisions
        self.n_links += len(forest.edges())


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
    with outputs() as made, _Logs(out, has_outlines=kind is Format.CTC) as logs:
        paths = _paths(out, kind, recording)
        drafts = {path: made.new(path) for path in dict.fromkeys(paths.values())}
        eye = Eye(recording, wanted)
        try:
            done.diameter_px = eye.diameter_px
            if recording.is_run and (doubt := _doubt(recording, eye, wanted)):
                done.notes.append(doubt)
            tell = partial(_tell, show, done, total)
            for position, points in recording.fields.items():
                logs.empty()
                flags = Flags()
                mothers = _follow(eye, recording.track, points, logs, done, flags, tell)
                name = f"field {position}" if len(recording.fields) > 1 else ""
                done.notes += flags.sentences(name)
                forest = _forest(recording, wanted, points, logs.rows.rows(), mothers)
                done.count(forest)
                draft = drafts[paths[position]]
                write_forest(draft, kind, forest, position, outlines=logs.outlined)
        finally:
            eye.close()
        done.paths = made.paths
    return done


def _tell(show: Callable[[int, int], object], done: Followed, total: int) -> None:
    show(done.n_frames, total)


def _paths(out: Path, kind: Format, recording: Recording) -> dict[int, Path]:
    """Return where each field goes; the layout of the challenge has room for all in one folder."""
    if kind is Format.CTC or len(recording.fields) == 1:
        return dict.fromkeys(recording.fields, out)
    return {p: out.with_name(f"{out.stem}.p{p}{out.suffix}") for p in recording.fields}


def _doubt(recording: Recording, eye: Eye, wanted: Wanted) -> str:
    """Return what to say if the run was told another size of cells than is measured."""
    if wanted.diameter_px or wanted.find:
        return ""
    doubt = doubt_of_size(recording.detect.diameter_px, eye.diameter_px)
    return f"in the next run: {doubt}" if doubt else ""


class _Logs:
    """What waits on disk while a field is followed: rows, and outlines where they are wanted."""

    def __init__(self, out: Path, *, has_outlines: bool) -> None:
        self._stack = ExitStack()
        self.rows = self._stack.enter_context(RowLog(out.with_name(f"{out.name}.rows{DRAFT}")))
        self.outlines: OutlineLog | None = None
        if has_outlines:
            log = OutlineLog(out.with_name(f"{out.name}.outlines{DRAFT}"))
            self.outlines = self._stack.enter_context(log)

    def outlined(self, t: int) -> Outlines | None:
        """Return what was outlined at a time point."""
        return self.outlines.at(t) if self.outlines is not None else None

    def empty(self) -> None:
        """Begin anew, for the next field."""
        self.rows.empty()
        if self.outlines is not None:
            self.outlines.empty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _follow(
    eye: Eye,
    config: TrackerConfig,
    points: list[TimePoint],
    logs: _Logs,
    done: Followed,
    flags: Flags,
    tell: Callable[[], object],
) -> dict[int, int]:
    """Follow one field; return who is whose mother.

    Missing time points and moves of the stage are told to the tracker, as in a run (`Following`);
    a stack of which one plane is left moves no cell up or down.
    """
    tracker = Tracker(config)
    lineage = Lineage(max(config.verdict_shots, config.max_missed))
    missing = missing_before([point.t for point in points])
    is_deep = any(len(point.planes) > 1 for point in points)
    stood, tracks = points[0].planes[0].moment, Tracks()
    for point, n_missing in zip(points, missing, strict=True):
        images = [plane.read() for plane in point.planes]
        start = time.perf_counter_ns()
        found, whole = eye.find(point, images)
        now = point.planes[0].moment
        tracker.skip(n_missing)
        tracker.carry(stood.y_px - now.y_px, stood.x_px - now.x_px)  # cells go the other way
        stood = now
        tracks, events = tracker.update(with_heights(found, tracks, is_deep=is_deep))
        done.ms.append((time.perf_counter_ns() - start) * 1e-6)
        if logs.outlines is not None and (outlines := eye.outlines(found, whole)) is not None:
            logs.outlines.add(point.t, outlines)
        logs.rows.add(lineage.take(point.t, tracks, events))
        flags.add(point.t, tracks.flags)
        done.wrong_links += tracks.n_wrong_links
        done.n_frames += 1
        tell()
    logs.rows.add(lineage.finish())
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
        n_planes=recording.n_planes,
        plane_um=recording.planes_um,
        pixel_um=recording.pixel_um if wanted.pixel_um is None else wanted.pixel_um,
        interval_s=recording.interval_s if wanted.interval_s is None else wanted.interval_s,
        source=recording.name,
        folder=str(recording.folder),
    )
