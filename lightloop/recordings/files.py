"""What files of other programs say, and do not say, of themselves: axes, pixels, time."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree

import h5py
import numpy as np
import tifffile

from realtime.errors import RunFileError
from realtime.importing.image_files import HDF5, NPY, TIFF
from realtime.importing.image_source import ImageSource

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

UM = {"um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0,
      "mm": 1e3, "nm": 1e-3, "cm": 1e4, "m": 1e6}  # fmt: skip
SECONDS = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "min": 60.0,
    "h": 3600.0,
}


class Scale(NamedTuple):
    """Pixel at the sample, time between time points, and between planes; 0: it does not say."""

    pixel_um: float = 0.0
    interval_s: float = 0.0
    plane_um: float = 0.0


def tiffs_of(folder: Path) -> list[Path]:
    """Return the images of a folder in the order of the numbers in their names."""
    images = [p for p in folder.iterdir() if p.suffix.lower() in TIFF and p.is_file()]
    return sorted(images, key=lambda p: [int(n) for n in re.findall(r"\d+", p.stem)])


def open_folder(folder: Path, images: list[Path]) -> ImageSource:
    """Open a folder with one TIFF for each time point, (Y, X) or (Z, Y, X).

    Raises
    ------
    RunFileError
        If the images are of several sizes, or cannot be read.
    """

    def read(at: tuple[int, ...]) -> NDArray[Any]:
        image: NDArray[Any] = tifffile.imread(images[at[0]])
        if image.shape != first.shape:
            raise RunFileError(
                f"{images[at[0]].name} is {image.shape} px, and {images[0].name} {first.shape}"
            )
        plane: NDArray[Any] = image[at[1:]]
        return plane

    try:
        first = np.asarray(tifffile.imread(images[0]))
    except (OSError, ValueError, tifffile.TiffFileError) as error:
        raise RunFileError(f"{images[0].name} cannot be read: {error}") from error
    axes = "TZYX"[-1 - first.ndim :] if first.ndim > 2 else "TYX"
    shape = (len(images), *first.shape)
    source = ImageSource(folder.name, axes, shape, first.dtype, 0, read, takes_floats=True)
    return source.closes(ExitStack())


def usual_axes(path: Path, dataset: str) -> str:
    """Return "TYX" for images with one axis besides Y and X that is no channel; else "".

    A film is often saved as a stack, and of a single stack there is nothing to follow.
    """
    kind = path.suffix.lower()
    if not path.is_file():
        return ""
    try:
        if kind in TIFF:
            with tifffile.TiffFile(path) as file:
                series = file.series[0]
                known, shape = series.axes.upper(), series.shape
            is_film = len(shape) == 3 and known.endswith("YX") and known[0] not in "CS"
            return "TYX" if is_film else ""
        if kind in NPY:
            return "TYX" if np.load(path, mmap_mode="r", allow_pickle=False).ndim == 3 else ""
        if kind in HDF5 and dataset:
            with h5py.File(path, "r") as file:
                return "TYX" if len(file[dataset].shape) == 3 else ""
    except (OSError, ValueError, KeyError, tifffile.TiffFileError):
        return ""  # who opens it says what is wrong
    return ""


def scale_of(path: Path) -> Scale:
    """Return what a TIFF says of its pixels and its time: OME-TIFF or ImageJ."""
    if path.suffix.lower() not in TIFF or not path.is_file():
        return Scale()
    try:
        with tifffile.TiffFile(path) as file:
            if file.ome_metadata:
                return _of_ome(file.ome_metadata)
            if file.imagej_metadata:
                return _of_imagej(file)
    except (OSError, ValueError, KeyError, ElementTree.ParseError, tifffile.TiffFileError):
        return Scale()
    return Scale()


def _of_ome(text: str) -> Scale:
    """Read PhysicalSizeX and Z, and TimeIncrement; their units are um and s where none is given."""
    for element in ElementTree.fromstring(text).iter():
        if element.tag.rpartition("}")[2] == "Pixels":
            say = element.attrib
            pixel = float(say.get("PhysicalSizeX", 0)) * UM.get(
                say.get("PhysicalSizeXUnit", "um"), 0
            )
            step = float(say.get("TimeIncrement", 0))
            plane = float(say.get("PhysicalSizeZ", 0)) * UM.get(
                say.get("PhysicalSizeZUnit", "um"), 0
            )
            return Scale(pixel, step * SECONDS.get(say.get("TimeIncrementUnit", "s"), 0), plane)
    return Scale()


def _of_imagej(file: tifffile.TiffFile) -> Scale:
    """Read the resolution and its unit, the distance of planes, and the frame interval."""
    said = dict(file.imagej_metadata or {})
    unit = str(said.get("unit", "")).replace("\\u00B5", "µ").lower()
    tag = file.pages[0].tags.get("XResolution")
    pixel = 0.0
    if tag is not None and unit in UM:
        over, under = tag.value
        pixel = under / over * UM[unit] if over else 0.0
    plane = float(said.get("spacing", 0.0) or 0.0) * UM.get(unit, 0.0)
    return Scale(pixel, float(said.get("finterval", 0.0) or 0.0), plane)
