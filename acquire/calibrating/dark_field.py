"""Photon transfer, the dark: what frames without light say of every pixel, one frame at a time.

References
----------
Janesick, Photon Transfer, SPIE Press (2007), chapter 11; EMVA Standard 1288, release 4.0, sections
2.4 and 6 (offset, temporal dark noise, dark signal nonuniformity).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from acquire.calibrating.noise_correlation import (
    Correlation,
    blockwise,
    correlation_of,
    mean_correlation,
)
from acquire.errors import CalibrationRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

LEAST_DARKS = 16
HOT_SIGMA = 8.0  # robust sigma beyond which a pixel's dark level is not a usual pixel's; proposed
NOISY_TIMES = 5.0  # times the median read noise; proposed
PAIRS_COMPARED = 16  # are enough for correlations of 0.001


@dataclass(frozen=True, slots=True)
class DarkField:
    """The camera without light.

    Attributes
    ----------
    offset, variance
        Mean, ADU, and temporal variance, ADU2, of each pixel, (Y, X) float32.
    good
        Pixels that behave as most do: neither hot nor noisy, (Y, X) bool.
    third_adu3
        Third central moment of the good pixels' noise, ADU3.
    correlation
        `Correlation` of its noise.
    step_adu
        Least difference between two counts, ADU: 16 where 12 bits are shifted to 16.
    """

    offset: NDArray[np.float32]
    variance: NDArray[np.float32]
    good: NDArray[np.bool_]
    third_adu3: float
    correlation: Correlation
    step_adu: int
    n_frames: int

    @property
    def offset_adu(self) -> float:
        """Mean level of the good pixels, ADU."""
        return float(self.offset[self.good].mean(dtype=np.float64))

    @property
    def variance_adu2(self) -> float:
        """Mean temporal variance of the good pixels, ADU2."""
        return float(self.variance[self.good].mean(dtype=np.float64))


class DarkSeries:
    """Takes dark frames one at a time; three sums for each pixel are kept, and no frame."""

    def __init__(self) -> None:
        self._n = 0
        self._first: Image | None = None
        self._last: Image | None = None
        self._pair: list[Correlation] = []
        self._step = 0

    def add(self, frame: NDArray[Any]) -> None:
        """Take one frame, counts (Y, X)."""
        if self._first is None:
            self._first = frame.astype(np.float32)
            self._one, self._two, self._three, self._lag = np.zeros((4, *frame.shape), np.float32)
        elif frame.shape != self._first.shape:
            raise CalibrationRefused(
                f"dark frames of {self._first.shape} and {frame.shape}: keep region and binning"
            )
        if self._n < 4:
            self._step = int(np.gcd.reduce(np.unique(frame).astype(np.int64), initial=self._step))
        moved = frame.astype(np.float32) - self._first  # small numbers keep their digits
        self._one += moved
        square = moved * moved
        self._two += square
        self._three += square * moved
        if self._last is not None:
            self._lag += moved * self._last
            if self._n % 2 and len(self._pair) < PAIRS_COMPARED:
                self._pair.append(correlation_of(blockwise(moved - self._last)))
        self._last = moved
        self._n += 1

    def done(self) -> DarkField:
        """Return what the frames say.

        Raises
        ------
        CalibrationRefused
            If there are too few, or the camera gives the same count everywhere.
        """
        n = self._n
        if self._first is None or n < LEAST_DARKS:
            raise CalibrationRefused(f"{n} dark frames, and at least {LEAST_DARKS} are needed")
        mean = self._one.astype(np.float64) / n
        spread = self._two - n * mean**2
        variance = spread / (n - 1)
        if not np.median(variance) > 0:
            raise CalibrationRefused(
                "the dark frames have no noise: most pixels always give the same count. The camera "
                "clips what is dark to 0, or filters its images; raise its offset (black level)"
            )
        offset = mean + self._first
        good = _usual(offset, variance)
        third = (self._three - 3 * mean * self._two + 2 * n * mean**3) * n / ((n - 1) * (n - 2))
        # The sum of (x_t - m)(x_{t+1} - m); m itself takes 1/n away from every correlation.
        ends = self._last if self._last is not None else mean
        lagged = self._lag - mean * (2 * n * mean - ends) + (n - 1) * mean**2
        in_time = float(lagged[good].sum() / spread[good].sum()) + 1.0 / n
        return DarkField(
            offset.astype(np.float32),
            variance.astype(np.float32),
            good,
            float(third[good].mean()),
            msgspec.structs.replace(mean_correlation(self._pair), in_time=in_time),
            max(1, self._step),
            n,
        )


def _usual(offset: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the pixels that are neither hot, nor dead, nor much noisier than most."""
    middle = np.median(offset)
    spread = 1.4826 * np.median(np.abs(offset - middle)) + 1e-6  # normal distribution
    usual = np.median(variance)
    is_usual: NDArray[np.bool_] = (
        (np.abs(offset - middle) < HOT_SIGMA * spread)
        & (variance < NOISY_TIMES**2 * usual)
        & (variance > 0)
    )
    return is_usual
