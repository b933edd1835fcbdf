"""Planes between planes as one has them without a network: a blend of those that were taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST = 0.5
"""Least stabilised value of what is corrected: a cubic of four planes may swing below zero."""


NOISY = 0.25
"""Variance of a stabilised plane's noise, where 1 is expected, from which on it is restored as a
denoiser says: that of a mean of four frames (proposed)."""
_BLOCK_PX, _BRIGHT, _BRIGHT_BLOCKS = 16, 3.1, 4
"""Squares in which noise is measured; stabilised light from which on it is 1 (2 e- and more, see
`models.noise_table.valid_from_e`); how many squares of such light it takes."""
_MASK = np.outer([1, -2, 1], [1, -2, 1]).astype(np.float32) / 6


class Shown(NamedTuple):
    """A plane that was looked at: as it was taken and as it was restored, both stabilised."""

    raw: NDArray[np.float32]
    restored: NDArray[np.float32]


def noise_variance(raw: NDArray[np.float32]) -> float:
    """Return the noise variance of a stabilised plane, (Y, X), or 1 where there is little light.

    A mask that sees neither planes nor slopes; of its mean square in blocks of 16 px the lower
    quartile of the bright ones, where structures are few. Structures add to it, nothing takes off.

    References
    ----------
    Immerkaer, Comput. Vis. Image Underst. 64(2), 1996 (the mask, of norm 1).
    """
    size = tuple(max(n // _BLOCK_PX, 1) for n in raw.shape[::-1])
    rough = cv2.filter2D(raw, cv2.CV_32F, _MASK, borderType=cv2.BORDER_REFLECT_101)
    blocks = cv2.resize(np.multiply(rough, rough, out=rough), size, interpolation=cv2.INTER_AREA)
    light = cv2.resize(raw, size, interpolation=cv2.INTER_AREA)
    bright = blocks[light > _BRIGHT]
    return float(np.quantile(bright, 0.25)) if bright.size >= _BRIGHT_BLOCKS else 1.0


def trust_raw(shown: Shown) -> float:
    """Mix a plane that has no noise, or little, into what a denoiser made of it, in place.

    Where noise is v instead of 1, the denoiser's own error is about ``e = mean (raw - restored)^2 -
    v``, and ``e / (e + v)`` the best share of the raw plane (Wiener). It fades to none at `NOISY`.

    Returns
    -------
    float
        The share of the raw plane.
    """
    variance = noise_variance(shown.raw)
    if variance >= NOISY:
        return 0.0
    off = shown.raw - shown.restored
    error = max(float(np.mean(off * off)) - variance, 0.0)
    share = (1.0 - variance / NOISY) * error / max(error + variance, 1e-12)
    np.multiply(off, np.float32(share), out=off)
    np.add(shown.restored, off, out=shown.restored)
    return share


def blend_planes(
    shown: Sequence[Shown],
    fraction: float,
    work: NDArray[np.float32],
    out: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Write the straight line between two stabilised planes."""
    np.multiply(shown[0].restored, np.float32(1.0 - fraction), out=out)
    np.multiply(shown[1].restored, np.float32(fraction), out=work)
    return np.add(out, work, out=out)


def blend_light(
    shown: Sequence[Shown],
    fraction: float,
    work: NDArray[np.float32],
    out: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Write the cubic of the light of four planes (lower, upper, below, above), stabilised.

    The measure of light is the square. Where the lower plane stands in for one below that was not
    taken, and the upper for one above, it is the straight line in the middle.
    """
    out.fill(0.0)
    for one, weight in zip(shown, cubic_weights(fraction), strict=True):
        np.multiply(one.restored, one.restored, out=work)
        np.multiply(work, np.float32(weight), out=work)
        np.add(out, work, out=out)
    np.maximum(out, np.float32(LEAST**2), out=out)
    return np.sqrt(out, out=out)


def cubic_weights(fraction: float) -> NDArray[np.float64]:
    """Return what four planes count for a plane between the first two: lower, upper, below, above.

    References
    ----------
    Keys, IEEE Trans. Acoust. Speech Signal Process. 29(6), 1981 (cubic convolution, a = -1/2).
    """
    f = fraction
    lower, upper = 3 * f**3 - 5 * f**2 + 2, -3 * f**3 + 4 * f**2 + f
    below, above = -(f**3) + 2 * f**2 - f, f**3 - f**2
    return np.array([lower, upper, below, above]) / 2.0


def depth_of_field_um(wavelength_nm: float, aperture: float, index: float = 1.0) -> float:
    """Return the depth of field of an objective, um: ``n wavelength / NA^2``.

    Parameters
    ----------
    wavelength_nm
        Of the light that is seen, nm.
    aperture, index
        Numerical aperture; refractive index of what lies before the objective.

    References
    ----------
    Born & Wolf, Principles of Optics, section 8.8 (the focal tolerance, both sides together).
    """
    if not 0 < aperture < index:
        raise ValueError(f"aperture must be between 0 and the index {index}, got {aperture}")
    return index * wavelength_nm * 1e-3 / aperture**2
