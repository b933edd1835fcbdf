"""Restored images in a run file, where `[record] restored = true` asked for them.

::

    /entry/restored  data (N, Y, X) float16: photo-electrons over `scale`; one chunk for each
                     images: one row for each result that named an image, kept or lost

A restored image is what the worker decided on: the first channel of a shot, its planes projected
by their maximum. Raw frames come first. Where they wait, or the worker's small ring has moved on,
the image is not kept, and its row says so; the camera never waits for one.

Half precision keeps 11 bits: each value lies within 1/2048 (0.05 %) of itself, or of 6e-5 times
`scale` where it is smaller than that (IEEE 754-2019, binary16). `scale` is 1 but for cameras whose
wells hold more than half precision can count (65,504); it is a power of two, so it costs nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import hdf5plugin
import numpy as np
import xxhash

from realtime.errors import RunFileError
from realtime.run_file.codec import RAW, pack, unpack

if TYPE_CHECKING:
    import h5py
    from numpy.typing import NDArray

    from realtime.wire import CameraInfo, Result

GROUP = "entry/restored"
DATA, IMAGES = f"{GROUP}/data", f"{GROUP}/images"

KEPT, GONE, LEFT_OUT, TOO_LARGE = range(4)
WHY = {
    GONE: "it was gone from the worker's ring before the recorder came to it",
    LEFT_OUT: "frames were waiting, which come first",
    TOO_LARGE: "it is larger than the frames of the camera that it was made of",
}

MOST = float(np.finfo(np.float16).max)  # 65504
HEADROOM = 2.0  # a restored pixel may lie above what the camera can count; proposed

ROW = np.dtype(
    [
        ("shot", "<i8"),
        ("position", "<i4"),
        ("seq_first", "<i8"),  # the frames of the shot
        ("seq_last", "<i8"),
        ("row", "<i8"),  # place in data; -1: not kept
        ("state", "u1"),  # 0 kept, 1 gone, 2 left out, 3 too large
        ("height", "<i4"),
        ("width", "<i4"),
        ("model", "S96"),
        ("xxh3", "<u8"),  # xxh3-64 of the float16 image; 0: not kept
        ("sum", "<u8"),  # xxh3-64 of the columns before it
    ]
)


class Entry(NamedTuple):
    """One row: of which result, and whether its image was kept."""

    shot: int
    position: int
    seqs: tuple[int, int]
    row: int
    state: int
    height: int
    width: int
    model: str
    xxh3: int

    @property
    def is_kept(self) -> bool:
        """Whether the image is in the file."""
        return self.state == KEPT


def create(file: h5py.File, camera: CameraInfo) -> None:
    """Make room for restored images of a camera in a new file."""
    frame = (camera.height, camera.width)
    data = file.create_dataset(
        DATA,
        (0, *frame),
        np.float16,
        maxshape=(None, *frame),
        chunks=(1, *frame),
        **hdf5plugin.Blosc2(cname="zstd", clevel=1, filters=hdf5plugin.Blosc2.SHUFFLE),
    )
    data.attrs.update(units="photo-electrons", scale=scale_of(camera), long_name="restored images")
    data.parent.attrs.update(NX_class="NXdata", signal="data")
    file.create_dataset(IMAGES, data=np.empty(0, ROW), maxshape=(None,), chunks=(256,))


def scale_of(camera: CameraInfo) -> float:
    """Return the power of two, at least 1, by which photo-electrons are divided to be stored."""
    known = camera.calibration
    most_e = HEADROOM * (known.saturation_adu - known.offset_adu) / known.gain_adu_per_e
    return float(2.0 ** max(0, math.ceil(math.log2(max(most_e, 1.0) / MOST))))


def to_half(image: NDArray[np.float32], scale: float) -> NDArray[np.float16]:
    """Return an image as it is stored; what half precision cannot count is its largest number."""
    found: NDArray[np.float16] = np.clip(image / np.float32(scale), -MOST, MOST).astype(np.float16)
    return found


class RestoredWriter:
    """Writes the restored images of one part."""

    def __init__(self, file: h5py.File) -> None:
        self._data: Any = file[DATA]
        self._images: Any = file[IMAGES]
        self._scale = float(self._data.attrs["scale"])
        self._rows: list[tuple[Any, ...]] = []

    def put(self, result: Result, image: NDArray[np.float32] | None, *, is_left_out: bool) -> bool:
        """Take the image that a result names, (Y, X) float32, if there is one; whether it is kept.

        An image that does not fit is said to be so: it may never cost the run its frames.
        """
        assert result.restored is not None, "only a result that names an image has a row"
        row, digest, state = -1, 0, LEFT_OUT if is_left_out else GONE
        if image is not None:
            state = KEPT if self._fits(image) else TOO_LARGE
        if image is not None and state == KEPT:
            half = to_half(image, self._scale)
            digest = xxhash.xxh3_64_intdigest(half.data)
            row = self._data.shape[0]
            self._data.resize(row + 1, axis=0)
            self._data.id.write_direct_chunk((row, 0, 0), pack(self._on_chip(half)))
        self._rows.append(_row(result, row, state, digest))
        return state == KEPT

    def flush(self) -> None:
        """Hand everything to the operating system; the rows last."""
        if not self._rows:
            return
        self._data.id.flush()
        at = self._images.shape[0]
        self._images.resize(at + len(self._rows), axis=0)
        self._images[at:] = np.array([_summed(row) for row in self._rows], ROW)
        self._images.id.flush()
        self._rows.clear()

    def _fits(self, image: NDArray[np.float32]) -> bool:
        height, width = self._data.shape[1:]
        return image.ndim == 2 and image.shape[0] <= height and image.shape[1] <= width

    def _on_chip(self, half: NDArray[np.float16]) -> NDArray[np.uint16]:
        """Return the image in the corner of its camera's chip, as bits."""
        whole = np.zeros(self._data.shape[1:], np.float16)
        whole[: half.shape[0], : half.shape[1]] = half
        return whole.view(np.uint16)


class RestoredReader:
    """Reads the restored images of one part.

    Raises
    ------
    KeyError
        If the file keeps none.
    """

    def __init__(self, file: h5py.File) -> None:
        self._data: Any = file[DATA]
        self._images: Any = file[IMAGES]
        self.scale = float(self._data.attrs["scale"])

    def refresh(self) -> None:
        """See what a recorder has written since."""
        for dataset in (self._images, self._data):
            dataset.refresh()

    def entry(self, number: int) -> Entry:
        """Return one row.

        Raises
        ------
        RunFileError
            If it is not what was written.
        """
        if number >= len(self._images):
            raise RunFileError("its row is missing in the table of restored images")
        row = self._images[number]
        if _sum(row) != row["sum"]:
            raise RunFileError("its row in the table of restored images is not what was written")
        return Entry(
            int(row["shot"]), int(row["position"]),
            (int(row["seq_first"]), int(row["seq_last"])), int(row["row"]), int(row["state"]),
            int(row["height"]), int(row["width"]), row["model"].decode(errors="replace"),
            int(row["xxh3"]),
        )  # fmt: skip

    def image(self, entry: Entry) -> NDArray[np.float32]:
        """Return an image that was kept, (Y, X) float32 photo-electrons, checked by its sum.

        Raises
        ------
        RunFileError
            If its bytes are damaged.
        """
        mask, packed = self._data.id.read_direct_chunk((entry.row, 0, 0))
        whole = unpack(bytes(packed), int(mask) & RAW, self._data.shape[1:]).view(np.float16)
        half = np.ascontiguousarray(whole[: entry.height, : entry.width])
        if xxhash.xxh3_64_intdigest(half.data) != entry.xxh3:
            raise RunFileError("its checksum is wrong")
        return half.astype(np.float32) * np.float32(self.scale)


def _row(result: Result, row: int, state: int, digest: int) -> tuple[Any, ...]:
    slot = result.restored
    assert slot is not None
    seqs = result.seqs or (-1,)
    return (
        result.shot, result.position, seqs[0], seqs[-1], row, state, slot.height, slot.width,
        result.model_id.encode()[: ROW["model"].itemsize], digest, 0,
    )  # fmt: skip


def _summed(values: tuple[Any, ...]) -> NDArray[np.void]:
    row = np.zeros((), ROW)
    row[()] = values
    row["sum"] = _sum(row)
    return row


def _sum(row: NDArray[np.void] | np.void) -> int:
    return xxhash.xxh3_64_intdigest(row.tobytes()[:-8])
