"""From photo-electrons to grey: contrast, histogram, clipped pixels, fewer pixels. No Qt here.

One scale serves both panes: the camera's counts and the restored image are compared in the same
unit, photo-electrons, so that neither looks better for its contrast.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from acquire.calibration import Calibration

SAMPLE_SIDE = 128  # pixels a side that statistics look at: 0.24 ms, where all of 2048² took 46 ms
LOW_PERCENT = 0.35
HIGH_PERCENT = 99.65  # ImageJ's "Enhance Contrast" saturates 0.35 % by default
BINS = 256
MANY = 0.05  # share of clipped pixels from which none needs to be searched for


class Levels(NamedTuple):
    """What is shown black and what is shown white, photo-electrons."""

    low: float
    high: float


class Unit(NamedTuple):
    """How an image's numbers become photo-electrons: (value - offset) / gain."""

    offset: float = 0.0
    gain: float = 1.0

    def of(self, value: float) -> float:
        """Return photo-electrons."""
        return (value - self.offset) / self.gain


PHOTONS = Unit()


def camera_unit(calibration: Calibration | None) -> Unit:
    """Return the unit of a camera's counts; plain counts without a calibration."""
    if calibration is None or not calibration.gain_adu_per_e > 0:
        return PHOTONS
    return Unit(calibration.offset_adu, calibration.gain_adu_per_e)


def sample(image: NDArray[Any], unit: Unit) -> NDArray[np.float32]:
    """Return every n-th pixel in photo-electrons, at most about 128 x 128 of them, (n,) float32."""
    height, width = image.shape
    y, x = max(1, height // SAMPLE_SIDE), max(1, width // SAMPLE_SIDE)
    values = image[::y, ::x].astype(np.float32).ravel()
    values -= np.float32(unit.offset)
    values /= np.float32(unit.gain)
    return values[np.isfinite(values)]


def auto_levels(values: NDArray[np.float32]) -> Levels:
    """Return levels that clip 0.35 % of the pixels at each end."""
    if not len(values):
        return Levels(0.0, 1.0)
    low, high = np.percentile(values, [LOW_PERCENT, HIGH_PERCENT])
    return Levels(float(low), float(max(high, low + 1.0)))


def to_grey(image: NDArray[Any], levels: Levels, unit: Unit) -> NDArray[np.uint8]:
    """Return the grey level of each pixel, (Y, X) uint8; what is not a number is black."""
    scale = 255.0 / ((levels.high - levels.low) * unit.gain)
    shift = -(unit.offset + levels.low * unit.gain) * scale
    grey = image.astype(np.float32)
    grey *= np.float32(scale)
    grey += np.float32(shift)
    np.fmax(grey, np.float32(0), out=grey)  # of NaN and 0, fmax takes 0
    np.fmin(grey, np.float32(255), out=grey)
    return grey.astype(np.uint8)


def stride_for(image_px_per_screen_px: float) -> int:
    """Return the step at which an image keeps at least, and less than twice two, pixels a dot."""
    return max(1, math.ceil(image_px_per_screen_px / 2.0 - 1e-6))


def clipped(image: NDArray[np.uint16], saturation_adu: float, stride: int) -> NDArray[np.bool_]:
    """Return where the camera clips, one value for each `stride` x `stride` block, any of it.

    The shape is that of ``image[::stride, ::stride]``; (0, 0) if nothing is clipped.
    """
    if image.max(initial=0) < saturation_adu:
        return np.zeros((0, 0), bool)
    mask = image >= saturation_adu
    if stride == 1 or np.count_nonzero(mask) > MANY * mask.size:
        return mask[::stride, ::stride]
    y, x = np.divmod(np.flatnonzero(mask), mask.shape[1])
    blocks = np.zeros(mask[::stride, ::stride].shape, bool)
    blocks[y // stride, x // stride] = True
    return blocks


class Bins(NamedTuple):
    """Equal bins: the lower edge of the first, the width of each, how many."""

    low: float
    width: float
    n: int

    @property
    def high(self) -> float:
        """The upper edge of the last."""
        return self.low + self.n * self.width


def bins_for(low: float, high: float, quantum: float) -> Bins:
    """Return at most 256 bins, each some whole quanta wide: no comb where counts are discrete."""
    span = max(high - low, quantum)
    width = quantum * math.ceil(span / quantum / BINS)
    first = quantum * (math.floor(low / quantum) - 0.5)
    return Bins(first, width, max(math.ceil((high - first) / width), 1))


def histogram(values: NDArray[np.float32], bins: Bins) -> NDArray[np.int64]:
    """Return how many values fall in each bin, (n,) int64; what is outside counts at the ends."""
    at = (values - np.float32(bins.low)) / np.float32(bins.width)
    return np.bincount(np.clip(at, 0, bins.n - 1).astype(np.int64), minlength=bins.n)
