"""The replay camera, a Micro-Manager device: whatever it is told, it shows the recorded frames."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from pymmcore_plus.experimental.unicore import CameraDevice, pymm_property

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import DTypeLike, NDArray

    from acquire.film.reel import Reel

    GetBuffer = Callable[[Sequence[int], DTypeLike], NDArray[Any]]

logger = logging.getLogger(__name__)

SWITCH = ["Off", "On"]
MIN_EXPOSURE_MS, MAX_EXPOSURE_MS = 0.01, 60_000.0


class ReplayCamera(CameraDevice):  # type: ignore[misc]  # pymmcore-plus is not typed for us
    """Shows one recorded frame for each exposure, in the order of the recording.

    Exposure and power are taken, and change nothing in the images: a run on them is open-loop.

    Parameters
    ----------
    reel
        The recording.
    expose
        Called with the length of each exposure, s: lets the light shine for so long.
    repeats
        After the last frame comes the first again; else the camera fails there.

    Attributes
    ----------
    Properties
        RealTime (On: an exposure takes its time; Off: none).
    """

    def __init__(
        self,
        reel: Reel,
        expose: Callable[[float], object] = lambda seconds: None,
        *,
        repeats: bool = False,
    ) -> None:
        super().__init__()
        self._reel = reel
        self._expose = expose
        self._repeats = repeats
        self._takes_time = False
        self._exposure_ms = 10.0
        self._next = 0

    @pymm_property(name="RealTime", allowed_values=SWITCH)  # type: ignore[untyped-decorator]
    def real_time(self) -> str:
        """Whether an exposure takes host time."""
        return SWITCH[self._takes_time]

    @real_time.setter  # type: ignore[untyped-decorator]
    def _set_real_time(self, value: str) -> None:
        self._takes_time = value == SWITCH[True]

    def get_exposure(self) -> float:
        """Return the exposure of the next frame, ms."""
        return self._exposure_ms

    def set_exposure(self, exposure: float) -> None:
        """Set the exposure of the next frame, ms.

        Raises
        ------
        ValueError
            If it is no exposure.
        """
        if not MIN_EXPOSURE_MS <= exposure <= MAX_EXPOSURE_MS:  # NaN too
            raise ValueError(
                f"exposure must be {MIN_EXPOSURE_MS} to {MAX_EXPOSURE_MS} ms, got {exposure}"
            )
        self._exposure_ms = float(exposure)

    def shape(self) -> tuple[int, int]:
        """Return rows and columns of a frame."""
        return self._reel.shape

    def dtype(self) -> DTypeLike:
        """Return the type of a pixel."""
        return np.uint16

    def start_sequence(self, n: int | None, get_buffer: GetBuffer) -> Iterator[Mapping[str, Any]]:
        """Show n frames (None: until stopped), and say which of the recording each was.

        After the last frame it ends early, unless the recording is repeated.
        """
        stop = getattr(threading.current_thread(), "stop_event", None)
        shown = 0
        while (n is None or shown < n) and not (stop is not None and stop.is_set()):
            number = self._turn()
            if number is None:
                logger.error(
                    "%s has %d frames, and all were shown", self._reel.name, self._reel.n_frames
                )
                return
            pixels = self._reel.frame(number)
            out = get_buffer(self._reel.shape, np.uint16)
            self._expose(self._exposure_ms * 1e-3)
            if self._takes_time and stop is not None:
                stop.wait(self._exposure_ms * 1e-3)
            out[...] = 0
            out[: pixels.shape[0], : pixels.shape[1]] = pixels
            shown += 1
            yield {"ExposureUsed_ms": f"{self._exposure_ms:.9g}", "RecordedFrame": str(number)}

    def _turn(self) -> int | None:
        """Return which frame is next, or that there is none."""
        number = self._next
        if number >= self._reel.n_frames:
            if not self._repeats:
                return None
            number = 0
        self._next = number + 1
        return number
