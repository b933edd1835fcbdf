"""Other people's recordings, or your own from another program, as a run file.

TIFF and OME-TIFF, a dataset of an HDF5 file, or .npy. Images are read plane by plane, so a
recording may be larger than memory. Nothing is invented: what a foreign file does not say (power,
light line, dose) is booked as relative and not calibrated, and a guessed camera calibration says
that it was guessed.
"""

from __future__ import annotations

import math
import time
import uuid
from typing import TYPE_CHECKING

import msgspec
import xxhash

from acquire.calibration import Calibration
from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied, ChannelSettings, Settings
from realtime.errors import RunFileError
from realtime.importing.camera import camera_of
from realtime.importing.image_files import open_source
from realtime.run_file import RunWriter
from realtime.wire import CameraInfo, End, FrameMessage, Notice, RingInfo, Start, encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from models.noise import NoiseEstimate
    from realtime.importing.camera import Camera
    from realtime.importing.image_source import ImageSource

CAMERA = "imported"
LIGHT = "not recorded"  # nobody knows which light it was, nor its power; only how long it was on
FLUSH_FRAMES = 64  # there is no camera that waits for us


class Imported(msgspec.Struct, frozen=True):
    """What an import wrote.

    Attributes
    ----------
    shift_adu
        Added to every pixel because the source has negative ones; 0 for unsigned sources.
    doubt
        What speaks against the estimated calibration; empty for nothing.
    """

    path: str
    n_frames: int
    n_shots: int
    calibration: Calibration
    shift_adu: int
    doubt: str = ""


def import_recording(
    path: Path,
    dataset: str,
    axes: str,
    channel: int,
    pixel_um: float,
    calibration: Calibration | None,
    interval_s: float,
    exposure_ms: float,
    out: Path,
    *,
    estimate: Callable[[NDArray[Any]], NoiseEstimate] | None = None,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> Imported:
    """Turn a recording into a run file, one shot for each time point and position.

    Parameters
    ----------
    path, out
        The recording: TIFF, HDF5 or .npy; and the new run file.
    dataset
        Name of the dataset in an HDF5 file; empty if it holds only one.
    axes
        One letter for each axis, slowest first, of T, P, C, Z, Y, X, such as "TCYX"; empty takes
        what an OME-TIFF says.
    channel
        Which channel to take, from 0.
    pixel_um, interval_s, exposure_ms
        Pixel at the sample, time between time points, and exposure of each frame.
    calibration
        The camera's; None lets `estimate` guess it from the images.
    on_progress
        Called with frames done and frames in all.

    Raises
    ------
    RunFileError
        If the source cannot be read, the axes do not fit it, or the target cannot be written.
    """
    _check(pixel_um, exposure_ms, interval_s)
    with open_source(path, dataset, axes, channel) as source:
        camera = camera_of(source, calibration, estimate)
        known = camera.calibration
        start = _start(source, known, pixel_um, exposure_ms, interval_s)
        with RunWriter(out, start) as writer:
            writer.document(encode(_notice(source, camera)))
            n_shots = _copy(source, writer, interval_s, exposure_ms, on_progress)
            writer.document(encode(_end(source, exposure_ms)))
            writer.close("complete")
        return Imported(str(out), source.n_frames, n_shots, known, source.shift_adu, camera.doubt)


def _check(pixel_um: float, exposure_ms: float, interval_s: float) -> None:
    for name, value in (("pixel_um", pixel_um), ("exposure_ms", exposure_ms)):
        if not (value > 0 and math.isfinite(value)):
            raise RunFileError(f"{name} must be a positive number, got {value}")
    if not (interval_s >= 0 and math.isfinite(interval_s)):
        raise RunFileError(f"interval_s must be 0 or more, got {interval_s}")


def _copy(
    source: ImageSource,
    writer: RunWriter,
    interval_s: float,
    exposure_ms: float,
    on_progress: Callable[[int, int], object],
) -> int:
    exposure_s = exposure_ms * 1e-3
    applied = Applied(
        channel=source.channel_name,
        light=LIGHT,
        wavelength_nm=0.0,
        exposure_ms=exposure_ms,
        exposure_read_ms=exposure_ms,
        power_fraction=1.0,  # a place-holder: `light` and `calibrated` say that it is not known
        power_read_fraction=1.0,
        irradiance_w_cm2=1.0,
        dose_j_cm2=exposure_s,
        calibrated=False,
        decision_id=-1,
    )
    n_times, n_fields, n_planes = source.counts
    for seq in range(source.n_frames):
        number, z = divmod(seq, n_planes)
        t, p = divmod(number, n_fields)
        pixels = source.plane(t, p, z)
        t_s = t * interval_s + (p * n_planes + z) * exposure_s
        info = FrameInfo(
            seq=seq,
            camera=CAMERA,
            camera_seq=-1,
            t_ns=round((t_s + exposure_s) * 1e9),
            t_s=t_s,
            shot=Shot(number, p, n_planes),
            shot_frame=z,
            index=Index(t, 0, z, p),
            height=pixels.shape[0],
            width=pixels.shape[1],
            position_um=(0.0, 0.0, 0.0),
            applied=applied,
        )
        digest = xxhash.xxh3_64_intdigest(pixels.data)
        writer.frame(FrameMessage(info, 0, 0, pixels.nbytes, digest), pixels)
        if (seq + 1) % FLUSH_FRAMES == 0:
            writer.flush()
        on_progress(seq + 1, source.n_frames)
    return n_times * n_fields


def _start(
    source: ImageSource,
    calibration: Calibration,
    pixel_um: float,
    exposure_ms: float,
    interval_s: float,
) -> Start:
    height, width = source.shape
    camera = CameraInfo(CAMERA, height, width, pixel_um, calibration)
    channel = ChannelSettings(source.channel_name, exposure_ms, 1.0)
    return Start(
        session_id=str(uuid.uuid4()),
        t_ns=0,
        t_utc_ns=time.time_ns(),
        cameras=(camera,),
        ring=RingInfo("", 0, height * width * 2),
        settings=Settings((channel,), interval_s=interval_s),
        origin=f"import of {source.name}",
        dose_unit="relative",
    )


def _end(source: ImageSource, exposure_ms: float) -> End:
    dose = {LIGHT: source.n_frames * exposure_ms * 1e-3}
    return End(source.n_frames - 1, source.n_frames, 0, "complete", "imported", True, dose)


def _notice(source: ImageSource, camera: Camera) -> Notice:
    calibration = camera.calibration
    text = (
        f"imported from {source.name} (axes {source.axes}, {source.dtype}); camera calibration "
        f"{calibration.source}: {calibration.gain_adu_per_e:.4g} ADU/e-, offset "
        f"{calibration.offset_adu:.4g} ADU, read noise {calibration.read_noise_e:.3g} e-; light "
        "and power are not recorded, so a dose is seconds of exposure"
    )
    if source.shift_adu:
        text += (
            f"; the source has negative pixels, so {source.shift_adu} ADU were added to every "
            "pixel and to the offset"
        )
    if camera.doubt:
        return Notice("warn", f"{text}; {camera.doubt}")
    return Notice("info", text)
