"""TIFF, by tifffile: OME-TIFF with all that is known, and plain hyperstacks for ImageJ and Fiji."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from realtime.errors import RunFileError
from realtime.export.ctc import ZLIB_LEVEL
from realtime.export.images import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from realtime.export.images import Images, Values

AXES = "TCZYX"
MOST_BYTES = 0xF0000000  # of an ImageJ hyperstack: TIFF counts in 32 bits; the rest is for its tags


def write_ome_tiff(images: Images, values: Values, draft: Path) -> None:
    """Write one film to one file, an image for each position.

    TIFF has no holes: a missing frame is NaN, or 0 counts; a list of these is in the annotations.
    """
    film = images.film
    shape = film.shape
    with tifffile.TiffWriter(draft, bigtiff=True, ome=True) as file:
        for p, name in enumerate(film.positions):
            file.write(
                _pixels(images, values, p),
                shape=shape,
                dtype=np.uint16 if values == "counts" else np.float32,
                photometric="minisblack",
                compression="zlib",
                compressionargs={"level": ZLIB_LEVEL},
                metadata=_ome(images, values, p) | {"Name": f"position {name}", "axes": AXES},
            )


def write_imagej(images: Images, values: Values, p: int, draft: Path) -> None:
    """Write one position of a film as a hyperstack; every slice carries its light as a label.

    Raises
    ------
    RunFileError
        If it is larger than such a file can be.
    """
    film = images.film
    itemsize = 2 if values == "counts" else 4
    n_times, n_channels, n_planes, height, width = film.shape
    n_bytes = n_times * n_channels * n_planes * height * width * itemsize
    if n_bytes > MOST_BYTES:
        raise RunFileError(
            f"a hyperstack ends at 4 GB and this one would have {n_bytes / 1e9:.3g} GB; "
            "use --ome-tiff or --ome-zarr"
        )
    labels = [_label(images, info) for _, info in _ordered(images, p)]
    interval = _seconds(images)
    metadata: dict[str, Any] = {
        "axes": "TZCYX",
        "unit": "um",
        "spacing": film.plane_um() or 1.0,
        "Labels": labels,
        "Info": json.dumps(images.about(values), indent=1),
        "mode": "composite" if n_channels > 1 else "grayscale",
    }
    if interval:
        metadata["finterval"] = interval
    tifffile.imwrite(
        draft,
        _imagej_pixels(images, values, p),
        shape=(n_times, n_planes, n_channels, height, width),
        dtype=np.uint16 if values == "counts" else np.float32,
        imagej=True,
        resolution=(1.0 / film.camera.pixel_um, 1.0 / film.camera.pixel_um),
        metadata=metadata,
    )


def _pixels(images: Images, values: Values, p: int) -> Iterator[NDArray[Any]]:
    blank = images.blank(values)
    for _, _, image in images.all(values, p):
        yield blank if image is None else image


def _imagej_pixels(images: Images, values: Values, p: int) -> Iterator[NDArray[Any]]:
    """Yield the images in the order of a hyperstack, t, z, c: those of a time are held together."""
    film = images.film
    blank = images.blank(values)
    held: list[NDArray[Any]] = []
    for _, _, image in images.all(values, p):
        held.append(blank if image is None else image)
        if len(held) == len(film.channels) * film.n_planes:
            for z in range(film.n_planes):
                yield from held[z :: film.n_planes]
            held.clear()


def _ordered(images: Images, p: int) -> Iterator[tuple[int, FrameInfo | None]]:
    film = images.film
    places = sorted(film.places(p), key=lambda at: (at.t, at.z, at.c))
    for n, place in enumerate(places):
        yield n, film.infos.get(place)


def _label(images: Images, info: FrameInfo | None) -> str:
    if info is None:
        return "MISSING: no frame"
    light = info.applied
    unit = "J/cm2" if light.calibrated else "relative"
    return (
        f"{light.channel} t={info.t_s:.6g} s, {light.exposure_ms:.6g} ms at "
        f"{100 * light.power_fraction:.4g} %, {light.dose_j_cm2:.6g} {unit}, frame {info.seq}"
    )


def _seconds(images: Images) -> float:
    times = sorted({info.t_s for info in images.film.infos.values()})
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def _ome(images: Images, values: Values, p: int) -> dict[str, Any]:
    """Return what OME-XML says of a position: size, channels, and time and place of each plane."""
    film = images.film
    pixel_um = film.camera.pixel_um
    infos = [film.infos.get(place) for place in film.places(p)]
    wavelengths = {at.c: info.applied.wavelength_nm for at, info in film.infos.items()}
    found: dict[str, Any] = {
        "PhysicalSizeX": pixel_um,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": pixel_um,
        "PhysicalSizeYUnit": "µm",
        "Description": in_words(images, values),
        "Channel": {
            "Name": list(film.channels),
            "ExcitationWavelength": [wavelengths[c] or None for c in range(len(film.channels))],
            "ExcitationWavelengthUnit": ["nm"] * len(film.channels),
        },
        "Plane": [_plane(info) for info in infos],
        "MapAnnotation": _notes(images, values, p),
    }
    if (step := film.plane_um()) is not None:
        found |= {"PhysicalSizeZ": step, "PhysicalSizeZUnit": "µm"}
    return found


def _plane(info: FrameInfo | None) -> dict[str, Any]:
    """Return time, exposure and place of a frame; nothing is known of one that is missing."""
    if info is None:
        return {}
    found: dict[str, Any] = {
        "DeltaT": info.t_s,
        "DeltaTUnit": "s",
        "ExposureTime": info.applied.exposure_ms * 1e-3,
        "ExposureTimeUnit": "s",
    }
    for axis, place_um in zip("XYZ", info.position_um, strict=True):
        found |= {f"Position{axis}": place_um, f"Position{axis}Unit": "µm"}
    return found


def _notes(images: Images, values: Values, p: int) -> dict[str, str]:
    """Return what OME has no word for: unit, missing frames, and the dose of every frame."""
    about = images.about(values)
    about["missing"] = [hole for hole in about["missing"] if hole["p"] == p]
    notes = {name: v if isinstance(v, str) else json.dumps(v) for name, v in about.items()}
    film = images.film
    doses = [film.infos.get(place) for place in film.places(p)]
    notes["dose_of_each_plane"] = json.dumps(
        [None if i is None else i.applied.dose_j_cm2 for i in doses]
    )
    return notes
