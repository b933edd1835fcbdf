"""eSRRF of the newest frames: each frame is looked at once, and leaves when it is the oldest.

The convergence of one frame is noisy; its statistics over a window of frames are the picture. Sums
of the window are kept (`models.esrrf_sums`), so that a picture costs as much after thirty frames as
after three.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from models.errors import ModelError
from models.esrrf import MAGNIFICATION, RADIUS_PX, SENSITIVITY, Convergence
from models.esrrf_scene import Scene
from models.esrrf_sums import Statistic, WindowSums
from models.strips import aligned

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.history import Moment

    Image = NDArray[np.float32]

WINDOW = 30
MAX_BYTES = 512 << 20
"""Memory of one window (proposed)."""
MOVED_PX = 0.5
"""Stage move from which a new window begins, camera px: half the width of what is to be resolved
(proposed)."""
_BESIDES = 8  # images of work memory and sums beside the frames, counted as float32


class RollingEsrrf:
    """Picture of the newest frames of one field, in finer pixels; memory is all taken at once.

    A stage move of half a pixel, another field, time that goes back, or another scene
    (`models.esrrf_scene`) begins a new window. Frames of other light count as if theirs were the
    newest one's.

    Parameters
    ----------
    shape
        Height and width of the frames, px.
    window
        Frames that a picture is made of, 2 to 1000.
    statistic
        "avg": mean of the convergence; "var": variance; "tac2": covariance of each frame with the
        next. The two last show only what changes, and need many frames.
    magnification, radius_px, sensitivity
        As of `models.esrrf.Convergence`.
    max_bytes
        Memory that the window may take.

    Raises
    ------
    ModelError
        If one of them is out of bounds, or the window does not fit into the memory.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        window: int = WINDOW,
        statistic: Statistic = "avg",
        magnification: int = MAGNIFICATION,
        radius_px: float = RADIUS_PX,
        sensitivity: float = SENSITIVITY,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        check_window(window, statistic)
        self._converge = Convergence(shape, magnification, radius_px, sensitivity)
        self.shape, self.window, self.statistic = self._converge.shape, window, statistic
        _check_memory(shape, window, magnification, max_bytes)
        self._sums = WindowSums(self.shape, window, statistic)
        self._picture, self._work = aligned(self.shape), aligned(self.shape)
        self._scene = Scene(shape, window)
        self._last: Moment | None = None
        self._light = 0.0  # of the window's first frame: all others are brought to it

    @property
    def frames(self) -> int:
        """How many frames the window holds."""
        return self._sums.frames

    @property
    def name(self) -> str:
        """What the picture is, for a label."""
        count = "1 frame" if self.frames == 1 else f"{self.frames} frames"
        return f"{self.statistic.upper()} of {count}"

    def add(self, photons: NDArray[np.float32], moment: Moment | None = None) -> int:
        """Take the newest frame; return how many frames the window holds.

        Parameters
        ----------
        photons
            Photo-electrons without the camera's offset, (Y, X) float32.
        moment
            What the frame is of; None: of the same field and light as the last one.

        Raises
        ------
        FrameRefused
            If the frame is of another size, or holds no real numbers; the window stays as it is.
        """
        self._converge(photons, self._work)
        if self._is_elsewhere(moment) or self._scene.is_new(photons):
            self.forget()
        self._scene.take(photons)
        self._last = moment
        self._sums.add(self._work, self._to_first_light(moment), self._picture)
        return self.frames

    def picture(self) -> Image:
        """Return the picture of the window, (M Y, M X) float32; valid until the next call.

        "avg" is convergence x photo-electrons, "var" and "tac2" are the square of that. It is
        brought to the light of the newest frame.

        Raises
        ------
        ModelError
            If the window holds no frame.
        """
        if self.frames == 0:
            raise ModelError("eSRRF: the window holds no frame yet, so there is no picture")
        return self._sums.statistic_into(self._picture, 1.0 / self._to_first_light(self._last))

    def forget(self) -> None:
        """Begin a new window; the memory stays."""
        self._sums.forget()
        self._scene.forget()
        self._last, self._light = None, 0.0

    def _is_elsewhere(self, moment: Moment | None) -> bool:
        last = self._last
        if moment is None or last is None:
            return False
        if moment.field != last.field or moment.t < last.t:
            return True
        return max(abs(moment.y_px - last.y_px), abs(moment.x_px - last.x_px)) > MOVED_PX

    def _to_first_light(self, moment: Moment | None) -> float:
        """Return what a frame is to be multiplied with to be as bright as the window's first."""
        light = moment.light if moment is not None else 0.0
        if self._light <= 0.0:
            self._light = light
        return self._light / light if light > 0.0 and self._light > 0.0 else 1.0


def bytes_of(
    shape: tuple[int, int], window: int = WINDOW, magnification: int = MAGNIFICATION
) -> int:
    """Return the memory that a window takes, for frames of a shape in camera px."""
    return (window + _BESIDES) * 4 * shape[0] * shape[1] * magnification**2


def check_window(window: int, statistic: str) -> None:
    """Refuse what no window can be.

    Raises
    ------
    ModelError
        If it has too few or too many frames, or there is no such statistic.
    """
    if not 2 <= window <= 1000:
        raise ModelError(f"eSRRF: a window has 2 to 1000 frames, got {window}")
    if statistic not in get_args(Statistic):
        raise ModelError(f"eSRRF: there are {get_args(Statistic)}, not {statistic!r}")


def _check_memory(shape: tuple[int, int], window: int, magnification: int, max_bytes: int) -> None:
    needed = bytes_of(shape, window, magnification)
    if needed <= max_bytes:
        return
    fits = max_bytes // bytes_of(shape, 1 - _BESIDES, magnification) - _BESIDES
    cure = f"choose a window of {fits} or fewer" if fits >= 2 else "choose a smaller region"
    raise ModelError(
        f"eSRRF: {window} frames of {shape[0]} x {shape[1]} px, {magnification} x finer, take "
        f"{needed >> 20} MB, and a window may take {max_bytes >> 20} MB: {cure}"
    )
