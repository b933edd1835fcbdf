"""Planes between planes as one has them without a network: a blend of those that were taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST = 0.5
"""Least stabilised value of what is corrected: a cubic of four planes may swing below zero."""


class Shown(NamedTuple):
    """A plane that was looked at: as it was taken and as it was restored, both stabilised."""

    raw: NDArray[np.float32]
    restored: NDArray[np.float32]


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
