"""Every pixel of an sCMOS chip is a detector of its own: gain, offset, noise and leak of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.config import SimulatedScopeConfig
    from acquire.simulated.optics.optics import Window

    Map = NDArray[np.float32]

STREAM = 0x73434D4F  # apart from the streams of cells and photons


@dataclass(frozen=True, slots=True)
class PixelMaps:
    """Maps of a chip or of a part of it, (Y, X) float32 each.

    Attributes
    ----------
    gain_adu_per_e
        Counts per photo-electron.
    offset_adu
        Counts of a pixel that got nothing.
    read_noise_e
        Read noise, rms electrons.
    leak_e_s
        Dark current above that of a normal pixel, electrons per second; 0 but in hot pixels.
    """

    gain_adu_per_e: Map
    offset_adu: Map
    read_noise_e: Map
    leak_e_s: Map

    @classmethod
    def of(cls, config: SimulatedScopeConfig, camera: int = 0) -> PixelMaps:
        """Make the maps of one camera; the same seed and camera have the same maps.

        Gain and offset are normal, read noise is log-normal with `read_noise_e` as its median:
        most pixels are alike and a few are several times noisier. Columns share an amplifier's
        offset. The leak of hot pixels is exponential.

        References
        ----------
        Huang et al., Nat. Methods 10, 653 (2013): maps of sCMOS chips, each pixel with its own
        offset, gain and variance. The shapes of the distributions are proposed.
        """
        rng = np.random.Generator(np.random.SFC64([config.seed, STREAM, camera]))
        shape = (config.height, config.width)

        def normal(size: tuple[int, int]) -> Map:
            return rng.standard_normal(size, dtype=np.float32)

        columns = normal((1, config.width))
        pixels = normal(shape)
        hot = rng.random(shape, dtype=np.float32) < config.hot_share
        leak = config.hot_e_s * rng.standard_exponential(shape, dtype=np.float32)
        # 0.8^2 + 0.6^2 = 1: pixels make most of the spread, columns the stripes that an eye sees.
        offset = config.offset_adu + config.offset_spread_adu * (0.8 * pixels + 0.6 * columns)
        return cls(
            config.gain_adu_per_e * np.clip(1.0 + config.gain_spread * normal(shape), 0.1, None),
            np.clip(offset, 0.0, None).astype(np.float32),
            config.read_noise_e * np.exp(np.float32(config.read_noise_tail) * normal(shape)),
            np.where(hot, leak, np.float32(0.0)),
        )

    def of_part(self, window: Window | None, binning: int = 1) -> PixelMaps:
        """Return the maps of a part of the chip, read out with binning.

        Pixels are added after they were read, as sCMOS cameras do: noises and leaks add up, and
        the camera takes all offsets off but one. The gain of a binned pixel is the mean of its
        pixels': exact if they are lit alike. Without a window it is the whole chip.
        """
        height, width = self.gain_adu_per_e.shape
        y, x = (0, 0) if window is None else (window.y, window.x)
        if window is not None:
            height, width = window.height, window.width

        def blocks(full: Map) -> Map:
            part = full[y : y + height // binning * binning, x : x + width // binning * binning]
            rows, columns = part.shape[0] // binning, part.shape[1] // binning
            return part.reshape(rows, binning, columns, binning)

        axes = (1, 3)
        return PixelMaps(
            blocks(self.gain_adu_per_e).mean(axes),
            blocks(self.offset_adu).mean(axes),
            np.sqrt((blocks(self.read_noise_e) ** 2).sum(axes)),
            blocks(self.leak_e_s).sum(axes),
        )
