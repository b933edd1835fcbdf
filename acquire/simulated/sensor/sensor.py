"""The camera chip: photon noise, read noise, counts. Fast enough to be nobody's bottleneck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.sensor.photon_noise import normal_table, poisson_numbers
from acquire.simulated.sensor.sensor_maps import PixelMaps

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    from acquire.simulated.config import SimulatedScopeConfig
    from acquire.simulated.optics.optics import Window

    Values: TypeAlias = "NDArray[np.float32] | np.float32"

CHUNK = 32768  # pixels at a time, so that all that a pixel needs stays in the cache


@dataclass(frozen=True, slots=True)
class _Pixels:
    """What each pixel does to its electrons: one number for all, or one for each, (n,)."""

    gain: Values
    offset: Values
    read_noise_e: Values
    leak_e_s: Values

    def part(self, part: slice) -> _Pixels:
        if isinstance(self.gain, np.float32):
            return self
        columns = (self.gain, self.offset, self.read_noise_e, self.leak_e_s)
        return _Pixels(*(np.asarray(column)[part] for column in columns))


class Sensor:
    """Turns expected photo-electrons into counts; frame n of a seed is always the same noise.

    Parameters
    ----------
    camera
        Number of the camera; each has its own noise and its own pixels.
    """

    def __init__(self, config: SimulatedScopeConfig, camera: int = 0) -> None:
        self._config = config
        self._camera = camera
        self._maps = PixelMaps.of(config, camera) if config.pixel_maps else None
        self._mode: tuple[Window | None, int] = (None, 0)
        self._pixels = self._of_mode(None, 1)

    def read_out(
        self,
        mean_e: NDArray[np.float32],
        frame: int,
        out: NDArray[np.uint16] | NDArray[np.uint8],
        *,
        window: Window | None = None,
        binning: int = 1,
        bits: int | None = None,
        exposed_s: float = 0.0,
    ) -> NDArray[np.uint16] | NDArray[np.uint8]:
        """Fill `out` with the counts of one frame.

        Parameters
        ----------
        mean_e
            Expected photo-electrons with the dark current, of each pixel of the chip's part that
            is read, not binned, (Y, X).
        frame
            Number of the frame; it and the seed fix the noise.
        out
            Counts, (Y // binning, X // binning).
        window
            The part of the chip that is read; None: all of it. Pixel maps depend on it.
        binning
            Pixels that are added along each axis, after each was read.
        bits
            Of the converter: 8, 12 or 16; None: as the config says. Gain and offset stay.
        exposed_s
            Exposure, s, for the leak of hot pixels.
        """
        bits = self._config.bit_depth if bits is None else bits
        if binning > 1:
            mean_e = bin_sum(mean_e, binning)
        pixels = self._of_mode(window, binning)
        mean = mean_e.ravel()
        counts = out.reshape(-1) if out.flags.c_contiguous else np.empty(mean.size, out.dtype)
        if self._maps is not None and exposed_s > 0.0:
            mean = mean + pixels.leak_e_s * np.float32(exposed_s)
        entropy = [self._config.seed, frame, *([self._camera] if self._camera else [])]
        stream = np.random.SFC64(entropy)
        full_e = np.float32(self._config.full_well_e * binning**2)
        top = np.float32(2**bits - 1)
        for start in range(0, mean.size, CHUNK):
            part = slice(start, start + CHUNK)
            words = stream.random_raw(len(mean[part]))
            counts[part] = _counts(mean[part], words, pixels.part(part), full_e, top)
        if not out.flags.c_contiguous:
            out[...] = counts.reshape(out.shape)
        return out

    def _of_mode(self, window: Window | None, binning: int) -> _Pixels:
        """Return the pixels of one way to read the chip; the last way is kept."""
        if self._mode != (window, binning):
            self._pixels = self._make_pixels(window, binning)
            self._mode = (window, binning)
        return self._pixels

    def _make_pixels(self, window: Window | None, binning: int) -> _Pixels:
        config = self._config
        if self._maps is None:
            return _Pixels(
                np.float32(config.gain_adu_per_e),
                np.float32(config.offset_adu),
                np.float32(config.read_noise_e * binning),
                np.float32(0.0),
            )
        maps = self._maps.of_part(window, binning)
        return _Pixels(
            maps.gain_adu_per_e.ravel(),
            maps.offset_adu.ravel(),
            maps.read_noise_e.ravel(),
            maps.leak_e_s.ravel(),
        )


def bin_sum(image: NDArray[np.float32], binning: int) -> NDArray[np.float32]:
    """Return the sums of blocks of binning x binning pixels; what fills no block is left out."""
    rows, columns = image.shape[0] // binning, image.shape[1] // binning
    whole = image[: rows * binning, : columns * binning]
    sums: NDArray[np.float32] = whole.reshape(rows, binning, columns, binning).sum((1, 3))
    return sums


def _counts(
    mean_e: NDArray[np.float32],
    words: NDArray[np.uint64],
    pixels: _Pixels,
    full_e: np.float32,
    top: np.float32,
) -> NDArray[np.float32]:
    """Return the counts of a few pixels, ready to be cut off to whole numbers."""
    counts = normal_table().take((words >> np.uint64(48)).astype(np.intp))
    counts *= pixels.read_noise_e
    electrons = poisson_numbers(mean_e, words.astype(np.uint32))
    counts += np.minimum(electrons, full_e, out=electrons)
    counts *= pixels.gain
    counts += pixels.offset + np.float32(0.5)
    clipped: NDArray[np.float32] = np.clip(counts, np.float32(0.0), top, out=counts)
    return clipped
