"""Where things lie in a run file.

::

    /              format, format_version, part; NeXus: NXroot
    /entry         session_id, status, start_time, end_time                       NXentry
      cam0         data (N, Y, X) uint16, one Blosc2 chunk for each frame         NXdata
      frames       one row for each frame: the numbers, for a table or a plot
      restored/    images that the worker restored, if they were asked for (`restored`)     NXdata
      journal/     bytes, offsets, sums: every document of the stream, byte for byte, in order of
                   arrival, and the xxh3-64 of each
      instrument/  cam0: gain, offset, read noise, pixel size                     NXdetector
      config, plan, software, devices (label: property: value), calibrations and models
                   (name: sha256); attribute `texts_xxh3` holds the sum of each
      commit       how much of all this is valid; written last, with its own sum

The journal is the truth; `frames` repeats its numbers for people who read the file with h5py or
MATLAB. Everything is created before the first frame, because HDF5 promises a file that is valid at
every instant (SWMR) only for datasets that grow. Only data up to `commit` counts: what a dying
writer left beyond it was never promised to anybody.

HDF5 sums its own bookkeeping, but not the data: so every image, document and text has a sum of its
own here, and a byte that changed anywhere is either found or does not matter.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import hdf5plugin
import numpy as np
import xxhash

from realtime.run_file import restored
from realtime.run_file.frame_table import FRAME_ROW
from realtime.run_file.texts import write_texts
from realtime.wire import encode

if TYPE_CHECKING:
    import h5py
    from numpy.typing import NDArray

    from realtime.wire import CameraInfo, Start

FORMAT = "lightloop run"
FORMAT_VERSION = 2  # 1 had no sums of documents, texts and commit
HDF5_VERSIONS = ("v110", "v110")  # SWMR, and HDF5 1.10 tools still read it ("latest" they cannot)

RECORDING, COMPLETE, PARTIAL = "recording", "complete", "partial"
CONTINUED = "continued"  # a part that was full: the next one exists
STATUSES = (RECORDING, COMPLETE, PARTIAL, CONTINUED)

STATUS = "entry/status"
END_TIME = "entry/end_time"
FRAMES = "entry/frames"
JOURNAL_BYTES = "entry/journal/bytes"
JOURNAL_OFFSETS = "entry/journal/offsets"
JOURNAL_SUMS = "entry/journal/sums"
START_COPY = "entry/journal/start"  # nothing can be read without it: it is there twice
START_SUM = "start_xxh3"
COMMIT = "entry/commit"

COMMIT_ROW = np.dtype(
    [
        ("last_seq", "<i8"),  # last frame on disk, -1: none
        ("n_frames", "<i8"),
        ("n_gaps", "<i8"),
        ("n_documents", "<i8"),
        ("n_bytes", "<i8"),  # length of the file that holds all this
        ("xxh3", "<u8"),  # of the five before it
    ]
)

_TEXT_BYTES = 32  # of the texts that change while the file grows: room for an ISO time


def camera_data(number: int) -> str:
    """Return the name of a camera's pixels."""
    return f"entry/cam{number}/data"


def create(
    file: h5py.File, start: Start, part: int, last_seq: int, *, keeps_restored: bool = False
) -> None:
    """Make everything that a run needs in a new file, whose first document is the start.

    Parameters
    ----------
    part, last_seq
        Number of the part, and the last frame in the parts before it (-1: none).
    keeps_restored
        Make room for restored images of the first camera, the one that the worker follows.
    """
    file.attrs.update(NX_class="NXroot", default="entry", format=FORMAT, part=part)
    file.attrs["format_version"] = FORMAT_VERSION
    entry = file.create_group("entry")
    entry.attrs.update(NX_class="NXentry", default="cam0")
    entry["session_id"] = start.session_id
    entry["start_time"] = start_time(start)
    write_texts(entry, start)
    for name, text in ((STATUS, RECORDING), (END_TIME, "")):
        file.create_dataset(name, data=np.array(text.encode(), f"S{_TEXT_BYTES}"))
    for number, camera in enumerate(start.cameras):
        _create_camera(file, number, camera)
    if keeps_restored:
        restored.create(file, start.cameras[0])
    _growing(file, FRAMES, np.empty(0, FRAME_ROW), 256)
    first = encode(start)
    _growing(file, JOURNAL_BYTES, np.frombuffer(first, np.uint8), 1 << 16)
    _growing(file, JOURNAL_OFFSETS, np.array([0, len(first)], "<u8"), 1 << 10)
    file.create_dataset(START_COPY, data=np.frombuffer(first, np.uint8))
    file.attrs[START_SUM] = np.uint64(xxhash.xxh3_64_intdigest(first))
    _growing(file, JOURNAL_SUMS, np.array([xxhash.xxh3_64_intdigest(first)], "<u8"), 1 << 10)
    file.create_dataset(COMMIT, data=commit_row(last_seq, 0, 0, 1, 0))


def start_time(start: Start) -> str:
    """Return when a session began, ISO 8601."""
    return datetime.fromtimestamp(start.t_utc_ns * 1e-9, UTC).isoformat()


def commit_row(*counts: int) -> NDArray[np.void]:
    """Return a commit with its sum: last seq, frames, gaps, documents, bytes."""
    row = np.zeros((), COMMIT_ROW)
    row[()] = (*counts, 0)
    row["xxh3"] = commit_sum(row)
    return row


def commit_sum(row: NDArray[np.void] | np.void) -> int:
    """Return the sum that a commit must carry."""
    return xxhash.xxh3_64_intdigest(row.tobytes()[:-8])


def _create_camera(file: h5py.File, number: int, camera: CameraInfo) -> None:
    frame = (camera.height, camera.width)
    data = file.create_dataset(
        camera_data(number),
        (0, *frame),
        np.uint16,
        maxshape=(None, *frame),
        chunks=(1, *frame),
        **hdf5plugin.Blosc2(cname="zstd", clevel=1, filters=hdf5plugin.Blosc2.SHUFFLE),
    )
    data.attrs.update(units="ADU", long_name=camera.label)
    data.parent.attrs.update(NX_class="NXdata", signal="data")
    detector = file.require_group("entry/instrument").create_group(f"cam{number}")
    detector.parent.attrs["NX_class"] = "NXinstrument"
    detector.attrs.update(NX_class="NXdetector", label=camera.label)
    known = camera.calibration
    detector.attrs.update(
        calibration_source=known.source,
        calibration_id=known.id,
        calibration_sha256=known.sha256,
        calibration_doubts=known.distrust,
        region_px=np.array(camera.roi, "<i4"),  # of the chip: x, y, width, height
    )
    for name, value, unit in camera_numbers(camera):
        detector[name] = value
        detector[name].attrs["units"] = unit


def camera_numbers(camera: CameraInfo) -> tuple[tuple[str, float, str], ...]:
    """Return what a detector's group says of a camera: name, value, unit."""
    known = camera.calibration
    return (
        ("pixel_size", camera.pixel_um, "um"),
        ("gain", known.gain_adu_per_e, "ADU/e-"),
        ("offset", known.offset_adu, "ADU"),
        ("read_noise", known.read_noise_e, "e-"),
        ("saturation", known.saturation_adu, "ADU"),
    )


def _growing(file: h5py.File, name: str, data: NDArray[Any], chunk: int) -> None:
    file.create_dataset(name, data=data, maxshape=(None,), chunks=(chunk,))
