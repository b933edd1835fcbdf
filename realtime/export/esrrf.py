"""eSRRF of a recording, as a film: at each time, the picture of the newest frames so far."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from models.errors import ModelError
from models.esrrf import MAGNIFICATION, RADIUS_PX, SENSITIVITY, Convergence
from models.esrrf_rolling import WINDOW, RollingEsrrf, bytes_of, check_window
from models.history import Moment
from realtime.errors import RunFileError
from realtime.export.images import Images
from realtime.export.values import dose_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from models.esrrf_sums import Statistic
    from realtime.export.film import Film, Place
    from realtime.export.images import Values
    from realtime.export.values import Normaliser
    from realtime.run_file import RunReader

MAX_BYTES = 2 << 30
"""Memory of the windows of all channels and planes of a position (proposed)."""


class Esrrf(NamedTuple):
    """What pictures to make: as of `models.esrrf_rolling.RollingEsrrf`."""

    statistic: Statistic = "avg"
    window: int = WINDOW
    magnification: int = MAGNIFICATION
    radius_px: float = RADIUS_PX
    sensitivity: float = SENSITIVITY

    def in_words(self) -> str:
        """Say what a picture is, and what it is not for."""
        return (
            f"eSRRF {self.statistic.upper()} of the newest {self.window} frames (fewer after the "
            f"stage has moved or the scene has changed), radius {self.radius_px:g} px, sensitivity "
            f"{self.sensitivity:g}, {self.magnification} x {self.magnification} pixels for one: "
            "for looking at. Measure in raw images"
        )


class EsrrfImages(Images):
    """Makes the pictures while they are read, in the order of time, each channel and plane alone.

    The first is at the time when the window is full. "electrons" are convergence x photo-electrons
    at the light of the frame; of "var" and "tac2" the square of that.
    """

    def __init__(
        self,
        reader: RunReader,
        film: Film,
        normaliser: Normaliser,
        wanted: Esrrf,
        progress: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(reader, _finer(film, wanted), normaliser, progress)
        self._whole, self._wanted = film, wanted

    def about(self, values: Values) -> dict[str, Any]:
        """Return what a reader must know beside the pixels, ready for JSON."""
        said = super().about(values)
        return said | {"image": self._wanted.in_words(), "esrrf": self._wanted._asdict()}

    def all(
        self, values: Values, p: int | None = None
    ) -> Iterator[tuple[Place, FrameInfo | None, NDArray[Any] | None]]:
        """Yield place, truth and picture of each frame; None: the frame is missing."""
        early = self._wanted.window - 1
        for position in range(len(self._whole.positions)) if p is None else (p,):
            windows = self._windows()
            for place in self._whole.places(position):
                info = self._whole.infos.get(place)
                window = windows[place.c, place.z]
                if info is not None:
                    window.add(self._light(info), self._moment(place, info))
                if place.t >= early:
                    picture = window.picture().copy() if info is not None else None
                    self._progress()
                    yield place._replace(t=place.t - early), info, picture

    def _windows(self) -> dict[tuple[int, int], RollingEsrrf]:
        film, how = self._whole, self._wanted
        shape = film.height, film.width
        places = [(c, z) for c in range(len(film.channels)) for z in range(film.n_planes)]
        return {
            place: RollingEsrrf(shape, how.window, how.statistic, *how[2:], max_bytes=MAX_BYTES)
            for place in places
        }

    def _light(self, info: FrameInfo) -> NDArray[Any]:
        return self.normaliser.electrons(info, self._reader.pixels(info.seq))

    def _moment(self, place: Place, info: FrameInfo) -> Moment:
        x_um, y_um, _ = info.position_um
        pixel_um = self._whole.camera.pixel_um
        light = dose_of(info.applied)
        return Moment(place.p, place.t, info.seq, light, y_um / pixel_um, x_um / pixel_um)


def esrrf_images(
    reader: RunReader,
    films: list[Film],
    normaliser: Normaliser,
    wanted: Esrrf,
    progress: Callable[[], object],
) -> list[EsrrfImages]:
    """Return the pictures of a run, one film for each that is long enough.

    Raises
    ------
    RunFileError
        If the window is longer than the recording, takes too much memory, or cannot be.
    """
    longest = max(len(film.times) for film in films)
    if longest < wanted.window:
        few = f"choose {longest} or fewer" if longest > 1 else "eSRRF needs several"
        raise RunFileError(
            f"{reader.name} has {longest} time points, and eSRRF was asked for from "
            f"{wanted.window} frames: {few} (--esrrf-frames)"
        )
    found = [film for film in films if len(film.times) >= wanted.window]
    for film in found:
        _check(film, wanted)
    return [EsrrfImages(reader, film, normaliser, wanted, progress) for film in found]


def _check(film: Film, wanted: Esrrf) -> None:
    shape, windows = (film.height, film.width), len(film.channels) * film.n_planes
    try:
        check_window(wanted.window, wanted.statistic)
        Convergence(shape, wanted.magnification, wanted.radius_px, wanted.sensitivity)
    except ModelError as error:
        raise RunFileError(str(error)) from error
    needed = windows * bytes_of(shape, wanted.window, wanted.magnification)
    if needed > MAX_BYTES:
        raise RunFileError(
            f"eSRRF of {wanted.window} frames of {film.height} x {film.width} px, of "
            f"{len(film.channels)} channels and {film.n_planes} planes, takes {needed >> 20} MB, "
            f"and may take {MAX_BYTES >> 20}: choose fewer frames (--esrrf-frames)"
        )


def _finer(film: Film, wanted: Esrrf) -> Film:
    """Return the film of the pictures: finer pixels, and no times before the window is full."""
    fine, early = wanted.magnification, wanted.window - 1
    infos = {at._replace(t=at.t - early): info for at, info in film.infos.items() if at.t >= early}
    camera = msgspec.structs.replace(film.camera, pixel_um=film.camera.pixel_um / fine)
    return replace(
        film, camera=camera, height=fine * film.height, width=fine * film.width,
        times=film.times[early:], infos=infos,
    )  # fmt: skip
