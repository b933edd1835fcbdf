"""eSRRF for the eye alone: finer pixels without learning, from the newest frames of each field."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lightloop.pictures.pace import Pace
from models.esrrf_rolling import RollingEsrrf, bytes_of
from realtime.wire import Picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from models.electrons import Electrons
    from models.esrrf_sums import Statistic
    from models.history import Moment
    from realtime.wire import RestoredSlot

    Image = NDArray[np.float32]

logger = logging.getLogger(__name__)

MAX_BYTES = 512 << 20
"""Memory of all windows together (proposed)."""


class EsrrfPictures:
    """Keeps a window of frames for each field, and draws its picture.

    Only frames for which there is time are in it. Fields that come when the memory is taken get no
    pictures, and the log says so once.

    Parameters
    ----------
    shape
        Height and width of the frames, px.
    electrons
        The camera, counts to photo-electrons.
    keep
        Puts an image where viewers find it.
    moment_of
        Says what a frame is of.
    statistic, window
        As of `models.esrrf_rolling.RollingEsrrf`.
    clock
        Tells the time, ns.

    Raises
    ------
    ModelError
        If not even one window fits into the memory.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        electrons: Electrons,
        keep: Callable[[Image], RestoredSlot],
        moment_of: Callable[[FrameInfo], Moment],
        statistic: Statistic = "avg",
        window: int = 30,
        clock: Callable[[], int] = time.perf_counter_ns,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._electrons, self._keep, self._moment_of = electrons, keep, moment_of
        self._clock = clock
        self._how = (shape, window, statistic)
        self._spare: list[RollingEsrrf] = [RollingEsrrf(*self._how, max_bytes=max_bytes)]
        self._most = max(1, max_bytes // bytes_of(shape, window))
        self._fields: dict[int, RollingEsrrf] = {}
        self._photons, self._cured = (np.empty(shape, np.float32) for _ in "12")
        self.pace = Pace()
        """How long a frame and its picture take."""

    def warm_up(self) -> None:
        """Draw from an empty frame, so that the first shot knows how long it takes."""
        rolling = self._spare[0]
        for _ in range(2):
            began_ns = self._clock()
            self._photons.fill(0.0)
            rolling.add(self._photons)
            rolling.picture()
            self.pace.ns = self._clock() - began_ns
        self.pace.warmed_up()
        rolling.forget()

    def draw(self, info: FrameInfo, adu: NDArray[np.uint16]) -> Picture | None:
        """Take a frame into its field's window; return the picture, None if nothing is to be seen.

        Raises
        ------
        ModelError
            If the frame is none that the windows were made for.
        """
        rolling = self._window_of(info.shot.position)
        if rolling is None:
            return None
        began_ns = self._clock()
        light = self._light_of(adu)
        rolling.add(light, self._moment_of(info))
        picture = _as_bright_as(light, rolling.picture())
        slot = self._keep(picture) if picture is not None else None
        self.pace.ns = self._clock() - began_ns
        if slot is None:
            return None
        return Picture("esrrf", float(info.index.z), f"{rolling.name}, no network", slot)

    def _window_of(self, position: int) -> RollingEsrrf | None:
        if position not in self._fields:
            if self._spare:
                self._fields[position] = self._spare.pop()
            elif 0 < len(self._fields) < self._most:
                self._fields[position] = RollingEsrrf(*self._how)
            else:
                if self._most:
                    logger.warning(
                        "eSRRF pictures of the first %d positions alone: their windows take all "
                        "the memory there is for them; choose fewer esrrf_frames for more",
                        len(self._fields),
                    )
                self._most = 0
                return None
        return self._fields[position]

    def _light_of(self, adu: NDArray[np.uint16]) -> Image:
        """Return the photo-electrons of a frame; bad pixels are what their neighbours say."""
        light = self._electrons.into(adu, self._photons)
        if self._electrons.is_bad is not None:
            cv2.medianBlur(light, 3, dst=self._cured)
            np.copyto(light, self._cured, where=self._electrons.is_bad)
        return light


def _as_bright_as(light: Image, picture: Image) -> Image | None:
    """Give a picture the light of the newest frame; None if there is none in it.

    Convergence has a unit of its own, and side by side with the frame it would only look dark.
    """
    np.maximum(picture, 0.0, out=picture)
    there, wanted = cv2.sumElems(picture)[0], max(cv2.sumElems(light)[0], 0.0)
    if there <= 0.0 or wanted <= 0.0:
        return None
    cv2.multiply(picture, wanted / there, dst=picture)
    return picture
