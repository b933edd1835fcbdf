"""The images of a film, one after the other, in either unit; and what was measured on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from realtime.export.values import (
    ELECTRONS,
    Normaliser,
    all_calibrated,
    dose_of,
    dose_unit,
    unit_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from realtime.export.film import Film, Hole, Place
    from realtime.run_file import RunReader

Values: TypeAlias = Literal["counts", "electrons", "per_dose"]
"""Camera counts as they were, restored photo-electrons, or these for each unit of dose."""
VALUES: tuple[Values, ...] = ("counts", "per_dose")


class Means(NamedTuple):
    """Of a whole frame: mean photo-electrons a pixel, and clipped pixels."""

    mean_e: float
    saturated_pixels: int


class Images:
    """Reads the images of a film.

    Parameters
    ----------
    progress
        Told after each image that was taken, or found missing.

    Attributes
    ----------
    holes
        Places without a frame, and why.
    means
        What was measured of each frame that was read, by its sequence number.
    """

    def __init__(
        self,
        reader: RunReader,
        film: Film,
        normaliser: Normaliser,
        progress: Callable[[], object] = lambda: None,
    ) -> None:
        self.film, self.normaliser = film, normaliser
        self.holes: list[Hole] = film.holes()
        self.means: dict[int, Means] = {}
        self.is_calibrated = all_calibrated(film.infos.values())
        self.session_id, self.origin = reader.start.session_id, reader.start.origin
        self.t_utc_ns = reader.start.t_utc_ns
        self._reader, self._progress = reader, progress

    def unit(self, values: Values) -> str:
        """Return what the pixels are counted in."""
        plain = {"counts": "ADU", "electrons": ELECTRONS}
        return plain.get(values) or unit_of(is_calibrated=self.is_calibrated)

    def all(
        self, values: Values, p: int | None = None
    ) -> Iterator[tuple[Place, FrameInfo | None, NDArray[Any] | None]]:
        """Yield place, truth and image of each frame in the order t, c, z; None: it is missing.

        Images are (Y, X), uint16 counts or float32 photo-electrons for each unit of dose.
        """
        for place in self.film.places(p):
            info = self.film.infos.get(place)
            image = self._image(values, info) if info is not None else None
            self._progress()  # now: who knows the number of images does not ask for one more
            yield place, info, image

    def blank(self, values: Values) -> NDArray[Any]:
        """Return what stands for a missing image where a format must have one: NaN, or 0 counts."""
        shape = (self.film.height, self.film.width)
        return np.zeros(shape, np.uint16) if values == "counts" else np.full(shape, np.nan, "f4")

    def about(self, values: Values) -> dict[str, Any]:
        """Return what a reader must know beside the pixels, ready for JSON."""
        known = self.film.camera.calibration
        flat = sorted({i.applied.light for i in self.film.infos.values()
                       if self.normaliser.flat(i) is not None})  # fmt: skip
        said: dict[str, Any] = {
            "program": "lightloop",
            "session_id": self.session_id,
            "origin": self.origin,
            "values": values,
            "unit": self.unit(values),
            "dose_unit": dose_unit(is_calibrated=self.is_calibrated),
            "dose_unit_of_channels": self._dose_units(),
            "camera": self.film.camera.label,
            "region_of_chip_px": list(self.film.camera.roi),  # x, y, width, height
            "gain_adu_per_e": known.gain_adu_per_e,
            "offset_adu": known.offset_adu,
            "camera_calibration": known.source,
            "flat_field_of": flat,
            "channels": list(self.film.channels),
            "positions": list(self.film.positions),
            "times": [list(time) for time in self.film.times],
            "missing": [{**hole.place._asdict(), "why": hole.why} for hole in self.holes],
            "gaps": [[gap.seq_from, gap.seq_to, gap.reason] for gap in self.film.gaps],
        }
        return said

    def _dose_units(self) -> dict[str, str]:
        """Return what the dose of each channel is counted in: some lights may be calibrated."""
        flags = {at.c: info.applied.calibrated for at, info in self.film.infos.items()}
        return {
            name: dose_unit(is_calibrated=flags[c]) for c, name in enumerate(self.film.channels)
        }

    def _image(self, values: Values, info: FrameInfo) -> NDArray[Any]:
        counts = self._reader.pixels(info.seq)
        if values == "counts" and info.seq in self.means:
            return counts
        electrons = self.normaliser.electrons(info, counts)
        limit = self.film.camera.calibration.saturation_adu
        self.means[info.seq] = Means(
            float(electrons.mean(dtype=np.float64)), int(np.count_nonzero(counts >= limit))
        )
        if values == "counts":
            return counts
        dose = dose_of(info.applied)
        electrons *= np.float32(1.0 / dose) if dose else np.float32(np.nan)
        return electrons


def in_words(images: Images, values: Values) -> str:
    """Return one sentence on the unit of an image, for a person."""
    if values == "counts":
        return f"Camera counts (ADU); {ELECTRONS} = (counts - offset) / gain"
    about = images.about(values)
    if "image" in about:
        return f"{images.unit(values)}, {about['image']}; NaN: no image"
    flat = about["flat_field_of"]
    known = f"flat field of {', '.join(flat)} taken off" if flat else "light taken to be even"
    return f"{images.unit(values)}, offset taken off, {known}; NaN: no frame"
