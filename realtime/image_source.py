"""Images of foreign files, plane by plane: TIFF and OME-TIFF, HDF5, .npy."""

from __future__ import annotations

import math
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import h5py
import numpy as np
import tifffile

from realtime.errors import RunFileError
from realtime.float_pixels import MOST_ADU, scale_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any, Self, TypeAlias

    from numpy.typing import NDArray

    _Make: TypeAlias = Callable[..., "ImageSource"]

AXES = "TPCZYX"
TIFF, HDF5, NPY = (".tif", ".tiff"), (".h5", ".hdf5", ".hdf"), (".npy",)


class ImageSource:
    """A recording of one channel, (T, P, Z) planes of (Y, X).

    Attributes
    ----------
    name, axes, dtype
        What the source calls itself and its axes, and what its pixels are.
    shape
        (Y, X) of a plane.
    counts
        Time points, positions, planes.
    shift_adu
        What `plane` adds to every pixel, so that none is negative.
    scale
        What `plane` multiplies float pixels by before it rounds them: 1 where all are whole
        numbers of 16 bits, else the power of two that leaves the least of them to rounding.
    full_scale_adu
        Largest value that the source's type can hold, after the shift, ADU.
    """

    def __init__(
        self, name: str, axes: str, shape: tuple[int, ...], dtype: np.dtype[Any], channel: int,
        read: Callable[[tuple[int, ...]], NDArray[Any]], *, takes_floats: bool = False,
    ) -> None:  # fmt: skip
        _check_axes(name, axes, shape)
        self.is_float = takes_floats and dtype.kind == "f"
        if not self.is_float:
            _check_dtype(name, dtype)
        sizes = dict(zip(axes, shape, strict=True))
        if not 0 <= channel < sizes.get("C", 1):
            raise RunFileError(
                f"{name} has {sizes.get('C', 1)} channel(s), numbered from 0; got {channel}"
            )
        self.name = name
        self.axes = axes
        self.dtype = dtype
        self.shape = (sizes["Y"], sizes["X"])
        self.counts = (sizes.get("T", 1), sizes.get("P", 1), sizes.get("Z", 1))
        self.n_frames = math.prod(self.counts)
        self.channel_name = f"channel {channel}"
        self.shift_adu = 0
        self._channel = channel
        self._read = read
        self._close = ExitStack()
        if min(*self.counts, *self.shape) < 1:
            raise RunFileError(f"{name} holds no image: its shape is {shape}")
        if dtype.kind == "i":
            self.shift_adu = max(0, -min(int(self._plane(*at).min()) for at in self._all()))
        self.scale = 1.0
        if self.is_float:
            self.scale = scale_of(self.name, ((at, self._plane(*at)) for at in self._all()))
        most = MOST_ADU if self.is_float else np.iinfo(dtype).max
        self.full_scale_adu = float(most + self.shift_adu)

    def plane(self, t: int, p: int, z: int) -> NDArray[np.uint16]:
        """Return one plane, (Y, X) uint16, ADU."""
        raw = self._plane(t, p, z)
        if self.is_float:
            raw = np.rint(raw.astype(np.float64) * self.scale)
        if self.shift_adu:
            raw = raw.astype(np.int32) + self.shift_adu
        return np.ascontiguousarray(raw, dtype=np.uint16)

    def closes(self, stack: ExitStack) -> Self:
        """Take over what `close` closes."""
        self._close = stack
        return self

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._close.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _all(self) -> list[tuple[int, int, int]]:
        return [(int(t), int(p), int(z)) for t, p, z in np.ndindex(*self.counts)]

    def _plane(self, t: int, p: int, z: int) -> NDArray[Any]:
        where = {"T": t, "P": p, "C": self._channel, "Z": z}
        leading = tuple(where[axis] for axis in self.axes if axis in where)
        try:
            return self._read(leading)
        except (OSError, ValueError, RuntimeError, KeyError, IndexError) as error:
            raise RunFileError(f"{self.name}: image {leading} cannot be read: {error}") from error


def open_source(
    path: Path, dataset: str, axes: str, channel: int, *, takes_floats: bool = False
) -> ImageSource:
    """Open a recording.

    Parameters
    ----------
    dataset, axes, channel
        See `realtime.importing.import_recording`.
    takes_floats
        Whether float pixels will do (`ImageSource.scale`).

    Raises
    ------
    RunFileError
        If it cannot be read, or the axes do not fit it.
    """
    if path.is_dir():
        what = "a Zarr folder" if _is_zarr(path) else "a folder"
        raise RunFileError(
            f"{path} is {what}: TIFF, HDF5 and .npy files can be imported. Save it as one of them, "
            "such as OME-TIFF (Python: tifffile.imwrite; Fiji: Bio-Formats Exporter)"
        )
    if not path.is_file():
        raise RunFileError(f"there is no file {path}")
    kind = path.suffix.lower()
    openers = {TIFF: _open_tiff, HDF5: _open_hdf5, NPY: _open_npy}
    opener = next((opener for kinds, opener in openers.items() if kind in kinds), None)
    if opener is None:
        raise RunFileError(f"{path.name}: TIFF, HDF5 and .npy can be imported, not {kind!r}")
    make = partial(ImageSource, takes_floats=takes_floats)
    with ExitStack() as stack:
        try:
            source = opener(path, dataset, axes.upper(), channel, stack, make)
        except RunFileError:
            raise
        except (OSError, ValueError, RuntimeError, KeyError, tifffile.TiffFileError) as error:
            raise RunFileError(f"{path.name} cannot be read: {error}") from error
        return source.closes(stack.pop_all())


def _is_zarr(path: Path) -> bool:
    marks = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
    return path.suffix.lower() == ".zarr" or any((path / mark).exists() for mark in marks)


def _open_npy(
    path: Path, _: str, axes: str, channel: int, stack: ExitStack, make: _Make
) -> ImageSource:
    del stack  # mapped anew for each plane: a map that lives on would hold the file

    def mapped() -> NDArray[Any]:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(images, np.ndarray):
            raise RunFileError(f"{path.name} holds several arrays; save the one to import as .npy")
        return images

    images = mapped()
    shape, dtype = images.shape, images.dtype
    return make(path.name, axes, shape, dtype, channel, lambda at: np.array(mapped()[at]))


def _open_hdf5(
    path: Path, dataset: str, axes: str, channel: int, stack: ExitStack, make: _Make
) -> ImageSource:
    file = stack.enter_context(h5py.File(path, "r"))
    names = _dataset_names(file)
    name = dataset.strip("/") or (names[0] if len(names) == 1 else "")
    if name not in names:
        asked = f"no dataset {dataset!r}" if dataset else "several datasets: say which"
        raise RunFileError(f"{path.name} has {asked}; it holds {', '.join(names) or 'none'}")
    images = file[name]
    return make(
        f"{path.name}:{name}", axes, images.shape, images.dtype, channel, lambda at: images[at]
    )


def _open_tiff(
    path: Path, _: str, axes: str, channel: int, stack: ExitStack, make: _Make
) -> ImageSource:
    file = stack.enter_context(tifffile.TiffFile(path))
    series = file.series[0]
    shape, said = tuple(series.shape), series.axes.upper()
    axes = axes or said
    if len(axes) == len(shape) and len(shape) >= 2 and axes[-2:] == "YX" and "S" not in said:
        pages = series.pages
        if math.prod(shape[:-2]) == len(pages):

            def read(at: tuple[int, ...]) -> NDArray[Any]:
                number = int(np.ravel_multi_index(at, shape[:-2])) if at else 0
                page = pages[number]
                if page is None:
                    raise ValueError("the file does not hold it")
                image: NDArray[Any] = page.asarray()
                return image

            return make(path.name, axes, shape, series.dtype, channel, read)
    whole = series.asarray()  # pages that hold whole stacks, or an odd order: through memory
    return make(path.name, axes, shape, series.dtype, channel, lambda at: whole[at])


def _dataset_names(file: h5py.File) -> list[str]:
    names: list[str] = []
    file.visititems(
        lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None
    )
    return sorted(names)


def _check_axes(name: str, axes: str, shape: tuple[int, ...]) -> None:
    if not axes or set(axes[:-2]) == {"Q"}:  # tifffile: the file does not say
        raise RunFileError(
            f"{name} has {len(shape)} axes {shape}, and does not say which: say it by --axes, "
            "such as TCYX or TZYX"
        )
    unknown = [axis for axis in axes if axis not in AXES]
    if unknown or len(set(axes)) != len(axes):
        raise RunFileError(
            f"{name}: axes must be different letters of {', '.join(AXES)}, got {axes!r}"
            + (" (colour images have no single channel: split them first)" if "S" in axes else "")
        )
    if len(axes) != len(shape):
        raise RunFileError(
            f"{name}: {axes!r} names {len(axes)} axes, but the images have {len(shape)}: {shape}"
        )
    if not axes.endswith("YX"):
        raise RunFileError(f"{name}: the last two axes must be Y and X, got {axes!r}")


def _check_dtype(name: str, dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "iu" or dtype.itemsize > 2:
        raise RunFileError(
            f"{name}: pixels must be whole numbers of 8 or 16 bits, got {dtype}; a run holds "
            "camera counts, so please export the raw images"
        )
