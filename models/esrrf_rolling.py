"""eSRRF of the newest frames: each frame is looked at once, and leaves when it is the oldest.

The convergence of one frame is noisy; its statistics over a window of frames are the picture. Sums
of the window are kept, the newest frame is added and the oldest taken off, so that a picture costs
as much after thirty frames as after three.

References
----------
Laine et al., Nat. Methods 20, 2023, 1949 (AVG, VAR, TAC2). Dertinger et al., PNAS 106, 2009, 22287
(why what blinks stands out in variance and in the correlation of neighbouring frames).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import cv2
import numpy as np

from models.errors import ModelError
from models.esrrf import MAGNIFICATION, RADIUS_PX, SENSITIVITY, Convergence
from models.esrrf_scene import Scene
from models.strips import aligned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.history import Moment

    Image = NDArray[np.float32]
    Sums = NDArray[np.float64]

Statistic: TypeAlias = Literal["avg", "var", "tac2"]
"""Mean, variance, or covariance of neighbouring frames: from robust to fine."""
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
        self._ring = [aligned(self.shape) for _ in range(window)]
        self._picture, self._work = aligned(self.shape), aligned(self.shape)
        self._sum: Sums = np.zeros(self.shape)
        self._products: Sums = np.zeros(self.shape if statistic != "avg" else (0, 0))
        self._scratch: Sums = np.zeros(self.shape if statistic != "avg" else (0, 0))
        self._scene = Scene(shape, window)
        self._last: Moment | None = None
        self._light = 0.0  # of the window's first frame: all others are brought to it
        self._next = self.frames = self._refreshed = 0
        """How many frames the window holds."""

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
        newest = self._ring[self._next]
        if self.frames == self.window:
            self._take_off(self._next)
        cv2.multiply(self._work, self._to_first_light(moment), dst=newest)
        self._put_on(newest)
        self._next = (self._next + 1) % self.window
        self._refresh()
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
        back = 1.0 / self._to_first_light(self._last)
        if self.statistic == "avg":
            np.multiply(self._sum, back / self.frames, out=self._picture, casting="same_kind")
            return self._picture
        if self.statistic == "var":
            self._variance()
        else:
            self._covariance()
        np.multiply(self._scratch, back**2, out=self._picture, casting="same_kind")
        return self._picture

    def forget(self) -> None:
        """Begin a new window; the memory stays."""
        for sums in (self._sum, self._products):
            sums.fill(0.0)
        self._scene.forget()
        self._next = self.frames = self._refreshed = 0
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

    def _put_on(self, newest: Image) -> None:
        cv2.accumulate(newest, self._sum)
        if self.statistic == "var":
            cv2.accumulateSquare(newest, self._products)
        elif self.statistic == "tac2" and self.frames:
            before = self._ring[self._next - 1]
            cv2.accumulateProduct(before, newest, self._products)
        self.frames += 1

    def _take_off(self, oldest: int) -> None:
        """Take a frame off all sums: products of float32 are exact in float64, and come off so."""
        gone = self._ring[oldest]
        less = np.negative(gone, out=self._picture)
        cv2.accumulate(less, self._sum)
        if self.statistic == "var":
            cv2.accumulateProduct(gone, less, self._products)
        elif self.statistic == "tac2":
            cv2.accumulateProduct(less, self._ring[(oldest + 1) % self.window], self._products)
        self.frames -= 1

    def _refresh(self) -> None:
        """Add some rows up anew, others each time: no rounding is older than a window."""
        if self.frames < self.window:
            return
        step = -(-self.shape[0] // self.window)
        rows = slice(self._refreshed, min(self._refreshed + step, self.shape[0]))
        self._refreshed = rows.stop % self.shape[0]
        held = self._in_order()
        self._sum[rows] = 0.0
        for one in held:
            cv2.accumulate(one[rows], self._sum[rows])
        if self.statistic == "avg":
            return
        self._products[rows] = 0.0
        pairs = zip(held, held if self.statistic == "var" else held[1:], strict=False)
        for one, other in pairs:
            cv2.accumulateProduct(one[rows], other[rows], self._products[rows])

    def _in_order(self) -> list[Image]:
        """Return what the window holds, oldest first."""
        first = (self._next - self.frames) % self.window
        return [self._ring[(first + k) % self.window] for k in range(self.frames)]

    def _variance(self) -> None:
        """Mean of squares less square of the mean; below zero only by rounding."""
        mean = np.multiply(self._sum, 1.0 / self.frames, out=self._scratch)
        np.multiply(mean, mean, out=mean)
        cv2.addWeighted(self._products, 1.0 / self.frames, mean, -1.0, 0.0, dst=mean)
        np.maximum(mean, 0.0, out=mean)

    def _covariance(self) -> None:
        """Mean product of neighbours' distances from the mean m: P - m (2 S - ends) + (n - 1) m2.

        P is the sum of products, S that of frames, of which the ends take part once.
        """
        found, pairs = self._scratch, self.frames - 1
        found.fill(0.0)
        if pairs < 1:
            return
        held = self._in_order()
        cv2.accumulate(held[0], found)
        cv2.accumulate(held[-1], found)
        share = 1.0 / self.frames
        # m (ends - 2 S + (n - 1) m), with S = n m: m (ends - (n + 1) m)
        cv2.addWeighted(found, 1.0, self._sum, -(self.frames + 1) * share, 0.0, dst=found)
        np.multiply(found, self._sum, out=found)
        cv2.addWeighted(self._products, 1.0 / pairs, found, share / pairs, 0.0, dst=found)


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
