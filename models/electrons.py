"""Counts of one camera as photo-electrons, and the noise of each: by its numbers, or by its maps.

Who judges a restored image must see the camera as who restores it does (`models.stabiliser`). With
maps, each pixel has its own offset, gain and read noise; without, all of them have the camera's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.stabiliser import check_camera, good_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.stabiliser import PixelMaps

    Image = NDArray[np.float32]

_ALL = slice(None)


class Electrons:
    """Turns frames of one camera into photo-electrons in place.

    Parameters
    ----------
    gain_adu_per_e, offset_adu, read_noise_e
        The camera's calibration.
    maps
        Each pixel's own; they win over the numbers.
    excess_noise_factor
        Variance of the light's noise over that of Poisson light.

    Attributes
    ----------
    read_e2
        Variance of the read noise, e-^2: one number, or (Y, X) float32.
    read_noise_e
        Its root, of all good pixels together.
    excess
        The excess noise factor: the variance of a pixel of x photo-electrons is
        ``excess * x + read_e2``.
    is_bad
        Where a pixel says nothing, (Y, X) bool; None where all are good.
    """

    def __init__(
        self,
        gain_adu_per_e: float,
        offset_adu: float,
        read_noise_e: float,
        maps: PixelMaps | None = None,
        excess_noise_factor: float = 1.0,
    ) -> None:
        check_camera(gain_adu_per_e, offset_adu, read_noise_e)
        if not 1.0 <= excess_noise_factor < np.inf:
            raise ValueError(f"excess noise factor must be >= 1, got {excess_noise_factor}")
        self.excess, self.read_noise_e = excess_noise_factor, read_noise_e
        self.is_bad: NDArray[np.bool_] | None = None
        self.read_e2: np.float32 | Image = np.float32(read_noise_e**2)
        self._scale: np.float32 | Image = np.float32(1.0 / gain_adu_per_e)
        self._shift: np.float32 | Image = np.float32(offset_adu / gain_adu_per_e)
        if maps is not None:
            self._take(maps, gain_adu_per_e, offset_adu)

    def _take(self, maps: PixelMaps, gain_adu_per_e: float, offset_adu: float) -> None:
        good = good_pixels(maps)
        own = np.float64(gain_adu_per_e) if maps.gain_adu_per_e is None else maps.gain_adu_per_e
        gain = np.where(good, own, gain_adu_per_e)
        offset = np.where(good, maps.offset_adu, offset_adu)
        read_e2 = np.square(np.where(good, maps.read_noise_e, self.read_noise_e))
        self.read_noise_e = float(np.sqrt(np.mean(read_e2[good])))
        self.read_e2 = np.asarray(read_e2, np.float32)
        self._scale = np.asarray(1.0 / gain, np.float32)
        self._shift = np.asarray(offset / gain, np.float32)
        self.is_bad = None if good.all() else ~good

    @property
    def bad_pixels(self) -> int:
        """How many pixels say nothing."""
        return 0 if self.is_bad is None else int(np.count_nonzero(self.is_bad))

    def into(self, adu: NDArray[Any], out: Image, rows: slice = _ALL) -> Image:
        """Write the photo-electrons of a frame, (Y, X), into ``out``; dark noise is below 0.

        `rows` says which rows of the camera these are, where they are not all of them.
        """
        np.multiply(adu, _part(self._scale, rows), out=out, dtype=np.float32)
        return np.subtract(out, _part(self._shift, rows), out=out)

    def noise_into(self, photons: Image, out: Image, rows: slice = _ALL) -> Image:
        """Write the variance that a frame of so many photo-electrons has into ``out``, e-^2."""
        read_e2 = _part(self.read_e2, rows)
        if self.excess == 1.0:
            return np.add(photons, read_e2, out=out)
        np.multiply(photons, np.float32(self.excess), out=out)
        return np.add(out, read_e2, out=out)


def _part(value: np.float32 | Image, rows: slice) -> np.float32 | Image:
    """Return rows of a map; a number is that of every row."""
    return value[rows] if isinstance(value, np.ndarray) else value
