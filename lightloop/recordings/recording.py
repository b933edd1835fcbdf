"""Recordings of any origin as a tracker wants them: images in order of time, and their camera."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lightloop.build.restoring import moment_of
from lightloop.recordings.camera import given_or_estimated
from lightloop.recordings.files import open_folder, scale_of, tiffs_of, usual_axes
from lightloop.recordings.stacks import places_of, planes_of, step_um_of
from models.history import Moment
from realtime.detecting.config import DetectorConfig
from realtime.errors import RunFileError
from realtime.importing.camera import estimated_camera
from realtime.importing.image_files import open_source
from realtime.run_file import RunReader
from realtime.tracker.config import TrackerConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from acquire.calibration import Calibration
    from acquire.frame import FrameInfo
    from lightloop.recordings.files import Scale
    from realtime.importing.image_source import ImageSource

RUN_ENDINGS = (".h5", ".hdf5")


class Plane(NamedTuple):
    """One image: how to read it, (Y, X) uint16 counts, and what it is of."""

    read: Callable[[], NDArray[np.uint16]]
    moment: Moment


class TimePoint(NamedTuple):
    """The planes of one field at one time.

    Attributes
    ----------
    at
        Where each plane lies, counted in planes of a whole stack: 0, 2, 4 where every other one was
        skipped. Empty: 0, 1, 2, ...
    """

    t: int
    planes: list[Plane]
    at: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """Images of one channel.

    Attributes
    ----------
    folder, name
        Where it lies, and what it calls itself.
    shape
        (Y, X) of an image, px.
    n_planes
        Planes of a time point.
    fields
        Time points of each field of view, by its number.
    pixel_um, interval_s
        Pixel at the sample, and time between time points; 0: not known.
    camera
        `source` is "estimated" where it was guessed from the images.
    notes
        Sentences that a person should read.
    detect, track
        How the run looked for cells and followed them; as by default where there was no run.
    planes_um
        Distance of planes; 0: not known.
    is_run
        Whether it is a run file, which has its own settings.
    """

    folder: Path
    name: str
    shape: tuple[int, int]
    n_planes: int
    fields: dict[int, list[TimePoint]]
    pixel_um: float
    interval_s: float
    camera: Calibration
    notes: tuple[str, ...] = ()
    detect: DetectorConfig = field(default_factory=DetectorConfig)
    track: TrackerConfig = field(default_factory=TrackerConfig)
    planes_um: float = 0.0
    is_run: bool = False


@contextmanager
def open_recording(
    path: Path, dataset: str = "", axes: str = "", channel: int = 0
) -> Generator[Recording]:
    """Open a run file, a TIFF, HDF5 or .npy file, or a folder with a TIFF for each time point.

    Parameters
    ----------
    dataset, axes, channel
        Of a foreign file: dataset in an HDF5 file, letters of the axes such as "TCYX" (empty: what
        the file says, and time where there is one axis besides Y and X), and which channel.

    Raises
    ------
    RunFileError
        If it cannot be read.
    """
    if path.suffix.lower() in RUN_ENDINGS and not dataset and path.is_file() and _is_run(path):
        with RunReader(path) as reader:
            yield _of_run(reader)
        return
    if path.is_dir() and (images := tiffs_of(path)):
        with open_folder(path, images) as source:
            yield _of_source(source, path, scale_of(images[0]))
        return
    letters = axes or usual_axes(path, dataset)
    with open_source(path, dataset, letters, channel, takes_floats=True) as source:
        yield _of_source(source, path, scale_of(path))


def _is_run(path: Path) -> bool:
    """Whether an HDF5 file is one of ours."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return str(file.attrs.get("format", "")).startswith("lightloop run")
    except OSError:
        return True  # the reader of runs says what is wrong with it


def _of_run(reader: RunReader) -> Recording:
    camera = reader.start.cameras[0]
    shots: dict[tuple[int, int], list[FrameInfo]] = {}
    for info in reader.infos:
        if info.index.c == 0 and info.camera in ("", camera.label):
            shots.setdefault((info.shot.position, info.shot.number), []).append(info)
    fields: dict[int, list[list[FrameInfo]]] = {}
    for (position, _), infos in sorted(shots.items()):
        fields.setdefault(position, []).append(planes_of(infos))
    if not fields:
        raise RunFileError(f"{reader.name} holds no image of its first channel")

    def plane(info: FrameInfo) -> Plane:
        return Plane(lambda: reader.pixels(info.seq), moment_of(info, camera.pixel_um))

    first = next(iter(fields.values()))
    step_um = step_um_of(first[0])
    points: dict[int, list[TimePoint]] = {}
    for position, frames in fields.items():
        times = [infos[0].index.t for infos in frames]
        if len(set(times)) < len(times):  # a burst has one t: then it is the shot that counts
            times = list(range(len(times)))
        points[position] = [
            TimePoint(t, [plane(info) for info in infos], places_of(infos, step_um))
            for t, infos in zip(times, frames, strict=True)
        ]
    detect, track, notes = _settings_of(reader)
    starts = np.diff([infos[0].t_s for infos in first])
    return Recording(
        folder=reader.path.parent,
        name=reader.name,
        shape=(first[0][0].height, first[0][0].width),
        n_planes=max(infos[-1].index.z + 1 for frames in fields.values() for infos in frames),
        fields=points,
        pixel_um=camera.pixel_um,
        interval_s=float(np.median(starts)) if len(starts) else 0.0,
        camera=camera.calibration,
        notes=notes,
        detect=detect,
        track=track,
        planes_um=step_um,
        is_run=True,
    )


def _settings_of(reader: RunReader) -> tuple[DetectorConfig, TrackerConfig, tuple[str, ...]]:
    """Return how the run looked for cells and followed them, and what there is to say of it."""
    from lightloop.config import ConfigError, parse

    text = reader.start.config_toml
    if not text:
        return DetectorConfig(), TrackerConfig(), ()
    try:
        config = parse(text, reader.name)
    except ConfigError as error:
        note = f"its config cannot be read, so cells are followed as by default: {error}"
        return DetectorConfig(), TrackerConfig(), (note,)
    return config.detect, config.track, ()


def _of_source(source: ImageSource, path: Path, scale: Scale) -> Recording:
    n_times, n_fields, n_planes = source.counts
    _, estimate = given_or_estimated(None, None, None)
    guess = estimated_camera(source, estimate)
    camera = guess.calibration
    note = (
        f"the camera is estimated from the images ({camera.gain_adu_per_e:.3g} ADU/e-, offset "
        f"{camera.offset_adu:.4g} ADU, read noise {camera.read_noise_e:.2g} e-), so "
        "photo-electrons are relative" + (f"; {guess.doubt}" if guess.doubt else "")
    )
    if source.scale != 1.0:
        note = (
            f"float pixels were multiplied by {source.scale:g} and rounded, and count as those of "
            "a camera: if they were smoothed before, more false cells are found than stated; "
            f"{note}"
        )

    def plane(t: int, p: int, z: int) -> Plane:
        number = (t * n_fields + p) * n_planes + z
        return Plane(lambda: source.plane(t, p, z), Moment((p, 0, z), t, number, 1.0, 0.0, 0.0))

    return Recording(
        folder=path.absolute().parent,
        name=path.name,
        shape=(source.shape[0], source.shape[1]),
        n_planes=n_planes,
        fields={
            p: [TimePoint(t, [plane(t, p, z) for z in range(n_planes)]) for t in range(n_times)]
            for p in range(n_fields)
        },
        pixel_um=scale.pixel_um,
        interval_s=scale.interval_s,
        camera=camera,
        planes_um=scale.plane_um,
        notes=(note,),
    )
