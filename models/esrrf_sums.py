"""Sums over a window of images: the newest is put on, the oldest taken off.

References
----------
Laine et al., Nat. Methods 20, 2023, 1949 (AVG, VAR, TAC2). Dertinger et al., PNAS 106, 2009, 22287
(why what blinks stands out in variance and in the correlation of neighbouring frames).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import cv2
import numpy as np

from models.strips import aligned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]
    Sums = NDArray[np.float64]

Statistic: TypeAlias = Literal["avg", "var", "tac2"]
"""Mean, variance, or covariance of neighbouring frames: from robust to fine."""


class WindowSums:
    """The images of a window, and what their mean, variance or covariance is made of.

    Parameters
    ----------
    shape
        Rows and columns of the images.
    window
        How many it holds at most.

    Attributes
    ----------
    frames
        How many it holds.
    """

    def __init__(self, shape: tuple[int, int], window: int, statistic: Statistic) -> None:
        self.shape, self.window, self.statistic = shape, window, statistic
        self._ring = [aligned(shape) for _ in range(window)]
        self._sum: Sums = np.zeros(shape)
        self._products: Sums = np.zeros(shape if statistic != "avg" else (0, 0))
        self._scratch: Sums = np.zeros(shape if statistic != "avg" else (0, 0))
        self._next = self.frames = self._refreshed = 0

    def add(self, image: Image, factor: float, work: Image) -> None:
        """Take the newest image, times a factor; `work` is memory of its shape, written over."""
        if self.frames == self.window:
            self._take_off(self._next, work)
        newest = self._ring[self._next]
        cv2.multiply(image, factor, dst=newest)
        self._put_on(newest)
        self._next = (self._next + 1) % self.window
        self._refresh()

    def statistic_into(self, out: Image, factor: float) -> Image:
        """Write the statistic of what is held, times a factor (squared where it is a square)."""
        if self.statistic == "avg":
            return np.multiply(self._sum, factor / self.frames, out=out, casting="same_kind")
        if self.statistic == "var":
            self._variance()
        else:
            self._covariance()
        return np.multiply(self._scratch, factor**2, out=out, casting="same_kind")

    def forget(self) -> None:
        """Hold nothing; the memory stays."""
        for sums in (self._sum, self._products):
            sums.fill(0.0)
        self._next = self.frames = self._refreshed = 0

    def _put_on(self, newest: Image) -> None:
        cv2.accumulate(newest, self._sum)
        if self.statistic == "var":
            cv2.accumulateSquare(newest, self._products)
        elif self.statistic == "tac2" and self.frames:
            before = self._ring[self._next - 1]
            cv2.accumulateProduct(before, newest, self._products)
        self.frames += 1

    def _take_off(self, oldest: int, work: Image) -> None:
        """Take a frame off all sums: products of float32 are exact in float64, and come off so."""
        gone = self._ring[oldest]
        less = np.negative(gone, out=work)
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
