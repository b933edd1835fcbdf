"""Counts of one camera to stabilised values, in place: by its numbers, or by maps of its pixels.

A network has learnt that equal values mean equal light. With maps, offset and gain are taken out
pixel by pixel; the read noise is not, for a pixel of much read noise would be lifted by it and look
like a bright spot. Its *deviation from its surroundings* is made smaller instead, so that its noise
is 1 as everybody's: ``f0(b) + f(e) - f(b)``, where f is the pixel's own transform, f0 that of the
camera's median pixel, and b the light around. Measured in docs/decisions/025.

References
----------
Huang et al., Nat. Methods 10, 653 (2013): the noise of each pixel of an sCMOS camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.errors import FrameRefused, ModelError
from models.noise import forward_into
from models.strips import strips

if TYPE_CHECKING:
    from numpy.typing import NDArray

AROUND_PX = 2.0
"""Sigma of the blur that tells the light around a pixel, px (proposed: 1.4 to 3 do alike)."""


@dataclass(frozen=True, slots=True)
class PixelMaps:
    """Each pixel's own numbers, (Y, X).

    Attributes
    ----------
    offset_adu, read_noise_e
        ADU, rms photo-electrons.
    gain_adu_per_e
        None where all pixels have the camera's.
    is_good
        False where a pixel says nothing: its neighbours speak for it. None where all are good.
    """

    offset_adu: NDArray[np.floating]
    read_noise_e: NDArray[np.floating]
    gain_adu_per_e: NDArray[np.floating] | None = None
    is_good: NDArray[np.bool_] | None = None


class Stabiliser:
    """Turn frames of one camera into values whose noise is 1, without a new array.

    Parameters
    ----------
    shape
        Height and width of the frames, px.
    gain_adu_per_e, offset_adu, read_noise_e
        The camera's calibration: ADU per photo-electron, ADU, rms photo-electrons.
    maps
        Each pixel's own; then `read_noise_e` is replaced by their median.
    who
        Which network it is for: what is refused, is refused in its name.

    Raises
    ------
    ValueError
        If no camera can be so.
    ModelError
        If the maps are of frames of another shape.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        gain_adu_per_e: float,
        offset_adu: float,
        read_noise_e: float,
        maps: PixelMaps | None = None,
        who: str = "",
    ) -> None:
        check_camera(gain_adu_per_e, offset_adu, read_noise_e)
        self.shape, self.has_maps, self._who = shape, maps is not None, f"{who}: " if who else ""
        if maps is not None:
            _check_maps(maps, shape, self._who)
            read_noise_e = float(np.median(maps.read_noise_e[good_pixels(maps)]))
        self._numbers = (gain_adu_per_e, offset_adu, read_noise_e)
        self.pedestal = 0.375 + read_noise_e**2
        """Added to photo-electrons before the root: ``d = 2 sqrt(e + pedestal)``."""
        if maps is not None:
            self._prepare(maps, gain_adu_per_e)

    def _prepare(self, maps: PixelMaps, gain_adu_per_e: float) -> None:
        """Bring the maps into the form of the hot path: ``d^2 = scale adu + shift (+ extra)``."""
        gain = np.float64(gain_adu_per_e) if maps.gain_adu_per_e is None else maps.gain_adu_per_e
        good = good_pixels(maps)
        offset = np.where(good, maps.offset_adu, self._numbers[1])
        gain = np.where(good, gain, gain_adu_per_e)
        read = np.where(good, maps.read_noise_e, self._numbers[2])
        self._scale = (4.0 / gain).astype(np.float32)
        self._shift = (4.0 * (self.pedestal - offset / gain)).astype(np.float32)
        self._extra = (4.0 * (read**2 - self._numbers[2] ** 2)).astype(np.float32)
        self._bad = None if good.all() else ~good
        self._square, self._around, self._own = (np.empty(self.shape, np.float32) for _ in range(3))

    def __call__(self, adu: NDArray[Any], out: NDArray[np.float32]) -> NDArray[np.float32]:
        """Write the stabilised frame into ``out``, (Y, X) float32.

        Raises
        ------
        FrameRefused
            If the frame has another shape, holds no real numbers, or NaN or infinity.
        """
        check_frame(adu, self.shape, self._who)
        if not self.has_maps:
            for rows in strips(*self.shape):
                np.copyto(out[rows], adu[rows])  # faster than a product of two kinds of numbers
                forward_into(out[rows], *self._numbers, out=out[rows])
            return out
        square, around, own = self._square, self._around, self._own
        np.multiply(adu, self._scale, out=square, dtype=np.float32)
        np.add(square, self._shift, out=square)
        if self._bad is not None:
            cv2.medianBlur(square, 3, dst=around)
            np.copyto(square, around, where=self._bad)
        np.maximum(square, np.float32(0.0), out=own)
        np.sqrt(own, out=own)
        smooth_into(own, AROUND_PX, out=around)
        np.add(square, self._extra, out=square)
        np.maximum(square, np.float32(0.0), out=square)
        np.sqrt(square, out=out)  # the pixel's own transform of its count ...
        np.multiply(around, around, out=own)
        np.add(own, self._extra, out=own)
        np.maximum(own, np.float32(0.0), out=own)
        np.sqrt(own, out=own)  # ... and of the light around
        np.subtract(out, own, out=out)
        np.add(out, around, out=out)
        return np.maximum(out, np.float32(0.0), out=out)


def smooth_into(
    image: NDArray[np.float32], sigma_px: float, out: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Write ``image`` (Y, X) after a Gaussian blur into ``out``; edges are mirrored."""
    width = 2 * round(3 * sigma_px) + 1
    cv2.GaussianBlur(image, (width, width), sigma_px, dst=out, borderType=cv2.BORDER_REFLECT_101)
    return out


def check_frame(adu: NDArray[Any], shape: tuple[int, int], who: str = "") -> None:
    """Refuse what is no frame of this shape; `who` is said first.

    Raises
    ------
    FrameRefused
        With what was found, and what to do.
    """
    if adu.shape != shape:
        raise FrameRefused(
            f"{who}opened for frames of {shape} px, got {adu.shape}: open another for that size"
        )
    if adu.dtype.kind not in "uif":
        raise FrameRefused(f"{who}frames are counts (uint16), got {adu.dtype}: convert them")
    if adu.dtype.kind == "f" and not np.isfinite(adu).all():
        wrong = adu.size - int(np.count_nonzero(np.isfinite(adu)))
        raise FrameRefused(f"{who}the frame holds NaN or infinity in {wrong} pixels: mend it first")


def good_pixels(maps: PixelMaps) -> NDArray[np.bool_]:
    """Return where all numbers of a pixel are known and none calls it bad, (Y, X)."""
    good: NDArray[np.bool_] = np.isfinite(maps.offset_adu) & np.isfinite(maps.read_noise_e)
    if maps.gain_adu_per_e is not None:
        good &= np.isfinite(maps.gain_adu_per_e) & (maps.gain_adu_per_e > 0)
    return good if maps.is_good is None else good & maps.is_good


def _check_maps(maps: PixelMaps, shape: tuple[int, int], who: str) -> None:
    for name in PixelMaps.__dataclass_fields__:
        found = getattr(maps, name)
        if found is not None and found.shape != shape:
            raise ModelError(
                f"{who}the calibration's map {name} is of {found.shape} px, the frames of {shape}: "
                "measure the camera with this region and binning"
            )
    if not good_pixels(maps).any():
        raise ModelError(
            f"{who}the calibration's maps hold no good pixel: measure the camera again"
        )


def check_camera(gain_adu_per_e: float, offset_adu: float, read_noise_e: float) -> None:
    """Refuse numbers that no camera has."""
    if not 0 < gain_adu_per_e < np.inf:
        raise ValueError(f"gain must be > 0 ADU per photo-electron, got {gain_adu_per_e}")
    if not -np.inf < offset_adu < np.inf:
        raise ValueError(f"offset must be a number of ADU, got {offset_adu}")
    if not 0 <= read_noise_e < np.inf:
        raise ValueError(f"read noise must be >= 0 photo-electrons, got {read_noise_e}")
