"""Opens images of foreign files: TIFF and OME-TIFF, HDF5, .npy."""

from __future__ import annotations

import math
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import h5py
import numpy as np
import tifffile

from realtime.errors import RunFileError
from realtime.importing.image_source import UNREADABLE, ImageSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any, TypeAlias

    from numpy.typing import NDArray

    _Make: TypeAlias = Callable[..., ImageSource]

TIFF, HDF5, NPY = (".tif", ".tiff"), (".h5", ".hdf5", ".hdf"), (".npy",)


def open_source(
    path: Path, dataset: str, axes: str, channel: int, *, takes_floats: bool = False
) -> ImageSource:
    """Open a recording.

    Parameters
    ----------
    dataset, axes, channel
        See `realtime.importing.importer.import_recording`.
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
        except UNREADABLE as error:
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
    if images.shape is None:
        raise RunFileError(f"{path.name}:{name} holds no image: it is empty")
    return make(
        f"{path.name}:{name}", axes, images.shape, images.dtype, channel, lambda at: images[at]
    )


def _open_tiff(
    path: Path, _: str, axes: str, channel: int, stack: ExitStack, make: _Make
) -> ImageSource:
    file = stack.enter_context(tifffile.TiffFile(path))
    if not file.series:
        raise RunFileError(f"{path.name} holds no image: it is empty, or was cut short")
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
