"""OME-Zarr 0.5, for napari and everything that reads arrays in chunks; through ome-writers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from realtime.errors import RunFileError
from realtime.export.whole import DRAFT

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from ome_writers import Dimension

    from acquire.frame import FrameInfo
    from realtime.export.film import Place
    from realtime.export.images import Images, Values

MISSING = 'OME-Zarr needs more packages: pip install "ome-writers[tensorstore]>=0.3"'
NAMESPACE = "lightloop"
SUFFIX = ".ome.zarr"


def write_ome_zarr(images: Images, values: Values, draft: Path) -> None:
    """Write one film; a chunk for each frame, and none where a frame of counts is missing.

    Parameters
    ----------
    draft
        Folder that does not exist yet, with a name of `Outputs.new`.

    Raises
    ------
    RunFileError
        If the package ome-writers is missing.
    """
    try:
        import ome_writers
    except ImportError as error:
        raise RunFileError(MISSING) from error
    settings = ome_writers.AcquisitionSettings(
        root_path=str(draft).removesuffix(SUFFIX + DRAFT),
        dimensions=_dimensions(images),
        dtype="uint16" if values == "counts" else "float32",
        compression="blosc-zstd",
        format=ome_writers.OmeZarrFormat(backend="tensorstore", suffix=SUFFIX + DRAFT),
    )
    windows = Windows()
    with ome_writers.create_stream(settings) as stream:
        stream.set_global_metadata(NAMESPACE, images.about(values))
        for place, info, image in images.all(values):
            if info is not None and image is not None:
                stream.append(image, frame_metadata=_frame(info))
                windows.look(place, image)
            elif values == "counts":
                stream.skip(frames=1)
            else:
                stream.append(images.blank(values))
    _show(images, windows, draft)


class Windows:
    """What to show as black and white in each channel: 1 % and 99.9 % of the first frames."""

    ENOUGH = 3  # frames of a channel

    def __init__(self) -> None:
        self._seen: dict[int, list[tuple[float, float]]] = {}

    def look(self, place: Place, image: NDArray[Any]) -> None:
        """Take in an image, unless enough of its channel were seen."""
        seen = self._seen.setdefault(place.c, [])
        if len(seen) < self.ENOUGH:
            low, high = np.nan_to_num(np.percentile(image[::4, ::4], [1.0, 99.9])).tolist()
            seen.append((low, high))

    def of(self, channel: int) -> dict[str, float]:
        """Return the window of a channel."""
        seen = self._seen.get(channel, [(0.0, 1.0)])
        low, high = min(low for low, _ in seen), max(high for _, high in seen)
        high = high if high > low else low + 1.0
        return {"min": low, "max": high, "start": low, "end": high}


def _dimensions(images: Images) -> tuple[Dimension, ...]:
    from ome_writers import Dimension, Position

    film = images.film
    pixel_um = film.camera.pixel_um
    first = {p: info for at, info in reversed(film.infos.items()) for p in [at.p]}
    places = [
        Position(
            name=f"p{p}",
            x_coord=first[n].position_um[0],
            y_coord=first[n].position_um[1],
            z_coord=first[n].position_um[2],
        )
        for n, p in enumerate(film.positions)
    ]
    planes_um = film.plane_um() or 1.0
    dimensions = (
        Dimension(name="p", type="position", coords=[*places]),
        Dimension(
            name="t", type="time", unit="second", scale=_interval_s(images),
            count=len(film.times), chunk_size=1,
        ),
        Dimension(name="c", type="channel", count=len(film.channels), chunk_size=1),
        _space("z", film.n_planes, planes_um, 1),
        _space("y", film.height, pixel_um, film.height),
        _space("x", film.width, pixel_um, film.width),
    )  # fmt: skip
    return dimensions if len(places) > 1 else dimensions[1:]


def _space(name: str, count: int, scale_um: float, chunk: int) -> Dimension:
    from ome_writers import Dimension

    return Dimension(
        name=name, type="space", unit="micrometer", count=count, scale=scale_um, chunk_size=chunk
    )


def _show(images: Images, windows: Windows, draft: Path) -> None:
    """Name the channels; ome-writers cannot where pixels are no whole numbers (0.3.2)."""
    film = images.film
    wavelengths = {at.c: info.applied.wavelength_nm for at, info in film.infos.items()}
    channels = [
        {
            "label": name,
            "color": color_of(wavelengths[c]) if len(film.channels) > 1 else "FFFFFF",
            "active": True,
            "window": windows.of(c),
        }
        for c, name in enumerate(film.channels)
    ]
    folders = [draft / f"p{p}" for p in film.positions] if len(film.positions) > 1 else [draft]
    for folder in folders:
        path = folder / "zarr.json"
        group = json.loads(path.read_text("utf-8"))
        group["attributes"]["ome"]["omero"] = {"channels": channels}
        path.write_text(json.dumps(group, indent=1), "utf-8")


def color_of(wavelength_nm: float) -> str:
    """Return a colour for a channel, by what its dye sends out; a convention (proposed)."""
    for shorter_nm, color in ((430, "0000FF"), (520, "00FF00"), (600, "FF0000")):
        if 0 < wavelength_nm < shorter_nm:
            return color
    return "FF00FF"


def _interval_s(images: Images) -> float:
    """Return the usual time from image to image of a place; the exact ones are in each frame."""
    times: dict[tuple[int, int, int], list[float]] = {}
    for place, info in images.film.infos.items():
        times.setdefault((place.p, place.c, place.z), []).append(info.t_s)
    longest = max(times.values(), key=len)
    steps = np.diff(sorted(longest))
    return float(np.median(steps)) if steps.size and np.median(steps) > 0 else 1.0


def _frame(info: FrameInfo) -> dict[str, Any]:
    light = info.applied
    return {
        "delta_t": info.t_s,
        "exposure_time": light.exposure_ms * 1e-3,
        "position_x": info.position_um[0],
        "position_y": info.position_um[1],
        "position_z": info.position_um[2],
        "seq": info.seq,
        "light": light.light,
        "power_fraction": light.power_fraction,
        "dose": light.dose_j_cm2,
        "dose_unit": "J/cm2" if light.calibrated else "relative",
        "decision": light.decision_id,
    }
