"""A simulated movie on disk: a run file like any other, and its truth beside it."""

from __future__ import annotations

import importlib.metadata
import time
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import xxhash

from acquire.frame import FrameInfo, Shot
from acquire.in_place import put_in_place
from acquire.settings import Applied, ChannelSettings, Settings
from acquire.simulated.devices.devices import CAMERA
from acquire.simulated.movie import Filming
from lightloop.movie_config import config_of
from realtime.errors import RunFileError
from realtime.run_file import RunWriter
from realtime.truth import About, TruthWriter, truth_path
from realtime.wire import (
    AppliedMessage,
    CameraInfo,
    End,
    FrameMessage,
    Notice,
    RingInfo,
    Start,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from acquire.simulated.movie import Movie, Taken

FLUSH_FRAMES = 64  # there is no camera that waits for us


class Simulated(msgspec.Struct, frozen=True):
    """What came of a movie: files, images, cells of the whole specimen, divisions, deaths, dose."""

    path: str
    truth: str
    n_frames: int
    n_cells: int
    divisions: int
    deaths: int
    dose_j_cm2: dict[str, float]


def simulate(
    movie: Movie,
    name: str,
    out: Path,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> Simulated:
    """Film a movie into a run file and a truth file; nobody decides anything.

    Until both are whole they have other names, which the next attempt writes over.

    Parameters
    ----------
    name
        Of the specimen, for the run's title.
    on_progress
        Called with images done and images in all.

    Raises
    ------
    RunFileError
        If a file exists already, or cannot be written.
    """
    finals = (out, truth_path(out))
    drafts = tuple(path.with_name(f"{path.name}.unfinished") for path in finals)
    for path in finals:
        if path.exists():
            raise RunFileError(f"{path} exists already; please choose another name")
    _forget(drafts)
    try:
        done = _film(movie, name, drafts, on_progress)
        for draft, final in reversed(list(zip(drafts, finals, strict=True))):
            put_in_place(draft, final)
    except BaseException:
        _forget(drafts)
        raise
    return msgspec.structs.replace(done, path=str(out), truth=str(finals[1]))


def _film(
    movie: Movie,
    name: str,
    paths: tuple[Path, ...],
    on_progress: Callable[[int, int], object],
) -> Simulated:
    start, filming = _start(movie, name), Filming(movie)
    dose = dict.fromkeys(movie.lines, 0.0)
    n_shot = movie.n_frames // movie.times
    config_json = movie.config.model_dump_json()
    about = About(start.session_id, config_json, *movie.shape, movie.config.pixel_um, movie.lines)
    with RunWriter(paths[0], start) as run, TruthWriter(paths[1], about) as truth:
        run.document(encode(Notice("info", _told(movie, name))))
        for seq, taken in enumerate(filming.frames()):
            shot, shot_frame = divmod(seq, n_shot)
            info = _info(movie, taken, seq, Shot(shot, 0, n_shot), shot_frame)
            if shot_frame == 0:
                run.document(encode(AppliedMessage(shot, -1, seq, (info.applied,))))
            digest = xxhash.xxh3_64_intdigest(taken.pixels.data)
            run.frame(FrameMessage(info, 0, 0, taken.pixels.nbytes, digest), taken.pixels)
            truth.exposure(seq, taken.seen, taken.taken_j_cm2)
            truth.name(seq, info)
            dose[taken.line] += info.applied.dose_j_cm2
            if (seq + 1) % FLUSH_FRAMES == 0:
                run.flush()
                truth.flush(filming.lineages.rows())
            on_progress(seq + 1, movie.n_frames)
        end = End(movie.n_frames - 1, movie.n_frames, 0, "complete", "simulated", True, dose)
        run.document(encode(end))
        run.close("complete")
        truth.close(filming.lineages.rows(), "complete")
    return Simulated("", "", movie.n_frames, *filming.lineages.counts(), dose)


def _info(movie: Movie, taken: Taken, seq: int, shot: Shot, shot_frame: int) -> FrameInfo:
    seen = taken.seen
    exposed_ms = seen.exposed_s * 1e3
    dose = seen.given.fluence_j_cm2[taken.line]
    line = next(line for line in movie.config.all_lines() if line.name == taken.line)
    applied = Applied(
        channel=taken.line,
        light=taken.line,
        wavelength_nm=line.wavelength_nm,
        exposure_ms=movie.exposure_ms,
        exposure_read_ms=exposed_ms,
        power_fraction=movie.power_fraction,
        power_read_fraction=movie.power_fraction,
        irradiance_w_cm2=dose / seen.exposed_s,
        dose_j_cm2=dose,
        calibrated=True,
        decision_id=-1,
    )
    return FrameInfo(
        seq=seq,
        camera=CAMERA,
        camera_seq=shot_frame,
        t_ns=round((seen.t_s + seen.exposed_s) * 1e9),
        t_s=seen.t_s,
        shot=shot,
        shot_frame=shot_frame,
        index=taken.index,
        height=taken.pixels.shape[0],
        width=taken.pixels.shape[1],
        position_um=seen.position_um,
        applied=applied,
    )


def _start(movie: Movie, name: str) -> Start:
    height, width = movie.shape
    config = movie.config
    channels = tuple(
        ChannelSettings(line, movie.exposure_ms, movie.power_fraction) for line in movie.lines
    )
    planes = tuple(float(z) for z in movie.offsets_um()) if movie.planes > 1 else ()
    return Start(
        session_id=str(uuid.uuid4()),
        t_ns=0,
        t_utc_ns=time.time_ns(),
        cameras=(CameraInfo(CAMERA, height, width, config.pixel_um, config.calibration()),),
        ring=RingInfo("", 0, height * width * 2),
        settings=Settings(channels, planes, movie.interval_s),
        config_toml=config_of(movie, name),
        origin=f"simulated movie: {name}, seed {config.seed}",
        software=f"lightloop {importlib.metadata.version('lightloop')}",
    )


def _told(movie: Movie, name: str) -> str:
    planes = "1 plane" if movie.planes == 1 else f"{movie.planes} planes"
    return (
        f"simulated {name}, seed {movie.config.seed}: {movie.times} time points every "
        f"{movie.interval_s:g} s, {planes}, {movie.exposure_ms:g} ms at "
        f"{100 * movie.power_fraction:g} % of full power; nobody decided anything"
    )


def _forget(paths: tuple[Path, ...]) -> None:
    for path in paths:
        for left in (path, path.with_name(f"{path.name}.new")):
            with suppress(FileNotFoundError):
                left.unlink()
